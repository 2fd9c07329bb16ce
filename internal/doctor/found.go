package doctor

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	pathpkg "path"
	"slices"
	"strings"
)

const (
	// quotedWords is how many words a file's name with blanks is looked for in, nameWords how many
	// it may have.
	quotedWords = 32
	nameWords   = 6
)

// guess finds out what the author of a command that does not work may have meant.
type guess struct{ command *Command }

// unquoted finds a file whose name has blanks and was not quoted in the command, so that it became
// several words.
func (g guess) unquoted() string {
	words := g.command.Words[:min(len(g.command.Words), quotedWords)]
	for i := range words {
		for end := i + 2; end <= min(i+nameWords, len(words)); end++ {
			name := strings.Join(words[i:end], " ")
			if g.here(name) && !g.here(words[i]) {
				return fmt.Sprintf(" There is a file %q: quote it in BOOTSTRAP_COMMAND, as in '%s'.", name, name)
			}
		}
	}
	return ""
}

// here reports whether name is a file, in Dir or in CodeRoot.
func (g guess) here(name string) bool {
	for _, path := range []string{g.command.fromDir(name), pathpkg.Join(g.command.CodeRoot, name)} {
		if info, err := g.command.world().stat(path); err == nil && !info.IsDir() {
			return true
		}
	}
	return false
}

// Slip says which file the arguments likely mean instead of one that is not there, for a program
// that was started and failed; "" if there is nothing to say.
func (c *Command) Slip() string {
	if len(c.Words) < 2 {
		return ""
	}
	g := guess{c}
	if hint := g.unquoted(); hint != "" {
		return hint
	}
	for _, word := range c.Words[1:] {
		if finding := g.shellCRLF(word); finding != "" {
			return finding
		}
		if interpreters[pathpkg.Ext(word)] == "" || strings.HasPrefix(word, "-") || strings.ContainsAny(word, " \t\n*:") || g.here(word) {
			continue
		}
		path := c.fromDir(word)
		if hint := g.instead(path); hint != "" {
			return fmt.Sprintf(" There is no file %s.%s", path, hint)
		}
	}
	return ""
}

// shellCRLF is about a script with Windows line ends that a shell was given by name: it takes the
// CR for a part of each line's last word.
func (g guess) shellCRLF(word string) string {
	if ext := pathpkg.Ext(word); ext != ".sh" && ext != ".bash" {
		return ""
	}
	path := g.command.fromDir(word)
	if !bytes.Contains(g.command.examine(path, nil).head, []byte("\r\n")) {
		return ""
	}
	return fmt.Sprintf(" %s has Windows line ends (CRLF), which a shell takes for a part of its commands. Convert it, for example with sed -i 's/\\r$//' %s.",
		path, pathpkg.Base(path))
}

// instead says where the file path may be, or what may be meant by it.
func (g guess) instead(path string) string {
	folder, name := pathpkg.Split(path)
	if near, _ := g.near(pathpkg.Clean(folder), name); near != "" {
		return didYouMean(near)
	}
	return cmp.Or(code{g.command}.elsewhere(name), code{g.command}.holdsOnly())
}

func didYouMean(path string) string { return " Did you mean " + path + "?" }

// code is the folder of the ZIP.
type code struct{ command *Command }

// elsewhere finds a file of that name in a folder of the code folder.
func (c code) elsewhere(name string) string {
	for _, entry := range c.files() {
		path := pathpkg.Join(c.command.CodeRoot, entry.Name(), name)
		if info, err := c.command.world().stat(path); entry.IsDir() && err == nil && !info.IsDir() {
			return fmt.Sprintf(" There is one in the folder %s: name it %s, or set BOOTSTRAP_DIR=%s.",
				entry.Name(), pathpkg.Join(entry.Name(), name), entry.Name())
		}
	}
	return ""
}

// ours are files of the code folder that are not the user's program.
var ours = [...]string{"bootstrap", "function.env", "__MACOSX"}

// files lists what is in the code folder beside bootstrap.
func (c code) files() []fs.DirEntry {
	entries, _ := c.command.world().readDir(c.command.CodeRoot)
	return slices.DeleteFunc(slices.Clone(entries), func(e fs.DirEntry) bool {
		return strings.HasPrefix(e.Name(), ".") || slices.Contains(ours[:], e.Name())
	})
}

// archives are the endings of the names of files that hold others.
var archives = []string{".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".7z", ".rar"}

// isArchive reports whether name is that of a file that holds others.
func isArchive(name string) bool {
	return slices.ContainsFunc(archives, func(end string) bool { return strings.HasSuffix(strings.ToLower(name), end) })
}

// holdsOnly says that the code folder holds, beside bootstrap, only what holds the program.
func (c code) holdsOnly() string {
	files := c.files()
	if len(files) != 1 {
		return ""
	}
	switch name := files[0].Name(); {
	case files[0].IsDir():
		return fmt.Sprintf(" Beside bootstrap the ZIP holds only the folder %s: zip the files in it, not the folder, or set BOOTSTRAP_DIR=%s.", name, name)
	case isArchive(name):
		return fmt.Sprintf(" Beside bootstrap the ZIP holds only %s, which nobody unpacks: put the files in it into the ZIP themselves.", name)
	}
	return ""
}

// usual are the names, without their endings, of files that are programs as a rule.
var usual = []string{"handler", "index", "main", "app", "server", "lambda_function", "function", "run", "start", "worker"}

// program names the file of the code folder that is most likely the program, and the setting for
// it; "" if none looks like one.
func (c code) program() string {
	stems := usual
	if word, _, _ := strings.Cut(strings.TrimSpace(c.command.Handler), " "); word != "" && word != "bootstrap" {
		stems = append([]string{stem(word)}, usual...)
	}
	files := slices.DeleteFunc(c.files(), func(e fs.DirEntry) bool { return e.IsDir() || !c.runs(e.Name()) })
	for _, name := range stems {
		for _, entry := range files {
			if strings.EqualFold(stem(entry.Name()), name) {
				return c.suggest(entry.Name())
			}
		}
	}
	if len(files) == 1 {
		return c.suggest(files[0].Name())
	}
	return ""
}

// runs reports whether the file of that name looks like a program.
func (c code) runs(name string) bool {
	if interpreters[pathpkg.Ext(name)] != "" {
		return true
	}
	head := c.command.examine(pathpkg.Join(c.command.CodeRoot, name), nil).head
	return bytes.HasPrefix(head, []byte("#!")) || bytes.HasPrefix(head, []byte(elfMagic))
}

func stem(name string) string { return strings.TrimSuffix(name, pathpkg.Ext(name)) }

// suggest is the setting that makes the file of that name the program.
func (c code) suggest(name string) string {
	hint := ""
	if strings.EqualFold(name, "handler") {
		hint = ", or rename it to handler: in names upper and lower case differ"
	}
	s, words := c.command.examine(pathpkg.Join(c.command.CodeRoot, name), nil), "./"+quote(name)
	if interpreters[pathpkg.Ext(name)] != "" || s.info != nil && s.info.Mode()&0o111 == 0 && s.shebang() != "" {
		words = s.likelyInterpreter() + " " + quote(name)
	}
	return fmt.Sprintf(" There is a file %s: set BOOTSTRAP_COMMAND=%s%s.", name, words, hint)
}

// quote is a name as it has to be written in a command.
func quote(name string) string {
	if strings.ContainsAny(name, " \t'\"\\") {
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
	}
	return name
}
