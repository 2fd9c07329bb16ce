package gateway

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Answer is what the gateway answers.
type Answer struct {
	Status int
	Header Header
	Body   []byte
	// Ignored are members of the envelope that other gateways know and this one does not.
	Ignored []string
}

// Unwrap makes an answer from a result that is an envelope: a JSON object with an integer
// statusCode from 200 to 999 and optional headers (each a string or an array of strings), body
// and isBase64Encoded. Anything else is an error, also a status below 200, which only announces
// an answer, and a header value with a line break.
func Unwrap(result []byte) (Answer, error) {
	var e struct {
		Status   *int                       `json:"statusCode"`
		Headers  map[string]json.RawMessage `json:"headers"`
		Body     string                     `json:"body"`
		IsBase64 bool                       `json:"isBase64Encoded"`
		Multi    json.RawMessage            `json:"multiValueHeaders"`
		Cookies  json.RawMessage            `json:"cookies"`
	}
	if err := json.Unmarshal(result, &e); err != nil {
		return Answer{}, fmt.Errorf("envelope: %w", err)
	}
	if e.Status == nil {
		return Answer{}, errors.New("envelope: 'statusCode' is not specified")
	}
	if *e.Status < 200 || *e.Status > 999 {
		return Answer{}, fmt.Errorf("envelope: statusCode %d is not the status of an answer", *e.Status)
	}
	answer := Answer{Status: *e.Status, Body: []byte(e.Body)}
	if hasContent(e.Multi) {
		answer.Ignored = append(answer.Ignored, "multiValueHeaders")
	}
	if hasContent(e.Cookies) {
		answer.Ignored = append(answer.Ignored, "cookies")
	}
	var err error
	if answer.Header, err = fields(e.Headers); err != nil {
		return Answer{}, fmt.Errorf("envelope: %w", err)
	}
	if e.IsBase64 {
		if answer.Body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			return Answer{}, fmt.Errorf("envelope: body: %w", err)
		}
	}
	return answer, nil
}

// hasContent reports whether a member is there and not empty.
func hasContent(value json.RawMessage) bool {
	text := strings.Join(strings.Fields(string(value)), "")
	return text != "" && text != "null" && text != "{}" && text != "[]"
}

func fields(headers map[string]json.RawMessage) (Header, error) {
	var list Header
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		values, err := oneOrMany(headers[name])
		if err != nil {
			return nil, fmt.Errorf("header %q is neither a string nor an array of strings", name)
		}
		if !isToken(name) {
			return nil, fmt.Errorf("header name %q is not a token", name)
		}
		for _, value := range values {
			if strings.IndexFunc(value, isControl) >= 0 {
				return nil, fmt.Errorf("header %q has a line break or another control character: %q", name, value)
			}
			list = append(list, Field{name, value})
		}
	}
	return list, nil
}

func oneOrMany(value json.RawMessage) ([]string, error) {
	var one string
	if json.Unmarshal(value, &one) == nil {
		return []string{one}, nil
	}
	var many []string
	err := json.Unmarshal(value, &many)
	return many, err
}

// isControl reports whether HTTP forbids c in the value of a header.
func isControl(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }

// notAnEnvelope is FunctionGraph's code for a result that is none for the gateway.
const notAnEnvelope = 1206

// NotAnEnvelope returns what the gateway's caller gets for a result that Unwrap refuses, and for an
// error that the function reported: status 500 and FSS.1206. It shows nothing of either.
func NotAnEnvelope() Answer {
	return ErrorAnswer(500, notAnEnvelope, "'statusCode' of APIG trigger invocation result not specified, statusCode can not be 0")
}

// NoResult returns what the gateway's caller gets if the platform has made the failure: it is quoted.
func NoResult(message string) Answer {
	const form = `{"statusCode":200,"isBase64Encoded":false,"headers":{},"body":""}`
	return ErrorAnswer(500, notAnEnvelope, fmt.Sprintf("invalid type of APIG trigger invocation result:[%s], type format must be: %s", message, form))
}

// ErrorAnswer returns an error of FunctionGraph's own services: an HTTP status and a body that
// says FSS.<code> and msg.
func ErrorAnswer(status, code int, msg string) Answer {
	return Answer{Status: status, Header: Header{{"Content-Type", "application/json"}}, Body: errorJSON(code, msg)}
}

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
