package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kballard/go-shellquote"
)

// command is a program and its arguments, at least one word, the first one not empty.
type command []string

// parseCommand reads words with shell quoting, or a JSON array of strings if v starts with "[".
// Its errors say where the error is and never quote v: arguments hold tokens. Bytes are counted
// from 1.
func parseCommand(v string) (command, error) {
	words, err := splitCommand(v)
	switch {
	case err != nil:
		return nil, err
	case len(words) == 0:
		return nil, errors.New("it has no words; write words with shell quoting, or a JSON array of strings")
	case words[0] == "":
		return nil, errors.New("its first word, the program, is empty")
	case slices.ContainsFunc(words, func(w string) bool { return strings.ContainsRune(w, 0) }):
		return nil, errors.New("a word contains a NUL byte, which can't be passed to a program")
	}
	return words, nil
}

func splitCommand(v string) (command, error) {
	if isJSONCommand(v) {
		return splitJSON(v)
	}
	if strings.TrimSpace(v) == "" {
		return nil, nil
	}
	// A command pasted on Windows ends in CR LF; a shell does not treat the CR as a blank, so it
	// would end up in the last word.
	words, err := shellquote.Split(strings.TrimSuffix(v, "\r\n"))
	if err != nil {
		return nil, unterminated(v, err)
	}
	return words, nil
}

func isJSONCommand(v string) bool { return strings.HasPrefix(strings.TrimSpace(v), "[") }

// unterminated says which quote was opened and never closed, and where.
func unterminated(v string, err error) error {
	switch {
	case errors.Is(err, shellquote.UnterminatedSingleQuoteError):
		return fmt.Errorf("the single quote at byte %d is never closed", opening(v, "'")+1)
	case errors.Is(err, shellquote.UnterminatedDoubleQuoteError):
		return fmt.Errorf("the double quote at byte %d is never closed", opening(v, `"`)+1)
	}
	return errors.New("it ends in a backslash with nothing after it")
}

// opening finds the quote that is open at the end of v: the last one before which all is well.
// Later ones are escaped.
func opening(v, quote string) int {
	at := len(v)
	for at >= 0 {
		at = strings.LastIndex(v[:at], quote)
		if at < 0 {
			break
		}
		if _, err := shellquote.Split(v[:at]); err == nil {
			return at
		}
	}
	return 0
}

func splitJSON(v string) (command, error) {
	var items []json.RawMessage
	var syntax *json.SyntaxError
	if err := json.Unmarshal([]byte(v), &items); errors.As(err, &syntax) {
		return nil, fmt.Errorf("it starts with [ but is not a JSON array of strings: syntax error at byte %d%s", syntax.Offset, strayQuote(v, syntax.Offset))
	} else if err != nil {
		return nil, errors.New("it starts with [ but is not a JSON array of strings")
	}
	words := make(command, len(items))
	for i, item := range items {
		if item[0] != '"' || json.Unmarshal(item, &words[i]) != nil {
			return nil, fmt.Errorf("element %d of its JSON array is not a string", i+1)
		}
	}
	return words, nil
}

// strayQuote is the cure if JSON breaks at a quote that is none there. offset counts from 1.
func strayQuote(v string, offset int64) string {
	c, _ := utf8.DecodeRuneInString(v[max(0, min(int(offset)-1, len(v))):])
	if !strings.ContainsRune("'`"+typographicQuotes, c) {
		return ""
	}
	return `; JSON wants straight double quotes (")`
}
