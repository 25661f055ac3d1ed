// A gateway in Go that misuses its http.Transport in one of the ways that are met most.
//
//	go build -o misuse misuse.go
//	./misuse -listen 127.0.0.1:8080 -upstreams 127.0.0.1:8081 -misuse unread
//
// Standard library only; Go 1.19 or later.
package main

import (
	"flag"
	"io"
	"log"
	"net/http"
	"strings"
	"sync/atomic"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "where clients connect")
	upstreams := flag.String("upstreams", "", "HOST:PORT of the backends, which take turns, with commas between")
	misuse := flag.String("misuse", "none", "none, each (a Transport a request), kept (the same, left open), unread or unclosed")
	maxIdleConns := flag.Int("max-idle-conns", 100, "idle connections kept in all, 0 for no limit")
	maxIdleConnsPerHost := flag.Int("max-idle-conns-per-host", 2, "idle connections kept for each host")
	flag.Parse()

	hosts := strings.Split(*upstreams, ",")
	newTransport := func() *http.Transport {
		return &http.Transport{
			MaxIdleConns:        *maxIdleConns,
			MaxIdleConnsPerHost: *maxIdleConnsPerHost,
			DisableCompression:  true,
		}
	}
	shared := newTransport()
	var turn atomic.Int64
	log.Fatal(http.ListenAndServe(*listen, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		transport := shared
		if *misuse == "each" || *misuse == "kept" {
			transport = newTransport()
		}
		if *misuse == "each" {
			defer transport.CloseIdleConnections()
		}
		host := hosts[turn.Add(1)%int64(len(hosts))]
		request, err := http.NewRequest(r.Method, "http://"+host+r.URL.RequestURI(), r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		request.ContentLength = r.ContentLength
		answer, err := transport.RoundTrip(request)
		if err != nil {
			log.Print(err)
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		// The connection can be used again once its answer is read to the end and closed.
		if *misuse == "unclosed" {
			w.WriteHeader(answer.StatusCode)
			return
		}
		defer answer.Body.Close()
		w.WriteHeader(answer.StatusCode)
		if *misuse != "unread" {
			io.Copy(w, answer.Body)
		}
	})))
}
