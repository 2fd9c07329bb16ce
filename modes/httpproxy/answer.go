package httpproxy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"syscall"

	"github.com/valyala/fasthttp"
)

const (
	// headBytes is the limit for the head of an answer.
	headBytes = 64 << 10
	// mostInterim is how many answers of 1xx may come before the answer.
	mostInterim = 20
	// answerBytes is how much of an answer is taken at a time. It is larger than the buffer of
	// answer.in, which therefore copies nothing.
	answerBytes = 96 << 10
)

// answer reads what the server answers and passes it on.
type answer struct {
	http   fasthttp.Response
	in     *bufio.Reader
	conn   *conn
	noBody bool   // it can't have a body, whatever length it declares
	whole  bool   // it has been read to its end
	mended bool   // its text was not what its type says
	piece  []byte // of its body
	text   []byte // what goes to the platform next
	own    []byte // room for it where the response has none
	lost   string // a header of it that can't be passed on; "" if there is none
}

func newAnswer() *answer {
	return &answer{in: bufio.NewReaderSize(nil, headBytes), piece: make([]byte, answerBytes)}
}

var (
	// errSwitched means that the server wants to speak another protocol.
	errSwitched = errors.New("it switched protocols")
	// errAnnounces means that the server sends 1xx answers without end.
	errAnnounces = errors.New("it keeps announcing an answer")
	// errStatus means that an answer's status is not valid.
	errStatus = errors.New("its status is below 100")
)

// head reads the head of the answer to a request of this method, after await.
func (a *answer) head(method string) error {
	a.http.Reset()
	a.http.StreamBody = true
	a.mended = false
	a.http.Header.SetNoDefaultContentType(true)
	for range mostInterim {
		var err error
		if a.lost, err = readHead(&a.http.Header, a.in); err != nil {
			return err
		}
		switch status := a.http.StatusCode(); {
		case status < fasthttp.StatusContinue:
			return errStatus
		case status == fasthttp.StatusSwitchingProtocols:
			return errSwitched
		case status >= 200:
			a.noBody = method == fasthttp.MethodHead || status == fasthttp.StatusNoContent || status == fasthttp.StatusNotModified
			if a.noBody {
				a.whole = true
				return nil
			}
			return a.http.ReadBody(a.in, 0) // it is read by BodyStream
		}
	}
	return errAnnounces
}

// Read reads the answer's body. Its error is io.EOF or a *broken.
func (a *answer) Read(p []byte) (int, error) {
	stream := a.http.BodyStream()
	if stream == nil {
		return 0, io.EOF
	}
	n, err := stream.Read(p)
	if err == io.EOF && a.http.Header.ContentLength() == chunked && a.conn.ended {
		err = io.ErrUnexpectedEOF // the library mistakes it for the last chunk
	}
	if errors.Is(err, syscall.ECONNRESET) && a.http.Header.ContentLength() < chunked && a.http.StatusCode() >= 300 {
		// A server that refuses a request before it has read all of it and closes the connection
		// resets it by that: 413, 431. Of a page of success a part might be missing.
		err = io.EOF
	}
	a.whole = err == io.EOF
	if err != nil && !a.whole {
		err = &broken{err}
	}
	return n, err
}

// chunked is the ContentLength of a chunked answer.
const chunked = -1

// broken is an answer whose body breaks off.
type broken struct{ cause error }

func (b *broken) Error() string { return "the answer broke off: " + b.cause.Error() }

// declared returns the declared length of the body. It returns false if none is declared or there
// is no body.
func (a *answer) declared() (size int64, ok bool) {
	size = int64(a.http.Header.ContentLength())
	return size, size >= 0 && !a.noBody
}

// tellsOfBody is for an answer to HEAD, or 204 or 304, that tells of a body: some servers
// send it all the same, and it would be the next answer.
func (a *answer) tellsOfBody() bool {
	length := a.http.Header.ContentLength()
	return a.noBody && (length > 0 || length == chunked)
}

// keeps reports whether the server keeps the connection open and has sent no more than its
// answer.
func (a *answer) keeps() bool {
	h := &a.http.Header
	if a.tellsOfBody() {
		return false
	}
	if _, ok := a.declared(); ok && bytes.HasPrefix(h.ContentType(), []byte("text/event-stream")) {
		return false // events go on, whatever was said of their length
	}
	ends := h.ConnectionClose() || h.ContentLength() < chunked && !a.noBody
	return !ends && !hasToken(h.Peek(fasthttp.HeaderConnection), "close") && a.in.Buffered() == 0
}

// hasToken reports whether a header that is a list has this token.
func hasToken(list []byte, token string) bool {
	for item := range bytes.SplitSeq(list, []byte(",")) {
		if bytes.EqualFold(bytes.TrimSpace(item), []byte(token)) {
			return true
		}
	}
	return false
}
