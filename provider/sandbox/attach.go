package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// attachTimeout is how long an attached process looks for the one that has the folder: between the end of
// one and the start of the next there is nobody to ask.
const attachTimeout = 10 * time.Second

// Attach serves the sandbox that a folder holds, on a loopback address of this process. Several processes
// can attach to one folder: the first has the data, the others forward their requests to it. When it
// ends, one of the others takes over with the same data, and the addresses of all stay valid. A
// request that was under way in the process that ended is answered by a cut connection; it may or may
// not have been done, as with any service that dies.
//
// Options other than Dir count in the process that has the data. Closing the endpoint ends the attachment.
func Attach(dir string, opts Options) (*Endpoint, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("sandbox folder: %w", err)
	}
	opts.Dir = dir
	r := &relay{dir: dir, opts: opts}
	r.transport = &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	endpoint, err := r.listen()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), attachTimeout)
	defer cancel()
	if _, _, err := r.target(ctx); err != nil {
		return nil, errors.Join(err, endpoint.Close())
	}
	return endpoint, nil
}

// relay answers requests itself if this process has the folder, and forwards them otherwise.
type relay struct {
	dir       string
	url       string
	opts      Options
	transport *http.Transport

	mu     sync.Mutex
	server *Server // this process has the folder
	other  string  // host and port of the process that has it
	closed bool
}

// serving is the content of server.json: where the process that has the folder listens.
type serving struct {
	URL      string `json:"url"`
	Instance string `json:"instance"`
}

func (r *relay) file() string { return filepath.Join(r.dir, "server.json") }

// listen starts to serve. Requests that come before the relay knows its own address wait for it.
func (r *relay) listen() (*Endpoint, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	endpoint, err := Serve(r, "", nil)
	if err == nil {
		r.url, endpoint.after = endpoint.URL, r.close
	}
	return endpoint, err
}

// close gives the folder up.
func (r *relay) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.server == nil {
		return nil
	}
	_ = os.Remove(r.file()) // who reads it finds nobody there
	return r.server.Close()
}

// target returns the server of this process, or the address of the process that has the folder, whichever
// there is; if there is neither, this process takes over.
func (r *relay) target(ctx context.Context) (*Server, string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		if r.closed {
			return nil, "", errors.New("sandbox: the attachment has been closed")
		}
		if r.server != nil || r.other != "" {
			return r.server, r.other, nil
		}
		server, err := New(r.opts)
		if err == nil {
			r.server = server
			return server, "", r.announce()
		}
		if !errors.Is(err, ErrFolderBusy) {
			return nil, "", err
		}
		if r.other = r.find(ctx); r.other != "" {
			continue
		}
		select {
		case <-ctx.Done():
			return nil, "", fmt.Errorf("%w, and the process that has it does not answer: end it, or use another folder", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// announce tells other processes where this one listens.
func (r *relay) announce() error {
	raw, err := json.Marshal(serving{URL: r.url, Instance: r.server.instance})
	if err != nil {
		return err
	}
	return replaceFile(r.file(), raw)
}

// find returns the address of the process that has the folder, if it answers.
func (r *relay) find(ctx context.Context) string {
	raw, err := os.ReadFile(r.file())
	var there serving
	if err != nil || json.Unmarshal(raw, &there) != nil || there.URL == r.url {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, there.URL+"/sandbox/health", nil)
	if err != nil {
		return ""
	}
	resp, err := r.transport.RoundTrip(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	var health serving
	if json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&health) != nil || health.Instance != there.Instance {
		return "" // somebody else listens there now
	}
	return strings.TrimPrefix(there.URL, "http://")
}

// forget gives up an address that does not answer.
func (r *relay) forget(address string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.other == address {
		r.other = ""
	}
}

// ServeHTTP answers or forwards. A request is sent again only if it never reached anybody.
func (r *relay) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	ctx, cancel := context.WithTimeout(req.Context(), attachTimeout)
	defer cancel()
	var body []byte
	for {
		server, address, err := r.target(ctx)
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		if body == nil {
			if body, err = io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody)); err != nil {
				http.Error(w, "the request body could not be read: "+err.Error(), http.StatusBadRequest)
				return
			}
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		if server != nil {
			server.ServeHTTP(w, req)
			return
		}
		var dial *net.OpError
		switch err := r.forward(w, req, address); {
		case err == nil:
			return
		case errors.As(err, &dial) && dial.Op == "dial":
			r.forget(address)
		default:
			cut(w)
			return
		}
	}
}

// forward sends a request to another process and its answer back. Host stays what the client asked for, so
// that links lead here.
func (r *relay) forward(w http.ResponseWriter, req *http.Request, address string) error {
	var failed error
	proxy := &httputil.ReverseProxy{
		Transport: r.transport,
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host, p.Out.Host = "http", address, p.In.Host
		},
		ErrorHandler: func(_ http.ResponseWriter, _ *http.Request, err error) { failed = err },
	}
	proxy.ServeHTTP(w, req)
	return failed
}
