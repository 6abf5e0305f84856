// Go's own HTTP/2 server: answers each POST with what it got. Each connection to the control address lets all HTTP/2
// connections go (GOAWAY in two phases) and serves new ones at the same address.
package main

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"
)

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.Header().Set("apns-id", "go")
	w.Write(body)
}

func serve(address string, streams int) *http.Server {
	server := &http.Server{
		Handler:   http.HandlerFunc(echo),
		TLSConfig: &tls.Config{NextProtos: []string{"h2"}},
		HTTP2:     &http.HTTP2Config{MaxConcurrentStreams: streams},
	}
	var listener net.Listener
	for {
		var err error
		if listener, err = net.Listen("tcp", address); err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	go server.ServeTLS(listener, "server.crt", "server.key")
	return server
}

func main() {
	address := os.Args[1]
	streams, err := strconv.Atoi(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	control, err := net.Listen("tcp", os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	server := serve(address, streams)
	for {
		asked, err := control.Accept()
		if err != nil {
			log.Fatal(err)
		}
		asked.Close()
		go server.Shutdown(context.Background())
		server = serve(address, streams)
	}
}
