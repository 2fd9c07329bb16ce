package platform

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// eventHeaders are the client's, but for those of its connection, and the gateway's, which win.
func eventHeaders(r HTTPRequest, requestID string) (*object, error) {
	headers, drop := &object{}, hopByHop(r.Header)
	drop["expect"] = true // the gateway has met it
	for _, f := range r.Header {
		name := strings.ToLower(f.Name)
		switch {
		case !isToken(name):
			return nil, fmt.Errorf("header name %q is no token", name)
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

func gatewayHeaders(r HTTPRequest, requestID string) []Field {
	port := "80"
	if i := strings.LastIndexByte(r.Host, ':'); i > strings.LastIndexByte(r.Host, ']') && i+1 < len(r.Host) {
		port = r.Host[i+1:]
	}
	list := []Field{
		{"x-forwarded-for", r.Remote}, {"x-real-ip", r.Remote}, {"x-forwarded-proto", "http"}, {"x-forwarded-port", port},
		{"x-request-id", requestID},
	}
	if r.Host != "" { // an old client's
		list = append(list, Field{"host", r.Host}, Field{"x-forwarded-host", r.Host})
	}
	return list
}

// hopByHop are the headers, in lower case, that end with the connection they came on: those that the standard lists,
// and those that the sender lists in Connection.
func hopByHop(header []Field) map[string]bool {
	hop := map[string]bool{
		"connection": true, "keep-alive": true, "proxy-connection": true, "te": true, "trailer": true, "transfer-encoding": true,
		"upgrade": true,
	}
	for _, token := range connectionTokens(header) {
		hop[token] = true
	}
	return hop
}

// connectionTokens are those of the Connection header, in lower case.
func connectionTokens(header []Field) []string {
	var tokens []string
	for _, f := range header {
		if strings.EqualFold(f.Name, "connection") {
			for token := range strings.SplitSeq(f.Value, ",") {
				tokens = append(tokens, strings.ToLower(strings.Trim(token, " \t")))
			}
		}
	}
	return tokens
}

// named finds a field by its name.
func named(name string) func(Field) bool {
	return func(f Field) bool { return strings.EqualFold(f.Name, name) }
}

// isToken reports whether s can be a method or the name of a header.
func isToken(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyz"
	return s != "" && strings.Trim(s, "!#$%&'*+-.^_`|~0123456789"+letters+strings.ToUpper(letters)) == ""
}
