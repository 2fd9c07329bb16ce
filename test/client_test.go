package test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// client gets a streamed result as it comes, and keeps nothing of it.
type client struct {
	unwrap *unwrapper              // nil for a result that is no envelope
	take   func(body []byte) error // gets what the function wrote, as it comes
	pause  func(body int64)        // may let the function wait, after each piece; nil never does

	mu   sync.Mutex
	body int64 // bytes that the function wrote
	err  error // what is wrong with them
}

// Write implements io.Writer. An error is no reason to stop: the function would notice.
func (c *client) Write(p []byte) (int, error) {
	body, err := p, error(nil)
	if c.unwrap != nil {
		body, err = c.unwrap.next(p)
	}
	if err == nil && len(body) > 0 {
		err = c.take(body)
	}
	c.mu.Lock()
	c.body += int64(len(body))
	if c.err == nil {
		c.err = err
	}
	so := c.body
	c.mu.Unlock()
	if c.pause != nil {
		c.pause(so)
	}
	return len(p), nil
}

// got is how much of the body has come, and what is wrong with it.
func (c *client) got() (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.body, c.err
}

// unwrapper takes the body out of an envelope in base64 as far as it has come.
type unwrapper struct {
	head, tail []byte // what stands before the body and after it
	begun      bool
	text       []byte // of the body, not decoded yet
	padded     bool   // its end has come
	body       []byte
}

const beforeBody = `"body":"`

func (u *unwrapper) next(p []byte) ([]byte, error) {
	if !u.begun {
		u.head = append(u.head, p...)
		at := bytes.Index(u.head, []byte(beforeBody))
		if at < 0 {
			return nil, nil
		}
		at += len(beforeBody)
		u.begun, p, u.head = true, u.head[at:], u.head[:at]
	}
	if at := bytes.IndexByte(p, '"'); at >= 0 && len(u.tail) == 0 {
		u.text = append(u.text, p[:at]...)
		p, u.tail = nil, append(u.tail, p[at:]...)
	}
	if len(u.tail) > 0 {
		u.tail = append(u.tail, p...)
	} else {
		u.text = append(u.text, p...)
	}
	whole := len(u.text) / 4 * 4
	if whole > 0 && u.padded {
		return nil, errors.New("there is padding in the middle of the base64")
	}
	u.body = slices.Grow(u.body[:0], base64.StdEncoding.DecodedLen(whole))
	n, err := base64.StdEncoding.Decode(u.body[:cap(u.body)], u.text[:whole])
	u.padded = whole > 0 && u.text[whole-1] == '='
	u.text = append(u.text[:0], u.text[whole:]...)
	return u.body[:n], err
}

// end wants the envelope to be whole, and returns all of it but the body.
func (u *unwrapper) end() (e envelope, err error) {
	if len(u.text) > 0 {
		return e, fmt.Errorf("the base64 ends with %q", u.text)
	}
	err = json.Unmarshal(append(u.head[:len(u.head):len(u.head)], u.tail...), &e)
	if err == nil && !e.Base64 {
		err = errors.New("it does not say that it is base64")
	}
	return e, err
}
