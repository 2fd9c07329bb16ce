// Package zlib has the names that fasthttp needs, from the standard library.
package zlib

import "compress/zlib"

// Levels of compression.
const (
	HuffmanOnly     = zlib.HuffmanOnly
	BestCompression = zlib.BestCompression
)

type (
	// Writer is the standard library's.
	Writer = zlib.Writer
	// Resetter is the standard library's.
	Resetter = zlib.Resetter
)

// The standard library's, too.
var (
	NewReader      = zlib.NewReader
	NewWriterLevel = zlib.NewWriterLevel
)
