// Package offheap has large buffers outside of the Go heap. It follows mmap(2) and
// madvise(2), and knows nothing of what is put into them.
package offheap

import (
	"fmt"
	"os"
	"syscall"
)

// Keep is how much of a buffer stays between events, in bytes. What is
// larger is given back to the system at once: a 6 MB event every now and then
// must not make up the instance's memory for ever.
const Keep = 1 << 20

// Buffer is a buffer outside the Go heap, of a fixed size whose pages cost
// nothing before they are written. On the heap a single 6 MB event would raise
// the collector's target for all time (measured: 70 MB against 19 MB peak).
// Whoever called Map owns it; nothing may refer to it after Free.
type Buffer []byte

// hugePage is what a page has where the system has large ones. The first of them and
// one that would not be full are left as small ones: a little in it would cost it all.
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
		// A kernel may not have them. On a virtual machine 6 MB of small pages took
		// 17 ms to come by, of large ones 0.3.
		_ = syscall.Madvise(m[hugePage:full], syscall.MADV_HUGEPAGE)
	}
	return m[:size], nil
}

// Populate gets the pages from one byte to another at once: to touch them one by one
// costs ten times that. For memory that is sure to be used.
func (m Buffer) Populate(from, to int) {
	const populateWrite = 23 // MADV_POPULATE_WRITE; kernels before 5.14 don't have it, which is no harm
	from &^= os.Getpagesize() - 1
	if to = min(to, len(m)); from < to {
		_ = syscall.Madvise(m[from:to], populateWrite)
	}
}

// Expect is told that n bytes are about to be written behind the first used ones. The
// pages up to where they are large are used for sure then.
func (m Buffer) Expect(used, n int) {
	if used <= Keep && used+n > Keep {
		m.Populate(Keep, hugePage)
	}
}

// Trim gives back the pages of a buffer that was used up to byte used, but for
// the first Keep bytes. The contents behind them are lost.
func (m Buffer) Trim(used int) {
	if used > Keep {
		m = m[:cap(m)] // to the end of a large page, which would be split
		// It can only fail for an address that is not ours.
		_ = syscall.Madvise(m[Keep:], syscall.MADV_DONTNEED)
	}
}

// Free gives everything back.
func (m Buffer) Free() {
	if m != nil {
		_ = syscall.Munmap(m[:cap(m)])
	}
}
