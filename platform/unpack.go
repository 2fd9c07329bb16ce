package platform

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// maxUnpacked is the platform's limit for the unpacked code in bytes.
const maxUnpacked = 1500 << 20

// Code is a function's code on disk.
type Code struct {
	Dir  string // the code root
	temp string // removed by Close; "" if the folder is the user's
}

// OpenCode takes a folder as it is, or unpacks a ZIP into a temporary one. The caller must Close it.
func OpenCode(name string) (*Code, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("the function's folder or ZIP: %w", err)
	}
	if info.IsDir() {
		return &Code{Dir: name}, nil
	}
	temp, err := os.MkdirTemp("", "fg-")
	if err != nil {
		return nil, fmt.Errorf("code: %w", err)
	}
	// A folder inside that of its own: the function runs in the parent.
	c := &Code{Dir: filepath.Join(temp, "code"), temp: temp}
	if err = os.Mkdir(c.Dir, 0o755); err == nil {
		err = unpack(name, c.Dir)
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Close removes what OpenCode has made. It leaves the user's folder alone.
func (c *Code) Close() error {
	if c.temp == "" {
		return nil
	}
	return os.RemoveAll(c.temp)
}

// unpack extracts a ZIP into dest, which has to exist and be empty, keeping permissions. An entry
// that would leave dest, also by way of a symbolic link, is an error that names it, as are an
// encrypted entry and more than 1500 MB.
func unpack(name, dest string) error {
	r, err := zip.OpenReader(name)
	if err != nil {
		return fmt.Errorf("%s is neither a folder nor a readable ZIP file: %w", name, err)
	}
	defer func() { _ = r.Close() }()
	root, err := os.OpenRoot(dest)
	if err != nil {
		return fmt.Errorf("unpack %s: %w", name, err)
	}
	defer func() { _ = root.Close() }()
	left := int64(maxUnpacked)
	for _, f := range r.File {
		n, err := extract(root, f, left)
		if err != nil {
			return fmt.Errorf("unpack %s: entry %q: %w", name, f.Name, err)
		}
		left -= n
	}
	if err := checkLinks(dest); err != nil {
		return fmt.Errorf("unpack %s: %w", name, err)
	}
	return nil
}

var errLeaves = errors.New("it leaves the folder")

func extract(root *os.Root, f *zip.File, left int64) (int64, error) {
	name := strings.TrimSuffix(f.Name, "/")
	switch {
	case strings.Contains(name, `\`):
		return 0, errors.New("its name contains a backslash: make the ZIP with / between folders")
	case !filepath.IsLocal(name):
		return 0, errLeaves
	case f.Flags&1 != 0:
		return 0, errors.New("it is encrypted")
	case f.Mode().IsDir():
		return 0, root.MkdirAll(name, 0o755)
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return 0, err
	}
	switch {
	case f.Mode()&fs.ModeSymlink != 0:
		return 0, extractLink(root, f, name)
	case f.Mode().IsRegular():
		return extractFile(root, f, name, left)
	default:
		return 0, fmt.Errorf("it is neither a file nor a folder nor a link (%v)", f.Mode())
	}
}

func extractFile(root *os.Root, f *zip.File, name string, left int64) (int64, error) {
	in, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer func() { _ = in.Close() }()
	out, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.Mode().Perm()|0o400)
	if errors.Is(err, fs.ErrExist) {
		return 0, errors.New("the ZIP has it twice")
	}
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, io.LimitReader(in, left+1)) // the size in the header may lie
	if err == nil && n > left {
		err = fmt.Errorf("unpacked, the code is larger than %d MB", maxUnpacked>>20)
	}
	// Chmod, as the mode given above is subject to the umask.
	return n, errors.Join(err, out.Chmod(f.Mode().Perm()|0o400), out.Close())
}

func extractLink(root *os.Root, f *zip.File, name string) error {
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	target, err := io.ReadAll(io.LimitReader(in, 4096))
	if err != nil {
		return err
	}
	if path.IsAbs(string(target)) || !filepath.IsLocal(path.Join(path.Dir(name), string(target))) {
		return fmt.Errorf("link to %q: %w", target, errLeaves)
	}
	return root.Symlink(string(target), name)
}

// checkLinks follows all links once more: one that stays inside by its text may leave by way of another.
func checkLinks(dest string) error {
	dest, err := filepath.EvalSymlinks(dest)
	if err != nil {
		return err
	}
	return filepath.WalkDir(dest, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink == 0 {
			return err
		}
		rel, _ := filepath.Rel(dest, name)
		real, err := filepath.EvalSymlinks(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it leads nowhere
		}
		if inside, relErr := filepath.Rel(dest, real); err != nil || relErr != nil || !filepath.IsLocal(inside) {
			return fmt.Errorf("entry %q: link: %w", rel, errors.Join(errLeaves, err))
		}
		return nil
	})
}
