// A gateway whose handling of its connections has one fault, by name.
package main

import (
	"context"
	"flag"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

func main() {
	listen := flag.String("listen", "", "where clients connect")
	upstream := flag.String("upstream", "", "HOST:PORT of the backend; with commas, those that take turns")
	fault := flag.String("fault", "none", "what is wrong")
	n := flag.Int("n", 200, "the limit that the fault is about")
	flag.Parse()

	shared := &http.Transport{MaxIdleConns: 0, MaxIdleConnsPerHost: 1000, DisableCompression: true}
	switch *fault {
	case "small":
		shared.MaxIdleConnsPerHost = *n
	case "cap":
		shared.MaxConnsPerHost = *n
	case "asks":
		shared.DisableKeepAlives = true
	case "total":
		shared.MaxIdleConns = *n
	case "bound":
		host, _, _ := net.SplitHostPort(*listen)
		source := &net.TCPAddr{IP: net.ParseIP(host)}
		shared.DialContext = (&net.Dialer{LocalAddr: source}).DialContext
		shared.MaxIdleConnsPerHost = 2
	case "idle":
		shared.IdleConnTimeout = time.Duration(*n) * time.Millisecond
	}
	upstreams := strings.Split(*upstream, ",")
	var turn atomic.Int64
	handler := func(w http.ResponseWriter, r *http.Request) {
		transport := shared
		if *fault == "kept" || *fault == "closed" {
			transport = &http.Transport{}
		}
		if *fault == "closed" {
			defer transport.CloseIdleConnections()
		}
		within := context.Background()
		if *fault == "late" {
			var cancel context.CancelFunc
			within, cancel = context.WithTimeout(within, time.Duration(*n)*time.Millisecond)
			defer cancel()
		}
		to := upstreams[turn.Add(1)%int64(len(upstreams))]
		out, _ := http.NewRequestWithContext(within, r.Method, "http://"+to+r.URL.Path, nil)
		answer, err := transport.RoundTrip(out)
		if err != nil {
			log.Print(err)
			http.Error(w, err.Error(), 502)
			return
		}
		switch *fault {
		case "leak":
			w.WriteHeader(answer.StatusCode)
			return
		case "unread":
			answer.Body.Close()
			w.WriteHeader(answer.StatusCode)
			return
		}
		defer answer.Body.Close()
		if *fault == "clients" {
			w.Header().Set("Connection", "close")
		}
		w.WriteHeader(answer.StatusCode)
		io.Copy(w, answer.Body)
	}
	log.Fatal(http.ListenAndServe(*listen, http.HandlerFunc(handler)))
}
