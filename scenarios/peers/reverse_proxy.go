// A gateway as one writes it in Go: httputil.ReverseProxy over an http.Transport, whose two limits are flags.
//
//	go build -o reverse_proxy reverse_proxy.go
//	./reverse_proxy -listen 127.0.0.1:8080 -upstream http://127.0.0.1:8081 -max-idle-conns-per-host 200
//
// Standard library only; Go 1.19 or later.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "where clients connect")
	upstream := flag.String("upstream", "", "where requests go: an http origin")
	maxIdleConns := flag.Int("max-idle-conns", 100, "idle connections kept in all, 0 for no limit")
	maxIdleConnsPerHost := flag.Int("max-idle-conns-per-host", 2, "idle connections kept for each host")
	maxConnsPerHost := flag.Int("max-conns-per-host", 0, "connections to each host, 0 for no limit")
	idleConnTimeout := flag.Duration("idle-conn-timeout", 90*time.Second, "how long to keep one idle")
	disableKeepAlives := flag.Bool("disable-keep-alives", false, "use each connection once")
	flag.Parse()

	target, err := url.Parse(*upstream)
	if err != nil || target.Scheme != "http" || target.Host == "" {
		fmt.Fprintln(os.Stderr, "-upstream takes an origin such as http://127.0.0.1:8081")
		os.Exit(2)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = &http.Transport{
		MaxIdleConns:        *maxIdleConns,
		MaxIdleConnsPerHost: *maxIdleConnsPerHost,
		MaxConnsPerHost:     *maxConnsPerHost,
		IdleConnTimeout:     *idleConnTimeout,
		DisableKeepAlives:   *disableKeepAlives,
		DisableCompression:  true,
	}
	log.Fatal(http.ListenAndServe(*listen, proxy))
}
