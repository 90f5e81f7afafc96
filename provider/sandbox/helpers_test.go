package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

var testStart = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// client talks to a sandbox over HTTP with a bearer token.
type client struct {
	t     *testing.T
	s     *Server
	clock *ManualClock
	url   string
	token string
	http  *http.Client
}

// start serves a sandbox for a test, on a clock that stands still.
func start(t *testing.T, opts Options) *client {
	t.Helper()
	clock := NewManualClock(testStart)
	if opts.Clock == nil {
		opts.Clock = clock
	}
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		server.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &client{t: t, s: s, clock: clock, url: server.URL, token: DefaultAccessToken,
		http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   object
	list   []any
	raw    string
}

// send makes a request. dated is the date of the Accept header.
func (c *client) send(method, path, dated string, body any) (answer, error) {
	c.t.Helper()
	var reader io.Reader
	if body != nil {
		raw, isText := body.(string)
		if !isText {
			b, err := json.Marshal(body)
			if err != nil {
				c.t.Fatal(err)
			}
			raw = string(b)
		}
		reader = strings.NewReader(raw)
	}
	req, err := http.NewRequest(method, c.url+path, reader)
	if err != nil {
		c.t.Fatal(err)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	req.Header.Set("Accept", "application/vnd.atlas."+dated+"+json")
	if body != nil {
		req.Header.Set("Content-Type", "application/vnd.atlas."+dated+"+json")
	}
	return c.roundTrip(req)
}

func (c *client) roundTrip(req *http.Request) (answer, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	a := answer{status: resp.StatusCode, header: resp.Header, raw: string(raw)}
	if err != nil {
		return a, err
	}
	var value any
	if json.NewDecoder(bytes.NewReader(raw)).Decode(&value) == nil {
		a.body, _ = value.(object)
		a.list, _ = value.([]any)
	}
	return a, nil
}

// do makes a request with the newest date and expects a status.
func (c *client) do(method, path string, body any, status int) answer {
	c.t.Helper()
	a, err := c.send(method, path, "2025-03-12", body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	if a.status != status {
		c.t.Fatalf("%s %s: got status %d, want %d: %s", method, path, a.status, status, a.raw)
	}
	return a
}

// refuse makes a request and expects an error code.
func (c *client) refuse(method, path string, body any, status int, code string) answer {
	c.t.Helper()
	a := c.do(method, path, body, status)
	if got := textOf(a.body, "errorCode"); got != code {
		c.t.Fatalf("%s %s: got code %s, want %s: %s", method, path, got, code, a.raw)
	}
	return a
}

// project makes a project and returns its path.
func (c *client) project(name string) string {
	c.t.Helper()
	a := c.do("POST", "/api/atlas/v2/groups", object{"name": name, "orgId": DefaultOrgID}, 201)
	return "/api/atlas/v2/groups/" + textOf(a.body, "id")
}

func (a answer) results() []object { return objectsOf(a.body, "results") }

// names returns a field of every result.
func names(results []object, field string) []string {
	var out []string
	for _, r := range results {
		out = append(out, fmt.Sprint(r[field]))
	}
	return out
}

func scramUser(name string) object {
	return object{"username": name, "databaseName": "admin", "password": "correct-horse",
		"roles": []any{object{"roleName": "readWrite", "databaseName": "orders"}}}
}
