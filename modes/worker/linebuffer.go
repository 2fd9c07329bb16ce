package worker

import (
	"bytes"

	"fgbootstrap/internal/offheap"
)

const (
	// readBytes is the least room for one read: what a pipe holds.
	readBytes = 64 << 10
	// crowded is how far in the buffer a line may begin before it is moved to the
	// front, where it has all the room.
	crowded = 256 << 10
)

// lineBuffer makes lines of what is read into it. It reads nothing itself. Its
// memory is off the heap, for a line may have 6 MB.
type lineBuffer struct {
	memory               offheap.Buffer
	start, searched, end int  // of what is not taken yet; no line end before searched
	high                 int  // where the memory was used to
	dropping             bool // the rest of a line that was too long
	dropped              int
}

// newLineBuffer has room for lines of limit bytes.
func newLineBuffer(limit int) (*lineBuffer, error) {
	memory, err := offheap.Map(limit + readBytes)
	return &lineBuffer{memory: memory}, err
}

// next takes the next line, without its end; it is valid until the next call of
// room. long says that it is only the beginning of a line without an end: what
// follows of it is dropped as it comes.
func (l *lineBuffer) next() (line []byte, long, ok bool) {
	if l.drop(); l.dropping {
		return nil, false, false
	}
	n := bytes.IndexByte(l.memory[l.searched:l.end], '\n')
	if n >= 0 {
		line = bytes.TrimSuffix(l.memory[l.start:l.searched+n], []byte("\r"))
		l.start = l.searched + n + 1
		l.searched = l.start
		return line, false, true
	}
	l.searched = l.end
	if l.end-l.start < len(l.memory) {
		return nil, false, false
	}
	line, l.start, l.dropping = l.memory[:l.end], l.end, true
	return line, true, true
}

// drop takes what belongs to a line that was too long, up to its end.
func (l *lineBuffer) drop() {
	if !l.dropping {
		return
	}
	n := bytes.IndexByte(l.memory[l.start:l.end], '\n')
	if n < 0 {
		l.dropped += l.end - l.start
		l.start = l.end
	} else {
		l.start += n + 1
		l.dropping, l.dropped = false, 0
	}
	l.searched = l.start
}

// room is where the next bytes are to be read to, after next has found no line.
func (l *lineBuffer) room() []byte {
	l.settle()
	if l.start > crowded || len(l.memory)-l.end < readBytes && l.start > 0 {
		copy(l.memory, l.memory[l.start:l.end])
		l.searched -= l.start
		l.end -= l.start
		l.start = 0
	}
	return l.memory[l.end:]
}

// settle gives memory back if everything is taken.
func (l *lineBuffer) settle() {
	if l.start == l.end {
		l.memory.Trim(l.high)
		l.start, l.searched, l.end, l.high = 0, 0, 0, 0
	}
}

// added says that n bytes were read to room.
func (l *lineBuffer) added(n int) {
	l.end += n
	l.high = max(l.high, l.end)
}

// untaken tells whether there is anything that next has not given out.
func (l *lineBuffer) untaken() bool { return l.end > l.start }

// rest is the beginning of a line whose end has not come.
func (l *lineBuffer) rest() []byte { return l.memory[l.start:l.end] }

// discard forgets everything that next has not given out.
func (l *lineBuffer) discard() {
	l.start, l.searched = l.end, l.end
	l.settle()
}

// endless tells whether what is dropped is as long again as a line may be: then
// there will be no end of it.
func (l *lineBuffer) endless() bool { return l.dropped > len(l.memory) }

func (l *lineBuffer) free() { l.memory.Free() }
