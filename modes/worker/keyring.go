package worker

import (
	"slices"
	"sync"
	"sync/atomic"

	"fgbootstrap/adapter"
)

// keyringSize is how many credentials are remembered: those of the events of
// ten or so tokens, which last for hours each.
const keyringSize = 64

// keyring is a process.Masker that knows the credentials of the last events too:
// a program that stays may print them at any time later.
type keyring struct {
	always *adapter.Mask

	mu     sync.Mutex
	values []string
	mask   atomic.Pointer[adapter.Mask]
}

func newKeyring(always *adapter.Mask) *keyring {
	k := &keyring{always: always}
	k.mask.Store(always)
	return k
}

// add remembers the credentials of an event.
func (k *keyring) add(values []string) {
	if len(values) == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	known := len(k.values)
	for _, value := range values {
		if !slices.Contains(k.values, value) {
			k.values = append(k.values, value)
		}
	}
	if len(k.values) == known {
		return // as a rule
	}
	k.values = k.values[max(0, len(k.values)-keyringSize):]
	k.mask.Store(k.always.With(k.values...))
}

func (k *keyring) Bytes(line []byte) []byte { return k.mask.Load().Bytes(line) }

func (k *keyring) Cut(text []byte) int { return k.mask.Load().Cut(text) }
