package platform

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Field is a header of an HTTP message.
type Field struct{ Name, Value string }

// HTTPRequest is a request as it came to the API gateway.
type HTTPRequest struct {
	Method string
	Path   string // as sent, percent-encoded
	Query  string // as sent, without the question mark
	Host   string // host[:port]
	Remote string // IP of the client
	Header []Field
	Body   []byte
}

// HTTPAnswer is what the gateway answers.
type HTTPAnswer struct {
	Status int
	Header []Field
	Body   []byte
}

type apigEvent struct {
	Body            string            `json:"body"`
	RequestContext  apigContext       `json:"requestContext"`
	Query           map[string]any    `json:"queryStringParameters"`
	Method          string            `json:"httpMethod"`
	PathParameters  map[string]string `json:"pathParameters"`
	Headers         map[string]any    `json:"headers"`
	Path            string            `json:"path"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

type apigContext struct {
	APIID     string `json:"apiId"`
	RequestID string `json:"requestId"`
	Stage     string `json:"stage"`
}

// APIGEvent is the event that the gateway makes of a request: the body always in base64, header names in lower case,
// the path percent-decoded, a repeated query key or header as an array. requestID is the gateway's own id, which is not
// the invocation's. A path or query that can't be decoded is an error.
func APIGEvent(r HTTPRequest, requestID string) ([]byte, error) {
	path, err := url.PathUnescape(r.Path)
	if err != nil {
		return nil, fmt.Errorf("path %q: %w", r.Path, err)
	}
	query, err := url.ParseQuery(r.Query)
	if err != nil {
		return nil, fmt.Errorf("query %q: %w", r.Query, err)
	}
	ev := apigEvent{
		Body:            base64.StdEncoding.EncodeToString(r.Body),
		RequestContext:  apigContext{APIID: "00000000-0000-4000-8000-000000000000", RequestID: requestID, Stage: "RELEASE"},
		Query:           oneOrMany(query),
		Method:          r.Method,
		PathParameters:  map[string]string{},
		Headers:         oneOrMany(eventHeaders(r, requestID)),
		Path:            path,
		IsBase64Encoded: true,
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(ev); err != nil {
		return nil, fmt.Errorf("APIG event: %w", err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// eventHeaders are the client's, but for those of the connection, and the gateway's, which win.
func eventHeaders(r HTTPRequest, requestID string) map[string][]string {
	headers := make(map[string][]string)
	for _, f := range r.Header {
		switch name := strings.ToLower(f.Name); name {
		case "transfer-encoding", "expect": // the event holds the whole body
		default:
			headers[name] = append(headers[name], f.Value)
		}
	}
	_, port, _ := strings.Cut(r.Host, ":")
	if port == "" {
		port = "80"
	}
	for name, value := range map[string]string{
		"host": r.Host, "x-forwarded-host": r.Host, "x-forwarded-port": port, "x-forwarded-proto": "http",
		"x-forwarded-for": r.Remote, "x-real-ip": r.Remote, "x-request-id": requestID,
	} {
		headers[name] = []string{value}
	}
	return headers
}

func oneOrMany(m map[string][]string) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		if len(v) == 1 {
			out[k] = v[0]
		} else {
			out[k] = v
		}
	}
	return out
}

// Unwrap takes a result apart that is an envelope: a JSON object with an integer statusCode from 100 to 999, and if
// wanted headers (each a string or an array of strings), body and isBase64Encoded. Anything else is an error.
func Unwrap(result []byte) (HTTPAnswer, error) {
	var e struct {
		Status   *int                       `json:"statusCode"`
		Headers  map[string]json.RawMessage `json:"headers"`
		Body     string                     `json:"body"`
		IsBase64 bool                       `json:"isBase64Encoded"`
	}
	if err := json.Unmarshal(result, &e); err != nil {
		return HTTPAnswer{}, fmt.Errorf("envelope: %w", err)
	}
	if e.Status == nil {
		return HTTPAnswer{}, errors.New("envelope: 'statusCode' is not specified")
	}
	if *e.Status < 100 || *e.Status > 999 {
		return HTTPAnswer{}, fmt.Errorf("envelope: statusCode %d is no HTTP status", *e.Status)
	}
	answer := HTTPAnswer{Status: *e.Status, Body: []byte(e.Body)}
	var err error
	if answer.Header, err = fields(e.Headers); err != nil {
		return HTTPAnswer{}, err
	}
	if e.IsBase64 {
		if answer.Body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			return HTTPAnswer{}, fmt.Errorf("envelope: body: %w", err)
		}
	}
	return answer, nil
}

func fields(headers map[string]json.RawMessage) ([]Field, error) {
	var list []Field
	for _, name := range sortedKeys(headers) {
		var one string
		if json.Unmarshal(headers[name], &one) == nil {
			list = append(list, Field{name, one})
			continue
		}
		var many []string
		if err := json.Unmarshal(headers[name], &many); err != nil {
			return nil, fmt.Errorf("envelope: header %q is neither a string nor an array of strings", name)
		}
		for _, value := range many {
			list = append(list, Field{name, value})
		}
	}
	return list, nil
}

// notAnEnvelope is what the gateway's caller gets, with status 500, for a result that Unwrap refuses.
func notAnEnvelope(result string) []byte {
	const form = `{"statusCode":200,"isBase64Encoded":false,"headers":{},"body":""}`
	return errorJSON(1206, fmt.Sprintf("invalid type of APIG trigger invocation result:[%s], type format must be: %s", result, form))
}
