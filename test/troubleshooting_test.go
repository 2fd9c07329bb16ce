package test

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// troubleshooting is the page with every message that a user can meet. A table of messages begins
// with messagesHead; in its first cell each message is a code span of its own, with <br> between
// them. A message is one string of the code, with … for what varies and for what is left out.
const (
	troubleshooting = "docs/troubleshooting.md"
	messagesHead    = "| message | cause | cure |"
)

// exception is a text that no user can meet, or that is no message. What is empty stands for all.
type exception struct {
	file, in string // in is the declaration at the file's top level
	text     string // written as a message
	why      string
}

const (
	isHelp     = "help, printed by --help"
	isOutput   = "words that are looked for in what a program has printed"
	isInternal = "tells one case from another; another text is shown"
	isRefused  = "fgdev's own flags can't have such a value"
)

var exceptions = []exception{
	{file: "adapter/error.go", in: "ErrShutdown", why: isInternal},
	{file: "cmd/fgdev/cli.go", in: "description", why: isHelp},
	{file: "cmd/fgdev/cli.go", in: "errInvocation", why: isInternal},
	{file: "platform/api/faults.go", in: "kinds", why: isHelp},
	{file: "platform/api/faults.go", in: "FaultsHelp", why: isHelp},
	{file: "internal/failure/failure.go", in: "loaders", why: isOutput},
	{file: "modes/worker/story.go", in: "badDescriptor", why: isOutput},
	{file: "modes/httpproxy/answer.go", in: "errSwitched", why: isInternal},
	{file: "modes/httpproxy/answer.go", in: "errAnnounces", why: isInternal},
	{file: "modes/httpproxy/answer.go", in: "errStatus", why: isInternal},
	{file: "modes/httpproxy/head.go", in: "Error", why: isInternal},
	{file: "modes/httpproxy/ready.go", in: "ask", why: "a request to the server"},
	{file: "modes/httpproxy/httpproxy.go", in: "errUnsent", why: isInternal},
	{file: "modes/httpproxy/lookout.go", in: "errMisplaced", why: isInternal},
	{file: "modes/httpproxy/surplus.go", in: "errForeign", why: isInternal},
	{file: "modes/pipe/answer.go", in: "errSurplus", why: isInternal},
	{file: "modes/worker/call.go", in: "errWithdrawn", why: isInternal},
	{file: "modes/worker/multiplexed.go", in: "errTorn", why: isInternal},
	{file: "modes/worker/sequential.go", in: "errLong", why: isInternal},
	{file: "modes/worker/settle.go", in: "errStuck", why: isInternal},
	{file: "modes/worker/settle.go", in: "errClosed", why: isInternal},
	{file: "modes/worker/worker.go", in: "errUnsent", why: isInternal},
	{file: "runtimeapi/functiongraph/event.go", in: "errTooLarge", why: isInternal},
	{file: "runtimeapi/functiongraph/upload.go", in: "errAnswered", why: isInternal},
	{file: "platform/httpserver/body.go", in: "ErrBodyTooLarge", why: isInternal},
	{file: "platform/httpserver/conn.go", in: "ErrSabotaged", why: isInternal},
	{file: "platform/tree_linux.go", in: "errStat", why: isInternal},
	{file: "platform/door/unwrap_flow.go", in: "errEnvelope", why: isInternal},
	{file: "platform/door/request.go", text: "the head ends in a bare line feed", why: isInternal},
	{file: "platform/api/invoke.go", text: "this request id is in use", why: "fgdev makes the ids, and each is another"},
	{file: "platform/function.go", text: "code folder …: not a folder", why: isRefused},
	{file: "platform/function.go", text: "timeout …: it must be positive", why: isRefused},
	{file: "platform/function.go", text: "memory … MB: it must be positive", why: isRefused},
}

func TestNoMessageLacksARowOfTheTroubleshootingPageAndNoRowIsStale(t *testing.T) {
	var texts []text
	for _, top := range products {
		texts = append(texts, textsBelow(t, top)...)
	}
	messages, faults := messagesOf(readFile(t, troubleshooting))
	for _, fault := range append(faults, compare(texts, messages, exceptions)...) {
		t.Error(fault)
	}
}

// message is one of the page.
type message struct {
	line    int
	words   string
	pattern *regexp.Regexp // nil for a few words: they have to be the whole text, or would be too many texts
}

func newMessage(line int, words string) message {
	m := message{line: line, words: words}
	if isSentence(words) {
		m.pattern = regexp.MustCompile(`^` + strings.ReplaceAll(regexp.QuoteMeta(words), "…", `.*`) + `$`)
	}
	return m
}

func (m message) is(t text) bool {
	return m.words == t.words || m.pattern != nil && m.pattern.MatchString(t.words)
}

// span is a code span of Markdown; in a table a | in it has a backslash.
var span = regexp.MustCompile("^(?:`([^`]+)`|`` ?(.+?) ?``)$")

// messagesOf finds the messages of a page, and the rows that don't have the form of messagesHead.
func messagesOf(page string) (all []message, faults []string) {
	inside := false
	for i, line := range strings.Split(page, "\n") {
		switch {
		case line == messagesHead:
			inside = true
			continue
		case !strings.HasPrefix(line, "|"):
			inside = false
		}
		if !inside || strings.HasPrefix(line, "|--") {
			continue
		}
		where := fmt.Sprintf("%s:%d", troubleshooting, i+1)
		cells := strings.Split(strings.ReplaceAll(line, `\|`, "\x00"), "|")
		if len(cells) != 5 || slices.ContainsFunc(cells[1:4], func(c string) bool { return strings.TrimSpace(c) == "" }) {
			faults = append(faults, where+": a row has three cells: "+messagesHead+`. Write \| for a | in one`)
			continue
		}
		for one := range strings.SplitSeq(cells[1], "<br>") {
			found := span.FindStringSubmatch(strings.TrimSpace(one))
			if found == nil {
				faults = append(faults, fmt.Sprintf("%s: each message is in backticks, and <br> is between them: %s", where, one))
				continue
			}
			all = append(all, newMessage(i+1, strings.ReplaceAll(cmp.Or(found[1], found[2]), "\x00", "|")))
		}
	}
	return all, faults
}

// compare says which texts no message has, which messages no text has, and which exceptions do nothing.
func compare(texts []text, messages []message, exempt []exception) (faults []string) {
	for _, m := range messages {
		if !slices.ContainsFunc(texts, m.is) {
			faults = append(faults, fmt.Sprintf("%s:%d: the code has no such message any more; one is a string of it, with … for what varies: %s",
				troubleshooting, m.line, m.words))
		}
	}
	used := map[exception]bool{}
	for _, t := range texts {
		if !isSentence(t.words) || slices.ContainsFunc(messages, func(m message) bool { return m.is(t) }) {
			continue
		}
		i := slices.IndexFunc(exempt, func(e exception) bool { return e.holds(t) })
		if i >= 0 {
			used[exempt[i]] = true
			continue
		}
		faults = append(faults, fmt.Sprintf("%s:%d (%s): %s lacks this message. Give it a row, or name it among the exceptions of this test if no user can meet it:\n\t| `%s` | cause | cure |",
			t.file, t.line, t.in, troubleshooting, strings.ReplaceAll(t.words, "|", `\|`)))
	}
	for _, e := range exempt {
		if !used[e] {
			faults = append(faults, fmt.Sprintf("the exception for %s %s%s is not needed any more", e.file, e.in, e.text))
		}
	}
	return faults
}

func (e exception) holds(t text) bool {
	return e.file == t.file && (e.in == "" || e.in == t.in) && (e.text == "" || e.text == t.words)
}

// TestARowThatIsMissingOrStaleIsFound: the rule itself can fail.
func TestARowThatIsMissingOrStaleIsFound(t *testing.T) {
	const source = "package p\n\nvar late = errors.New(\"the answer came too late\")\n\n" +
		"func f(n int) string {\n\treturn \"the file has \" + fmt.Sprint(n, \"lines too many\") + \" bytes and \" + g()\n}\n"
	const right = "| `the answer came too late`<br>`the file has … bytes and …`<br>`lines too many` | cause | cure |"
	for _, c := range []struct {
		name, source, row string
		exempt            []exception
		faults            []string // the beginnings of what is found
	}{
		{name: "all is there", source: source, row: right},
		{
			name: "a message without a row", source: source, row: "| `the file has … bytes and …`<br>`lines too many` | cause | cure |",
			faults: []string{"p.go:3 (late): docs/troubleshooting.md lacks this message."},
		},
		{
			name: "what varies is no constant text", source: source, row: strings.Replace(right, "has … bytes", "has 5 bytes", 1),
			faults: []string{"docs/troubleshooting.md:5: the code has no such message", "p.go:6 (f): docs/troubleshooting.md lacks"},
		},
		{
			name: "a part of a message", source: source, row: strings.Replace(right, "came too late", "came", 1),
			faults: []string{"docs/troubleshooting.md:5: the code has no such message", "p.go:3 (late): docs/troubleshooting.md lacks"},
		},
		{
			name: "a message that is left out from its middle on", source: source, row: strings.Replace(right, "came too late", "came …", 1),
		},
		{
			name: "a few words for all messages", source: source, row: "| `the …` | cause | cure |",
			faults: []string{"docs/troubleshooting.md:5: the code has no", "p.go:3", "p.go:6", "p.go:6"},
		},
		{
			name: "a row of a message that is gone", source: source, row: right + "\n| `no such words here` | cause | cure |",
			faults: []string{"docs/troubleshooting.md:6: the code has no such message any more"},
		},
		{
			name: "a text of two words may have a row and need not", source: "package p\n\nconst a, b = \"shut down\", \"not here\"\n", row: "| `shut down` | cause | cure |",
		},
		{
			name: "an exception", source: source, row: "| `the file has … bytes and …`<br>`lines too many` | cause | cure |",
			exempt: []exception{{file: "p.go", in: "late"}},
		},
		{
			name: "an exception that does nothing", source: source, row: right, exempt: []exception{{file: "p.go", in: "late"}},
			faults: []string{"the exception for p.go late is not needed any more"},
		},
		{
			name: "a row without a cure", source: source, row: right + "\n| `the answer came too late` | cause | |",
			faults: []string{"docs/troubleshooting.md:6: a row has three cells"},
		},
		{
			name: "a message without backticks", source: source, row: right + "\n| the answer came too late | cause | cure |",
			faults: []string{"docs/troubleshooting.md:6: each message is in backticks"},
		},
		{
			name: "a | and backticks in a message", source: "package p\n\nconst a = \"set `$|=1` at the top\"\n", row: "| `` set `$\\|=1` at the top `` | cause | cure |",
		},
		{
			name: "tags of fields and imports are no messages", row: "| `shut down` | cause | cure |",
			source: "package p\n\nimport \"three words here\"\n\ntype t struct {\n\tf int `help:\"as many as fit\"`\n}\n\nvar x = \"shut down\"\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			texts, err := textsOf("p.go", c.source)
			if err != nil {
				t.Fatal(err)
			}
			messages, faults := messagesOf("# Page\n\n" + messagesHead + "\n|---|---|---|\n" + c.row + "\n")
			faults = append(faults, compare(texts, messages, c.exempt)...)
			if !slices.EqualFunc(faults, c.faults, strings.HasPrefix) {
				t.Errorf("found\n%s\nand not\n%s", strings.Join(faults, "\n"), strings.Join(c.faults, "\n"))
			}
		})
	}
}
