package secret

import "io"

// Sink is where a log goes: zapcore.WriteSyncer, without zap.
type Sink interface {
	io.Writer
	Sync() error
}

// Writer masks what is written through it. It is the last place where a secret can be kept out of
// a log. Each line must be written by a single Write.
type Writer struct {
	To   Sink
	Mask *Mask
}

// Write implements io.Writer.
func (w Writer) Write(line []byte) (int, error) {
	if _, err := w.To.Write(w.Mask.Bytes(line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

// Sync implements Sink.
func (w Writer) Sync() error { return w.To.Sync() }
