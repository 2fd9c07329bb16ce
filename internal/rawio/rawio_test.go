package rawio_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"fgbootstrap/internal/rawio"
)

func pipe(t *testing.T) (r, w *rawio.Descriptor, in, out *os.File) {
	t.Helper()
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = in.Close(), out.Close() })
	r, err = rawio.New(in)
	if err != nil {
		t.Fatal(err)
	}
	w, err = rawio.New(out)
	if err != nil {
		t.Fatal(err)
	}
	return r, w, in, out
}

func TestReadWaitsAndReadNowDoesNot(t *testing.T) {
	r, w, _, out := pipe(t)
	buf := make([]byte, 10)
	if n, err := r.ReadNow(buf); n != 0 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	go func() {
		time.Sleep(20 * time.Millisecond) // so that it has to wait
		_, _ = w.WriteNow([]byte("text"))
	}()
	if n, err := r.Read(buf); string(buf[:n]) != "text" || err != nil {
		t.Errorf("got %q, %v", buf[:n], err)
	}
	_ = out.Close()
	for _, read := range []func([]byte) (int, error){r.Read, r.ReadNow} {
		if n, err := read(buf); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("got %d, %v", n, err)
		}
		if n, err := read(nil); n != 0 || err != nil {
			t.Errorf("nothing to read to: got %d, %v", n, err)
		}
	}
}

func TestTheFilesDeadlinesAndCloseHoldForIt(t *testing.T) {
	r, _, in, _ := pipe(t)
	end := make(chan error, 1)
	read := func() {
		_, err := r.Read(make([]byte, 1))
		end <- err
	}
	go read()
	_ = in.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if err := <-end; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	_ = in.SetReadDeadline(time.Time{})
	go read()
	time.Sleep(10 * time.Millisecond) // so that it waits
	_ = in.Close()
	if err := <-end; err == nil || errors.Is(err, io.EOF) { // package os does not say ErrClosed here
		t.Errorf("got %v", err)
	}
}

func TestWriteNowWritesWhatIsTaken(t *testing.T) {
	r, w, in, _ := pipe(t)
	all := make([]byte, 1<<20)
	written := 0
	for {
		n, err := w.WriteNow(all)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		written += n
	}
	if written < 4096 || written >= len(all) || w.Waiting() != written || r.Waiting() != written {
		t.Errorf("%d written, %d and %d waiting", written, w.Waiting(), r.Waiting())
	}
	_ = in.Close()
	if n, err := w.WriteNow(all); n != 0 || !errors.Is(err, syscall.EPIPE) {
		t.Errorf("got %d, %v", n, err)
	}
}

func TestConnectionsHaveDescriptorsToo(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	peer, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	d, err := rawio.New(conn.(*net.TCPConn))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := d.WriteNow([]byte("ping")); n != 4 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	if n, err := peer.Read(make([]byte, 10)); n != 4 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
	_ = peer.(*net.TCPConn).SetLinger(0)
	_ = peer.Close()
	if n, err := d.Read(make([]byte, 10)); n != 0 || !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
		t.Errorf("got %d, %v", n, err)
	}
}

func TestAWatchTellsWhichCanBeRead(t *testing.T) {
	first, _, _, _ := pipe(t)
	second, w, in, out := pipe(t)
	watch := rawio.NewWatch(first, second)
	if got := watch.Ready(); got != 0 {
		t.Errorf("got %b", got)
	}
	if _, err := w.WriteNow([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if got := watch.Ready(); got != 2 || !readable(second) {
		t.Errorf("got %b", got)
	}
	_ = out.Close()
	if got := watch.Ready(); got != 2 {
		t.Errorf("at the end: got %b", got)
	}
	_ = in.Close()
}

func readable(d *rawio.Descriptor) bool {
	n, err := d.ReadNow(make([]byte, 10))
	return n > 0 && err == nil && d.Busy()
}

func TestAConnectionReadsAndWritesAsAlways(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	raw, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c, err := rawio.NewConn(raw.(*net.TCPConn))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	peer, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if n, err := c.ReadNow(make([]byte, 1)); n != 0 || err != nil {
		t.Errorf("nothing has come, and it reads %d bytes, %v", n, err)
	}
	text := make([]byte, 16<<20) // more than the kernel takes
	for i := range text {
		text[i] = byte(i >> 8)
	}
	go func() {
		_, _ = io.Copy(peer, peer)
		_ = peer.Close()
	}()
	wrote := make(chan error, 1)
	go func() {
		_, err := c.Write(text)
		_ = raw.(*net.TCPConn).CloseWrite()
		wrote <- err
	}()
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, text) {
		t.Errorf("got %d bytes of %d, %v", len(got), len(text), err)
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
	if _, err := c.ReadNow(make([]byte, 1)); err == nil {
		t.Error("it has ended, and has no error")
	}
}
