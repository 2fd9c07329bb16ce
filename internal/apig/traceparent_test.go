package apig_test

import (
	"fmt"
	"strings"
	"testing"

	"fgbootstrap/internal/apig"
)

const (
	traced  = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	gateway = `{"httpMethod":"GET","path":"/","requestContext":{},"headers":%s}`
)

func TestATraceparentOfAnotherFormIsNone(t *testing.T) {
	for value, want := range map[string]bool{
		traced: true,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00":                             true,
		"00-00000000000000000000000000000001-0000000000000001-ff":                             true,
		"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01":                             true,
		"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-will-be":     true,
		"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what-the-future-will-be":     false,
		"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-a b":                         false,
		"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-" + strings.Repeat("x", 300): false,
		traced + "-more": false, traced + "-": false, traced + "0": false, traced[:54]: false, "": false, "-": false,
		"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01": false,
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01": false,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01": false,
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01": false,
		"00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01": false,
		"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01": false,
		"0-04bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01": false,
		".0-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01": false,
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x": false,
		"$(touch x)": false,
	} {
		if got := apig.Traceparent(fmt.Appendf(nil, gateway, `{"traceparent":"`+value+`"}`)); got != value && want || got != "" && !want {
			t.Errorf("%q: got %q", value, got)
		}
	}
}

func TestATraceparentIsTheOneHeaderOfThatName(t *testing.T) {
	for headers, want := range map[string]string{
		`{"a":"b","Traceparent":["` + traced + `"]}`:                         traced,
		`{"TRACEPARENT":" \u0030` + traced[1:] + `\t"}`:                      traced,
		`{"traceparent":["` + traced + `","` + traced + `"]}`:                "",
		`{"traceparent":"` + traced + `","TRACEPARENT":"` + traced + `"}`:    "",
		`{"trace-parent":"` + traced + `","x-traceparent":"` + traced + `"}`: "",
		`{"traceparent":null}`:                                               "", `{"traceparent":7}`: "", `{"traceparent":[]}`: "", `{"traceparent":"` + traced + `\n"}`: "", `null`: "", `[]`: "", `"x"`: "",
	} {
		if got := apig.Traceparent(fmt.Appendf(nil, gateway, headers)); got != want {
			t.Errorf("%s: got %q", headers, got)
		}
	}
	long := strings.Repeat("x", 6<<20)
	for _, body := range []string{`{"body":"` + long + `",` + gateway[1:], gateway[:len(gateway)-1] + `,"body":"` + long + `"}`} {
		if got := apig.Traceparent(fmt.Appendf(nil, body, `{"TraceParent":"`+traced+`"}`)); got != traced {
			t.Errorf("of a large event: got %q", got)
		}
	}
	for _, event := range []string{"", "{}", `{"headers":{"traceparent":"` + traced + `"}}`, `{"httpMethod":"GET","path":"/","requestContext":{}}`} {
		if got := apig.Traceparent([]byte(event)); got != "" {
			t.Errorf("%s: got %q", event, got)
		}
	}
}
