//go:build linux

package doctor_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fgbootstrap/internal/doctor"

	"golang.org/x/sys/unix"
)

// Each file is really started, and what the system said is handed to Diagnose.
func TestAFileThatCannotStartIsDiagnosed(t *testing.T) {
	elf := func(set func(*elfFields)) []byte {
		e := fine()
		set(&e)
		return e.file()
	}
	folder := t.TempDir()
	plain := filepath.Join(folder, "plain")
	foreign := filepath.Join(folder, "foreign")
	for path, content := range map[string][]byte{
		plain:   []byte("#!/bin/sh\n"),
		foreign: elf(func(e *elfFields) { e.machine = machines[otherMachine()] }),
	} {
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(foreign, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		content string
		mode    os.FileMode
		cause   error
		want    []string
	}{
		"not executable": {"#!/bin/sh\n", 0o644, unix.EACCES, []string{
			"/program is not executable. Run chmod +x program before you make the ZIP",
			"a ZIP made on Windows does not keep the executable bit", "BOOTSTRAP_COMMAND=/bin/sh program"}},
		"Windows line ends": {"#!/bin/sh\r\necho\r\n", 0o755, unix.ENOENT, []string{
			`has Windows line ends (CRLF): the system looks for the interpreter "/bin/sh\r".`, `sed -i 's/\r$//' program`}},
		"Windows line end, no other line": {"#! /bin/sh\r", 0o755, unix.ENOENT, []string{
			`has Windows line ends (CRLF): the system looks for the interpreter "/bin/sh\r".`}},
		"byte order mark": {"\xef\xbb\xbf#!/bin/sh\necho\n", 0o755, unix.ENOEXEC, []string{
			"begins with a byte order mark (BOM)", "Save it as UTF-8 without BOM."}},
		"no interpreter": {"#! /opt/nowhere/python3 -u\n", 0o755, unix.ENOENT, []string{
			"wants the interpreter /opt/nowhere/python3, which is not here. Name an installed interpreter in its #! line, " +
				"or start the file by its interpreter in BOOTSTRAP_COMMAND."}},
		"interpreter not executable": {"#!" + plain + "\n", 0o755, unix.EACCES, []string{
			"wants the interpreter " + plain + ". " + plain + " is not executable."}},
		"interpreter for another machine": {"#!" + foreign + "\n", 0o755, unix.ENOEXEC, []string{
			"wants the interpreter " + foreign + ". " + foreign + " was built for " + otherMachine()}},
		"interpreter is a directory": {"#!" + folder + "\n", 0o755, unix.EACCES, []string{
			folder + " is a directory, not a program."}},
		"another machine": {string(elf(func(e *elfFields) { e.machine = machines[otherMachine()] })), 0o755, unix.ENOEXEC, []string{
			"was built for " + otherMachine() + ", but this is ", "(Go: GOOS=linux GOARCH="}},
		"unknown machine": {string(elf(func(e *elfFields) { e.machine = 4711 })), 0o755, unix.ENOEXEC, []string{
			"was built for machine 4711"}},
		"built on Alpine": {string(elf(func(e *elfFields) { e.loader = "/lib/ld-musl-nowhere.so.1" })), 0o755, unix.ENOENT, []string{
			"needs the dynamic loader /lib/ld-musl-nowhere.so.1, which is not here. It was built on Alpine Linux (musl).",
			"CGO_ENABLED=0"}},
		"built elsewhere": {string(elf(func(e *elfFields) { e.loader = "/lib/ld-linux-nowhere.so.2" })), 0o755, unix.ENOENT, []string{
			"needs the dynamic loader /lib/ld-linux-nowhere.so.2", "It was built for another Linux distribution."}},
		"object file": {string(elf(func(e *elfFields) { e.kind = 1 })), 0o755, unix.ENOEXEC, []string{
			"is not a program but an object file or a core dump"}},
		"core dump": {string(elf(func(e *elfFields) { e.kind = 4 })), 0o755, unix.ENOEXEC, []string{
			"is not a program but an object file or a core dump"}},
		"cut in the header": {string(static()[:50]), 0o755, unix.ENOEXEC, []string{
			"was cut off: it has only 50 bytes."}},
		"cut in the program headers": {string(static()[:100]), 0o755, unix.ENOEXEC, []string{
			"was cut off: it has only 100 bytes."}},
		"empty":          {"", 0o755, unix.ENOEXEC, []string{"/program is empty."}},
		"no first line":  {"echo hello\n", 0o755, unix.ENOEXEC, []string{"is neither a Linux program nor a script with a #! line"}},
		"nothing behind": {"#! \necho\n", 0o755, unix.ENOEXEC, []string{"is neither a Linux program nor a script with a #! line"}},
		"Windows":        {"MZ\x90\x00", 0o755, unix.ENOEXEC, []string{"is a program for Windows. Build it for Linux on "}},
		"macOS":          {"\xcf\xfa\xed\xfe\x07\x00\x00\x01", 0o755, unix.ENOEXEC, []string{"is a program for macOS."}},
		"macOS, many":    {"\xca\xfe\xba\xbe\x00\x00\x00\x02", 0o755, unix.ENOEXEC, []string{"is a program for macOS."}},
	} {
		t.Run(name, func(t *testing.T) {
			path := executableFile(t, []byte(test.content))
			if err := os.Chmod(path, test.mode); err != nil {
				t.Fatal(err)
			}
			_, err := start(path)
			if !errors.Is(err, test.cause) {
				t.Errorf("the system says %v, want %v", err, test.cause)
			}
			mustSay(t, diagnose(path, os.Getenv("PATH"), err), append(test.want, path)...)
			mustSay(t, check(path, os.Getenv("PATH")), append(test.want, path)...)
		})
	}
}

func TestAScriptThatIsNotExecutableGetsACommandThatFits(t *testing.T) {
	for _, row := range []struct{ name, content, want string }{
		{"a.js", "x", "BOOTSTRAP_COMMAND=node a.js,"},
		{"a.py", "x", "BOOTSTRAP_COMMAND=python3 a.py,"},
		{"a", "#!/usr/bin/env -S TOKEN=S3cret perl -w\r\n", "BOOTSTRAP_COMMAND=perl -w a,"},
		{"a", "#!/usr/bin/env -S perl -w\r\n", "BOOTSTRAP_COMMAND=perl -w a,"},
		{"a", string(fine().file()), "does not keep the executable bit."},
	} {
		path := filepath.Join(t.TempDir(), row.name)
		if err := os.WriteFile(path, []byte(row.content), 0o644); err != nil {
			t.Fatal(err)
		}
		got := check(path, "/bin")
		mustSay(t, got, row.want)
		if strings.Contains(got, "BOOTSTRAP_COMMAND") != strings.Contains(row.want, "BOOTSTRAP_COMMAND") {
			t.Error(got)
		}
	}
}

func diagnose(path, searchPath string, cause error) string {
	return (&doctor.Command{Path: searchPath}).Diagnose(path, cause)
}

func check(path, searchPath string) string { return (&doctor.Command{Path: searchPath}).Check(path) }

// The system looks for a relative interpreter in the program's working directory.
func TestAnInterpreterOfTheZIPIsFoundFromTheWorkingDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/bin/sh", filepath.Join(dir, "mysh")); err != nil {
		t.Fatal(err)
	}
	path := executableFile(t, []byte("#!./mysh\n"))
	if finding := (&doctor.Command{Dir: dir}).Check(path); finding != "" {
		t.Error(finding)
	}
	mustSay(t, (&doctor.Command{Dir: t.TempDir()}).Check(path), "wants the interpreter ./mysh, which is not here")
}

// What starts, only to end with code 127, is for Check.
func TestAScriptThatEnvCannotStartIsDiagnosed(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "python9"), []byte("no"), 0o644); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"#!/usr/bin/env python9":          "wants the interpreter python9 by env, which is not on the PATH (" + folder + ":/bin)",
		"#!/usr/bin/env -S A=b python9 x": "wants the interpreter python9 by env",
		"#!/usr/bin/env sh -e":            `wants the interpreter "sh -e" by env, which takes all of it as the name. Write env -S`,
		"#!/usr/bin/env sh\r":             `has Windows line ends (CRLF): the system looks for the interpreter "/usr/bin/env sh\r"`,
	} {
		path := executableFile(t, []byte(line+"\n"))
		search := folder + ":/bin"
		if code, err := start(path, "PATH="+search); err != nil || code != 127 && code != 126 {
			t.Errorf("%s: exit code %d, %v", line, code, err)
		}
		mustSay(t, check(path, search), want, path)
	}
}

func TestAProgramThatIsCutInTheMiddleIsDiagnosed(t *testing.T) {
	// The system may well start it, to die of SIGBUS.
	mustSay(t, check(executableFile(t, static()[:len(static())-1]), ""), "was cut off")
}

func TestNothingIsAmissWithAProgramThatStarts(t *testing.T) {
	elf := static()
	for name, content := range map[string][]byte{
		"static program": elf,
		"script":         []byte("#!/bin/sh\nexit 0\n"),
		"script by env":  []byte("#!/usr/bin/env sh\nexit 0\n"),
		"env -S":         []byte("#!/usr/bin/env -S A=b sh -e\nexit 0\n"),
		"no line end":    []byte("#!/bin/true"),
	} {
		path := executableFile(t, content)
		if code, err := start(path, "PATH="+os.Getenv("PATH")); err != nil || code != 0 {
			t.Errorf("%s: exit code %d, %v", name, code, err)
		}
		if finding := check(path, os.Getenv("PATH")); finding != "" {
			t.Errorf("%s: %s", name, finding)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if finding := check(self, ""); finding != "" {
		t.Error(finding)
	}
	// Without a PATH env has one of its own.
	if finding := check(executableFile(t, []byte("#!/usr/bin/env nothing\n")), ""); finding != "" {
		t.Error(finding)
	}
}

func TestADirectoryIsNamedAsSuch(t *testing.T) {
	folder := t.TempDir()
	_, err := start(folder)
	if !errors.Is(err, unix.EACCES) {
		t.Errorf("the system says %v", err)
	}
	mustSay(t, diagnose(folder, "", err), folder+" is a directory, not a program. Name the file in it that is to run.")
}

func TestTooMuchEnvironmentIsNamedAsSuch(t *testing.T) {
	path := executableFile(t, static())
	_, err := start(path, "A="+strings.Repeat("x", 200<<10))
	if !errors.Is(err, unix.E2BIG) {
		t.Errorf("the system says %v", err)
	}
	mustSay(t, diagnose(path, "", err),
		path+" can't be started: argument list too long (E2BIG): its arguments and environment together are too large")
}

func TestWhatTheSystemSaysIsRepeatedWithARemedy(t *testing.T) {
	path := executableFile(t, static())
	for err, want := range map[error]string{
		unix.EMFILE:            "can't be started. Too many files are open (EMFILE): this process may have " + most(t, unix.RLIMIT_NOFILE),
		unix.ENFILE:            "can't be started. The system has too many open files (ENFILE)",
		unix.EAGAIN:            "can't be started. There are too many processes (EAGAIN)",
		unix.ENOMEM:            "can't be started. There is no memory left (ENOMEM)",
		unix.ETXTBSY:           "(ETXTBSY): its file is still being written.",
		unix.EIO:               "can't be started: input/output error (EIO).",
		errors.New("surprise"): "can't be started: surprise.",
	} {
		mustSay(t, diagnose(path, "", err), path, want)
	}
}

// most is what a limit of this process really is.
func most(t *testing.T, which int) string {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(which, &limit); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(limit.Cur)
}

// start runs path to its end. The error is what the system says to the start.
func start(path string, env ...string) (code int, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer func() { _ = null.Close() }()
	p, err := os.StartProcess(path, []string{path}, &os.ProcAttr{Env: env, Files: []*os.File{null, null, null}})
	if err != nil {
		return 0, err
	}
	state, err := p.Wait()
	return state.ExitCode(), err
}
