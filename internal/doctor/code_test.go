package doctor_test

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

func file(content string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(content), Mode: 0o755} }

func plain(content string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(content), Mode: 0o644}
}

func link(target string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
}

// built is a program for machine with that dynamic loader.
func built(machine, loader string) *fstest.MapFile {
	e := elfFields{kind: 2, machine: machines[machine], size: 56, count: 2, table: 64, loader: loader, code: exits[machine]}
	return file(string(e.file()))
}

// zipped is a ZIP of the files, its own kind of fs.FS: no links are followed, and no file can be
// read but from its start.
func zipped(t *testing.T, files fstest.MapFS) fs.FS {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, f := range files {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate}
		header.SetMode(f.Mode)
		entry, err := w.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := entry.Write(f.Data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// inFolder is a folder of this machine with the files.
func inFolder(t *testing.T, files fstest.MapFS) fs.FS {
	t.Helper()
	root := t.TempDir()
	for name, f := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil && f.Mode&fs.ModeSymlink != 0 {
			err = os.Symlink(string(f.Data), path)
		} else if err == nil {
			err = os.WriteFile(path, f.Data, f.Mode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return os.DirFS(root)
}
