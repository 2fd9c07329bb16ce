// Package zstd has the names that fasthttp needs, but does not compress: every call fails.
package zstd

import (
	"errors"
	"io"
)

var errAbsent = errors.New("zstd is not part of this program: see docs/adr/0015")

// Decoder decodes nothing.
type Decoder struct{}

// NewReader is an error.
func NewReader(io.Reader) (*Decoder, error) { return nil, errAbsent }

// Reset is an error.
func (*Decoder) Reset(io.Reader) error { return errAbsent }

// Read is an error.
func (*Decoder) Read([]byte) (int, error) { return 0, errAbsent }

// Encoder encodes nothing.
type Encoder struct{}

// EncoderLevel is a level of compression.
type EncoderLevel int

// EOption is an option of NewWriter.
type EOption func()

// WithEncoderLevel has no effect.
func WithEncoderLevel(EncoderLevel) EOption { return nil }

// NewWriter is an error.
func NewWriter(io.Writer, ...EOption) (*Encoder, error) { return nil, errAbsent }

// Write is an error.
func (*Encoder) Write([]byte) (int, error) { return 0, errAbsent }

// Flush is an error.
func (*Encoder) Flush() error { return errAbsent }

// Close is an error.
func (*Encoder) Close() error { return errAbsent }

// Reset does nothing.
func (*Encoder) Reset(io.Writer) {}

// Header is what a frame begins with.
type Header struct {
	Skippable        bool
	HeaderSize       int
	SkippableSize    uint32
	HasFCS           bool
	FrameContentSize uint64
}

// Decode is an error.
func (*Header) Decode([]byte) error { return errAbsent }
