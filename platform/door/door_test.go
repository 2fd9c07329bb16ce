package door_test

import (
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"fgbootstrap/internal/testkit"
	"fgbootstrap/platform"
	"fgbootstrap/platform/api"
	"fgbootstrap/platform/door"
	"fgbootstrap/platform/fgtest"
)

// openDoor is a door to a function; see bootstrap. Its event is also what the function may answer.
func openDoor(t *testing.T) (*door.Door, *testkit.Log) {
	t.Helper()
	p, log := fgtest.Function(t, "", nil)
	return doorOf(t, p), log
}

func doorOf(t *testing.T, p *platform.Platform) *door.Door {
	t.Helper()
	d, err := door.Open(p, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func request(t *testing.T, method, url, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

func TestTheRawDoorTakesEventsAsTheyAre(t *testing.T) {
	d, _ := openDoor(t)
	raw := "http://" + d.Addr() + door.RawPath
	if resp, body := request(t, "POST", raw, `{"a":1}`); resp.StatusCode != 200 || body != `{"a":1}` || resp.Header.Get("X-Cff-Request-Id") == "" {
		t.Error(resp, body)
	}
	if resp, body := request(t, "POST", raw+"?async=1", "async"); resp.StatusCode != 200 || body != "async" {
		t.Error(resp, body)
	}
	if resp, body := request(t, "POST", raw, "exit"); resp.StatusCode != 500 || resp.Header.Get("X-Cff-Function-Error") != "FSS.4204" || !strings.Contains(body, "runtime process is exited") {
		t.Error(resp, body)
	}
	if resp, body := request(t, "POST", raw, `fail {"errorType":"A.B\r\nX-Split: yes"}`); resp.StatusCode != 500 || resp.Header.Get("X-Cff-Function-Error") != "A.B  X-Split: yes" || resp.Header.Get("X-Split") != "" || body != `{"errorType":"A.B\r\nX-Split: yes"}` {
		t.Error(resp, body)
	}
	if resp, _ := request(t, "GET", raw, ""); resp.StatusCode != 405 {
		t.Error(resp)
	}
	if resp, _ := request(t, "GET", "http://"+d.Addr()+"/_fg/other", ""); resp.StatusCode != 404 {
		t.Error(resp)
	}
	if resp, body := request(t, "POST", raw, strings.Repeat("x", api.MaxPayload+1)); resp.StatusCode != 413 || !strings.Contains(body, "limit") {
		t.Error(resp, body)
	}
}

// answersOf is a door to a function that gives each event this answer, and its log.
func answersOf(t *testing.T, answer string) (*door.Door, *testkit.Log) {
	t.Helper()
	p, log := fgtest.Function(t, "", func(fn *platform.Function, _ *platform.Options) { fn.Env = append(fn.Env, "ANSWER="+answer) })
	return doorOf(t, p), log
}

const statusNotSpecified = `{"error_code":"FSS.1206","error_msg":"'statusCode' of APIG trigger invocation result not specified, statusCode can not be 0"}`

func TestAWebClientSeesNothingOfWhatIsNoEnvelope(t *testing.T) {
	for answer, reason := range map[string]string{
		`{"errorType":"Mine","stackTrace":["PLANTED"]}`: "'statusCode' is not specified", "PLANTED": "envelope: ", `"PLANTED"`: "envelope: ",
		`["PLANTED"]`: "envelope: ", `{"statusCode":0,"body":"PLANTED"}`: "statusCode 0", `{"statusCode":"200","body":"PLANTED"}`: "statusCode",
		`{"body":"PLANTED"}`: "'statusCode' is not specified", "": "envelope: ", "error PLANTED": "", `error {"errorType":"Mine","errorMessage":"PLANTED","stackTrace":["PLANTED"]}`: "failed: PLANTED",
	} {
		t.Run(answer, func(t *testing.T) {
			d, log := answersOf(t, answer)
			resp, body := request(t, "GET", "http://"+d.Addr()+"/path", "")
			if body != statusNotSpecified || resp.StatusCode != 500 || resp.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s", resp.Status, body)
			}
			if !strings.Contains(log.String(), reason) {
				t.Errorf("the log does not say %q", reason)
			}
		})
	}
}

func TestAFunctionThatIsGoneIsQuotedAsTheGatewayDoes(t *testing.T) {
	d, _ := answersOf(t, "exit")
	const want = `{"error_code":"FSS.1206","error_msg":"invalid type of APIG trigger invocation result:[runtime process is exited], ` +
		`type format must be: {\"statusCode\":200,\"isBase64Encoded\":false,\"headers\":{},\"body\":\"\"}"}`
	if resp, body := request(t, "GET", "http://"+d.Addr()+"/path", ""); body != want || resp.StatusCode != 500 {
		t.Error(resp.Status, body)
	}
}

func TestWhatTheGatewayDoesNotKnowInAnEnvelopeIsWarnedOf(t *testing.T) {
	for answer, names := range map[string]string{
		`{"statusCode":200,"multiValueHeaders":{"A":["b","c"]},"body":"x"}`:                                "multiValueHeaders",
		`{"statusCode":200,"cookies":["a=b"],"isBase64Encoded":true,"body":"eA=="}`:                        "cookies",
		`{"statusCode":200,"cookies":["a=b"],"multiValueHeaders":{"A":["b"]},"body":"x"}`:                  "multiValueHeaders cookies",
		`{"statusCode":200,"cookies":[],"multiValueHeaders":{ },"body":"x"}`:                               "",
		`{"statusCode":200,"cookies":null,"headers":{"cookies":"a","multiValueHeaders":["b"]},"body":"x"}`: "",
	} {
		t.Run(answer, func(t *testing.T) {
			d, log := answersOf(t, answer)
			if resp, body := request(t, "GET", "http://"+d.Addr()+"/path", ""); resp.StatusCode != 200 || body != "x" || resp.Header.Get("A") != "" {
				t.Error(resp, body)
			}
			for _, name := range []string{"multiValueHeaders", "cookies"} {
				if said := strings.Contains(log.String(), "has "+name+", which the API gateway does not know"); said != strings.Contains(names, name) {
					t.Errorf("%s is warned of: %t", name, said)
				}
			}
		})
	}
}

func TestTheGatewayUnwrapsTheEnvelope(t *testing.T) {
	p, _ := fgtest.Function(t, "", func(fn *platform.Function, _ *platform.Options) {
		fn.Env = append(fn.Env, `ANSWER={"statusCode":201,"headers":{"Content-Type":"text/x","Set-Cookie":["a=1","b=2"],"Content-Length":"999"},"isBase64Encoded":true,"body":"aGk="}`)
	})
	d, err := door.Open(p, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	resp, body := request(t, "POST", "http://"+d.Addr()+"/a?b=c", "body")
	if resp.StatusCode != 201 || body != "hi" || resp.Header.Get("Content-Type") != "text/x" || !reflect.DeepEqual(resp.Header["Set-Cookie"], []string{"a=1", "b=2"}) {
		t.Error(resp, body)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
