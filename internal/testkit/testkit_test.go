package testkit

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestMain(m *testing.M) {
	Main(m, map[string]func(){
		"greets": func() { fmt.Print("hello", os.Getenv(Variable)) },
		"fails":  func() { os.Exit(7) },
	})
}

// judged is a test that notes how it ended instead of ending the real one.
type judged struct {
	testing.TB
	verdict string
}

func (j *judged) Errorf(string, ...any) { j.verdict = "failed" }

func (j *judged) Fatalf(string, ...any) {
	j.verdict = "failed"
	runtime.Goexit()
}

func (j *judged) Skipf(string, ...any) {
	j.verdict = "skipped"
	runtime.Goexit()
}

// verdict runs a test to its end, by a clock that does not keep us waiting.
func verdict(t *testing.T, test func(testing.TB)) (verdict string, took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		j := &judged{TB: t, verdict: "passed"}
		began, done := time.Now(), make(chan struct{})
		go func() {
			defer close(done)
			test(j)
		}()
		<-done
		verdict, took = j.verdict, time.Since(began)
	})
	return verdict, took
}

func TestWhatNeverHappensFailsAfterPatience(t *testing.T) {
	for name, test := range map[string]func(testing.TB){
		"Eventually": func(t testing.TB) { Eventually(t, "a miracle", func() bool { return false }) },
		"AtMost":     func(t testing.TB) { AtMost(t, 1, "miracles", func() int { return 2 }) },
		"Await":      func(t testing.TB) { Await(t, make(chan int), "a miracle") },
	} {
		if got, took := verdict(t, test); got != "failed" || took < Patience || took > Patience+time.Second {
			t.Errorf("%s: %s after %s", name, got, took)
		}
	}
}

func TestWhatHappensInTimePasses(t *testing.T) {
	for name, test := range map[string]func(testing.TB){
		"Eventually": func(t testing.TB) {
			n := 0
			Eventually(t, "it", func() bool { n++; return n == 100 })
		},
		"AtMost": func(t testing.TB) {
			n := 100
			AtMost(t, 1, "of it", func() int { n--; return n })
		},
		"Await": func(t testing.TB) {
			c := make(chan int)
			time.AfterFunc(time.Second, func() { c <- 7 })
			if Await(t, c, "it") != 7 {
				t.Errorf("another value")
			}
		},
		"SoonerOrLater": func(t testing.TB) {
			n := 0
			SoonerOrLater(t, "it", func() bool { n++; return n == 5 })
		},
	} {
		if got, took := verdict(t, test); got != "passed" || took > time.Second {
			t.Errorf("%s: %s after %s", name, got, took)
		}
	}
	if got, _ := verdict(t, func(t testing.TB) { SoonerOrLater(t, "it", func() bool { return false }) }); got != "failed" {
		t.Errorf("SoonerOrLater %s", got)
	}
}

func TestAMissingProgramSkipsATestButNotInCI(t *testing.T) {
	for ci, want := range map[string]string{"": "skipped", "true": "failed"} {
		t.Setenv("CI", ci)
		if got, _ := verdict(t, func(t testing.TB) { Need(t, "no-such-program") }); got != want {
			t.Errorf("CI=%s: %s", ci, got)
		}
	}
}

func TestTheTestBinaryIsItsPrograms(t *testing.T) {
	for name, want := range map[string]struct {
		out  string
		code int
	}{"greets": {"hello", 0}, "fails": {"", 7}, "unknown": {`the test binary has no program "unknown"` + "\n", 2}} {
		cmd := exec.Command(Self())
		cmd.Env = Environ(name)
		out, err := cmd.CombinedOutput()
		if string(out) != want.out || cmd.ProcessState.ExitCode() != want.code {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
}

func TestWhatIsLeftAfterAllTestsIsFound(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := noChildren(); err == nil || !strings.Contains(err.Error(), "a child is left") {
		t.Errorf("with a child: %v", err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err := noChildren(); err != nil {
		t.Errorf("without a child: %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		reason, free := errors.New("a reason"), make(chan struct{})
		passes := func() error { return nil }
		if err := check([]func() error{passes, func() error { return reason }}); !errors.Is(err, reason) {
			t.Errorf("got %v", err)
		}
		if err := check([]func() error{passes, func() error { <-free; return nil }}); err == nil {
			t.Error("a check that hangs passes")
		}
		close(free)
	})
}
