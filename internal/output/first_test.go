package output_test

import (
	"strings"
	"testing"
)

// What a program prints before it has any event may be told to whoever meets its end.
func TestOnlyAnEventThatCameHasWhatWasPrintedBeforeItForgotten(t *testing.T) {
	p := follow(t)
	p.print("no database")
	unsent := p.Enter("unsent")
	if got := strings.Join(unsent.Tail(), ","); got != "no database" {
		t.Errorf("got %q", got)
	}
	unsent.Withdraw()
	one := p.Enter("one")
	if got := strings.Join(one.Tail(), ","); got != "no database" {
		t.Errorf("after an event that was not given: got %q", got)
	}
	one.Leave()
	two := p.Enter("two")
	if got := two.Tail(); len(got) > 0 {
		t.Errorf("after an event that was: got %q", got)
	}
	two.Leave()
}

func TestALineThatWasPrintedBeforeTheFirstEventHasNoID(t *testing.T) {
	for range 20 {
		p := follow(t)
		if _, err := p.pipe.WriteString("starting\n"); err != nil {
			t.Fatal(err)
		}
		one := p.Enter("one") // as a rule the line is still to be read
		line := p.print("at work")
		one.Leave()
		if first := p.logs.All()[0]; id(first) != "" || first.Message != "starting" {
			t.Fatalf("got %v before %v", first, line)
		}
	}
}
