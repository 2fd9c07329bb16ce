package apig

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// ofConnection lists the headers about the connection, which is ours, and about the length of the
// body, which is known. It ignores the other headers that Connection names: those were for the
// gateway, and a client could remove the gateway's own headers that way.
var ofConnection = map[string]bool{
	"connection": true, "content-length": true, "expect": true, "http2-settings": true, "keep-alive": true,
	"proxy-connection": true, "te": true, "trailer": true, "transfer-encoding": true, "upgrade": true,
}

// OfConnection reports whether a header, its name in lower case, is about the connection and not
// about the message.
func OfConnection(name string) bool { return ofConnection[name] }

// ours are the beginnings of headers that only bootstrap sends.
var ours = []string{"x-apig-", "x-bootstrap-"}

// trusted are the beginnings of headers that a server believes because the gateway or its own
// software sets them.
var trusted = append([]string{"content-", "x-forwarded", "x-real-ip", "x-request-id"}, ours...)

func beginsWithOneOf(name string, beginnings []string) bool {
	return slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(name, b) })
}

func (r *Request) readHeaders(raw []byte, how Reading) error {
	aliases, cookie := false, -1
	err := eachText(raw, "headers", func(name, value []byte) error {
		value = bytes.Trim(value, " \t")
		lower := strings.ToLower(string(name))
		fold := folded(lower)
		alias := fold != lower
		switch {
		case !IsToken(name):
			return refused("%.100q is not the name of an HTTP header", name)
		case !IsFieldValue(value):
			return refused("its header %.100q has a line break or another control character in its value", name)
		case lower == "upgrade" && strings.Contains(strings.ToLower(string(value)), "websocket"):
			return refused("it asks for a websocket, and a function answers one request at a time; let the page poll instead, " +
				"or serve the websocket from somewhere else")
		case lower == "host":
			return r.setHost(value)
		case alias && (ofConnection[fold] || beginsWithOneOf(fold, trusted) || how.IsOurs(fold)):
			r.leaveOut(name, "which WSGI, CGI and PHP programs take for the header "+fold)
			return nil
		case ofConnection[lower] || how.IsOurs(lower) || how.Prefix != "" && strings.EqualFold(lower, prefixHeader):
			return nil
		case lower == "proxy":
			r.leaveOut(name, "which CGI and PHP programs take for the variable HTTP_PROXY")
			return nil
		case beginsWithOneOf(lower, ours):
			r.leaveOut(name, "which only bootstrap may set")
			return nil
		case len(r.Fields) == maxFields:
			return refused("it has more than %d header lines; send fewer, or put the data into the body", maxFields)
		case r.size+len(name)+len(value) > maxHead:
			return refused("its headers are longer than %d MB; put the data into the body", maxHead>>20)
		}
		r.size += len(name) + len(value)
		if lower == "cookie" {
			if cookie >= 0 {
				r.joinCookie(cookie, value)
				return nil
			}
			cookie = len(r.Fields)
		}
		aliases = aliases || alias
		r.Fields = append(r.Fields, Field{name, value})
		return nil
	})
	if aliases && err == nil {
		r.dropAliases()
	}
	return err
}

// leaveOut notes that a client's header is dropped.
func (r *Request) leaveOut(name []byte, why string) {
	if r.LeftOut == "" {
		r.LeftOut = fmt.Sprintf("its header %.100q, %s", name, why)
	}
}

// dropAliases drops headers that become others, which are there too, where - and every other
// character that is neither a letter nor a digit become _, as in the variables of CGI.
func (r *Request) dropAliases() {
	proper := map[string]bool{}
	for _, f := range r.Fields {
		proper[strings.ToLower(string(f.Name))] = true
	}
	r.Fields = slices.DeleteFunc(r.Fields, func(f Field) bool {
		lower := strings.ToLower(string(f.Name))
		fold := folded(lower)
		if fold == lower || !proper[fold] {
			return false
		}
		r.leaveOut(f.Name, "which WSGI, CGI and PHP programs take for the header "+fold)
		return true
	})
}

// joinCookie adds the value of a further cookie header to the one before, field i. HTTP/1.1 has one
// such line, and servers read only the first or join them by a comma.
func (r *Request) joinCookie(i int, value []byte) {
	if len(r.cookies) == 0 {
		r.cookies = append(r.cookies, r.Fields[i].Value...)
	}
	r.cookies = bytes.TrimRight(r.cookies, "; \t")
	value = bytes.Trim(value, "; \t")
	if len(r.cookies) > 0 && len(value) > 0 {
		r.cookies = append(r.cookies, "; "...)
	}
	r.cookies = append(r.cookies, value...)
	r.Fields[i].Value = r.cookies
}

// setHost takes a Host header. A request has only one.
func (r *Request) setHost(host []byte) error {
	switch {
	case len(host) == 0:
		return nil
	case !hostBytes.holds(host):
		return refused("its header \"host\" is not the name of a host")
	case r.Host != nil && !bytes.EqualFold(r.Host, host):
		return refused("its header \"host\" names several hosts")
	}
	r.Host = host
	return nil
}

// folded returns a header's name, in lower case, with - for every character that is neither a
// letter nor a digit: WSGI, CGI and PHP treat _ like -, some of them any character.
func folded(lower string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, lower)
}
