// Command minimal is the smallest Go program that asks the runtime API for an event. Our start is
// compared with it.
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
