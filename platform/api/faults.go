package api

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// FaultDoor is the place of the runtime API where a fault strikes.
type FaultDoor string

// The doors of the runtime API.
const (
	DoorListen FaultDoor = "listen" // accepting connections at all
	DoorPoll   FaultDoor = "poll"   // GET …/invocation/request
	DoorPost   FaultDoor = "post"   // POST …/invocation/response/ID and …/error/ID
)

// Rule is one fault, repeated Count times. The rules of a door are used up in order, one for each
// request.
type Rule struct {
	Door  FaultDoor
	Kind  string
	Wait  time.Duration // argument of the kinds that take a duration
	Size  int64         // argument in bytes of the kinds that take a size; 0 is the kind's own default
	Count int           // requests it strikes; 0 counts as 1
}

// Faults is a script of rules.
type Faults []Rule

// argument says what may follow a kind's equals sign.
type argument int

const (
	argNone argument = iota
	argDuration
	argSize
	argMaybeSize
)

// trait is what the grammar, the help text and the doors need to know about a kind.
type trait struct {
	arg     argument
	onEvent bool // strikes the answer that carries an event, so it waits for one
	help    string
}

func kinds() map[FaultDoor]map[string]trait {
	return map[FaultDoor]map[string]trait{
		DoorListen: {
			"refuse": {argDuration, false, "connections are refused for that long from the start"},
		},
		DoorPoll: {
			"ok":      {argNone, true, "an event is delivered as it should be"},
			"reset":   {argNone, false, "reset before a byte of the answer; no event is used up"},
			"500":     {argNone, false, "status 500 at once; no event is used up"},
			"noid":    {argNone, false, "status 200 without a request id; no event is used up"},
			"empty":   {argNone, false, "status 204 at once; no event is used up"},
			"cuthead": {argNone, true, "the answer with the event is reset in the middle of its headers"},
			"cut":     {argNone, true, "the answer with the event is reset in the middle of its body"},
			"bighead": {argSize, true, "the event comes with that many bytes of extra metadata headers"},
			"slow":    {argDuration, true, "the event takes that long to arrive"},
		},
		DoorPost: {
			"ok":    {argNone, false, "a report is taken as it should be"},
			"500":   {argNone, false, "status 500; the report does not count"},
			"404":   {argNone, false, "status 404; the platform has given the invocation up"},
			"413":   {argNone, false, "status 413; the caller gets 4008"},
			"reset": {argNone, false, "reset after the report was read; it does not count"},
			"lost":  {argNone, false, "the report counts, but its answer never arrives"},
			"slow":  {argDuration, false, "the report counts, its answer comes that much later"},
			"stall": {argDuration, false, "the report's body is not read for that long"},
			"cut":   {argMaybeSize, false, "reset after that many bytes of the body (default: half of it, or 64K of a stream)"},
		},
	}
}

// FaultsHelp lists the grammar and every kind, one a line, for a command's help text.
func FaultsHelp() string {
	var b strings.Builder
	b.WriteString("door:kind[=arg][*count], separated by commas; the rules of a door are used up in order, one a request\n")
	all := kinds()
	for _, door := range []FaultDoor{DoorListen, DoorPoll, DoorPost} {
		for _, kind := range slices.Sorted(maps.Keys(all[door])) {
			t := all[door][kind]
			fmt.Fprintf(&b, "  %-18s %s\n", string(door)+":"+kind+argHint(t.arg), t.help)
		}
	}
	return b.String()
}

func argHint(a argument) string {
	return map[argument]string{argDuration: "=2s", argSize: "=32K", argMaybeSize: "[=64K]"}[a]
}

// ParseFaults reads rules such as `listen:refuse=3s,poll:reset*2,post:500`. An empty text means
// no faults. An error names the rule and what is allowed.
func ParseFaults(text string) (Faults, error) {
	var faults Faults
	for _, part := range strings.Split(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		rule, err := parseRule(part)
		if err != nil {
			return nil, fmt.Errorf("fault %q: %w", part, err)
		}
		faults = append(faults, rule)
	}
	return faults, nil
}

func parseRule(text string) (Rule, error) {
	body, count, counted := strings.Cut(text, "*")
	rule := Rule{Count: 1}
	if counted {
		n, err := strconv.Atoi(count)
		if err != nil || n < 1 {
			return Rule{}, fmt.Errorf("the count %q is not a whole number from 1", count)
		}
		rule.Count = n
	}
	door, kind, ok := strings.Cut(body, ":")
	if !ok {
		return Rule{}, fmt.Errorf("it must look like door:kind[=arg][*count]; the doors are %s", allowed(kinds()))
	}
	kind, arg, hasArg := strings.Cut(kind, "=")
	rule.Door, rule.Kind = FaultDoor(door), kind
	t, err := rule.trait()
	if err != nil {
		return Rule{}, err
	}
	return rule, rule.setArgument(t.arg, arg, hasArg)
}

// trait looks the kind up; its error lists the allowed names.
func (r Rule) trait() (trait, error) {
	all := kinds()
	door, ok := all[r.Door]
	if !ok {
		return trait{}, fmt.Errorf("there is no door %q; the doors are %s", r.Door, allowed(all))
	}
	t, ok := door[r.Kind]
	if !ok {
		return trait{}, fmt.Errorf("%s has no fault %q; it has %s", r.Door, r.Kind, allowed(door))
	}
	return t, nil
}

func (r *Rule) setArgument(want argument, arg string, given bool) error {
	switch {
	case !given && (want == argNone || want == argMaybeSize):
		return nil
	case !given:
		return fmt.Errorf("%s needs an argument, such as %s", r.Kind, r.Kind+argHint(want))
	case want == argNone:
		return fmt.Errorf("%s takes no argument", r.Kind)
	case want == argDuration:
		d, err := time.ParseDuration(arg)
		if err != nil || d <= 0 {
			return fmt.Errorf("%q is not a duration such as 500ms or 2s", arg)
		}
		r.Wait = d
		return nil
	default:
		size, err := parseSize(arg)
		if err != nil {
			return err
		}
		r.Size = size
		return nil
	}
}

// parseSize reads bytes with an optional K or M (1024).
func parseSize(text string) (int64, error) {
	digits, unit := text, int64(1)
	switch {
	case strings.HasSuffix(text, "K"):
		digits, unit = strings.TrimSuffix(text, "K"), 1<<10
	case strings.HasSuffix(text, "M"):
		digits, unit = strings.TrimSuffix(text, "M"), 1<<20
	}
	n, err := strconv.ParseInt(digits, 10, 32)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is not a size such as 500, 32K or 2M", text)
	}
	return n * unit, nil
}

// validate checks rules that were built in Go and not parsed.
func (f Faults) validate() error {
	for _, r := range f {
		if _, err := r.trait(); err != nil {
			return fmt.Errorf("fault %s:%s: %w", r.Door, r.Kind, err)
		}
	}
	return nil
}

// refusal is how long connections are refused from the start.
func (f Faults) refusal() time.Duration {
	var d time.Duration
	for _, r := range f {
		if r.Door == DoorListen && r.Kind == "refuse" {
			d += r.Wait * time.Duration(max(r.Count, 1))
		}
	}
	return d
}

// script is the queue of the remaining rules. It is safe for concurrent use.
type script struct {
	mu    sync.Mutex
	rules Faults
}

func (s *script) add(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range f {
		r.Count = max(r.Count, 1)
		s.rules = append(s.rules, r)
	}
}

// take uses up the next rule of the door, if it strikes in this phase: a poll asks twice, on
// arrival and with an event.
func (s *script) take(door FaultDoor, onEvent bool) (Rule, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.rules {
		r := &s.rules[i]
		if r.Door != door || r.Count == 0 {
			continue
		}
		t, err := r.trait()
		if err != nil || t.onEvent != onEvent {
			return Rule{}, false
		}
		r.Count--
		return *r, true
	}
	return Rule{}, false
}

func allowed[K ~string, V any](m map[K]V) string {
	names := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}
