package process

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// The few fields of an ELF file that say whether it can run here, read by hand:
// debug/elf would make the binary 230 KB larger. Offsets are from the System V
// ABI's "ELF Header" and "Program Header".
const (
	elfMagic     = "\x7fELF"
	elfHeader    = 64
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
		return fmt.Sprintf("%s is a Linux program that was cut off: it has only %d bytes.", s.path, s.info.Size())
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if s.head[5] == 2 {
		order = binary.BigEndian
	}
	machine := elfMachines[order.Uint16(s.head[18:])]
	if machine == "" {
		machine = fmt.Sprintf("machine %d", order.Uint16(s.head[18:]))
	}
	if machine != runtime.GOARCH && (machine != "386" || runtime.GOARCH != "amd64") {
		return fmt.Sprintf("%s was built for %s, but this is %s. Build it for Linux on %s (Go: GOOS=linux GOARCH=%s).",
			s.path, machine, runtime.GOARCH, runtime.GOARCH, runtime.GOARCH)
	}
	if kind := order.Uint16(s.head[16:]); kind == elfRelocable || kind == elfCoreFile {
		return fmt.Sprintf("%s is not a program but an object file or a core dump.", s.path)
	}
	loader := elfLoader(s, order)
	if loader == "" {
		return ""
	}
	if _, err := os.Stat(loader); err == nil {
		return ""
	}
	return missingLoader(s.path, loader)
}

func missingLoader(path, loader string) string {
	why := "It was built for another Linux distribution."
	if strings.Contains(loader, "musl") {
		why = "It was built on Alpine Linux (musl)."
	}
	return fmt.Sprintf("%s needs the dynamic loader %s, which is not here. %s Link it statically "+
		"(Go: CGO_ENABLED=0; C: -static; Rust: the musl target with crt-static).", path, loader, why)
}

// elfLoader is the content of PT_INTERP, or "" for a static program.
func elfLoader(s subject, order binary.ByteOrder) string {
	wide := s.head[4] == 2
	table, size, count := uint64(order.Uint32(s.head[28:])), order.Uint16(s.head[42:]), order.Uint16(s.head[44:])
	if wide {
		table, size, count = order.Uint64(s.head[32:]), order.Uint16(s.head[54:]), order.Uint16(s.head[56:])
	}
	f, err := os.Open(s.path)
	if err != nil || size < 32 {
		return ""
	}
	defer f.Close()
	entry := make([]byte, size)
	for i := range uint64(count) {
		if _, err := f.ReadAt(entry, int64(table+i*uint64(size))); err != nil {
			return ""
		}
		if order.Uint32(entry) != elfInterp {
			continue
		}
		offset, length := uint64(order.Uint32(entry[4:])), uint64(order.Uint32(entry[16:]))
		if wide && size >= 40 {
			offset, length = order.Uint64(entry[8:]), order.Uint64(entry[32:])
		}
		name := make([]byte, min(length, 4096))
		if _, err := f.ReadAt(name, int64(offset)); err != nil && err != io.EOF {
			return ""
		}
		return strings.TrimRight(string(name), "\x00")
	}
	return ""
}
