package doctor

import (
	"io"
	"io/fs"
	pathpkg "path"
	"syscall"
	"time"
)

// image is a target with the code in its place.
type image struct {
	target Target
	code   fs.FS
}

func (i image) arch() string { return i.target.Arch }

// access looks only at the mode bits: a ZIP has no owner.
func (i image) access(path string) error {
	info, err := i.stat(path)
	if err == nil && info.Mode()&0o111 == 0 {
		err = syscall.EACCES
	}
	return err
}

func (i image) stat(path string) (fs.FileInfo, error) {
	path, err := i.follow(path)
	if err != nil {
		return nil, err
	}
	if name, ok := i.inCode(path); ok {
		return fs.Lstat(i.code, name) // a link that is left can't be read, and must not lead to this machine
	}
	if i.target.has(path) {
		return program(pathpkg.Base(path)), nil
	}
	return nil, &fs.PathError{Op: "stat", Path: path, Err: fs.ErrNotExist}
}

// readDir lists the target's programs in the folders of its Path, so that typing errors in their
// names are found too.
func (i image) readDir(path string) (entries []fs.DirEntry, err error) {
	if path, err = i.follow(path); err != nil {
		return nil, err
	}
	if name, ok := i.inCode(path); ok {
		return fs.ReadDir(i.code, name)
	}
	if i.target.folder(path) {
		for _, name := range i.target.Programs {
			entries = append(entries, fs.FileInfoToDirEntry(program(name)))
		}
	}
	return entries, nil
}

// readAt can't read the target's own programs: their contents are not known. A file in a ZIP can
// only be read from its start.
func (i image) readAt(path string, p []byte, offset int64) (int, error) {
	path, err := i.follow(path)
	if err != nil {
		return 0, err
	}
	name, ok := i.inCode(path)
	if !ok || offset < 0 {
		return 0, &fs.PathError{Op: "read", Path: path, Err: fs.ErrInvalid}
	}
	f, err := i.code.Open(name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	if _, err := io.CopyN(io.Discard, f, offset); err != nil {
		return 0, err
	}
	return io.ReadFull(f, p)
}

// program is the name of a program of the target, as a file with the little that is known about
// it.
type program string

func (p program) Name() string     { return string(p) }
func (program) Size() int64        { return 1 } // it is not empty
func (program) Mode() fs.FileMode  { return 0o755 }
func (program) ModTime() time.Time { return time.Time{} }
func (program) IsDir() bool        { return false }
func (program) Sys() any           { return nil }
