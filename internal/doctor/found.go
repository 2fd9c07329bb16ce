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

// unquoted finds a file whose name has blanks and was not quoted in the command, so that it became
// several words.
func (c *Command) unquoted() string {
	words := c.Words[:min(len(c.Words), quotedWords)]
	for i := range words {
		for end := i + 2; end <= min(i+nameWords, len(words)); end++ {
			name := strings.Join(words[i:end], " ")
			if c.here(name) && !c.here(words[i]) {
				return fmt.Sprintf(" There is a file %q: quote it in BOOTSTRAP_COMMAND, as in '%s'.", name, name)
			}
		}
	}
	return ""
}

// here reports whether name is a file, in Dir or in CodeRoot.
func (c *Command) here(name string) bool {
	for _, path := range []string{c.fromDir(name), pathpkg.Join(c.CodeRoot, name)} {
		if info, err := c.world().stat(path); err == nil && !info.IsDir() {
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
	if hint := c.unquoted(); hint != "" {
		return hint
	}
	for _, word := range c.Words[1:] {
		if finding := c.shellCRLF(word); finding != "" {
			return finding
		}
		if interpreters[pathpkg.Ext(word)] == "" || strings.HasPrefix(word, "-") || strings.ContainsAny(word, " \t\n*") || c.here(word) {
			continue
		}
		path := c.fromDir(word)
		if hint := c.instead(path); hint != "" {
			return fmt.Sprintf(" There is no file %s.%s", path, hint)
		}
	}
	return ""
}

// shellCRLF is about a script with Windows line ends that a shell was given by name: it takes the
// CR for a part of each line's last word.
func (c *Command) shellCRLF(word string) string {
	if ext := pathpkg.Ext(word); ext != ".sh" && ext != ".bash" {
		return ""
	}
	path := c.fromDir(word)
	if !bytes.Contains(c.examine(path, nil).head, []byte("\r\n")) {
		return ""
	}
	return fmt.Sprintf(" %s has Windows line ends (CRLF), which a shell takes for a part of its commands. Convert it, for example with sed -i 's/\\r$//' %s.",
		path, pathpkg.Base(path))
}

// instead says where the file path may be, or what may be meant by it.
func (c *Command) instead(path string) string {
	folder, name := pathpkg.Split(path)
	if near, _ := c.near(pathpkg.Clean(folder), name); near != "" {
		return didYouMean(near)
	}
	return cmp.Or(c.elsewhere(name), c.holdsOnly())
}

func didYouMean(path string) string { return " Did you mean " + path + "?" }

// elsewhere finds a file of that name in a folder of the code folder.
func (c *Command) elsewhere(name string) string {
	for _, entry := range c.files() {
		path := pathpkg.Join(c.CodeRoot, entry.Name(), name)
		if info, err := c.world().stat(path); entry.IsDir() && err == nil && !info.IsDir() {
			return fmt.Sprintf(" There is one in the folder %s: name it %s, or set BOOTSTRAP_DIR=%s.",
				entry.Name(), pathpkg.Join(entry.Name(), name), entry.Name())
		}
	}
	return ""
}

// ours are files of the code folder that are not the user's program.
var ours = [...]string{"bootstrap", "function.env", "__MACOSX"}

// files lists what is in the code folder beside bootstrap.
func (c *Command) files() []fs.DirEntry {
	entries, _ := c.world().readDir(c.CodeRoot)
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
func (c *Command) holdsOnly() string {
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
func (c *Command) program() string {
	stems := usual
	if word, _, _ := strings.Cut(strings.TrimSpace(c.Handler), " "); word != "" && word != "bootstrap" {
		stems = append([]string{stem(word)}, usual...)
	}
	files := c.files()
	for _, name := range stems {
		for _, entry := range files {
			if strings.EqualFold(stem(entry.Name()), name) && !entry.IsDir() && !isArchive(entry.Name()) {
				return c.suggest(entry.Name())
			}
		}
	}
	if len(files) == 1 && !files[0].IsDir() && !isArchive(files[0].Name()) {
		return c.suggest(files[0].Name())
	}
	return ""
}

func stem(name string) string { return strings.TrimSuffix(name, pathpkg.Ext(name)) }

// suggest is the setting that makes the file of that name the program.
func (c *Command) suggest(name string) string {
	hint := ""
	if strings.EqualFold(name, "handler") {
		hint = ", or rename it to handler: in names upper and lower case differ"
	}
	s, words := c.examine(pathpkg.Join(c.CodeRoot, name), nil), "./"+quote(name)
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
