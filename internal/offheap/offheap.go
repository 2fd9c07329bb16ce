// Package offheap provides large buffers outside the Go heap. It follows mmap(2) and madvise(2),
// and knows nothing about their contents.
package offheap

import (
	"fmt"
	"os"
	"syscall"
)

// Keep is how much of a buffer stays between events, in bytes. The rest is given back to the
// system at once: an occasional event of 6 MB must not occupy the instance's memory forever.
const Keep = 1 << 20

// Buffer is a buffer outside the Go heap, of a fixed size whose pages cost nothing before they
// are written. On the heap a single event of 6 MB would raise the collector's target for good
// (measured: 70 MB peak against 19 MB). The caller of Map owns it; nothing may refer to it after
// Free.
type Buffer []byte

// hugePage is the size of the system's large pages, in bytes. The first one, and one that would
// not be full, are left as small pages: using a little of a large page would cost all of it.
const hugePage = 2 << 20

// Map reserves size bytes.
func Map(size int) (Buffer, error) {
	whole := (size + hugePage - 1) / hugePage * hugePage // the system aligns only such sizes
	m, err := syscall.Mmap(-1, 0, whole, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("reserve %d bytes of memory: %w", size, err)
	}
	if full := size / hugePage * hugePage; full > hugePage {
		// A kernel may not have large pages. On a virtual machine getting 6 MB took 17 ms with
		// small pages and 0.3 ms with large ones.
		_ = syscall.Madvise(m[hugePage:full], syscall.MADV_HUGEPAGE)
	}
	return m[:size], nil
}

// Populate allocates the pages between two offsets at once: touching them one by one costs ten
// times as much. It is for memory that is sure to be used.
func (m Buffer) Populate(from, to int) {
	const populateWrite = 23 // MADV_POPULATE_WRITE; kernels before 5.14 don't have it, which is no harm
	from &^= os.Getpagesize() - 1
	if to = min(to, len(m)); from < to {
		_ = syscall.Madvise(m[from:to], populateWrite)
	}
}

// Expect announces that n bytes are about to be written after the first used ones. It populates
// the small pages before the first large one if they will be used.
func (m Buffer) Expect(used, n int) {
	if used <= Keep && used+n > Keep {
		m.Populate(Keep, hugePage)
	}
}

// Trim gives back the pages of a buffer whose first used bytes were used, except for the first
// Keep bytes. The contents after those are lost.
func (m Buffer) Trim(used int) {
	if used > Keep {
		m = m[:cap(m)] // to the end of a large page, which would be split
		// It can only fail for an address that is not ours.
		_ = syscall.Madvise(m[Keep:], syscall.MADV_DONTNEED)
	}
}

// Free gives all memory back.
func (m Buffer) Free() {
	if m != nil {
		_ = syscall.Munmap(m[:cap(m)])
	}
}
