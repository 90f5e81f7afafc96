// Package faultproxy stands between a client and an HTTP server of a test and does to requests and answers what
// networks do: it loses, delays, repeats and cuts them, as a script says. It hands on what it gets byte for byte, the
// Host header too, so that signatures stay good.
package faultproxy

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
)

// Action is what happens to one request.
type Action int

// The actions.
const (
	// Pass hands the request on, and the answer back.
	Pass Action = iota
	// LoseRequest ends the connection before the server hears of the request.
	LoseRequest
	// LoseAnswer has the server carry the request out, and ends the connection instead of answering.
	LoseAnswer
	// Repeat has the server carry the request out twice, and hands the second answer back.
	Repeat
	// Cut hands half of the answer back and ends the connection.
	Cut
)

// Fault is what befalls one request. The zero Fault lets it pass.
type Fault struct {
	Action Action
	// Before, if not nil, is called before the server gets the request, and After when it has carried it out. What
	// they wait for, the client waits for.
	Before, After func()
	// Header is set in the answer.
	Header http.Header
	// Status and Body, if Status is not 0, are answered without asking the server.
	Status int
	Body   string
}

// Request is one that came.
type Request struct {
	Method, Path string
	Query        url.Values
	Header       http.Header
	Body         []byte
	// Answered is the number of bytes of the server's answer.
	Answered int
}

// Script decides what befalls a request. It is called for one request at a time.
type Script func(Request) Fault

// Proxy is a proxy under way.
type Proxy struct {
	// URL is its address.
	URL    string
	target *url.URL

	deciding sync.Mutex
	mu       sync.Mutex
	script   Script
	requests []Request
}

// Start starts a proxy to the server at target, a URL, and ends it with the test.
func Start(t testing.TB, target string) *Proxy {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{target: u}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.URL = server.URL
	return p
}

// Script lets another script decide from now on; nil lets everything pass.
func (p *Proxy) Script(s Script) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.script = s
}

// Requests returns those that came since the last Forget, in the order in which they came.
func (p *Proxy) Requests() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

// Forget forgets the requests so far.
func (p *Proxy) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests = nil
}

// decide notes a request and returns its number and what befalls it.
func (p *Proxy) decide(r Request) (int, Fault) {
	p.deciding.Lock()
	defer p.deciding.Unlock()
	p.mu.Lock()
	p.requests = append(p.requests, r)
	n, script := len(p.requests)-1, p.script
	p.mu.Unlock()
	if script == nil {
		return n, Fault{}
	}
	return n, script(r)
}

func (p *Proxy) answered(n, size int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n < len(p.requests) {
		p.requests[n].Answered = size
	}
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	n, f := p.decide(Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(), Header: r.Header.Clone(), Body: body})
	if f.Before != nil {
		f.Before()
	}
	if f.Action == LoseRequest {
		panic(http.ErrAbortHandler)
	}
	if f.Status != 0 {
		maps.Copy(w.Header(), f.Header)
		w.WriteHeader(f.Status)
		_, _ = io.WriteString(w, f.Body)
		return
	}
	answer, text := p.forward(r, body)
	if f.Action == Repeat {
		answer, text = p.forward(r, body)
	}
	p.answered(n, len(text))
	if f.After != nil {
		f.After()
	}
	if f.Action == LoseAnswer {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), answer.Header)
	maps.Copy(w.Header(), f.Header)
	w.WriteHeader(answer.StatusCode)
	if f.Action == Cut {
		_, _ = w.Write(text[:len(text)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(text)
}

// forward has the server carry out a request. A server that can't be reached looks to the client like a lost request.
func (p *Proxy) forward(r *http.Request, body []byte) (*http.Response, []byte) {
	out := r.Clone(r.Context())
	out.RequestURI = ""
	out.URL.Scheme, out.URL.Host = p.target.Scheme, p.target.Host
	out.Host = r.Host
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	out.Header.Del("Expect")
	answer, err := transport.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return answer, text
}

// transport adds nothing to requests, and takes every answer as it comes.
var transport = &http.Transport{DisableCompression: true}
