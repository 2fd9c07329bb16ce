package adapter

import (
	"encoding/json"
)

// Metadata returns the headers that the program may see: all of them, or all except the
// credentials.
func (inv *Invocation) Metadata(credentials bool) []Header {
	if credentials {
		return inv.Headers
	}
	visible := make([]Header, 0, len(inv.Headers))
	for _, h := range inv.Headers {
		if !h.Secret {
			visible = append(visible, h)
		}
	}
	return visible
}

// Credentials returns the values of the headers that carry a key or a token.
func (inv *Invocation) Credentials() []string {
	var values []string
	for _, h := range inv.Headers {
		if h.Secret {
			values = append(values, h.Value)
		}
	}
	return values
}

// Header returns the value of the named header (in lower case), or "".
func (inv *Invocation) Header(name string) string {
	for _, h := range inv.Headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// Context returns the JSON that tells a program about its invocation, the same in every mode.
// deadlineMs is Deadline in milliseconds since 1970; traceparent is missing if there is none.
func (inv *Invocation) Context(credentials bool) []byte {
	headers := make(map[string]string, len(inv.Headers))
	for _, h := range inv.Metadata(credentials) {
		headers[h.Name] = h.Value
	}
	// Strings and a number: Marshal cannot fail.
	text, _ := json.Marshal(struct {
		RequestID  string            `json:"requestId"`
		DeadlineMS int64             `json:"deadlineMs"`
		InvokeType string            `json:"invokeType"`
		Headers    map[string]string `json:"headers"`
		Trace      string            `json:"traceparent,omitempty"`
	}{inv.ID, inv.Deadline.UnixMilli(), inv.Type, headers, inv.Traceparent})
	return text
}
