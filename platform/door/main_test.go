package door_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"fgbootstrap/platform/api"
	"fgbootstrap/platform/fgtest"
)

// The test binary is the bootstrap, too.
func TestMain(m *testing.M) {
	fgtest.Main(m, bootstrap)
}

// bootstrap is a function that gives back its event, fails or exits if that says so, or does what the test wants.
func bootstrap(what string) int {
	if what == "idle" { // the test polls in its place
		time.Sleep(time.Hour)
	}
	return fgtest.Loop(func(event []byte) (api.Kind, []byte) {
		if problem, failed := bytes.CutPrefix(event, []byte("fail ")); failed {
			return api.KindError, problem
		}
		if fixed, ok := os.LookupEnv("ANSWER"); ok {
			if problem, failed := strings.CutPrefix(fixed, "error "); failed {
				return api.KindError, []byte(problem)
			}
			if fixed == "exit" {
				os.Exit(3)
			}
			return api.KindResponse, []byte(fixed)
		}
		switch {
		case what == "mirror":
			return api.KindResponse, mirror(event)
		case string(event) == "exit":
			os.Exit(3)
		}
		return api.KindResponse, event
	})
}

// mirror is the function of a web application that shows the API gateway's event it got as a page; but a request whose
// body is a JSON object gets that for the result, and one for /5MB a long text.
func mirror(event []byte) []byte {
	var call struct {
		Path string `json:"path"`
		Body []byte `json:"body"`
	}
	_ = json.Unmarshal(event, &call) // it is an event always
	switch {
	case bytes.HasPrefix(call.Body, []byte("{")):
		return call.Body
	case call.Path == "/5MB":
		return fmt.Appendf(nil, `{"statusCode":200,"body":"%s"}`, strings.Repeat("ü", 5<<19))
	}
	page, _ := json.Marshal(map[string]any{"statusCode": 200, "body": event, "isBase64Encoded": true})
	return page
}
