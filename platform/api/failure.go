package api

import (
	"encoding/json"
	"fmt"
)

// Codes of the failures that the platform itself makes, as FunctionGraph numbers them (shown to
// callers as FSS.<code>).
const (
	CodeInvocation    = 4002 // the invocation was given up
	CodeTooLarge      = 4008 // response body over the limit
	CodeTimeout       = 4010 // not answered within the function's timeout
	CodeLoadTimeout   = 4012 // the bootstrap never asked for the event
	CodeInit          = 4201 // the bootstrap is there but can't be started
	CodeNoBootstrap   = 4202 // no executable bootstrap in the root of the code
	CodeExited        = 4204 // the bootstrap exited with the event in hand
	CodeStartFailures = 4218 // the bootstrap failed to start several times in a row
)

// Failure makes the platform's result, with one of the codes, for a function that gives none. The
// caller owns it until it passes it on.
func Failure(code int, format string, args ...any) *Result {
	msg := fmt.Sprintf(format, args...)
	return &Result{Failed: true, Code: code, Message: msg, Payload: errorJSON(code, msg)}
}

// errorJSON is the error body of FunctionGraph's own services.
func errorJSON(code int, msg string) []byte {
	b, err := json.Marshal(struct {
		Code string `json:"error_code"`
		Msg  string `json:"error_msg"`
	}{fmt.Sprintf("FSS.%04d", code), msg})
	if err != nil { // strings always marshal
		return nil
	}
	return b
}
