// Package brrr has the names that fasthttp needs, but does not compress: every call fails.
package brrr

import (
	"errors"
	"io"
)

// Levels of compression.
const (
	BestSpeed       = 0
	BestCompression = 11
)

var errAbsent = errors.New("brotli is not part of this program: see docs/adr/0015")

// Reader reads nothing.
type Reader struct{}

// NewReader makes one.
func NewReader(io.Reader) *Reader { return &Reader{} }

// Reset does nothing.
func (*Reader) Reset(io.Reader) {}

// Read is an error.
func (*Reader) Read([]byte) (int, error) { return 0, errAbsent }

// Writer writes nothing.
type Writer struct{}

// NewWriter is an error.
func NewWriter(io.Writer, int) (*Writer, error) { return nil, errAbsent }

// Write is an error.
func (*Writer) Write([]byte) (int, error) { return 0, errAbsent }

// Flush is an error.
func (*Writer) Flush() error { return errAbsent }

// Close is an error.
func (*Writer) Close() error { return errAbsent }

// Reset does nothing.
func (*Writer) Reset(io.Writer) {}
