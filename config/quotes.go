package config

import (
	"strings"
	"unicode"
)

// typographicQuotes are those that word processors and chats put in the place of " and '.
const typographicQuotes = "“”„‟‘’‚‛«»"

// unquoted is a value without the quotes and blanks around it, among them those that nobody sees.
func unquoted(value string) string {
	return strings.TrimFunc(value, func(c rune) bool {
		return unicode.IsSpace(c) || unicode.Is(unicode.Cf, c) || strings.ContainsRune("\"'`"+typographicQuotes, c)
	})
}

// withoutQuotes is the cure of a value that is right but for the quotes or blanks around it; "" if
// that is not what is wrong with it.
func withoutQuotes(value string, isRight func(string) bool) string {
	bare := unquoted(value)
	switch {
	case bare == value || bare == "" || !isRight(bare):
		return ""
	case strings.TrimSpace(value) != bare && strings.ContainsAny(value, "\"'`"+typographicQuotes):
		return "write " + bare + ", without the quotes"
	}
	return "write " + bare + ", without the blanks around it"
}
