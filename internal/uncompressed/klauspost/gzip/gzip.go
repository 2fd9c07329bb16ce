// Package gzip has the names that fasthttp needs, from the standard library.
package gzip

import "compress/gzip"

// Levels of compression.
const (
	HuffmanOnly     = gzip.HuffmanOnly
	BestCompression = gzip.BestCompression
)

type (
	// Reader is the standard library's.
	Reader = gzip.Reader
	// Writer is the standard library's.
	Writer = gzip.Writer
)

// The standard library's, too.
var (
	NewReader      = gzip.NewReader
	NewWriterLevel = gzip.NewWriterLevel
)
