package platform_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test binary is the bootstrap, too: a function of the tests is a folder with a link to it.
func TestMain(m *testing.M) {
	if what, ok := os.LookupEnv("BOOTSTRAP_UNDER_TEST"); ok {
		os.Exit(bootstrap(what))
	}
	os.Exit(m.Run())
}

// bootstrap is a custom runtime as somebody might write it. Events are commands for it.
func bootstrap(what string) int {
	fmt.Fprintln(os.Stderr, "starting:", what)
	switch what {
	case "exit":
		return 7
	case "idle": // the test polls in its place
		time.Sleep(time.Hour)
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
	case "polite":
		term := make(chan os.Signal, 1)
		signal.Notify(term, syscall.SIGTERM)
		go func() {
			<-term
			fmt.Println("good bye")
			os.Exit(0)
		}()
	}
	url := "http://" + os.Getenv("RUNTIME_API_ADDR") + "/v1/runtime/invocation/"
	for {
		resp, err := http.Get(url + "request")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		event, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		result := act(string(event))
		if what == "mirror" {
			result = mirror(event)
		}
		kind := "response/"
		if problem, failed := bytes.CutPrefix(event, []byte("fail ")); failed {
			kind, result = "error/", problem
		}
		resp, err = http.Post(url+kind+resp.Header.Get("X-Cff-Request-Id"), "", bytes.NewReader(result))
		if err == nil {
			_ = resp.Body.Close()
		}
	}
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

func act(event string) []byte {
	if fixed, ok := os.LookupEnv("ANSWER"); ok {
		return []byte(fixed)
	}
	verb, arg, _ := strings.Cut(event, " ")
	switch verb {
	case "env":
		return []byte(strings.Join(os.Environ(), "\n"))
	case "cwd":
		dir, _ := os.Getwd()
		return []byte(dir)
	case "pid":
		return fmt.Append(nil, os.Getpid())
	case "print":
		fmt.Println(arg)
	case "exit":
		os.Exit(3)
	case "sh": // goes on in the background
		out, err := exec.Command("sh", "-c", arg).Output()
		return fmt.Append(out, err)
	case "hang":
		_ = exec.Command("sh", "-c", arg).Run()
		time.Sleep(time.Hour)
	case "answer":
		return []byte(arg)
	}
	return []byte(event)
}
