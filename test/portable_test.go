package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// portable are the packages that fgdev uses on every system it is built for.
var portable = []string{"config", "internal/apig", "internal/doctor", "internal/jsonscan", "internal/limits", "internal/secret"}

// vet compiles a package's tests as well.
func TestPortablePackagesBuildForMacOSAndWindows(t *testing.T) {
	args := []string{"vet"}
	for _, name := range portable {
		// go test keeps a result until a folder changes that the test itself has read.
		if _, err := os.ReadDir(filepath.Join("..", name)); err == nil {
			args = append(args, "./"+name)
		} else if name != "internal/apig" { // which is yet to come
			t.Error(err)
		}
	}
	for _, system := range []string{"darwin", "windows"} {
		vet := exec.Command("go", args...)
		vet.Dir = ".."
		vet.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		if out, err := vet.CombinedOutput(); err != nil {
			t.Errorf("for %s: %v\n%s", system, err, out)
		}
	}
}
