package httpproxy

import (
	"bufio"
	"bytes"
	"fmt"

	"fgbootstrap/internal/apig"

	"github.com/valyala/fasthttp"
)

// readHead reads the head of an answer. Unlike the library it takes lines that end in LF alone, as
// scripts write them, and drops a header whose name HTTP does not allow; lost is the name of one. The
// error is a *coding if the body has a transfer coding that can't be undone.
func readHead(h *fasthttp.ResponseHeader, in *bufio.Reader) (lost string, err error) {
	size, bare := scanHead(in)
	if !bare {
		if err = h.Read(in); err == nil || size == 0 {
			return "", err
		}
	}
	head, _ := in.Peek(size) // it is there: the library takes only what it has understood
	tidy, lost := tidied(head)
	if bare || lost != "" {
		err = h.Read(bufio.NewReaderSize(bytes.NewReader(tidy), len(tidy)))
	}
	if value := transferCoding(tidy); err != nil && value != nil {
		return "", &coding{string(value)}
	}
	_, _ = in.Discard(size)
	return lost, err
}

// scanHead waits for the end of a head and returns its size in bytes, and whether some line ends in
// LF alone. The size is 0 for what is no head, or none that ends within in's buffer: the library
// finds out what is wrong with it.
func scanHead(in *bufio.Reader) (size int, bare bool) {
	begun := false // the line of the status has come; blank lines may precede it
	for need := 1; ; need++ {
		if _, err := in.Peek(need); err != nil {
			return 0, false
		}
		need = in.Buffered()
		buffered, _ := in.Peek(need)
		for {
			line, _, ended := bytes.Cut(buffered[size:], []byte("\n"))
			text := bytes.TrimSuffix(line, []byte("\r"))
			if len(text) > 0 && !begun && !mayBeStatus(text, ended) {
				return 0, false
			}
			if !ended {
				break
			}
			size += len(line) + 1
			bare = bare || len(text) == len(line)
			if len(text) == 0 && begun {
				return size, bare
			}
			begun = begun || len(text) > 0
		}
	}
}

// mayBeStatus reports whether a line, or as much of it as has come, may be that of a status.
func mayBeStatus(line []byte, whole bool) bool {
	const form = "HTTP/0.0 000"
	if whole && len(line) < len(form) {
		return false
	}
	for i, c := range line[:min(len(line), len(form))] {
		if c != form[i] && !(form[i] == '0' && c >= '0' && c <= '9') {
			return false
		}
	}
	return true
}

// tidied returns a head whose lines all end in CR LF, without headers that have a name which HTTP
// does not allow; lost is one of those names.
func tidied(head []byte) (tidy []byte, lost string) {
	dropping := false
	for line := range bytes.Lines(head) {
		line = bytes.TrimRight(line, "\r\n")
		name, _, isField := bytes.Cut(line, []byte(":"))
		name = bytes.TrimRight(name, " \t")
		switch {
		case len(line) > 0 && (line[0] == ' ' || line[0] == '\t'): // goes on with the header before
		case len(tidy) == 0 || !isField || len(name) == 0 || apig.IsToken(name):
			dropping = false
		default:
			dropping, lost = true, string(name)
		}
		if !dropping {
			tidy = append(append(tidy, line...), "\r\n"...)
		}
	}
	return tidy, lost
}

// coding is a transfer coding other than chunked.
type coding struct{ value string }

func (c *coding) Error() string { return fmt.Sprintf("its Transfer-Encoding is %.100q", c.value) }

// transferCoding returns the first transfer coding of a head that is not chunked, or nil.
func transferCoding(head []byte) []byte {
	for line := range bytes.Lines(head) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		if bytes.EqualFold(bytes.TrimSpace(name), []byte("transfer-encoding")) && !bytes.EqualFold(value, []byte("chunked")) {
			return value
		}
	}
	return nil
}
