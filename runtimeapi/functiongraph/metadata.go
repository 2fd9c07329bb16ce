package functiongraph

import "strings"

// IsMetadata tells whether a header, its name in lower case, says something about an
// invocation. Vendor runtimes read more names than the documentation has, so it goes by
// the beginning.
func IsMetadata(name string) bool {
	return strings.HasPrefix(name, "x-cff-") || strings.HasPrefix(name, "x-stream-")
}

// isCredential tells whether a metadata header carries a key or a token. It goes by the
// ending, for the same reason: X-CFF-Security-Access-Key is one, too.
func isCredential(name string) bool {
	return strings.HasSuffix(name, "-key") || strings.HasSuffix(name, "-token")
}
