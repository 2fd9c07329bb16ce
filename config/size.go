package config

import (
	"fmt"
	"strconv"
	"strings"
)

// size is a number of bytes, above 0.
type size int64

// sizeUnits has K, M and G as powers of 1024 in every spelling: the platform's own "6 MB" are
// 6291456 bytes.
var sizeUnits = map[string]int64{
	"": 1, "b": 1,
	"k": 1 << 10, "kb": 1 << 10, "kib": 1 << 10,
	"m": 1 << 20, "mb": 1 << 20, "mib": 1 << 20,
	"g": 1 << 30, "gb": 1 << 30, "gib": 1 << 30,
}

// maxSize is far above what the platform takes (200 MB, streamed) and far below what the address
// space holds: that much is reserved for each response.
const maxSize = 1 << 30

var errSize = fmt.Errorf("must be a size above 0 and at most %dGiB, such as 65536, 512KB or 6MiB (1KB = 1KiB = 1024 bytes)", maxSize>>30)

// parseSize reads a whole number of bytes with an optional unit, blanks between them allowed.
func parseSize(v string) (size, error) {
	v = tidy(v)
	digits := len(v) - len(strings.TrimLeft(v, "0123456789"))
	n, err := strconv.ParseInt(v[:digits], 10, 64)
	unit, known := sizeUnits[strings.TrimSpace(v[digits:])]
	if err != nil || !known || n <= 0 || n > maxSize/unit {
		return 0, errSize
	}
	return size(n * unit), nil
}
