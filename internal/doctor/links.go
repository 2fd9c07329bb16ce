package doctor

import (
	"io"
	"io/fs"
	pathpkg "path"
	"path/filepath"
	"strings"
	"syscall"
)

// maxLinks is how many symbolic links Linux follows in one path.
const maxLinks = 40

// inCode is path's name in the code, if it is there.
func (i image) inCode(path string) (name string, ok bool) {
	if path == i.target.CodeRoot {
		return ".", true
	}
	return strings.CutPrefix(path, i.target.CodeRoot+"/")
}

// follow is where path leads to when the symbolic links of the code are followed, out of the code
// too. It is no error if there is nothing.
func (i image) follow(path string) (string, error) {
	done, rest, links := "/", elements(path), 0
	for len(rest) > 0 {
		next := pathpkg.Join(done, rest[0])
		rest = rest[1:]
		text := i.link(next)
		if text == "" {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", &fs.PathError{Op: "open", Path: path, Err: syscall.ELOOP}
		}
		if pathpkg.IsAbs(text) {
			done = "/"
		}
		rest = append(elements(text), rest...)
	}
	return done, nil
}

func elements(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// readLink follows the links before the last element of path, which is one.
func (i image) readLink(path string) (string, error) {
	folder, err := i.follow(pathpkg.Dir(path))
	if err != nil {
		return "", err
	}
	if text := i.link(pathpkg.Join(folder, pathpkg.Base(path))); text != "" {
		return text, nil
	}
	return "", &fs.PathError{Op: "readlink", Path: path, Err: syscall.EINVAL}
}

// link is what the symbolic link path points to; "" means that it is none.
func (i image) link(path string) string {
	name, ok := i.inCode(path)
	if !ok {
		return ""
	}
	info, err := fs.Lstat(i.code, name)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return ""
	}
	if _, ok := i.code.(fs.ReadLinkFS); ok {
		text, _ := fs.ReadLink(i.code, name)
		return filepath.ToSlash(text) // of a folder on Windows
	}
	f, err := i.code.Open(name) // of a ZIP: the text is the content
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	text, _ := io.ReadAll(io.LimitReader(f, pathMax))
	return string(text)
}
