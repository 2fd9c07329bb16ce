package doctor_test

import (
	"errors"
	"io/fs"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"fgbootstrap/internal/doctor"
)

// inCloud is the finding about a command of the function whose code is given, or "".
func inCloud(code fs.FS, words ...string) string {
	target := doctor.FunctionGraph()
	c := doctor.Command{
		Words: words, Handler: "bootstrap", CodeRoot: target.CodeRoot, Dir: target.CodeRoot,
		Path: target.Path, In: target.With(code),
	}
	path, _, err := c.Find()
	if err != nil {
		return err.Error()
	}
	return c.Check(path)
}

const root = "/opt/function/code/"

var cloudTests = map[string]struct {
	files   fstest.MapFS
	command string
	want    string // "" means that nothing is amiss
}{
	"handler": {fstest.MapFS{"handler": built("amd64", "")}, "", ""},
	"no handler": {fstest.MapFS{"app.py": plain("x")},
		"", "There is no program to run: BOOTSTRAP_COMMAND is not set, and there is no executable file " + root + "handler."},
	"no executable bit": {fstest.MapFS{"handler": plain("#!/bin/sh\n")},
		"", root + "handler is not executable. Run chmod +x handler before you make the ZIP"},
	"Windows line ends": {fstest.MapFS{"handler": file("#!/bin/sh\r\nexit\r\n")},
		"", root + `handler has Windows line ends (CRLF): the system looks for the interpreter "/bin/sh\r".`},
	"byte order mark": {fstest.MapFS{"handler": file("\xef\xbb\xbf#!/bin/sh\n")},
		"", root + "handler begins with a byte order mark"},
	"no first line": {fstest.MapFS{"handler": file("echo hello\n")},
		"", root + "handler is neither a Linux program nor a script with a #! line."},
	"empty": {fstest.MapFS{"handler": file("")}, "", root + "handler is empty."},
	"for Windows": {fstest.MapFS{"handler": file("MZ\x90")},
		"", "is a program for Windows. Build it for Linux on amd64 (Go: GOOS=linux GOARCH=amd64)."},
	"for arm64": {fstest.MapFS{"handler": built("arm64", "")},
		"", root + "handler was built for arm64, but this is amd64. Build it for Linux on amd64"},
	"with the target's loader": {fstest.MapFS{"handler": built("amd64", "/lib64/ld-linux-x86-64.so.2")},
		"", ""},
	"built on Alpine": {fstest.MapFS{"handler": built("amd64", "/lib/ld-musl-x86_64.so.1")},
		"", root + "handler needs the dynamic loader /lib/ld-musl-x86_64.so.1, which is not here. It was built on Alpine Linux (musl)."},
	"built on NixOS": {fstest.MapFS{"handler": built("amd64", "/nix/store/x/lib/ld-linux-x86-64.so.2")},
		"", "which is not here. It was built for another Linux distribution."},
	"with a loader of its own": {fstest.MapFS{"handler": built("amd64", root+"ld.so"), "ld.so": built("amd64", "")},
		"", ""},
	"cut off": {fstest.MapFS{"handler": file(string(built("amd64", "").Data[:100]))},
		"", root + "handler is a Linux program that was cut off: it has only 100 bytes."},
	"known interpreter": {fstest.MapFS{"handler": file("#!/usr/bin/python3 -u\n")}, "", ""},
	"version of one":    {fstest.MapFS{"handler": file("#!/usr/local/bin/python3.12\n")}, "", ""},
	"one of the platform's": {fstest.MapFS{"handler": file("#!/opt/function/runtime/nodejs18.15/rtsp/nodejs/bin/node\n")},
		"", ""},
	"interpreter of the developer": {fstest.MapFS{"handler": file("#!/home/me/venv/bin/python3\n")},
		"", root + "handler wants the interpreter /home/me/venv/bin/python3, which is not here. Name an installed interpreter in its #! line"},
	"unknown interpreter": {fstest.MapFS{"handler": file("#!/usr/bin/deno\n")},
		"", "wants the interpreter /usr/bin/deno, which is not here."},
	"interpreter in the code": {fstest.MapFS{"handler": file("#!" + root + "bin/deno\n"), "bin/deno": built("amd64", "")},
		"", ""},
	"interpreter in the code, not executable": {fstest.MapFS{"handler": file("#!" + root + "bin/deno\n"), "bin/deno": plain("x")},
		"", "wants the interpreter " + root + "bin/deno. " + root + "bin/deno is not executable."},
	"interpreter in the code, for arm64": {fstest.MapFS{"handler": file("#!bin/deno\n"), "bin/deno": built("arm64", "")},
		"", "wants the interpreter bin/deno. " + root + "bin/deno was built for arm64"},
	"env and a known one": {fstest.MapFS{"handler": file("#!/usr/bin/env node\n")}, "", ""},
	"env -S": {fstest.MapFS{"handler": file("#!/usr/bin/env -S A=b perl -w\n")},
		"", ""},
	"env and an unknown one": {fstest.MapFS{"handler": file("#!/usr/bin/env deno\n")},
		"", "wants the interpreter deno by env, which is not on the PATH (/usr/bin:/bin:/usr/local/bin)."},
	"env and two words": {fstest.MapFS{"handler": file("#!/usr/bin/env python3 -u\n")},
		"", `wants the interpreter "python3 -u" by env, which takes all of it as the name. Write env -S`},
	"command that is known":    {fstest.MapFS{"app.py": plain("x")}, "python3 app.py", ""},
	"command by its full path": {fstest.MapFS{"app.sh": plain("x")}, "/bin/bash app.sh", ""},
	"command in a folder":      {fstest.MapFS{"bin/run": built("amd64", "")}, "bin/run", ""},
	"command in a folder, not executable": {fstest.MapFS{"bin/run": plain("#!/bin/sh\n")},
		"./bin/run", root + "bin/run is not executable. Run chmod +x run"},
	"command with its full path": {fstest.MapFS{"bin/run": built("amd64", "")},
		root + "bin/run", ""},
	"command that is a folder": {fstest.MapFS{"bin/run": built("amd64", "")},
		"bin", root + "bin is a directory, not a program."},
	"command that is unknown": {fstest.MapFS{},
		"deno run", `There is no program "deno", neither in /opt/function/code nor on the PATH (/usr/bin:/bin:/usr/local/bin). Put it into the ZIP`},
	"file below a file": {fstest.MapFS{"run": built("amd64", "")},
		"run/x", "There is no file " + root + "run/x."},
	"typo in a known one": {fstest.MapFS{},
		"pyton3 app.py", "Did you mean /usr/bin/python3?"},
	"typo in a known one, of which only versions are there": {fstest.MapFS{},
		"pymton app.py", "Did you mean /usr/bin/python3?"},
	"swapped letters in a short one": {fstest.MapFS{},
		"ndoe app.js", "Did you mean /usr/bin/node?"},
	"upper case": {fstest.MapFS{},
		"Python3 app.py", "Did you mean /usr/bin/python3?"},
	"close to a file of the ZIP": {fstest.MapFS{"noder": built("amd64", "")},
		"noderr", "Did you mean " + root + "noder?"},
	"a value for a variable": {fstest.MapFS{},
		"TOKEN=s3cr3t app", `There is no program "TOKEN=…", neither in /opt/function/code nor on the PATH (/usr/bin:/bin:/usr/local/bin). No shell reads the command: set the variable TOKEN in the function's settings`},
	"a word of shells": {fstest.MapFS{},
		"cd app", "It is a word of shells, and no shell reads the command: set BOOTSTRAP_DIR to the folder, or start it by sh -c '…'."},
	"a name with a blank": {fstest.MapFS{"my händler.sh": file("#!/bin/sh\n")},
		"my händler.sh", `There is a file "my händler.sh": quote it in BOOTSTRAP_COMMAND, as in 'my händler.sh'.`},
	"a name with two blanks, in a folder": {fstest.MapFS{"my own app/run it": file("#!/bin/sh\n")},
		"./my own app/run it -v", `There is a file "./my own app/run it": quote it in BOOTSTRAP_COMMAND`},
	"a ZIP in the ZIP": {fstest.MapFS{"i.zip": plain("PK"), "bootstrap": built("amd64", ""), "function.env": plain(""), ".gitignore": plain("")},
		"", "Beside bootstrap the ZIP holds only i.zip, which nobody unpacks: put the files in it into the ZIP themselves."},
	"a ZIP in the ZIP, and a command": {fstest.MapFS{"i.zip": plain("PK"), "bootstrap": built("amd64", "")},
		"./run", "Beside bootstrap the ZIP holds only i.zip, which nobody unpacks"},
	"a folder in the ZIP": {fstest.MapFS{"my-app/app.py": plain("x"), "bootstrap": built("amd64", ""), "__MACOSX/x": plain("")},
		"", "Beside bootstrap the ZIP holds only the folder my-app: zip the files in it, not the folder, or set BOOTSTRAP_DIR=my-app."},
	"a folder in the ZIP, and a command": {fstest.MapFS{"my-app/run": built("amd64", ""), "bootstrap": built("amd64", "")},
		"./run", "There is one in the folder my-app: name it my-app/run, or set BOOTSTRAP_DIR=my-app."},
	"a folder in the ZIP, and a command without a path": {fstest.MapFS{"my-app/run-it": built("amd64", ""), "x": plain("")},
		"run-it", "There is one in the folder my-app: name it my-app/run-it"},
	"handler.sh": {fstest.MapFS{"handler.sh": file("echo\n")},
		"", "no executable file " + root + "handler. There is a file handler.sh: set BOOTSTRAP_COMMAND=sh handler.sh."},
	"handler.sh of bash": {fstest.MapFS{"handler.sh": file("#!/usr/bin/env bash\n"), "lib.sh": plain("")},
		"", "There is a file handler.sh: set BOOTSTRAP_COMMAND=bash handler.sh."},
	"Handler": {fstest.MapFS{"Handler": built("amd64", "")},
		"", "There is a file Handler: set BOOTSTRAP_COMMAND=./Handler, or rename it to handler: in names upper and lower case differ."},
	"index.py": {fstest.MapFS{"index.py": plain("x"), "lib/x.py": plain("")},
		"", "There is a file index.py: set BOOTSTRAP_COMMAND=python3 index.py."},
	"handler.jar": {fstest.MapFS{"Handler.jar": plain("PK"), "data.txt": plain("")},
		"", "There is a file Handler.jar: set BOOTSTRAP_COMMAND=java -jar Handler.jar."},
	"one file of another name": {fstest.MapFS{"my app.js": plain("x")},
		"", `There is a file my app.js: set BOOTSTRAP_COMMAND=node "my app.js".`},
	"files that are no programs": {fstest.MapFS{"index.html": plain("<p>"), "main.css": plain("x"), "run.log": plain("x"), "app": plain("x")},
		"", "handler. Set BOOTSTRAP_COMMAND to the program and its arguments"},
	"one program among other files": {fstest.MapFS{"index.html": plain("<p>"), "site": built("amd64", "")},
		"", "There is a file site: set BOOTSTRAP_COMMAND=./site."},
	"two files of other names": {fstest.MapFS{"a.js": plain("x"), "b.js": plain("x")},
		"", "handler. Set BOOTSTRAP_COMMAND to the program and its arguments, for example: python3 handler.py."},
	"typo in a file": {fstest.MapFS{"server": built("amd64", "")},
		"./sever", "There is no file " + root + "sever. Did you mean " + root + "server?"},
	"file of this machine": {fstest.MapFS{},
		"/proc/self/exe", "There is no file /proc/self/exe."},
	"link in the code": {fstest.MapFS{"handler": link("bin/now"), "bin/now": link("../v2/run"), "v2/run": built("amd64", "")},
		"", ""},
	"link of a folder": {fstest.MapFS{"now": link(root + "v2"), "v2/run": file("#!/bin/sh\r\n")},
		"now/run", root + "now/run has Windows line ends"},
	"link in a linked folder": {fstest.MapFS{"now": link("v2"), "v2/run": link("/nowhere")},
		"now/run", root + "now/run is a symbolic link to /nowhere, which is not here."},
	"link to what is not there": {fstest.MapFS{"handler": link("bin/none")},
		"./handler", root + "handler is a symbolic link to bin/none, which is not here."},
	"link out, to a known one": {fstest.MapFS{"py": link("/usr/bin/python3")}, "py app.py", ""},
	"link out, to this machine": {fstest.MapFS{"run": link("/proc/self/exe")},
		"./run", root + "run is a symbolic link to /proc/self/exe, which is not here."},
	"link out, by dots": {fstest.MapFS{"run": link("../../../../proc/self/exe")},
		"./run", "which is not here."},
	"link to itself": {fstest.MapFS{"run": link("run")},
		"./run", root + "run can't be started: too many levels of symbolic links"},
	"interpreter by a link": {fstest.MapFS{"handler": file("#!./venv/bin/python\n"), "venv/bin/python": link("/usr/bin/python3")},
		"", ""},
	"interpreter by a dead link": {fstest.MapFS{"handler": file("#!./venv/bin/python\n"), "venv/bin/python": link("/home/me/.pyenv/python3")},
		"", "wants the interpreter ./venv/bin/python, which is not here."},
}

// The same code is looked at as a map, as a ZIP and as a folder.
func TestCodeIsExaminedForTheCloud(t *testing.T) {
	for name, test := range cloudTests {
		kinds := map[string]fs.FS{"map": test.files, "ZIP": zipped(t, test.files)}
		if runtime.GOOS != "windows" { // has no executable bit
			kinds["folder"] = inFolder(t, test.files)
		}
		for kind, code := range kinds {
			t.Run(name+" in a "+kind, func(t *testing.T) {
				got := inCloud(code, strings.Fields(test.command)...)
				if test.want == "" && got != "" {
					t.Error(got)
				}
				mustSay(t, got, test.want)
			})
		}
	}
}

func TestAHandlerOfAnotherRuntimeNamesTheFileThatItMeans(t *testing.T) {
	target := doctor.FunctionGraph()
	c := doctor.Command{
		Handler: "lambda.handler", CodeRoot: target.CodeRoot, Dir: target.CodeRoot, Path: target.Path,
		In: target.With(fstest.MapFS{"index.py": plain("x"), "lambda.py": plain("x")}),
	}
	_, _, err := c.Find()
	mustSay(t, err.Error(), "There is a file lambda.py: set BOOTSTRAP_COMMAND=python3 lambda.py.")
}

// The program has started, and may have failed for these arguments.
func TestAnArgumentThatNamesNoFileIsASlip(t *testing.T) {
	for name, test := range map[string]struct {
		files   fstest.MapFS
		command string
		want    string
	}{
		"a blank":         {fstest.MapFS{"my handler.py": plain("x")}, "python3 -u my handler.py", `There is a file "my handler.py": quote it`},
		"a typo":          {fstest.MapFS{"handler.py": plain("x")}, "python3 handlr.py", "There is no file " + root + "handlr.py. Did you mean " + root + "handler.py?"},
		"case":            {fstest.MapFS{"Handler.py": plain("x")}, "python3 handler.py", "Did you mean " + root + "Handler.py?"},
		"a folder":        {fstest.MapFS{"app/handler.py": plain("x"), "bootstrap": plain("")}, "python3 handler.py", "There is one in the folder app: name it app/handler.py, or set BOOTSTRAP_DIR=app."},
		"a ZIP":           {fstest.MapFS{"i.zip": plain("x")}, "python3 handler.py", "holds only i.zip"},
		"Windows":         {fstest.MapFS{"run.sh": plain("#!/bin/sh\r\ncd x\r\n")}, "sh run.sh", root + "run.sh has Windows line ends (CRLF), which a shell takes"},
		"a file":          {fstest.MapFS{"handler.py": plain("x\r\n")}, "python3 handler.py", ""},
		"an absolute one": {fstest.MapFS{"handler.py": plain("x")}, "python3 /opt/function/code/handler.py", ""},
		"a module":        {fstest.MapFS{"app.py": plain("x")}, "python3 -m http.server", ""},
		"an option":       {fstest.MapFS{"handler.py": plain("x")}, "node --require=x.js app", ""},
		"far off":         {fstest.MapFS{"a.py": plain("x"), "b.py": plain("x")}, "python3 handler.py", ""},
		"no argument":     {fstest.MapFS{"handler.py": plain("x")}, "python3", ""},
	} {
		target := doctor.FunctionGraph()
		c := doctor.Command{Words: strings.Fields(test.command), CodeRoot: target.CodeRoot, Dir: target.CodeRoot, Path: target.Path, In: target.With(test.files)}
		got := c.Slip()
		if test.want == "" && got != "" {
			t.Errorf("%s: %s", name, got)
		}
		mustSay(t, got, test.want)
	}
}

func TestAProgramOffThePATHIsNotHintedAtWhereNobodyKnowsIt(t *testing.T) {
	target := doctor.FunctionGraph()
	c := doctor.Command{
		Words: []string{"python3"}, CodeRoot: target.CodeRoot, Dir: target.CodeRoot,
		Path: "/opt/function/code/bin", In: target.With(fstest.MapFS{}),
	}
	_, _, err := c.Find()
	if err == nil {
		t.Fatal("it was found")
	}
	mustSay(t, err.Error(), `There is no program "python3", neither in /opt/function/code nor on the PATH (/opt/function/code/bin). Put it into the ZIP`)
}

func TestALinkThatGoesRoundHasTheSystemsError(t *testing.T) {
	target := doctor.FunctionGraph()
	c := doctor.Command{
		Words: []string{"./a"}, CodeRoot: target.CodeRoot, Dir: target.CodeRoot,
		In: target.With(fstest.MapFS{"a": link("b"), "b": link(root + "a")}),
	}
	if _, _, err := c.Find(); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("got %v", err)
	}
}
