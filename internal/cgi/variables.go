// Package cgi is the Common Gateway Interface (RFC 3875): it makes the variables of a request, and
// reads the head that a program prints before its body. It starts no program and reads no event;
// internal/apig makes the request.
package cgi

import (
	"bytes"
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"fgbootstrap/internal/apig"
)

// mostVariables is the most bytes of a request's variables, with their names. The system takes 128 KB
// for one and some MB for all; no server takes as much as this.
const mostVariables = 64 << 10

// Script is the program that a request is for.
type Script struct {
	// Prefix is removed once from the start of the path, in whole segments, and is SCRIPT_NAME then.
	Prefix string
	// File is SCRIPT_FILENAME.
	File string
	// Speaks says that the program answers as CGI says. Others don't get GATEWAY_INTERFACE, on which
	// some programs begin to.
	Speaks bool
	// Has reports whether the program's environment has a variable already.
	Has func(name string) bool
}

// givesWay are the variables that a function may set for itself.
var givesWay = []string{"SCRIPT_NAME", "SCRIPT_FILENAME", "DOCUMENT_ROOT", "REDIRECT_STATUS"}

// ofRequest are the variables that are about the request and nothing else.
var ofRequest = []string{
	"AUTH_TYPE", "CONTENT_LENGTH", "CONTENT_TYPE", "GATEWAY_INTERFACE", "HTTPS", "PATH_INFO", "PATH_TRANSLATED", "QUERY_STRING", "REMOTE_ADDR",
	"REMOTE_HOST", "REMOTE_IDENT", "REMOTE_USER", "REQUEST_METHOD", "REQUEST_URI", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "SERVER_SOFTWARE",
}

// IsOfRequest reports whether a variable is about the request, so that one of the function's own would
// be a lie about it.
func IsOfRequest(name string) bool { return slices.Contains(ofRequest, name) }

// Variables returns the variables of a request as NAME=value. dropped is the name of a header whose
// variable the function has already, "" if there is none. The error says, in half a sentence about
// the event, why it can't be had: "its … is …".
func (s *Script) Variables(r *apig.Request) (variables []string, dropped string, err error) {
	v := &variablesOf{script: s}
	if err := v.path(r.Target); err != nil {
		return nil, "", err
	}
	v.add("SERVER_SOFTWARE", "fgbootstrap")
	v.add("SERVER_PROTOCOL", "HTTP/1.1")
	v.add("REDIRECT_STATUS", "200") // php-cgi runs nothing without it
	if s.Speaks {
		v.add("GATEWAY_INTERFACE", "CGI/1.1")
	}
	v.add("SCRIPT_FILENAME", s.File)
	v.add("REQUEST_METHOD", string(r.Method))
	if r.Body.Size > 0 || r.HasBody() {
		v.add("CONTENT_LENGTH", strconv.Itoa(r.Body.Size))
	}
	v.server(r)
	v.add("REMOTE_ADDR", client(r.Fields))
	v.fields(r)
	if v.size > mostVariables {
		return nil, "", fmt.Errorf("its path, query and headers make variables of %d KB, and they may have %d KB; the largest is %s. Put the data into the body",
			(v.size+1023)>>10, mostVariables>>10, v.largest())
	}
	return v.all, v.dropped, nil
}

// variablesOf collects the variables of one request.
type variablesOf struct {
	script  *Script
	all     []string
	size    int // of them, in bytes
	dropped string
}

func (v *variablesOf) add(name, value string) {
	if slices.Contains(givesWay, name) && v.script.Has(name) {
		return
	}
	v.all = append(v.all, name+"="+value)
	v.size += len(name) + len(value) + 2 // = and the end
}

func (v *variablesOf) largest() string {
	longest := slices.MaxFunc(v.all, func(a, b string) int { return len(a) - len(b) })
	name, _, _ := strings.Cut(longest, "=")
	return fmt.Sprintf("%.100s", name)
}

// path adds what the target becomes.
func (v *variablesOf) path(target []byte) error {
	path, query, _ := bytes.Cut(target, []byte("?"))
	plain := withoutDots(decoded(path))
	if strings.IndexByte(plain, 0) >= 0 {
		return fmt.Errorf("its path has a NUL, which no variable can hold")
	}
	prefix, info := "", plain
	if rest, found := strings.CutPrefix(plain, decoded([]byte(v.script.Prefix))); found && v.script.Prefix != "" && (rest == "" || rest[0] == '/') {
		prefix, info = plain[:len(plain)-len(rest)], rest
	}
	v.add("SCRIPT_NAME", prefix)
	v.add("PATH_INFO", info)
	v.add("QUERY_STRING", string(query))
	v.add("REQUEST_URI", string(target))
	return nil
}

// decoded returns a part of a URL with its %XX undone.
func decoded(text []byte) string {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if c, err := strconv.ParseUint(string(text[i+1:i+3]), 16, 8); err == nil {
				out = append(out, byte(c))
				i += 2
				continue
			}
		}
		out = append(out, text[i])
	}
	return string(out)
}

// withoutDots removes the segments . and .. from a path (RFC 3986, 5.2.4), so that no prefix can be left by
// them.
func withoutDots(path string) string {
	if !strings.Contains(path, "/.") {
		return path
	}
	var out []string
	segments := strings.Split(path[1:], "/")
	for i, segment := range segments {
		last := i == len(segments)-1
		switch {
		case segment == "..":
			out = out[:max(len(out)-1, 0)]
		case segment != ".":
			out = append(out, segment)
			continue
		}
		if last {
			out = append(out, "") // it names a folder
		}
	}
	return "/" + strings.Join(out, "/")
}

// server adds what the client calls the server.
func (v *variablesOf) server(r *apig.Request) {
	name, port, err := net.SplitHostPort(string(r.Host))
	if err != nil {
		name, port = string(r.Host), ""
	}
	if name == "" {
		name = "localhost"
	}
	v.add("SERVER_NAME", name)
	standard := "80"
	if strings.EqualFold(first(r.Fields, "X-Forwarded-Proto"), "https") {
		standard = "443"
		v.add("HTTPS", "on")
	}
	v.add("SERVER_PORT", cmp.Or(portOf(first(r.Fields, "X-Forwarded-Port")), portOf(port), standard))
}

// portOf returns text if it is the number of a port, else "".
func portOf(text string) string {
	if n, err := strconv.ParseUint(text, 10, 16); err != nil || n == 0 {
		return ""
	}
	return text
}

// client returns the address of the client, "" if nobody tells.
func client(fields []apig.Field) string {
	for _, name := range []string{"X-Apig-Source-Ip", "X-Real-IP", "X-Forwarded-For"} { // the first is the event's own
		if addr, err := netip.ParseAddr(first(fields, name)); err == nil {
			return addr.String()
		}
	}
	return ""
}

// first returns the first item of a header that is a list, or "".
func first(fields []apig.Field, name string) string {
	for _, f := range fields {
		if strings.EqualFold(string(f.Name), name) {
			item, _, _ := strings.Cut(string(f.Value), ",")
			return strings.TrimSpace(item)
		}
	}
	return ""
}

// fields adds the headers. Those of one name become one variable.
func (v *variablesOf) fields(r *apig.Request) {
	var names []string
	values := map[string]string{}
	put := func(name, value string) {
		before, known := values[name]
		if !known {
			names = append(names, name)
			values[name] = value
			return
		}
		separator := ", "
		if name == "HTTP_COOKIE" {
			separator = "; "
		}
		values[name] = before + separator + value
	}
	if r.Host != nil {
		put("HTTP_HOST", string(r.Host))
	}
	for _, f := range r.Fields {
		if name := variable(f.Name); name != "" {
			put(name, string(f.Value))
		}
	}
	for _, name := range names {
		if name != "CONTENT_TYPE" && v.script.Has(name) {
			v.dropped = name
			continue
		}
		v.add(name, values[name])
	}
}

// variable returns the name of the variable that a header becomes, "" if it becomes none: it passes for
// another header, is known by a variable of its own, or is made from the event's context.
func variable(header []byte) string {
	name := make([]byte, 0, len(header))
	for _, c := range header {
		switch {
		case c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
		case c == '-':
			c = '_'
		case c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		default:
			return ""
		}
		name = append(name, c)
	}
	switch upper := string(name); {
	case upper == "CONTENT_TYPE":
		return upper
	case upper == "CONTENT_LENGTH" || upper == "PROXY" || strings.HasPrefix(upper, "X_APIG_") || strings.HasPrefix(upper, "X_BOOTSTRAP_"):
		return ""
	default:
		return "HTTP_" + upper
	}
}
