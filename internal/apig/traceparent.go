package apig

import "bytes"

// Traceparent returns the value of the header traceparent of an API gateway's call, if it has the
// form of W3C's Trace Context, and "" for any other event, for several such headers, and for a
// value of another form. Of an event over 128 KB only the first and the last half of that may hold
// the header: reading all of each large event would take milliseconds, and what makes one large is
// its body.
func Traceparent(event []byte) string {
	begin := min(len(event), ends)
	if !namesTrace(event[:begin]) && !namesTrace(event[max(begin, len(event)-ends):]) {
		return "" // most events
	}
	call, ok := Read(event)
	if !ok {
		return ""
	}
	var found []byte
	headers := 0
	err := eachText(call.Headers, "headers", func(name, value []byte) error {
		if bytes.EqualFold(name, []byte("traceparent")) {
			headers++
			found = bytes.Trim(value, " \t")
		}
		return nil
	})
	if err != nil || headers != 1 || !isTraceparent(found) {
		return ""
	}
	return string(found)
}

// ends is how many bytes of an event's beginning and end are looked at.
const ends = 64 << 10

// namesTrace reports whether a text may have the header's name, in a spelling that is in use.
func namesTrace(text []byte) bool {
	return bytes.Contains(text, []byte("parent")) || bytes.Contains(text, []byte("Parent")) || bytes.Contains(text, []byte("PARENT"))
}

const (
	// traceparentForm is that of version 00: version, trace id, parent id, flags; x is a digit of
	// hexadecimal in lower case.
	traceparentForm = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx"
	traceID         = len("00-")
	parentID        = traceID + len("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-")
	flags           = parentID + len("xxxxxxxxxxxxxxxx-")
	// longestTraceparent bounds what later versions may add.
	longestTraceparent = 256
)

// isTraceparent reports whether a text is a traceparent of any version: later ones begin as 00 does,
// and may have more, behind a hyphen.
func isTraceparent(text []byte) bool {
	if len(text) < len(traceparentForm) || len(text) > longestTraceparent {
		return false
	}
	for i := range traceparentForm {
		if c := text[i]; traceparentForm[i] == '-' && c != '-' || traceparentForm[i] == 'x' && !(digit(c) || c >= 'a' && c <= 'f') {
			return false
		}
	}
	version, more := string(text[:2]), text[len(traceparentForm):]
	switch {
	case version == "ff", areZeros(text[traceID : parentID-1]), areZeros(text[parentID : flags-1]):
		return false
	case len(more) == 0:
		return true
	default:
		return version != "00" && more[0] == '-' && len(bytes.Trim(more, graphic)) == 0
	}
}

// graphic are the characters that something behind a hyphen may have.
const graphic = "-._~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

func areZeros(text []byte) bool { return len(bytes.Trim(text, "0")) == 0 }
