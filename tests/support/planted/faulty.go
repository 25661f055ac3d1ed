// A gateway whose handling of its connections has one fault, by name.
package main

import (
	"flag"
	"io"
	"log"
	"net/http"
	"time"
)

func main() {
	listen := flag.String("listen", "", "where clients connect")
	upstream := flag.String("upstream", "", "HOST:PORT of the backend")
	fault := flag.String("fault", "none", "what is wrong")
	n := flag.Int("n", 200, "the limit that the fault is about")
	flag.Parse()

	shared := &http.Transport{MaxIdleConns: 0, MaxIdleConnsPerHost: 200, DisableCompression: true}
	switch *fault {
	case "small":
		shared.MaxIdleConnsPerHost = *n
	case "cap":
		shared.MaxConnsPerHost = *n
	case "asks":
		shared.DisableKeepAlives = true
	case "idle":
		shared.IdleConnTimeout = time.Duration(*n) * time.Millisecond
	}
	handler := func(w http.ResponseWriter, r *http.Request) {
		transport := shared
		if *fault == "kept" || *fault == "closed" {
			transport = &http.Transport{}
		}
		if *fault == "closed" {
			defer transport.CloseIdleConnections()
		}
		out, _ := http.NewRequest(r.Method, "http://"+*upstream+r.URL.Path, nil)
		answer, err := transport.RoundTrip(out)
		if err != nil {
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
		w.WriteHeader(answer.StatusCode)
		io.Copy(w, answer.Body)
	}
	log.Fatal(http.ListenAndServe(*listen, http.HandlerFunc(handler)))
}
