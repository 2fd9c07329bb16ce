package secret

import (
	"fmt"
	"testing"
)

// What masking costs a line of a program's log: two of them, with the secrets of a large function.
func BenchmarkALineOfALog(b *testing.B) {
	var values []string
	for i := range 40 {
		values = append(values, fmt.Sprintf("%x-S3cret/%d", i*7919, i))
	}
	for _, n := range []int{0, 1, 5, 40} {
		m := NewMask(values[:n]...)
		for name, line := range map[string]string{
			"plain": "2026-11-28 13:10:42,123 INFO app.orders: order 12345 of customer 678 has been taken in 12 ms (2 items)",
			"json":  `{"time":"2026-11-28T13:10:42.123Z","level":"info","message":"order \"12345\" of customer 678 has been taken","ms":12}`,
		} {
			text := []byte(line)
			b.Run(fmt.Sprintf("%d/%s", n, name), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					m.Bytes(text)
				}
			})
		}
	}
}
