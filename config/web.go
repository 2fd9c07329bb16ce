package config

import (
	"errors"
	"mime"
	"strconv"
	"strings"
)

type (
	port      int    // 1 to 65535, or 0 for any free one
	readiness string // tcp, or a path
	urlPath   string // starts with /
	urlPrefix string // starts with / and does not end with one, or is empty
	mediaType string // of a Content-Type header, in ASCII
)

func parsePort(v string) (port, error) {
	v = tidy(v)
	if v == "auto" {
		return 0, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > 65535 {
		return 0, errors.New("must be a port from 1 to 65535, or auto")
	}
	return port(n), nil
}

func parseReadiness(v string) (readiness, error) {
	if tidy(v) == "tcp" {
		return "tcp", nil
	}
	if !isPath(v) {
		return "", errors.New("must be tcp, or a path that starts with / and has no spaces and no #")
	}
	return readiness(v), nil
}

func parsePath(v string) (urlPath, error) {
	if !isPath(v) {
		return "", errors.New("must be a path that starts with / and has no spaces and no #")
	}
	return urlPath(v), nil
}

func parsePrefix(v string) (urlPrefix, error) {
	if !isPath(v) || strings.Contains(v, "?") {
		return "", errors.New("must be a path that starts with / and has no spaces, no # and no query")
	}
	return urlPrefix(strings.TrimRight(v, "/")), nil
}

// isPath refuses spaces and control characters, which would end the path in a request line, and
// #, which is for browsers only.
func isPath(v string) bool {
	return strings.HasPrefix(v, "/") && !strings.ContainsFunc(v, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '#' })
}

// StatusSet is a set of HTTP status codes as ranges of first and last code.
type StatusSet [][2]int

// Contains reports whether code is in one of the ranges. A nil set contains nothing.
func (s StatusSet) Contains(code int) bool {
	for _, r := range s {
		if r[0] <= code && code <= r[1] {
			return true
		}
	}
	return false
}

func parseStatusSet(v string) (StatusSet, error) {
	var set StatusSet
	for part := range strings.SplitSeq(v, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		low, ok := statusCode(first)
		high, ok2 := statusCode(last)
		if !ok || !ok2 || low > high {
			return nil, errors.New("must be status codes from 100 to 999 or ranges of them, such as 404,500-599")
		}
		set = append(set, [2]int{low, high})
	}
	return set, nil
}

func statusCode(v string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimSpace(v))
	return n, err == nil && n >= 100 && n <= 999
}

func parseMediaType(v string) (mediaType, error) {
	v = strings.TrimSpace(v)
	_, _, err := mime.ParseMediaType(v)
	notASCII := func(c rune) bool { return c < ' ' || c > '~' }
	if kind, sub, _ := strings.Cut(v, "/"); err != nil || kind == "" || sub == "" || strings.ContainsFunc(v, notASCII) {
		return "", errors.New("must be a media type, such as text/html; charset=utf-8")
	}
	return mediaType(v), nil
}
