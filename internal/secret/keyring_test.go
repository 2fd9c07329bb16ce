package secret

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

func credential(i int) string { return fmt.Sprintf("credential-%06d", i) }

func TestTheCredentialsOfAnOldEventAreMaskedAmongThoseOfThousands(t *testing.T) {
	k := NewKeyring(NewMask("a planted secret"))
	for i := range 3000 {
		k.Add([]string{credential(i), credential(i)})
	}
	for i := range 3000 {
		if got := k.String("a planted secret, " + credential(i)); got != "****, ****" {
			t.Fatalf("got %q", got)
		}
	}
}

func TestCredentialsWithoutEndTakeBoundedMemory(t *testing.T) {
	inUse := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for name, length := range map[string]int{"short": 20, "tokens": 1200, "long": 20_000} {
		before := inUse()
		k := NewKeyring(nil)
		newest := 30_000_000 / (length + 10_000)
		for i := range newest + 1 {
			k.Add([]string{credential(i) + strings.Repeat("x", length-17)})
		}
		if took := int64(inUse() - before); took > keyringBytes*5/4 { //nolint:gosec // may be negative
			t.Errorf("%s: %d credentials take %d bytes", name, len(k.order), took)
		} else {
			t.Logf("%s: %d credentials take %d bytes", name, len(k.order), took)
		}
		if got := k.String(credential(newest) + strings.Repeat("x", length-17)); got != "****" {
			t.Errorf("%s: the newest is forgotten: got %.40q", name, got)
		}
	}
}

func TestAQuoteHoldsNoHalfOfASecretAndNoControlCharacter(t *testing.T) {
	k := NewKeyring(NewMask("S3cret"))
	if got := k.Quote([]byte(strings.Repeat("x", scanBytes-3) + "S3cret")); strings.Contains(got, "S3c") {
		t.Errorf("got %q", got)
	}
	if got := k.Quote([]byte("\x1b[31mred\r\n\u202e S3")); got != `«\x1b[31mred\r\n\u202e S3»` {
		t.Errorf("got %s", got)
	}
}
