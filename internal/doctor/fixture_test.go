package doctor_test

import (
	"encoding/binary"
	"strings"
	"testing"
)

// elfFields are those fields of an ELF file that are wrong in some test.
type elfFields struct {
	kind, machine, size, count uint16
	table                      uint64
	loader                     string // "" for a static program
	code                       []byte
}

var (
	machines = map[string]uint16{"amd64": 62, "arm64": 183}
	exits    = map[string][]byte{ // exit(0)
		"amd64": {0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05},
		"arm64": {0xa8, 0x0b, 0x80, 0xd2, 0, 0, 0x80, 0xd2, 1, 0, 0, 0xd4},
	}
)

// file is a 64-bit little-endian ELF file of a header, two program headers, the
// loader's name and the code.
func (e elfFields) file() []byte {
	const headers, base = 64 + 2*56, 0x400000
	le := binary.LittleEndian
	name := e.loader + "\x00"
	entry := headers + len(name)
	total := entry + len(e.code)
	b := make([]byte, headers, total)
	copy(b, "\x7fELF\x02\x01\x01")
	le.PutUint16(b[16:], e.kind)
	le.PutUint16(b[18:], e.machine)
	le.PutUint32(b[20:], 1)
	le.PutUint64(b[24:], base+uint64(entry))
	le.PutUint64(b[32:], e.table)
	le.PutUint16(b[52:], 64)
	le.PutUint16(b[54:], e.size)
	le.PutUint16(b[56:], e.count)
	load, interp := b[64:], b[64+56:]
	le.PutUint32(load, 1)
	le.PutUint32(load[4:], 5) // read, execute
	le.PutUint64(load[16:], base)
	le.PutUint64(load[24:], base)
	le.PutUint64(load[32:], uint64(total))
	le.PutUint64(load[40:], uint64(total))
	le.PutUint64(load[48:], 4096)
	if e.loader != "" {
		le.PutUint32(interp, 3)
		le.PutUint64(interp[8:], headers)
		le.PutUint64(interp[32:], uint64(len(name)))
	}
	return append(append(b, name...), e.code...)
}

func mustSay(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%q does not say %q", text, w)
		}
	}
}
