package test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fgbootstrap/config"
	"fgbootstrap/internal/testkit"
)

// root is the project's folder, seen from this package's.
const root = ".."

// TestEveryCommandOfTheReadmeRunsAndPrintsWhatItSays follows the README in an
// empty folder, as a stranger would: all blocks in one shell, one after the
// other. Only the address that is cloned is another.
func TestEveryCommandOfTheReadmeRunsAndPrintsWhatItSays(t *testing.T) {
	blocks := readmeBlocks(t)
	folder, source := t.TempDir(), t.TempDir()
	copyProject(t, source)
	printed, err := runReadme(folder, source, blocks)
	for i, b := range blocks {
		t.Run(b.name(), func(t *testing.T) {
			if b.needs != "" {
				testkit.Need(t, b.needs)
			}
			switch {
			case i >= len(printed):
				t.Fatal("did not run: a block before it failed")
			case i == len(printed)-1 && err != nil:
				t.Fatal(err)
			case b.expected != "" && !b.matches(printed[i]):
				t.Errorf("printed\n%s\nand the README says\n%s", printed[i], b.expected)
			}
		})
	}
}

// readmeBlock is a runnable block of shell commands and the output given for it.
type readmeBlock struct {
	line     int
	needs    string // a program that is not on every machine
	commands string
	expected string // of stdout; ... stands for anything
}

func (b readmeBlock) name() string {
	first, _, _ := strings.Cut(b.commands, "\n")
	return fmt.Sprintf("line %d %.40s", b.line, first)
}

// runs tells whether what it needs is here.
func (b readmeBlock) runs() bool {
	_, err := exec.LookPath(b.needs)
	return b.needs == "" || err == nil
}

func (b readmeBlock) matches(printed string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(b.expected)), `\.\.\.`, `.*`)
	return regexp.MustCompile(`^(?s:` + pattern + `)$`).MatchString(strings.TrimSpace(printed))
}

// readmeBlocks finds ```sh blocks; a ```text block behind one is its output.
func readmeBlocks(t *testing.T) []readmeBlock {
	var blocks []readmeBlock
	fences := regexp.MustCompile("(?ms)^```(sh run|sh|text)(?: needs=(\\S+))?\n(.*?)^```$")
	text := readFile(t, "README.md")
	for _, m := range fences.FindAllStringSubmatchIndex(text, -1) {
		kind, content := text[m[2]:m[3]], text[m[6]:m[7]]
		line := 1 + strings.Count(text[:m[0]], "\n")
		switch {
		case kind == "sh":
			t.Errorf("line %d: a block of commands that is not run; mark it ```sh run", line)
		case kind == "text" && len(blocks) > 0:
			blocks[len(blocks)-1].expected = content
		default:
			b := readmeBlock{line: line, commands: content}
			if m[4] >= 0 {
				b.needs = text[m[4]:m[5]]
			}
			blocks = append(blocks, b)
		}
	}
	if len(blocks) < 5 {
		t.Fatalf("found only %d blocks of commands", len(blocks))
	}
	return blocks
}

const readmeMark = "\n=== next block ===\n"

// runReadme returns what each block printed to stdout, as far as it came, and
// why it came no further.
func runReadme(folder, source string, blocks []readmeBlock) ([]string, error) {
	script := "git() { cp -R \"$README_SOURCE\" fgbootstrap; }\n"
	for i, b := range blocks {
		if i > 0 {
			script += "printf '%s' \"$README_MARK\"\n"
		}
		if b.runs() {
			script += b.commands
		}
	}
	// The script as an argument: a command that reads stdin must not eat it.
	cmd := exec.Command("sh", "-e", "-c", script)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "README_SOURCE="+source, "README_MARK="+readmeMark)
	var logs strings.Builder
	cmd.Stderr = &logs
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w; stderr:\n%s", err, logs.String())
	}
	return strings.Split(string(out), readmeMark), err
}

// copyProject is what a clone would bring: no products, no history.
func copyProject(t *testing.T, to string) {
	t.Helper()
	left := map[string]bool{".git": true, "bin": true, "dist": true, "examples/pipe-go/handler": true, "examples/http-go/handler": true}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		switch {
		case err != nil:
			return err
		case left[filepath.ToSlash(rel)] && d.IsDir():
			return fs.SkipDir
		case left[filepath.ToSlash(rel)]:
			return nil
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), content, info.Mode().Perm())
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheReadmesVariablesAreTheSettings(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `(BOOTSTRAP_[A-Z_]+)` \\| (.*?) \\| (.*?) \\|$")
	var documented, settings []string
	_, section, _ := strings.Cut(readFile(t, "README.md"), "\n## Variables\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, m := range row.FindAllStringSubmatch(section, -1) {
		byDefault := strings.Trim(m[2], "`")
		if byDefault == "–" {
			byDefault = ""
		}
		documented = append(documented, m[1]+" = "+byDefault)
	}
	for _, s := range config.Settings() {
		settings = append(settings, s.Name+" = "+s.Default)
	}
	if got, want := strings.Join(documented, "\n"), strings.Join(settings, "\n"); got != want {
		t.Errorf("the README has\n%s\n\nthe settings are\n%s", got, want)
	}
}

func TestTheTablesOfErrorsNameEveryErrorType(t *testing.T) {
	constants := regexp.MustCompile(`(?m)^\tType\w+ += "([^"]+)"`).FindAllStringSubmatch(readFile(t, "adapter/error.go"), -1)
	if len(constants) < 5 {
		t.Fatalf("found only %d error types", len(constants))
	}
	for _, paper := range []string{"README.md", troubleshooting} {
		text := readFile(t, paper)
		for _, m := range constants {
			if !strings.Contains(text, "| `"+m[1]+"` |") {
				t.Errorf("%s is not in the table of errors of %s", m[1], paper)
			}
		}
	}
}

func TestTheLinksOfThePapersLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	for _, paper := range papers(t) {
		for _, m := range link.FindAllStringSubmatch(readFile(t, paper), -1) {
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(paper), m[1])); err != nil {
				t.Errorf("%s: %v", paper, err)
			}
		}
	}
}

// papers are all Markdown files.
func papers(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md", "examples/*.md"} {
		names, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			rel, err := filepath.Rel(root, name)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, rel)
		}
	}
	return found
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
