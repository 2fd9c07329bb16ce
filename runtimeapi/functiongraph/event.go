package functiongraph

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"fgbootstrap/adapter"

	"github.com/valyala/fasthttp"
)

const (
	requestID = "X-Cff-Request-Id"
	// leftover is how much of an answer that is no event is read to keep its
	// connection.
	leftover = 64 << 10
)

// event is the memory of a poller's current event. Small payloads share one
// piece of the heap, large ones get a mapping of their size for as long as they
// are needed.
type event struct {
	inv    adapter.Invocation
	small  []byte
	mapped adapter.Memory
}

func (e *event) release() {
	e.mapped.Free()
	e.mapped = nil
	e.inv = adapter.Invocation{Headers: e.inv.Headers[:0]}
}

// read takes the event out of a poll's answer. Without an invocation the answer
// held none; with one and an error the event broke off and must be failed.
func (e *event) read(answer *fasthttp.Response, stamp func(*adapter.Invocation)) (*adapter.Invocation, error) {
	id := string(answer.Header.Peek(requestID))
	if id == "" || answer.StatusCode() != fasthttp.StatusOK {
		_, _ = io.CopyN(io.Discard, answer.BodyStream(), leftover)
		return nil, noEvent(answer.StatusCode(), id)
	}
	e.inv.ID = id
	for key, value := range answer.Header.All() {
		name := strings.ToLower(string(key))
		if strings.HasPrefix(name, "x-cff-") || strings.HasPrefix(name, "x-stream-") {
			e.inv.Headers = append(e.inv.Headers, adapter.Header{Name: name, Value: string(value)})
		}
	}
	stamp(&e.inv)
	var err error
	e.inv.Payload, err = e.readPayload(answer.BodyStream(), answer.Header.ContentLength())
	if err != nil {
		return &e.inv, e.broken(err, answer.Header.ContentLength())
	}
	return &e.inv, nil
}

func noEvent(status int, id string) error {
	if status != fasthttp.StatusOK {
		return fmt.Errorf("it answered a poll with status %d", status)
	}
	return errors.New("it answered a poll without a request id")
}

// readPayload reads size bytes, or up to the end where the size is not known
// (negative).
func (e *event) readPayload(body io.Reader, size int) ([]byte, error) {
	if size > adapter.KeepMemory {
		var err error
		if e.mapped, err = adapter.MapMemory(size); err != nil {
			return nil, err
		}
		n, err := io.ReadFull(body, e.mapped)
		return e.mapped[:n], err
	}
	if size >= 0 {
		if cap(e.small) < size {
			e.small = make([]byte, size)
		}
		n, err := io.ReadFull(body, e.small[:size])
		return e.small[:n], err
	}
	return e.readAll(body)
}

// readAll reads a payload that did not say its size.
func (e *event) readAll(body io.Reader) ([]byte, error) {
	if cap(e.small) < adapter.KeepMemory {
		e.small = make([]byte, adapter.KeepMemory)
	}
	into, used := e.small[:cap(e.small)], 0
	for {
		n, err := body.Read(into[used:])
		used += n
		if err == io.EOF {
			return into[:used], nil
		}
		if err != nil {
			return into[:used], err
		}
		if used < len(into) {
			continue
		}
		if err := e.grow(2 * len(into)); err != nil {
			return into, err
		}
		into = e.mapped
	}
}

// grow moves what is mapped, or else small, into a new mapping of size bytes.
func (e *event) grow(size int) error {
	larger, err := adapter.MapMemory(size)
	if err != nil {
		return err
	}
	if e.mapped == nil {
		copy(larger, e.small)
	} else {
		copy(larger, e.mapped)
		e.mapped.Free()
	}
	e.mapped = larger
	return nil
}

// broken is the error to report for an event that did not arrive whole.
func (e *event) broken(cause error, size int) *adapter.Error {
	got := fmt.Sprintf("%d bytes of it", len(e.inv.Payload))
	if size >= 0 {
		got = fmt.Sprintf("%d of its %d bytes", len(e.inv.Payload), size)
	}
	if time.Now().Before(e.inv.Deadline) {
		return &adapter.Error{
			Type:    adapter.TypeInternal,
			Message: "The event broke off on its way from the platform after " + got + "; the program was not started.",
			Cause:   cause,
		}
	}
	return &adapter.Error{
		Type: adapter.TypeTimeout,
		Message: "The function's timeout was over before the event had arrived: the platform had sent " + got +
			"; the program was not started.",
		Cause: cause,
	}
}
