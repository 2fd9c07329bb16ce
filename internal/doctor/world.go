package doctor

import (
	"io/fs"
	"os"
	pathpkg "path"
	"runtime"
)

// World is where a program will start: this machine, or a Target with the code in its place.
// Paths are absolute and have slashes on any system.
type World interface {
	// arch is the processor by its name in Go.
	arch() string
	// access returns an error if the permissions forbid executing a file or entering a folder.
	access(path string) error
	stat(path string) (fs.FileInfo, error)
	readDir(path string) ([]fs.DirEntry, error)
	readLink(path string) (string, error)
	readAt(path string, p []byte, offset int64) (int, error)
}

func (c *Command) world() World {
	if c.In == nil {
		return machine{}
	}
	return c.In
}

// executable reports whether path is a file that may be executed. Diagnose finds out whether it
// can be.
func (c *Command) executable(path string) bool {
	w := c.world()
	info, err := w.stat(path)
	return err == nil && info.Mode().IsRegular() && w.access(path) == nil
}

// below returns the executable of that name below the folder root, or "".
func (c *Command) below(root, name string) string {
	one := c.children([]string{root})
	folders := append(one, c.children(one)...)
	for _, bin := range []string{"bin", ""} {
		for _, folder := range folders {
			if path := pathpkg.Join(folder, bin, name); c.executable(path) {
				return path
			}
		}
	}
	return ""
}

// children returns the paths of everything in the folders.
func (c *Command) children(folders []string) (all []string) {
	for _, folder := range folders {
		entries, _ := c.world().readDir(folder)
		for _, entry := range entries {
			all = append(all, pathpkg.Join(folder, entry.Name()))
		}
	}
	return all
}

// machine is the World that this process is in.
type machine struct{}

func (machine) arch() string                               { return runtime.GOARCH }
func (machine) stat(path string) (fs.FileInfo, error)      { return os.Stat(path) }
func (machine) readDir(path string) ([]fs.DirEntry, error) { return os.ReadDir(path) }
func (machine) readLink(path string) (string, error)       { return os.Readlink(path) }

func (machine) readAt(path string, p []byte, offset int64) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return f.ReadAt(p, offset)
}
