package process_test

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"fgbootstrap/internal/process"
)

func TestWhatWasWrittenBeforeTheDeadlineIsReadAfterIt(t *testing.T) {
	text := strings.Repeat("0123456789", 6000)
	for name, row := range map[string]struct {
		held bool // somebody still may write
		want error
	}{
		"and then the end":          {false, nil},
		"and no more from a holder": {true, os.ErrDeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = r.Close() }()
			defer func() { _ = w.Close() }()
			if _, err := io.WriteString(w, text); err != nil {
				t.Fatal(err)
			}
			if !row.held {
				_ = w.Close()
			}
			if err := r.SetReadDeadline(time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
			drained, err := process.NewDrained(r)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(drained)
			if string(got) != text || !errors.Is(err, row.want) {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
		})
	}
}

func TestAWriterInTheBackgroundDoesNotKeepTheReader(t *testing.T) {
	p := start(t, shell(`yes & exit 0`))
	<-p.Done()
	_ = p.Stdout.SetReadDeadline(time.Now())
	drained, err := process.NewDrained(p.Stdout)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(drained)
	if !errors.Is(err, os.ErrDeadlineExceeded) || len(got) > 1<<20 {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}
