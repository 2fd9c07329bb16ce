package test

import (
	"bytes"
	"fmt"
	"math/rand"
)

const (
	// patternBytes is how much of a pattern is the same again but for its marks: a
	// prime, so that no buffer of anybody's falls into step with it.
	patternBytes = 65521
	markEvery    = 4096
)

// pattern is an endless run of bytes, of which each 4 KB say where they belong: a piece
// that is lost, moved or doubled does not go unnoticed. It costs next to nothing to make.
type pattern struct {
	block []byte
	at    int64 // of the next byte
}

func newPattern() *pattern {
	p := &pattern{block: make([]byte, patternBytes)}
	_, _ = rand.New(rand.NewSource(1)).Read(p.block) // never fails
	return p
}

// next is what comes next, n bytes at most; it is valid until the next call.
func (p *pattern) next(n int64) []byte {
	within := p.at % patternBytes
	if within == 0 {
		for i := 0; i+markEvery < patternBytes; i += markEvery {
			// Blanks and digits: the first byte is no {, which begins an envelope.
			copy(p.block[i:], fmt.Sprintf("<%14d>", p.at+int64(i)))
		}
	}
	piece := p.block[within:min(within+n, patternBytes)]
	p.at += int64(len(piece))
	return piece
}

// check wants got to be what comes next.
func (p *pattern) check(got []byte) error {
	for len(got) > 0 {
		start := p.at
		want := p.next(int64(len(got)))
		if !bytes.Equal(got[:len(want)], want) {
			i := 0
			for got[i] == want[i] {
				i++
			}
			return fmt.Errorf("byte %d is not what was written: %.40q instead of %.40q", start+int64(i), got[i:], want[i:])
		}
		got = got[len(want):]
	}
	return nil
}
