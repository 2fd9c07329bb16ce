package platform_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"fgbootstrap/platform"
)

func TestEventGoesOutAndResponseComesBack(t *testing.T) {
	a, err := platform.NewAPI(platform.Config{Credentials: platform.Credentials{AccessKey: "ak"}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	go func() {
		resp, err := http.Get("http://" + a.Addr() + "/v1/runtime/invocation/request")
		if err != nil {
			t.Error(err)
			return
		}
		b, _ := io.ReadAll(resp.Body)
		t.Log(resp.Header)
		resp, err = http.Post("http://"+a.Addr()+"/v1/runtime/invocation/response/"+resp.Header.Get("X-Cff-Request-Id"), "", bytes.NewReader(b))
		if err != nil || resp.StatusCode != 200 {
			t.Error(err, resp)
		}
	}()
	big := strings.Repeat("x", 6<<20)
	r, err := a.Invoke(context.Background(), platform.Event{Payload: []byte(big)})
	if err != nil || string(r.Payload) != big {
		t.Fatal(err, r)
	}
	t.Logf("%+v", a.Reports(r.RequestID)[0].Size)
}
