package secret

import (
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

// secretEndings do so at the end of a segment as well, as in PGPASSWORD, DBPASS and SIGNKEY.
var secretEndings = []string{
	"PASSWORD", "PASSWORDS", "PASSWD", "PASSPHRASE", "PASS", "PWD", "SECRET", "SECRETS", "TOKEN", "TOKENS", "KEY", "KEYS",
	"CREDENTIAL", "CREDENTIALS",
}

// plainWords end so and are none.
var plainWords = []string{
	"COMPASS", "ENCOMPASS", "BYPASS", "SURPASS", "TRESPASS", "OVERPASS", "UNDERPASS",
	"MONKEY", "DONKEY", "HOCKEY", "JOCKEY", "TURKEY", "WHISKEY", "LACKEY", "MICKEY",
	"MONKEYS", "DONKEYS", "JOCKEYS", "TURKEYS", "WHISKEYS",
}

// settings is the prefix of our own settings: none of them is a secret, but some names contain a
// secret word.
const settings = "BOOTSTRAP_"

func isSecret(name string) bool {
	if strings.HasPrefix(name, settings) || name == "PWD" || name == "OLDPWD" {
		return false
	}
	return slices.ContainsFunc(segments(name), func(s string) bool {
		return slices.Contains(secretWords, s) || !slices.Contains(plainWords, s) &&
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
