// Package flate has the names that fasthttp needs, from the standard library.
package flate

import "compress/flate"

// Levels of compression.
const (
	NoCompression   = flate.NoCompression
	BestSpeed       = flate.BestSpeed
	BestCompression = flate.BestCompression
)
