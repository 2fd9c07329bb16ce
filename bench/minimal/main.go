// Command minimal is the least that a Go program can be that asks the runtime API for
// an event: what the start of ours is measured by.
package main

import (
	"io"
	"log"
	"net"
	"os"
)

func main() {
	addr := os.Getenv("RUNTIME_API_ADDR")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := io.WriteString(conn, "GET /v1/runtime/invocation/request HTTP/1.1\r\nHost: "+addr+"\r\n\r\n"); err != nil {
		log.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, conn) // until the platform hangs up
}
