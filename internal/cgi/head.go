package cgi

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"fgbootstrap/internal/apig"
)

// HeadBytes is the most bytes of a program's head.
const HeadBytes = 64 << 10

// Head is what a program prints before its body. Its fields refer to the memory that it was read from.
type Head struct {
	Status int
	Fields []apig.Field
	// Typed says that it has a Content-Type. Length is the size of the body that it tells, -1 if it tells none.
	Typed  bool
	Length int64
}

// FindHead returns how many bytes of text, the beginning of what a program prints, are its head and the
// blank line behind it, or 0 if that has not come. The error says why it can't be a head: "it …".
func FindHead(text []byte) (size int, err error) {
	for rest := text; ; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		if !ended {
			break
		}
		if len(bytes.TrimSuffix(line, []byte("\r"))) == 0 {
			return len(text) - len(after), nil
		}
		rest = after
	}
	if len(text) >= HeadBytes {
		return 0, fmt.Errorf("it has a head of more than %d KB, or none at all", HeadBytes>>10)
	}
	return 0, nil
}

// ReadHead reads a head with its blank line. Its lines may end in LF alone, and the first may be the status of
// HTTP. The error says what is wrong: "it …".
func ReadHead(text []byte) (Head, error) {
	h := Head{Length: -1}
	status, located := 0, false
	for number := 0; ; number++ {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		text = rest
		line = bytes.TrimSuffix(line, []byte("\r"))
		switch {
		case len(line) == 0 && number == 0:
			return h, errors.New("it begins with a blank line where the head has to be")
		case len(line) == 0:
			h.Status = statusOf(status, located)
			return h, nil
		case number == 0 && bytes.HasPrefix(line, []byte("HTTP/")):
			_, code, _ := bytes.Cut(line, []byte(" "))
			var err error
			if status, err = readStatus(code); err != nil {
				return h, err
			}
			continue
		}
		name, value, err := field(line)
		if err != nil {
			return h, err
		}
		switch lower := strings.ToLower(string(name)); {
		case lower == "status":
			if status, err = readStatus(value); err != nil {
				return h, err
			}
			continue
		case lower == "transfer-encoding":
			return h, errors.New("it sets Transfer-Encoding, which is not a program's to set")
		case lower == "content-length":
			if h.Length, err = readLength(value, h.Length); err != nil {
				return h, err
			}
		case apig.OfConnection(lower):
			continue
		case lower == "location":
			located = true
		case lower == "content-type":
			h.Typed = len(value) > 0
			if !h.Typed {
				continue
			}
		}
		h.Fields = append(h.Fields, apig.Field{Name: name, Value: value})
	}
}

// statusOf returns the status of an answer, 0 if the head has none.
func statusOf(status int, located bool) int {
	switch {
	case status != 0:
		return status
	case located:
		return 302
	}
	return 200
}

// field splits a line of the head.
func field(line []byte) (name, value []byte, err error) {
	name, value, found := bytes.Cut(line, []byte(":"))
	value = bytes.Trim(value, " \t")
	switch {
	case line[0] == ' ' || line[0] == '\t':
		return nil, nil, errors.New("it continues a line of its head on the next one, which is no longer allowed")
	case !found || !apig.IsToken(name):
		return nil, nil, errors.New("its head has a line that is not NAME: VALUE")
	case !apig.IsFieldValue(value):
		return nil, nil, errors.New("its head has a control character")
	}
	return name, value, nil
}

func readStatus(text []byte) (int, error) {
	code, _, _ := bytes.Cut(bytes.Trim(text, " \t"), []byte(" "))
	status, err := strconv.Atoi(string(code))
	if err != nil || len(code) != 3 || status < 200 {
		return 0, errors.New("its status is not a number from 200 to 999")
	}
	return status, nil
}

func readLength(value []byte, before int64) (int64, error) {
	length, err := strconv.ParseUint(string(value), 10, 62)
	if err != nil || before >= 0 && before != int64(length) {
		return 0, errors.New("its Content-Length is not one number")
	}
	return int64(length), nil
}

// HasBody reports whether an answer with this status to a request of this method has a body.
func HasBody(method string, status int) bool {
	return method != "HEAD" && status != 204 && status != 304
}
