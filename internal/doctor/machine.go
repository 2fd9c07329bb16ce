package doctor

import (
	"io/fs"
	"os"
	"runtime"
)

// machine is the World that this process is in.
type machine struct{}

func (machine) arch() string                               { return runtime.GOARCH }
func (machine) access(path string) error                   { return access(path) }
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
