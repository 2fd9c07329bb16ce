package output

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"fgbootstrap/internal/process"
	"fgbootstrap/internal/secret"
)

const (
	// LineBytes is where a line is cut; the rest becomes the next line. The platform's own
	// runtimes cut at 90 KB.
	LineBytes = 64 << 10

	tailLines     = 20
	tailLineBytes = 400
)

// Lines passes on what a program prints, line by line, and remembers the end. It is ready when
// Mask and Emit are set. Tail, Seen and Forget may be called while Copy runs.
type Lines struct {
	Mask *secret.Keyring
	// Objects has Emit get a line that is a JSON object as one, masked inside. Others are masked
	// as text.
	Objects bool
	// Emit gets each line without its end, masked and not empty; it must not
	// keep it.
	Emit func(line []byte)
	// Flush, if set, is called when all lines that were read are emitted.
	Flush func()

	mu   sync.Mutex
	ring []string // a ring of the last lines
	next int
	any  bool // was printed
}

// Follow is Copy for a program's pipe, up to its end or deadline.
func (l *Lines) Follow(f *os.File, buf []byte) error {
	pipe, err := process.NewDrained(f)
	if err != nil {
		return err
	}
	return l.Copy(pipe, buf)
}

// Copy reads r to its end or first error, with buf (of at least LineBytes) to read into. It never
// stops reading because a line does not end: a program that writes a line of 5 MB would wait
// forever.
func (l *Lines) Copy(r io.Reader, buf []byte) error {
	used := 0
	for {
		n, err := r.Read(buf[used:])
		if n > 0 {
			l.see()
		}
		used = l.take(buf, used, used+n)
		if err != nil && used > 0 {
			l.line(buf[:used])
		}
		if l.Flush != nil {
			l.Flush()
		}
		if err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
	}
}

// take passes on the lines in buf[:used] and moves the rest to the front. buf[:searched] is known
// to hold no line end.
func (l *Lines) take(buf []byte, searched, used int) (rest int) {
	start := 0
	for {
		n := bytes.IndexByte(buf[searched:used], '\n')
		if n < 0 {
			break
		}
		l.line(buf[start : searched+n])
		start = searched + n + 1
		searched = start
	}
	if start == 0 && used == len(buf) {
		// A cut at 0 would be no progress: such a secret is as long as a line.
		if start = l.Mask.Cut(buf[:used]); start == 0 {
			start = used
		}
		l.line(buf[:start])
	}
	return copy(buf, buf[start:used])
}

func (l *Lines) line(line []byte) {
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) == 0 {
		return
	}
	text := l.Mask.Bytes(line)
	if l.Objects && !bytes.Equal(text, line) { // as a rule there is nothing to mask
		l.Emit(l.Mask.Object(line))
	} else {
		l.Emit(text)
	}
	line = text
	more := ""
	if len(line) > tailLineBytes {
		line, more = line[:l.Mask.Cut(line[:tailLineBytes])], "…"
	}
	l.remember(strings.ToValidUTF8(string(line), "\ufffd") + more)
}

func (l *Lines) see() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.any = true
}

func (l *Lines) remember(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ring) < tailLines {
		l.ring = append(l.ring, text)
		return
	}
	l.ring[l.next] = text
	l.next = (l.next + 1) % tailLines
}

// Tail returns the last twenty lines, each cut at 400 bytes.
func (l *Lines) Tail() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(append([]string(nil), l.ring[l.next:]...), l.ring[:l.next]...)
}

// Seen reports whether anything was printed at all.
func (l *Lines) Seen() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.any
}

// Forget forgets what was printed so far: output about one event must not reach the caller of the
// next.
func (l *Lines) Forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring, l.next, l.any = l.ring[:0], 0, false
}

// forgetLines is Forget, except that Seen goes on to report that something was printed.
func (l *Lines) forgetLines() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring, l.next = l.ring[:0], 0
}

// BestErrorLine returns the line of a tail that best tells what went wrong: the last one that
// begins with the name of an error, or else contains one, or else the last line. The last line
// that Node prints is its version, npm's says where its log is, Python's is the error.
func BestErrorLine(lines []string) string {
	for _, tells := range []func(line string) bool{beginsWithError, namesError} {
		for _, line := range slices.Backward(lines) {
			if tells(line) {
				return line
			}
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1]
}

// beginsWithError is true of "TypeError: …", "java.io.IOException: …", "Uncaught Error: …".
func beginsWithError(line string) bool {
	name, _, found := strings.Cut(strings.TrimPrefix(line, "Uncaught "), ":")
	// Node puts a code behind the name.
	name, _, _ = strings.Cut(name, " [")
	return found && !strings.ContainsAny(name, " \t") && (strings.HasSuffix(name, "Error") || strings.HasSuffix(name, "Exception") || name == "panic")
}

func namesError(line string) bool {
	indented := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
	return !indented && (strings.Contains(line, "rror") || strings.Contains(line, "xception"))
}
