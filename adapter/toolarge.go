package adapter

import "fmt"

// mostStreamed is the platform's limit for a result in a stream, in bytes.
const mostStreamed = 200 << 20

// TooLarge is the error of a response of more than limit bytes. declared is its length, or 0 if
// that is not known.
func TooLarge(limit, declared int64) *Error {
	if declared > 0 {
		return tooLarge(limit, "The response has %d bytes, more than the %d bytes that may be sent (BOOTSTRAP_MAX_RESPONSE).", declared, limit)
	}
	return tooLarge(limit, "The response is larger than the %d bytes that may be sent (BOOTSTRAP_MAX_RESPONSE).", limit)
}

// TooLargeInEnvelope is the error of a response that only its envelope makes larger than limit. It
// has n bytes itself, or 0 if that is not known.
func TooLargeInEnvelope(limit, n int64) *Error {
	size := ""
	if n > 0 {
		size = fmt.Sprintf(" of %d bytes", n)
	}
	return tooLarge(limit, "The response%s is larger than the %d bytes that may be sent (BOOTSTRAP_MAX_RESPONSE) once it is in the envelope "+
		"that the API gateway wants: there it is base64, which takes a third more, or text in which quotes, line ends and the like are escaped.", size, limit)
}

func tooLarge(limit int64, text string, values ...any) *Error {
	e := &Error{
		Type:    TypeTooLarge,
		Message: fmt.Sprintf(text, values...) + " Write less, or store the result elsewhere and answer with its address.",
	}
	if limit < mostStreamed {
		e.Add(fmt.Sprintf("With the function's Streaming Response switched on and BOOTSTRAP_STREAMING=on it may have up to %d MB.", mostStreamed>>20))
	}
	return e
}
