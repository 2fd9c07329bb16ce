package secret

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"unicode"
)

const (
	// minSecret is the least length in bytes of a secret that is masked wherever it stands: shorter
	// ones would black out a log. The platform's tokens have hundreds of bytes, a sensible password
	// has at least six.
	minSecret = 6
	// minWord is that of one that is masked only as a word of its own.
	minWord = 4
)

// isMaskable reports whether a value can be told from other text. A short one can if it is no
// plain word or number: letters of both cases, digits or others are mixed in it.
func isMaskable(value string) bool {
	return len(value) >= minSecret || len(value) >= minWord && isMixed(value)
}

func isMixed(value string) bool {
	lower, upper, digit, other := 0, 0, 0, 0
	for i, c := range value {
		switch {
		case unicode.IsLetter(c) && (i == 0 || !unicode.IsUpper(c)): // True is as plain as true
			lower = 1
		case unicode.IsUpper(c):
			upper = 1
		case unicode.IsDigit(c):
			digit = 1
		default:
			other = 1
		}
	}
	if upper == 1 && unicode.IsUpper(rune(value[0])) && strings.ToUpper(value) == value { // as is PROD
		lower = 0
	}
	return lower+upper+digit+other > 1
}

// common are values that any log is full of. Masking them would hide more than they tell, unless
// the variable's name says that it is a secret all the same.
var common = []string{
	"enabled", "disabled", "default", "undefined", "production", "development", "staging", "testing", "release",
	"warning", "verbose", "information", "localhost", "0.0.0.0", "127.0.0.1",
}

// userData is the variable that holds all others.
const userData = "RUNTIME_USERDATA"

// Values collects the values to mask, the longest first. vars are all variables, encrypted those
// that the user had encrypted, as far as that is known. These values are secret:
//   - those of encrypted variables, unless they are settings of ours or too common,
//   - those of variables whose names say so,
//   - each line of those, since output is masked line by line,
//   - in any variable, a URL with a password, and that password; in any but a setting, what stands
//     after a name that says so, as in a connection string or in JSON.
func Values(vars, encrypted map[string]string) []string {
	var list []string
	for name, value := range vars {
		if isSecret(name) {
			list = appendLines(list, value)
		}
		if name != userData {
			list = appendParts(list, name, value)
		}
	}
	for name, value := range encrypted {
		if strings.HasPrefix(name, settings) {
			continue
		}
		lines := slices.DeleteFunc(appendLines(nil, value), func(s string) bool { return slices.Contains(common, strings.ToLower(s)) })
		list = appendParts(append(list, lines...), name, value)
	}
	list = slices.DeleteFunc(list, func(s string) bool { return !isMaskable(s) })
	slices.SortFunc(list, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	return slices.Clip(slices.Compact(list))
}

// appendLines appends a value and each of its lines.
func appendLines(list []string, value string) []string {
	list = append(list, value)
	for line := range strings.Lines(value) {
		list = append(list, strings.TrimSpace(line))
	}
	return list
}

func appendParts(list []string, name, value string) []string {
	list = appendURLs(list, value)
	if !strings.HasPrefix(name, settings) {
		list = appendPairs(list, value)
		list = appendMembers(list, value)
	}
	return list
}

// urlEnds are characters that no URL has, and that may stand around one.
const urlEnds = " \t\r\n\"'`<>|"

// appendURLs appends each URL in text that has a password, and the password, as it is and decoded.
func appendURLs(list []string, text string) []string {
	for {
		before, rest, found := strings.Cut(text, "://")
		if !found {
			return list
		}
		text = rest
		if end := strings.IndexAny(rest, urlEnds); end >= 0 {
			rest = rest[:end]
		}
		user, password, found := strings.Cut(userInfo(rest), ":")
		if !found || password == "" {
			continue
		}
		scheme := before[strings.LastIndexAny(before, urlEnds+",;=")+1:]
		list = append(list, scheme+"://"+rest)
		if password != user { // postgres:postgres tells nothing, and would hide the word
			list = append(list, password, unescaped(password))
		}
	}
}

// userInfo returns what stands before the @ of a URL without its scheme, or "". A password may
// hold characters that should have been escaped.
func userInfo(url string) string {
	authority, path := url, ""
	if end := strings.IndexAny(url, "/?#"); end >= 0 {
		authority, path = url[:end], url[end:]
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		return authority[:at]
	}
	_, port, found := strings.Cut(authority, ":")
	at := strings.IndexByte(path, '@')
	if !found || at < 0 || strings.Trim(port, "0123456789") == "" {
		return "" // a path with an @
	}
	return authority + path[:at]
}

// unescaped returns text without the escapes of a URL.
func unescaped(text string) string {
	v := &view{text: []byte(text), open: len(text)}
	if inside := v.without("%", percent); inside != nil {
		return string(inside.text)
	}
	return text
}

// appendPairs appends the values of pairs such as password=x whose names say that they are secret.
// What separates pairs may also be part of a password, so each separator is tried on its own.
func appendPairs(list []string, text string) []string {
	if !strings.Contains(text, "=") {
		return list
	}
	for _, separators := range []string{";", "&?", " \t\r\n", ","} {
		for pair := range strings.FieldsFuncSeq(text, func(c rune) bool { return strings.ContainsRune(separators, c) }) {
			name, value, found := strings.Cut(pair, "=")
			if found && isSecret(strings.TrimSpace(name)) {
				value = strings.Trim(strings.TrimSpace(value), `"'`)
				list = append(list, value, unescaped(value))
			}
		}
	}
	return list
}

// appendMembers appends the strings in JSON whose names say that they are secret.
func appendMembers(list []string, text string) []string {
	var value any
	if trimmed := strings.TrimSpace(text); !strings.HasPrefix(trimmed, "{") && !strings.HasPrefix(trimmed, "[") {
		return list
	}
	if json.Unmarshal([]byte(text), &value) != nil {
		return list
	}
	return appendStrings(list, "", value)
}

func appendStrings(list []string, name string, value any) []string {
	switch value := value.(type) {
	case string:
		if isSecret(name) {
			return appendLines(list, value)
		}
		return appendURLs(list, value)
	case []any:
		for _, element := range value {
			list = appendStrings(list, name, element)
		}
	case map[string]any:
		for key, member := range value {
			list = appendStrings(list, key, member)
		}
	}
	return list
}
