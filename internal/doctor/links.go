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

// inCode returns path's name inside the code, or false if path is not in it.
func (i image) inCode(path string) (name string, ok bool) {
	if path == i.target.CodeRoot {
		return ".", true
	}
	return strings.CutPrefix(path, i.target.CodeRoot+"/")
}

// follow returns where path leads when the symbolic links in the code are followed, also out of
// the code. The result need not exist.
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

// readLink follows the links in path except for its last element, which it reads.
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

// link returns what the symbolic link path points to, or "" if path is not a link.
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
		return filepath.ToSlash(text) // for a folder on Windows
	}
	f, err := i.code.Open(name) // in a ZIP the text is the content
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	text, _ := io.ReadAll(io.LimitReader(f, pathMax))
	return string(text)
}
