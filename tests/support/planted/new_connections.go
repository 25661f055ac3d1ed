// A gateway in Go that opens a connection for each request. Its arguments are where it listens and its
// upstream, each as HOST:PORT.
package main

import (
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
)

func main() {
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: os.Args[2]})
	proxy.Transport = &http.Transport{DisableKeepAlives: true}
	log.Fatal(http.ListenAndServe(os.Args[1], proxy))
}
