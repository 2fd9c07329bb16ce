package functiongraph

import "strings"

// IsMetadata reports whether a header, its name in lower case, says something about an
// invocation. The vendor's runtimes read more names than the documentation lists, so the prefix
// decides.
func IsMetadata(name string) bool {
	return strings.HasPrefix(name, "x-cff-") || strings.HasPrefix(name, "x-stream-")
}

// isCredential reports whether a metadata header carries a key or a token. The suffix decides,
// for the same reason: X-CFF-Security-Access-Key is one, too.
func isCredential(name string) bool {
	return strings.HasSuffix(name, "-key") || strings.HasSuffix(name, "-token")
}
