package doctor

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// The few fields of an ELF file that say whether it can run here, read by hand:
// debug/elf would make the binary 230 KB larger. Offsets are from the System V
// ABI's "ELF Header" and "Program Header".
const (
	elfMagic     = "\x7fELF"
	elfHeader    = 64
	elfLoad      = 1 // PT_LOAD: a piece of the program
	elfInterp    = 3 // PT_INTERP: the name of the dynamic loader
	elfCoreFile  = 4 // ET_CORE
	elfRelocable = 1 // ET_REL
)

// elfMachines are the names of the machines that people build for.
var elfMachines = map[uint16]string{3: "386", 8: "mips", 20: "ppc", 21: "ppc64le", 22: "s390x", 40: "arm",
	62: "amd64", 183: "arm64", 243: "riscv64", 258: "loong64"}

func elf(s subject) string {
	if !bytes.HasPrefix(s.head, []byte(elfMagic)) {
		return ""
	}
	if len(s.head) < elfHeader {
		return elfCutOff(s)
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if s.head[5] == 2 {
		order = binary.BigEndian
	}
	machine := elfMachines[order.Uint16(s.head[18:])]
	if machine == "" {
		machine = fmt.Sprintf("machine %d", order.Uint16(s.head[18:]))
	}
	if arch := s.command.world().arch(); machine != arch && (machine != "386" || arch != "amd64") {
		return fmt.Sprintf("%s was built for %s, but this is %s. Build it for Linux on %s (Go: GOOS=linux GOARCH=%s).",
			s.path, machine, arch, arch, arch)
	}
	if kind := order.Uint16(s.head[16:]); kind == elfRelocable || kind == elfCoreFile {
		return fmt.Sprintf("%s is not a program but an object file or a core dump.", s.path)
	}
	loader, whole := elfSegments(s, order)
	if !whole {
		return elfCutOff(s)
	}
	if loader == "" {
		return ""
	}
	if _, err := s.command.world().stat(loader); err == nil {
		return ""
	}
	return missingLoader(s.path, loader)
}

func elfCutOff(s subject) string {
	return fmt.Sprintf("%s is a Linux program that was cut off: it has only %d bytes. Copy it anew.", s.path, s.info.Size())
}

func missingLoader(path, loader string) string {
	why := "It was built for another Linux distribution."
	if strings.Contains(loader, "musl") {
		why = "It was built on Alpine Linux (musl)."
	}
	return fmt.Sprintf("%s needs the dynamic loader %s, which is not here. %s Link it statically "+
		"(Go: CGO_ENABLED=0; C: -static; Rust: the musl target with crt-static).", path, loader, why)
}

// What Linux reads at most of program headers and of a path.
const (
	elfTable = 64 << 10
	pathMax  = 4096
)

// elfSegments looks at the program headers: loader is the content of PT_INTERP,
// "" for a static program; whole is false if the file ends before its segments do.
func elfSegments(s subject, order binary.ByteOrder) (loader string, whole bool) {
	wide := s.head[4] == 2
	table, size, count := uint64(order.Uint32(s.head[28:])), order.Uint16(s.head[42:]), order.Uint16(s.head[44:])
	want := 32
	if wide {
		table, size, count = order.Uint64(s.head[32:]), order.Uint16(s.head[54:]), order.Uint16(s.head[56:])
		want = 56
	}
	// Linux insists on the size and the limit too, so that nothing else is a program.
	if int(size) != want || want*int(count) > elfTable {
		return "", true
	}
	entries := make([]byte, want*int(count))
	if _, err := s.command.world().readAt(s.path, entries, int64(table)); err != nil {
		return "", false
	}
	whole = true
	for ; len(entries) > 0; entries = entries[want:] {
		offset, length := uint64(order.Uint32(entries[4:])), uint64(order.Uint32(entries[16:]))
		if wide {
			offset, length = order.Uint64(entries[8:]), order.Uint64(entries[32:])
		}
		kind := order.Uint32(entries)
		if kind != elfLoad && kind != elfInterp {
			continue
		}
		if end := offset + length; end < offset || end > uint64(s.info.Size()) {
			whole = false
		}
		if kind == elfInterp && loader == "" { // Linux too takes the first
			name := make([]byte, min(length, pathMax))
			n, _ := s.command.world().readAt(s.path, name, int64(offset))
			name, _, _ = bytes.Cut(name[:n], []byte{0})
			loader = string(name)
		}
	}
	return loader, whole
}

func foreignBinary(s subject) string {
	for _, kind := range []struct{ magic, system string }{
		{"MZ", "Windows"},
		{"\xcf\xfa\xed\xfe", "macOS"},
		{"\xca\xfe\xba\xbe", "macOS"},
	} {
		if bytes.HasPrefix(s.head, []byte(kind.magic)) {
			return fmt.Sprintf("%s is a program for %s. Build it for Linux on %s (Go: GOOS=linux GOARCH=%s).",
				s.path, kind.system, s.command.world().arch(), s.command.world().arch())
		}
	}
	return ""
}
