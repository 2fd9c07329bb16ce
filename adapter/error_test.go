package adapter

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/secret"
)

func TestTheBodyOfAnErrorReportHasThreeKeys(t *testing.T) {
	for want, e := range map[string]*Error{
		`{"errorType":"","errorMessage":"","stackTrace":[]}`: {},
		`{"errorType":"T","errorMessage":"a \"b\" <c> & d\n","stackTrace":["one","two"]}`: {
			Type: "T", Message: "a \"b\" <c> & d\n", Stack: []string{"one", "two"}, Cause: errors.New("for the log only"),
		},
		`{"errorType":"T","errorMessage":"not UTF-8: \ufffd","stackTrace":[]}`: {Type: "T", Message: "not UTF-8: \xff"},
	} {
		if got := string(e.JSON()); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestTheCauseOfAnErrorIsForTheLog(t *testing.T) {
	cause := errors.New("the cause")
	e := &Error{Type: "T", Message: "The message.", Cause: cause}
	if e.Error() != "T: The message. (the cause)" || !errors.Is(e, cause) {
		t.Errorf("got %q", e)
	}
	if strings.Contains(string(e.JSON()), "cause") {
		t.Errorf("the report is %s", e.JSON())
	}
}

func TestAnErrorOfAnyKindBecomesOneForTheCaller(t *testing.T) {
	own := &Error{Type: "T"}
	if got := asError(fmt.Errorf("wrapped: %w", own)); got != own {
		t.Errorf("got %v", got)
	}
	plain := errors.New("open /secret/path")
	got := asError(plain)
	if got.Type != TypeInternal || !errors.Is(got, plain) || strings.Contains(string(got.JSON()), "path") {
		t.Errorf("got %v, reported as %s", got, got.JSON())
	}
}

func invocation() *Invocation {
	deadline := time.UnixMilli(1700000000123)
	return &Invocation{ID: `i"d`, Type: "async", Deadline: deadline, Headers: []Header{
		{"x-cff-request-id", `i"d`, false}, {"x-cff-invoke-type", "async", false},
		{"x-cff-access-key", "AK", true}, {"x-cff-secret-key", "SK", true}, {"x-cff-security-token", "ST", true}, {"x-cff-auth-token", "AT", true},
		{"x-cff-security-access-key", "SAK", true}, {"x-cff-security-secret-key", "SSK", true},
		{"x-stream-id", "<&>\xff", false}, {"x-cff-key-name", "no credential", false},
	}}
}

func TestTheContextIsTheSameJSONEverywhere(t *testing.T) {
	plain := map[string]string{
		"x-cff-request-id": `i"d`, "x-cff-invoke-type": "async", "x-stream-id": "<&>\ufffd", "x-cff-key-name": "no credential",
	}
	full := map[string]string{
		"x-cff-access-key": "AK", "x-cff-secret-key": "SK", "x-cff-security-token": "ST", "x-cff-auth-token": "AT",
		"x-cff-security-access-key": "SAK", "x-cff-security-secret-key": "SSK",
	}
	for name, value := range plain {
		full[name] = value
	}
	for credentials, headers := range map[bool]map[string]string{false: plain, true: full} {
		want, err := json.Marshal(map[string]any{
			"requestId": `i"d`, "deadlineMs": 1700000000123, "invokeType": "async", "headers": headers,
		})
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if err := json.Unmarshal(invocation().Context(credentials), &got); err != nil {
			t.Fatal(err)
		}
		if again, _ := json.Marshal(got); string(again) != string(want) {
			t.Errorf("credentials %t: got %s, want %s", credentials, again, want)
		}
	}
}

func TestAnInvocationWithoutHeadersHasAContextToo(t *testing.T) {
	got := string((&Invocation{ID: "1", Deadline: time.UnixMilli(5)}).Context(false))
	if got != `{"requestId":"1","deadlineMs":5,"invokeType":"","headers":{}}` {
		t.Errorf("got %s", got)
	}
}

func TestCredentialsAreTheValuesOfKeysAndTokens(t *testing.T) {
	if got := strings.Join(invocation().Credentials(), " "); got != "AK SK ST AT SAK SSK" {
		t.Errorf("got %s", got)
	}
	if n := len(invocation().Metadata(true)); n != 10 {
		t.Errorf("%d headers", n)
	}
}

func TestAnErrorForTheCallerIsMaskedAndNotTooLarge(t *testing.T) {
	e := &Error{
		Type:    strings.Repeat("t", 1<<20),
		Message: "secret-one " + strings.Repeat("é", 1<<20),
		Cause:   errors.New("secret-one"),
	}
	for range 10000 {
		e.Stack = append(e.Stack, "secret-one "+strings.Repeat("s", 10000))
	}
	body := string(e.forCaller(secret.NewMask("secret-one")).JSON())
	if len(body) > 1<<18 || strings.Contains(body, "secret-one") || !json.Valid([]byte(body)) {
		t.Errorf("%d bytes: %.100s", len(body), body)
	}
	small := &Error{Type: "T", Message: "m", Stack: []string{"s"}}
	if got := string(small.forCaller(secret.NewMask()).JSON()); got != string(small.JSON()) {
		t.Errorf("got %s", got)
	}
}
