package test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fgbootstrap/internal/testkit"
)

// counted is how much the program says that it has written.
func counted(t *testing.T, countFile string) int64 {
	t.Helper()
	text, err := os.ReadFile(countFile)
	if err != nil {
		t.Fatal(err)
	}
	written, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return written
}

// stopped is where the program has got to when it gets no further.
func stopped(t *testing.T, countFile string) int64 {
	t.Helper()
	written := counted(t, countFile)
	testkit.Eventually(t, "the program to get no further", func() bool {
		before := written
		time.Sleep(500 * time.Millisecond)
		written = counted(t, countFile)
		return written == before
	})
	return written
}

func TestAClientThatStopsReadingHoldsTheProgramUpAndThenGetsAll(t *testing.T) {
	eachFlow(t, func(t *testing.T, f flow) {
		c := deploy(t, f.settings, streaming, atLeisure)
		count, reads := t.TempDir()+"/count", make(chan struct{})
		goOn := sync.OnceFunc(func() { close(reads) })
		defer goOn()
		k := f.client()
		halted := make(chan time.Time, 1)
		k.pause = func(body int64) {
			if body > 1<<20 {
				select {
				case halted <- time.Now():
				default:
				}
				<-reads
			}
		}
		const size = 64 << 20
		done := c.beginStream(f.event("count "+count, fmt.Sprint("write ", size)), k)
		since := <-halted
		written := stopped(t, count)
		time.Sleep(time.Until(since.Add(5 * time.Second)))
		if now := stopped(t, count); now != written || written > size/2 {
			t.Errorf("the program had written %d bytes of %d, and then %d", written, size, now)
		}
		rss := status(t, c.bootstrap(), "VmRSS:")
		t.Logf("the program was held up after %d KB, with %d KB in the bootstrap", written>>10, rss)
		if rss > f.memory<<10 {
			t.Errorf("the bootstrap has %d KB", rss)
		}
		goOn()
		c.delivered(<-done, k, size)
	})
}
