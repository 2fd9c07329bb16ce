package functiongraph

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"fgbootstrap/adapter"
	"fgbootstrap/internal/offheap"

	"github.com/valyala/fasthttp"
)

const (
	requestID  = "X-Cff-Request-Id"
	invokeType = "X-Cff-Invoke-Type"
)

// chunked is what fasthttp calls the length of a chunked body.
const chunked = -1

const (
	// maxEvent is the most bytes of an event. The platform takes 6 MB from a caller; ten times that
	// leaves room for a larger limit to come, and no announcement can take the instance's memory.
	maxEvent = 64 << 20
	// populateBytes is how much memory an event gets before it arrives: an announced length is a
	// claim. Every event of the platform's own limit is within it.
	populateBytes = 8 << 20
)

// errTooLarge means that an event is larger than maxEvent.
var errTooLarge = errors.New("the event is too large")

// errNoEvent means a valid answer without an event.
var errNoEvent = errors.New("it answered a poll without a request id")

// event is the memory of a poller's current event. Small payloads share one heap buffer; a large
// one gets a mapping of its own size for as long as it is needed.
type event struct {
	inv    adapter.Invocation
	small  []byte
	mapped offheap.Buffer
}

func (e *event) release() {
	e.mapped.Free()
	e.mapped = nil
	e.inv = adapter.Invocation{Headers: e.inv.Headers[:0]}
}

// noEvent says why a poll's answer holds no event; nil if it holds one.
func noEvent(answer *fasthttp.Response) error {
	switch status := answer.StatusCode(); {
	case status == fasthttp.StatusOK && len(answer.Header.Peek(requestID)) > 0:
		return nil
	case status == fasthttp.StatusOK, status == fasthttp.StatusNoContent:
		return errNoEvent
	default:
		return newStatusError(answer)
	}
}

// begin takes the event out of an answer's head.
func (e *event) begin(answer *fasthttp.Response) *adapter.Invocation {
	e.inv.ID = string(answer.Header.Peek(requestID))
	for key, value := range answer.Header.All() {
		name := strings.ToLower(string(key))
		if IsMetadata(name) && !slices.ContainsFunc(e.inv.Headers, named(name)) { // of two the first counts, as for the id
			// Vendor runtimes read more names than the documentation has: X-CFF-Security-Access-Key …
			credential := strings.HasSuffix(name, "-key") || strings.HasSuffix(name, "-token")
			e.inv.Headers = append(e.inv.Headers, adapter.Header{Name: name, Value: string(value), Secret: credential})
		}
	}
	e.inv.Type = string(answer.Header.Peek(invokeType))
	return &e.inv
}

func named(name string) func(adapter.Header) bool {
	return func(h adapter.Header) bool { return h.Name == name }
}

// read reads a payload of size bytes, or to the body's end if size is negative. The error is the
// one to report for an event that broke off.
func (e *event) read(body io.Reader, size int) (err error) {
	if e.inv.Payload, err = e.readPayload(body, size); err != nil {
		return e.broken(err, size)
	}
	return nil
}

func (e *event) readPayload(body io.Reader, size int) ([]byte, error) {
	switch {
	case size > maxEvent:
		return nil, errTooLarge
	case size > offheap.Keep:
		return e.readMapped(body, size)
	case size < 0:
		return e.readAll(body)
	}
	if cap(e.small) < size {
		e.small = make([]byte, size)
	}
	n, err := io.ReadFull(body, e.small[:size])
	return e.small[:n], err
}

// readMapped reads a payload into a mapping of its size. Its memory grows with what arrives.
func (e *event) readMapped(body io.Reader, size int) (_ []byte, err error) {
	if e.mapped, err = offheap.Map(size); err != nil {
		return nil, err
	}
	for used := 0; used < size; {
		end := min(used+populateBytes, size)
		e.mapped.Populate(used, end)
		n, err := io.ReadFull(body, e.mapped[used:end])
		if used += n; err != nil {
			return e.mapped[:used], err
		}
	}
	return e.mapped, nil
}

// readAll reads a payload of unknown size.
func (e *event) readAll(body io.Reader) ([]byte, error) {
	if cap(e.small) < offheap.Keep {
		e.small = make([]byte, offheap.Keep)
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
		if len(into) > maxEvent {
			return nil, errTooLarge
		}
		if err := e.grow(min(2*len(into), maxEvent+1)); err != nil { // the byte that is too many needs a place
			return into, err
		}
		into = e.mapped
	}
}

// grow moves what is mapped, or else small, into a new mapping of size bytes.
func (e *event) grow(size int) error {
	larger, err := offheap.Map(size)
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
	if errors.Is(cause, errTooLarge) {
		return tooLarge(size)
	}
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

// tooLarge is the error to report for an event that is larger than maxEvent. It was announced with
// size bytes, or was more than that already if size is negative.
func tooLarge(size int) *adapter.Error {
	announced := fmt.Sprintf("announced an event of %d bytes", size)
	if size < 0 {
		announced = fmt.Sprintf("sent an event of more than %d bytes", maxEvent)
	}
	return &adapter.Error{
		Type: adapter.TypeInternal,
		Message: fmt.Sprintf("The platform %s; the bootstrap takes at most %d (%d MiB). The event was not read, and the program "+
			"was not started. Store the data elsewhere and send its address.", announced, maxEvent, maxEvent>>20),
	}
}

// IsMetadata tells whether a header, its name in lower case, says something about an
// invocation. Vendor runtimes read more names than the documentation has, so it goes by
// the beginning.
func IsMetadata(name string) bool {
	return strings.HasPrefix(name, "x-cff-") || strings.HasPrefix(name, "x-stream-")
}
