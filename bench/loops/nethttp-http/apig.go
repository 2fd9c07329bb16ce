package main

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/url"
	"unicode/utf8"
)

// event is a call through the API gateway.
type event struct {
	HTTPMethod            string            `json:"httpMethod"`
	Path                  string            `json:"path"`
	QueryStringParameters map[string]string `json:"queryStringParameters"`
	Headers               map[string]string `json:"headers"`
	Body                  string            `json:"body"`
	IsBase64Encoded       bool              `json:"isBase64Encoded"`
	RequestContext        *requestContext   `json:"requestContext"`
}

type requestContext struct {
	APIID     string `json:"apiId"`
	RequestID string `json:"requestId"`
	Stage     string `json:"stage"`
}

func (e *event) isCall() bool {
	return e.HTTPMethod != "" && e.Path != "" && e.RequestContext != nil
}

func (e *event) request(host string) (*http.Request, error) {
	body, err := e.body()
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	for name, value := range e.QueryStringParameters {
		query.Set(name, value)
	}
	target := url.URL{Scheme: "http", Host: host, Path: e.Path, RawQuery: query.Encode()}
	request, err := http.NewRequest(e.HTTPMethod, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range e.Headers {
		request.Header.Set(name, value)
	}
	request.Host = request.Header.Get("Host")
	return request, nil
}

func (e *event) body() ([]byte, error) {
	if e.IsBase64Encoded {
		return base64.StdEncoding.DecodeString(e.Body)
	}
	return []byte(e.Body), nil
}

// envelope is the answer that the API gateway understands.
type envelope struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

func newEnvelope(response *http.Response, body []byte) envelope {
	e := envelope{StatusCode: response.StatusCode, Headers: map[string]string{}}
	for name := range response.Header {
		e.Headers[name] = response.Header.Get(name)
	}
	if utf8.Valid(body) {
		e.Body = string(body)
	} else {
		e.Body = base64.StdEncoding.EncodeToString(body)
		e.IsBase64Encoded = true
	}
	return e
}
