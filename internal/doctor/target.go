package doctor

import (
	"io/fs"
	pathpkg "path"
	"slices"
	"strings"
)

// Target describes the machine that a function's code is for. It has the code and the known
// programs. Everything else is unknown and counts as missing.
type Target struct {
	Arch string // as Go names it
	// CodeRoot is the folder of the code, Path the PATH of programs.
	CodeRoot, Path string
	// Programs are the names of the programs in the folders of Path and anywhere below Runtimes.
	// Each stands for its versions too: python for python3.9.
	Programs []string
	Runtimes string
	// Loader is the dynamic loader.
	Loader string
}

// FunctionGraph is the target of a custom runtime.
//
// The vendor documents amd64 and the folder of the code. It does not document what the image
// holds, except that interpreters may lie below /opt/function/runtime, nor what PATH is. The image
// is like EulerOS, so the list has the shells, the coreutils that start a program, what a
// system of its kind brings, and the languages that the platform has runtimes of. It is
// generous: a false alarm about a common interpreter would be worse than none.
func FunctionGraph() Target {
	return Target{
		Arch:     "amd64",
		CodeRoot: "/opt/function/code",
		Path:     "/usr/bin:/bin:/usr/local/bin",
		Programs: []string{
			"sh", "bash", "dash", "ksh", "zsh",
			"env", "nice", "nohup", "setsid", "stdbuf", "timeout", "xargs",
			"awk", "cat", "curl", "gawk", "grep", "sed", "tee",
			"python", "python2", "python3", "node", "nodejs", "java", "php", "dotnet",
			"perl", "ruby", "lua", "tclsh",
		},
		Runtimes: runtimes,
		Loader:   "/lib64/ld-linux-x86-64.so.2",
	}
}

// With returns the target with code in its CodeRoot: a folder, a ZIP or any other fs.FS. Symbolic
// links in a ZIP are followed. Nothing of this machine counts: if code is an fs.ReadLinkFS its
// links are read, but code never follows them itself.
func (t Target) With(code fs.FS) World { return image{target: t, code: code} }

// has reports whether path is a program that the target is known to have.
func (t Target) has(path string) bool {
	name := pathpkg.Base(path)
	version := unversioned(name)
	switch {
	case path == t.Loader:
		return true
	case !slices.Contains(t.Programs, name) && !slices.Contains(t.Programs, version):
		return false
	}
	return t.folder(pathpkg.Dir(path)) || strings.HasPrefix(path, t.Runtimes+"/")
}

// folder reports whether path is a folder of the target's Path.
func (t Target) folder(path string) bool { return slices.Contains(strings.Split(t.Path, ":"), path) }
