package atlas

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"mercator/schema"
)

// LevelTrace is the level at which bodies are logged, secrets masked.
const LevelTrace = slog.LevelDebug - 4

// Stats counts HTTP requests.
type Stats struct {
	// Requests are those sent to the API, by method, repeats and second reads included.
	Requests map[string]int
	// SecondReads are those of Requests that read a list again to verify it (R7).
	SecondReads int
	// Repeats are those of Requests that were made because an earlier attempt failed.
	Repeats int
	// TokenRequests asked for a service account's token; Challenges asked for a nonce of HTTP Digest. Neither
	// is counted in Requests.
	TokenRequests, Challenges int
	// Waited is the time spent waiting for rate limits and between attempts, added up over all calls.
	Waited time.Duration
}

// Total returns the number of all requests to the API.
func (s Stats) Total() int {
	n := 0
	for _, v := range s.Requests {
		n += v
	}
	return n
}

// about says what a request is for; it travels in the request's context.
type about struct {
	operation string
	attempt   int
	second    bool // a second read of a list
	token     bool // asks for a token
	challenge bool // asks for a nonce
}

type aboutKey struct{}

func withAbout(ctx context.Context, a about) context.Context {
	return context.WithValue(ctx, aboutKey{}, a)
}

// meter counts and logs every request that leaves the client.
type meter struct {
	next   http.RoundTripper
	client *Client

	mu       sync.Mutex
	counted  Stats
	requests map[string]int
}

// RoundTrip implements http.RoundTripper.
func (m *meter) RoundTrip(req *http.Request) (*http.Response, error) {
	what, _ := req.Context().Value(aboutKey{}).(about)
	m.count(req.Method, what)
	start := m.client.clock.Now()
	res, err := m.next.RoundTrip(req)
	if log := m.client.log; log.Enabled(req.Context(), slog.LevelDebug) {
		attrs := []slog.Attr{
			slog.String("method", req.Method),
			slog.String("path", m.client.secrets.mask(req.URL.RequestURI())),
			slog.String("operation", what.operation),
			slog.Duration("duration", m.client.clock.Now().Sub(start)),
			slog.Int("attempt", what.attempt),
		}
		if err != nil {
			attrs = append(attrs, slog.String("error", m.client.secrets.mask(err.Error())))
		} else {
			attrs = append(attrs, slog.Int("status", res.StatusCode))
			attrs = appendHeaders(attrs, res.Header)
		}
		log.LogAttrs(req.Context(), slog.LevelDebug, "atlas request", attrs...)
	}
	return res, err
}

// appendHeaders adds what is worth knowing of an answer's headers: its id, the rate budget, the end of the
// endpoint's version.
func appendHeaders(attrs []slog.Attr, h http.Header) []slog.Attr {
	for _, x := range []struct{ name, header string }{
		{"request_id", "X-Request-Id"}, {"remaining", "RateLimit-Remaining"}, {"retry_after", "Retry-After"}, {"sunset", "Sunset"},
	} {
		if v := h.Get(x.header); v != "" {
			attrs = append(attrs, slog.String(x.name, v))
		}
	}
	return attrs
}

func (m *meter) count(method string, what about) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case what.token:
		m.counted.TokenRequests++
		return
	case what.challenge:
		m.counted.Challenges++
		return
	}
	m.requests[method]++
	if what.second {
		m.counted.SecondReads++
	}
	if what.attempt > 1 {
		m.counted.Repeats++
	}
}

func (m *meter) waited(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counted.Waited += d
}

func (m *meter) stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.counted
	s.Requests = maps.Clone(m.requests)
	return s
}

// traceBody logs a body, request or answer, with its secrets masked; j is decoded JSON of the given attributes.
func (c *Client) traceBody(ctx context.Context, message, operation string, attrs []schema.Attribute, j any) {
	if j == nil || !c.log.Enabled(ctx, LevelTrace) {
		return
	}
	text, err := json.Marshal(maskJSON(attrs, j))
	if err != nil {
		return
	}
	c.log.LogAttrs(ctx, LevelTrace, message, slog.String("operation", operation), slog.String("body", c.secrets.mask(string(text))))
}

// maskJSON returns a copy of decoded JSON in which what the attributes call secret is masked, and, where they do
// not know a field, what is secret by its name.
func maskJSON(attrs []schema.Attribute, j any) any {
	switch j := j.(type) {
	case []any:
		out := make([]any, len(j))
		for i, el := range j {
			out[i] = maskJSON(attrs, el)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(j))
		for name, v := range j {
			a := findAPI(attrs, name)
			switch {
			case v == nil:
				out[name] = nil
			case a != nil && (a.WriteOnly || a.OnceShown), a == nil && soundsSecret(name):
				out[name] = mask
			case a != nil:
				out[name] = maskJSON(a.Nested, v)
			case name == "results":
				out[name] = maskJSON(attrs, v)
			default:
				out[name] = maskJSON(nil, v)
			}
		}
		return out
	default:
		return j
	}
}

func findAPI(attrs []schema.Attribute, name string) *schema.Attribute {
	for i := range attrs {
		if attrs[i].API == name || attrs[i].ReadFrom(name) {
			return &attrs[i]
		}
	}
	return nil
}

func soundsSecret(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"password", "secret", "token", "privatekey", "apikey", "servicekey", "webhookurl", "routingkey", "licensekey"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}
