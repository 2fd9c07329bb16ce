package jsonscan

import (
	"bytes"
	"encoding/base64"
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"
)

// atTheEdge is room for n bytes behind which there is no memory: what goes beyond it dies.
func atTheEdge(tb testing.TB, n int) []byte {
	tb.Helper()
	page := unix.Getpagesize()
	size := (n/page + 1) * page
	memory, err := unix.Mmap(-1, 0, size+page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err == nil {
		err = unix.Mprotect(memory[size:], unix.PROT_NONE)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = unix.Munmap(memory) })
	return memory[size-n : size : size]
}

// The module does with vectors what the standard library does byte by byte: both must
// mean the same by base64, of every length, with line ends and with what is none.
func TestBase64IsTheStandardLibrarys(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	const longest = 500
	src, dst := atTheEdge(t, base64.StdEncoding.EncodedLen(longest)), atTheEdge(t, base64.StdEncoding.EncodedLen(longest))
	for range 20_000 {
		raw := src[len(src)-random.IntN(longest+1):]
		for i := range raw {
			raw[i] = byte(random.Uint32())
		}
		want := base64.StdEncoding.AppendEncode(nil, raw)
		if got := AppendBase64(dst[len(dst)-len(want):][:0], raw); !bytes.Equal(got, want) {
			t.Fatalf("%x becomes %s, want %s", raw, got, want)
		}
		text := src[len(src)-len(want):]
		copy(text, want)
		for range random.IntN(3) { // break it
			if len(text) > 0 {
				text[random.IntN(len(text))] = []byte("\n\r=-_ *\x00\x80\xffA")[random.IntN(11)]
			}
		}
		text = text[random.IntN(min(4, len(text)+1)):]
		want, wrong := base64.StdEncoding.AppendDecode(nil, text)
		got, err := AppendDecoded(dst[len(dst)-base64.StdEncoding.DecodedLen(len(text)):][:0], text)
		if (err == nil) != (wrong == nil) || err == nil && !bytes.Equal(got, want) {
			t.Fatalf("%q becomes %x and %v, want %x and %v", text, got, err, want, wrong)
		}
		got, err = DecodeBase64(text)
		if (err == nil) != (wrong == nil) || err == nil && !bytes.Equal(got, want) {
			t.Fatalf("in its own memory it becomes %x and %v, want %x and %v", got, err, want, wrong)
		}
	}
}
