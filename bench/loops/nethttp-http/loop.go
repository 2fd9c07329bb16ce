package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// loop takes events to the server and its answers back.
type loop struct {
	client *http.Client
	api    string // the runtime API's URL
	server string // host:port
}

func (l loop) run() error {
	for {
		if err := l.serve(); err != nil {
			return err
		}
	}
}

// serve takes one event to its answer.
func (l loop) serve() error {
	poll, err := l.client.Get(l.api + "/request")
	if err != nil {
		return err
	}
	payload, err := read(poll)
	if err != nil {
		return err
	}
	result, err := l.invoke(payload)
	if err != nil {
		return err
	}
	id := poll.Header.Get("X-Cff-Request-Id")
	report, err := l.client.Post(l.api+"/response/"+id, "application/json", bytes.NewReader(result))
	if err != nil {
		return err
	}
	_, err = read(report) // or the connection is not used again
	return err
}

// invoke asks the server: what the gateway sends as the request it was, anything
// else as it is.
func (l loop) invoke(payload []byte) ([]byte, error) {
	var e event
	if err := json.Unmarshal(payload, &e); err != nil || !e.isCall() {
		return l.post(payload)
	}
	request, err := e.request(l.server)
	if err != nil {
		return nil, err
	}
	response, err := l.client.Do(request)
	if err != nil {
		return nil, err
	}
	body, err := read(response)
	if err != nil {
		return nil, err
	}
	return json.Marshal(newEnvelope(response, body))
}

func (l loop) post(payload []byte) ([]byte, error) {
	response, err := l.client.Post("http://"+l.server+"/invoke", "application/json", bytes.NewReader(payload))
	if err != nil {
		return nil, err
	}
	body, err := read(response)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("the server answers %s", response.Status)
	}
	return body, err
}

func read(response *http.Response) ([]byte, error) {
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	return body, err
}
