package platform_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"fgbootstrap/platform/api"
	"fgbootstrap/platform/fgtest"
)

// The test binary is the bootstrap, too: a function of the tests is a folder with a link to it.
func TestMain(m *testing.M) {
	fgtest.Main(m, bootstrap)
}

// bootstrap is a custom runtime as somebody might write it. Events are commands for it.
func bootstrap(what string) int {
	fmt.Fprintln(os.Stderr, "starting:", what)
	switch what {
	case "exit":
		return 7
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
	return fgtest.Loop(func(event []byte) (api.Kind, []byte) {
		return api.KindResponse, act(string(event))
	})
}

func act(event string) []byte {
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
