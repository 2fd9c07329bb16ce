package secret

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"unicode"
)

// secretWords mark a name as secret if they are a segment of it: KEY does in API_KEY, but not in
// MONKEY.
var secretWords = []string{
	"PASSWORD", "PASSWORDS", "PASSWD", "PASSPHRASE", "PASS", "PWD", "SECRET", "SECRETS", "TOKEN", "TOKENS",
	"KEY", "KEYS", "APIKEY", "ACCESSKEY", "SECRETKEY", "PRIVATEKEY", "AUTHKEY",
	"CREDENTIAL", "CREDENTIALS", "CRED", "CREDS", "PRIVATE", "AUTH", "AUTHORIZATION", "BEARER", "JWT",
}

// secretEndings do so at the end of a segment as well, as in PGPASSWORD and AUTHTOKEN.
var secretEndings = []string{"PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "CREDENTIAL", "CREDENTIALS"}

// Values collects the values to mask, the longest first. For each secret variable these are the
// whole value and, since output is masked line by line, each of its lines. A program that prints
// its whole environment prints RUNTIME_USERDATA too, and there a value may look different:
// quotes, backslashes, <, é.
func Values(vars map[string]string, userData map[string]json.RawMessage) []string {
	var list []string
	for name, value := range vars {
		if !isSecret(name) {
			continue
		}
		list = append(list, value)
		for line := range strings.Lines(value) {
			list = append(list, strings.TrimSpace(line))
		}
	}
	for name, raw := range userData {
		if isSecret(name) && raw[0] == '"' {
			list = append(list, string(raw[1:len(raw)-1]))
		}
	}
	list = slices.DeleteFunc(list, func(s string) bool { return len(s) < minSecret })
	slices.SortFunc(list, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	return slices.Clip(slices.Compact(list))
}

// settings is the prefix of our own settings: none of them is a secret, but some names contain a
// secret word.
const settings = "BOOTSTRAP_"

func isSecret(name string) bool {
	if strings.HasPrefix(name, settings) || name == "PWD" || name == "OLDPWD" {
		return false
	}
	return slices.ContainsFunc(segments(name), func(s string) bool {
		return slices.Contains(secretWords, s) ||
			slices.ContainsFunc(secretEndings, func(end string) bool { return strings.HasSuffix(s, end) })
	})
}

// segments splits a name at every character that is not a letter and between a small letter and a
// capital. It returns the parts in capitals: DB_PASSWORD2 and dbPassword both give DB, PASSWORD.
func segments(name string) []string {
	var b strings.Builder
	var last rune
	for _, c := range name {
		if unicode.IsUpper(c) && unicode.IsLower(last) {
			b.WriteByte(' ')
		}
		if !unicode.IsLetter(c) {
			c = ' '
		}
		b.WriteRune(unicode.ToUpper(c))
		last = c
	}
	return strings.Fields(b.String())
}
