package gateway

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// eventHeaders returns the client's headers, except for those of its connection, and the
// gateway's, which win.
func eventHeaders(r Request, requestID string) (*object, error) {
	headers, drop := &object{}, r.Header.HopByHop()
	drop["expect"] = true // the gateway has met it
	for _, f := range r.Header {
		name := strings.ToLower(f.Name)
		switch {
		case !isToken(name):
			return nil, fmt.Errorf("header name %q is not a token", name)
		case name == "content-length", name == "transfer-encoding":
			headers.set("content-length", strconv.Itoa(len(r.Body)))
		case drop[name]:
		case !utf8.ValidString(f.Value):
			return nil, fmt.Errorf("header %q is %w", name, errNotUTF8)
		default:
			headers.add(name, f.Value)
		}
	}
	if !utf8.ValidString(r.Host) {
		return nil, fmt.Errorf("host %q is %w", r.Host, errNotUTF8)
	}
	for _, f := range gatewayHeaders(r, requestID) {
		headers.set(f.Name, f.Value)
	}
	return headers, nil
}

func gatewayHeaders(r Request, requestID string) Header {
	port := "80"
	if i := strings.LastIndexByte(r.Host, ':'); i > strings.LastIndexByte(r.Host, ']') && i+1 < len(r.Host) {
		port = r.Host[i+1:]
	}
	list := Header{
		{"x-forwarded-for", r.Remote}, {"x-real-ip", r.Remote}, {"x-forwarded-proto", "http"}, {"x-forwarded-port", port},
		{"x-request-id", requestID},
	}
	if r.Host != "" { // an old client's
		list = append(list, Field{"host", r.Host}, Field{"x-forwarded-host", r.Host})
	}
	return list
}

// Add appends a field.
func (h *Header) Add(name, value string) { *h = append(*h, Field{name, value}) }

// Get returns the value of the first field of that name, ignoring case, or false if there is
// none.
func (h Header) Get(name string) (value string, ok bool) {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return f.Value, true
		}
	}
	return "", false
}

// Has reports whether there is a field of that name, ignoring case.
func (h Header) Has(name string) bool {
	_, ok := h.Get(name)
	return ok
}

// HopByHop returns the names, in lower case, of the headers that apply only to one connection:
// those in the standard's list and those that the sender lists in Connection. The caller owns the
// map.
func (h Header) HopByHop() map[string]bool {
	hop := map[string]bool{
		"connection": true, "keep-alive": true, "proxy-connection": true, "te": true, "trailer": true, "transfer-encoding": true,
		"upgrade": true,
	}
	for _, token := range h.ConnectionTokens() {
		hop[token] = true
	}
	return hop
}

// ConnectionTokens returns the tokens of the Connection header, in lower case.
func (h Header) ConnectionTokens() []string {
	var tokens []string
	for _, f := range h {
		if strings.EqualFold(f.Name, "connection") {
			for token := range strings.SplitSeq(f.Value, ",") {
				tokens = append(tokens, strings.ToLower(strings.Trim(token, " \t")))
			}
		}
	}
	return tokens
}

// isToken reports whether s can be a method or the name of a header.
func isToken(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	return s != "" && strings.Trim(s, "!#$%&'*+-.^_`|~0123456789"+letters+strings.ToUpper(letters)) == ""
}
