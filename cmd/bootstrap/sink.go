package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// sinkBytes is how much is written at once: without it every short line would cost a system
	// call.
	sinkBytes = 32 << 10
	// sinkPatience is how long the log's reader may stop reading before lines are
	// lost. An event that waits for a log misses its deadline.
	sinkPatience = 250 * time.Millisecond
	// sinkRetry is the patience once lines have been lost.
	sinkRetry = time.Millisecond
)

// sink is where the log goes. It holds lines until Sync. If nobody reads them it drops lines
// rather than wait. It implements zapcore.WriteSyncer and is safe for concurrent use.
type sink struct {
	out  io.Writer
	file *os.File // out, if it can be written to with a deadline

	mu   sync.Mutex
	held []byte
	lost int
}

func newSink(out io.Writer) *sink {
	s := &sink{out: out}
	if file := withDeadlines(out); file != nil {
		s.out, s.file = file, file
	}
	return s
}

// withDeadlines opens a pipe a second time: the first descriptor is shared with the process that
// gave it to us, and making it non-blocking would affect that process too. It returns nil if the
// pipe can't be reopened.
func withDeadlines(out io.Writer) *os.File {
	first, ok := out.(*os.File)
	if !ok {
		return nil
	}
	if info, err := first.Stat(); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return nil
	}
	file, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", first.Fd()), os.O_WRONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	return file
}

func (s *sink) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = append(s.held, line...)
	if len(s.held) < sinkBytes {
		return len(line), nil
	}
	return len(line), s.flush()
}

func (s *sink) Sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.flush()
}

func (s *sink) flush() error {
	if len(s.held) == 0 {
		return nil
	}
	text := s.held
	if s.lost > 0 {
		text = append(fmt.Appendf(nil, "\n(%d lines of the log are lost: nobody read them in time)\n", s.lost), text...)
	}
	n, err := s.write(text)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.lost += bytes.Count(s.held[max(0, n-(len(text)-len(s.held))):], []byte("\n"))
	} else {
		s.lost = 0
	}
	s.held = s.held[:0]
	return err
}

func (s *sink) write(text []byte) (int, error) {
	if s.file != nil {
		patience := sinkPatience
		if s.lost > 0 {
			patience = sinkRetry
		}
		_ = s.file.SetWriteDeadline(time.Now().Add(patience))
	}
	return s.out.Write(text)
}

// atOnce is a sink for lines that can't wait for a Sync.
type atOnce struct{ *sink }

func (a atOnce) Write(line []byte) (int, error) {
	n, err := a.sink.Write(line)
	return n, errors.Join(err, a.Sync())
}
