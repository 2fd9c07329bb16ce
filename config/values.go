package config

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// One type for each set of allowed values.
type (
	mode        string
	protocol    string
	channel     string
	wrapping    string
	pipeInput   string
	pathForm    string
	detail      string
	logLevel    string
	logFormat   string
	poolSize    int
	spareCount  int
	wholeNumber int
	seconds     time.Duration
)

// modes are those of BOOTSTRAP_MODE; settings of one begin with its name.
var modes = []string{"pipe", "worker", "http"}

// parsers is the table of what is allowed. The bounds of numbers guard against typing errors and
// promise nothing: an instance has 1024 processes and threads, and 2048 descriptors.
func parsers() map[reflect.Type]env.ParserFunc {
	return map[reflect.Type]env.ParserFunc{
		reflect.TypeFor[mode]():          oneOf[mode](modes...),
		reflect.TypeFor[protocol]():      oneOf[protocol]("lines", "jsonrpc", "actionloop"),
		reflect.TypeFor[channel]():       oneOf[channel]("stdout", "fd3"),
		reflect.TypeFor[wrapping]():      oneOf[wrapping]("auto", "off", "always"),
		reflect.TypeFor[pipeInput]():     oneOf[pipeInput]("event", "body", "cgi"),
		reflect.TypeFor[pathForm]():      oneOf[pathForm]("auto", "encoded", "decoded"),
		reflect.TypeFor[detail]():        oneOf[detail]("full", "brief"),
		reflect.TypeFor[logLevel]():      oneOf[logLevel]("debug", "info", "warn", "error"),
		reflect.TypeFor[logFormat]():     oneOf[logFormat]("text", "json"),
		reflect.TypeFor[poolSize]():      number[poolSize](1, 1000),
		reflect.TypeFor[spareCount]():    number[spareCount](0, 100),
		reflect.TypeFor[wholeNumber]():   number[wholeNumber](0, math.MaxInt32),
		reflect.TypeFor[bool]():          parser(onOff),
		reflect.TypeFor[seconds]():       parser(parseSeconds),
		reflect.TypeFor[time.Duration](): parser(parseDuration),
		reflect.TypeFor[margin]():        parser(parseMargin),
		reflect.TypeFor[size]():          parser(parseSize),
		reflect.TypeFor[command]():       parser(parseCommand),
		reflect.TypeFor[port]():          parser(parsePort),
		reflect.TypeFor[readiness]():     parser(parseReadiness),
		reflect.TypeFor[urlPath]():       parser(parsePath),
		reflect.TypeFor[urlPrefix]():     parser(parsePrefix),
		reflect.TypeFor[StatusSet]():     parser(parseStatusSet),
		reflect.TypeFor[mediaType]():     parser(parseMediaType),
	}
}

// parser adapts a typed function to the signature of the env library.
func parser[T any](parse func(string) (T, error)) env.ParserFunc {
	return func(v string) (any, error) { return parse(v) }
}

// oneOf allows the given words in upper or lower case, and ignores blanks around them, which
// nobody sees in a console.
func oneOf[T ~string](words ...string) env.ParserFunc {
	return func(v string) (any, error) {
		if w := tidy(v); slices.Contains(words, w) {
			return T(w), nil
		}
		return nil, fmt.Errorf("must be one of: %s", strings.Join(words, ", "))
	}
}

// number allows whole decimal numbers from low to high.
func number[T ~int](low, high int) env.ParserFunc {
	return func(v string) (any, error) {
		n, err := strconv.Atoi(strings.TrimSpace(v))
		if err != nil || n < low || n > high {
			return nil, fmt.Errorf("must be a whole number from %d to %d", low, high)
		}
		return T(n), nil
	}
}

// onOff takes true, false, 1 and 0 too: in the JSON of user data a switch is easily a bool.
func onOff(v string) (bool, error) {
	switch tidy(v) {
	case "on", "true", "1":
		return true, nil
	case "off", "false", "0":
		return false, nil
	}
	return false, errors.New("must be on or off")
}

// maxSeconds is a year: far above the platform's 259200 s, far below what a time.Duration holds.
const maxSeconds = 365 * 24 * 60 * 60

// parseSeconds reads the platform's way of writing a time: a number, decimals allowed, no unit.
func parseSeconds(v string) (seconds, error) {
	n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
	if err != nil || !(n >= 0.001 && n <= maxSeconds) { // written so that NaN fails too
		return 0, errors.New("must be a number of seconds without a unit, at least 0.001")
	}
	return seconds(n * float64(time.Second)), nil
}

// parseDuration reads Go durations. It refuses a number without a unit: half the world would mean
// seconds by it.
func parseDuration(v string) (time.Duration, error) {
	v = strings.TrimSpace(v)
	d, err := time.ParseDuration(v)
	if err == nil && d >= 0 {
		return d, nil
	}
	if _, bare := strconv.ParseFloat(v, 64); bare == nil {
		return 0, errors.New("must be a duration with a unit, such as 500ms, 2.5s or 1m")
	}
	return 0, errors.New("must be a duration such as 500ms, 2.5s or 1m")
}

func tidy(v string) string { return strings.ToLower(strings.TrimSpace(v)) }
