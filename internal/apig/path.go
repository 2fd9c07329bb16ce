package apig

import "bytes"

// How a gateway writes the path of an event: as the client sent it, or percent-decoded. Its
// vendor does not say; docs/adr/0017 has what follows from that.
const (
	PathEncoded = "encoded"
	PathDecoded = "decoded"
)

// prefixHeader tells a program which part of its address it does not see in the path.
const prefixHeader = "X-Forwarded-Prefix"

// readPath puts a path into the target, as a URL holds it and without the prefix. It returns the
// prefix, as a URL holds it, if it was removed.
func (r *Request) readPath(path []byte, how Reading) (removed []byte) {
	encoded := how.Path == PathEncoded || how.Path != PathDecoded && urlBytes.holds(path)
	if how.Prefix == "" {
		r.Target = appendPath(r.Target, path, encoded)
		return nil
	}
	prefix := appendPath(nil, []byte(how.Prefix), urlBytes.holds([]byte(how.Prefix)))
	if rest, found := strip(path, []byte(how.Prefix)); found {
		r.Target = appendPath(r.Target, rest, encoded)
		return prefix
	}
	whole := appendPath(nil, path, encoded)
	rest, found := strip(whole, prefix) // one of the two may be encoded, the other not
	r.Target = appendPath(r.Target, rest, true)
	if !found {
		return nil
	}
	return prefix
}

// strip removes prefix from path once, if path ends there or continues with a slash.
func strip(path, prefix []byte) (rest []byte, found bool) {
	if rest, found := bytes.CutPrefix(path, prefix); found && (len(rest) == 0 || rest[0] == '/') {
		return rest, true
	}
	return path, false
}

// appendPath appends a path as a URL holds it. In one that is encoded a valid %XX stays. It always
// begins with a slash, so that no part of it can pass for a host.
func appendPath(dst, path []byte, encoded bool) []byte {
	if len(path) == 0 || path[0] != '/' {
		dst = append(dst, '/')
	}
	for encoded {
		n := bytes.IndexByte(path, '%')
		if n < 0 {
			break
		}
		dst = appendEscaped(dst, path[:n], pathBytes)
		if path = path[n:]; len(path) > 2 && isHex(path[1]) && isHex(path[2]) {
			dst = append(dst, path[:3]...)
			path = path[3:]
		} else {
			dst = append(dst, "%25"...)
			path = path[1:]
		}
	}
	return appendEscaped(dst, path, pathBytes)
}

func isHex(c byte) bool { return digit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }
