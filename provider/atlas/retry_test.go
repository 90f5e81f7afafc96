package atlas

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/provider"
)

const aBox = `{"id":"b1","name":"red"}`

var unavailable = says(503, apiErrorBody(503, "UNEXPECTED_ERROR", "Unexpected error."))

// TestRepeats says, for each way of failing and each kind of call, how often it is sent and what comes of it.
func TestRepeats(t *testing.T) {
	box := toys(t).Kind("box")
	label := toys(t).Kind("label")
	get := func(c *Client) error { _, err := c.Get(context.Background(), boxRef(box, "red")); return err }
	create := func(c *Client) error {
		_, err := c.Write(context.Background(), createBox(box, map[string]cty.Value{"name": str("red")}))
		return err
	}
	update := func(c *Client) error {
		_, err := c.Write(context.Background(), provider.Write{Ref: boxRef(box, "red"), Endpoint: box.Endpoints.Update,
			Bodies: []cty.Value{with(box.Attributes, map[string]cty.Value{"size_gb": cty.NumberIntVal(3)})}})
		return err
	}
	remove := func(c *Client) error {
		_, err := c.Write(context.Background(), provider.Write{Ref: boxRef(box, "red"), Endpoint: box.Endpoints.Delete})
		return err
	}
	upsert := func(c *Client) error {
		_, err := c.Write(context.Background(), provider.Write{Ref: provider.Ref{Kind: label, Place: place}, Endpoint: label.Endpoints.Create,
			Bodies: []cty.Value{with(label.Attributes, map[string]cty.Value{"text": str("x")})}})
		return err
	}
	ok := says(200, aBox)
	limited := says(429, apiErrorBody(429, "RATE_LIMITED", "slow down"), "Retry-After", "3")
	missing := says(404, apiErrorBody(404, "BOX_NOT_FOUND", "No box."))
	const none = provider.Class(-1)
	for _, tc := range []struct {
		name  string
		call  func(*Client) error
		steps []http.HandlerFunc
		sent  int
		class provider.Class
	}{
		{"read after 503", get, []http.HandlerFunc{unavailable, ok}, 2, none},
		{"read after a hang-up", get, []http.HandlerFunc{hangsUp, ok}, 2, none},
		{"read after a broken answer", get, []http.HandlerFunc{breaksOff, ok}, 2, none},
		{"read after half of the JSON", get, []http.HandlerFunc{says(200, `{"id":"b1","na`), ok}, 2, none},
		{"read after JSON with a tail", get, []http.HandlerFunc{says(200, aBox+`{}`), ok}, 2, none},
		{"read after 429", get, []http.HandlerFunc{limited, limited, ok}, 3, none},
		{"read after 408", get, []http.HandlerFunc{says(408, ""), ok}, 2, none},
		{"read that never works", get, []http.HandlerFunc{unavailable, unavailable, unavailable, unavailable, unavailable, unavailable, unavailable}, 6, provider.Transient},
		{"read of nothing", get, []http.HandlerFunc{missing}, 1, provider.NotFound},
		{"creation after 503", create, []http.HandlerFunc{unavailable, ok}, 1, provider.Uncertain},
		{"creation after 500", create, []http.HandlerFunc{says(500, ""), ok}, 1, provider.Uncertain},
		{"creation after a hang-up", create, []http.HandlerFunc{hangsUp, ok}, 1, provider.Uncertain},
		{"creation after a broken answer", create, []http.HandlerFunc{breaksOff, ok}, 1, provider.Uncertain},
		{"creation after half of the JSON", create, []http.HandlerFunc{says(201, `{"id":`), ok}, 1, provider.Uncertain},
		{"creation after 429", create, []http.HandlerFunc{limited, ok}, 2, none},
		{"creation refused", create, []http.HandlerFunc{says(400, apiErrorBody(400, "MISSING_ATTRIBUTE", "The required attribute name was not specified.", "name"))}, 1, provider.Invalid},
		{"creation during an upgrade", create, []http.HandlerFunc{says(405, apiErrorBody(405, "WRITES_NOT_ALLOWED_DURING_APP_UPGRADES", "later")), ok}, 2, none},
		{"update after 503", update, []http.HandlerFunc{unavailable, ok}, 2, none},
		{"update after a hang-up", update, []http.HandlerFunc{hangsUp, ok}, 2, none},
		{"deletion after 503", remove, []http.HandlerFunc{unavailable, says(204, "")}, 2, none},
		{"deletion carried out although the answer was lost", remove, []http.HandlerFunc{hangsUp, missing}, 2, none},
		{"deletion of nothing", remove, []http.HandlerFunc{missing}, 1, provider.NotFound},
		{"deletion of nothing after 429", remove, []http.HandlerFunc{limited, missing}, 2, provider.NotFound},
		{"deletion that is under way", remove, []http.HandlerFunc{says(400, apiErrorBody(400, "CLUSTER_ALREADY_REQUESTED_DELETION", "The cluster red has already been requested for deletion."))}, 1, none},
		{"upsert after 503", upsert, []http.HandlerFunc{unavailable, says(201, `{"results":[]}`)}, 2, none},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &script{steps: tc.steps}
			l := serve(t, s.ServeHTTP)
			err := tc.call(l.Client)
			switch {
			case tc.class == none && err != nil:
				t.Errorf("failed: %v", err)
			case tc.class != none:
				wantClass(t, err, tc.class)
			}
			if s.count() != tc.sent {
				t.Errorf("sent %d times, want %d", s.count(), tc.sent)
			}
		})
	}
}

func TestUnreachableIsNotUncertain(t *testing.T) {
	box := toys(t).Kind("box")
	var dials atomic.Int32
	refuse := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		dials.Add(1)
		return nil, errors.New("connection refused")
	}}
	l := serve(t, nil, func(c *Config) { c.Transport = refuse })
	_, err := l.Write(context.Background(), createBox(box, map[string]cty.Value{"name": str("red")}))
	wantClass(t, err, provider.Transient, "connection refused", "HTTPS_PROXY")
	if dials.Load() < 2 {
		t.Errorf("dialled %d times: nothing was sent, so it should have been tried again", dials.Load())
	}
}

func TestUntrustedCertificate(t *testing.T) {
	box := toys(t).Kind("box")
	web := httptest.NewUnstartedServer(http.NotFoundHandler())
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.StartTLS()
	defer web.Close()
	l := serve(t, nil, func(c *Config) { c.BaseURL = web.URL })
	_, err := l.Get(context.Background(), boxRef(box, "red"))
	wantClass(t, err, provider.Transient, "SSL_CERT_FILE")
	if l.clock.total() > 0 {
		t.Error("it was tried again, which mends no certificate")
	}
}

func TestTimeoutOfOneCall(t *testing.T) {
	box := toys(t).Kind("box")
	quit := make(chan struct{})
	slow := func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-quit:
		}
	}
	l := serve(t, slow, func(c *Config) { c.Timeout = 30 * time.Millisecond })
	t.Cleanup(func() { close(quit) })
	_, err := l.Write(context.Background(), createBox(box, map[string]cty.Value{"name": str("red")}))
	wantClass(t, err, provider.Uncertain)
	_, err = l.Get(context.Background(), boxRef(box, "red"))
	wantClass(t, err, provider.Transient, "no answer within 30ms")
}

func TestCancelledCall(t *testing.T) {
	box := toys(t).Kind("box")
	ctx, cancel := context.WithCancel(context.Background())
	s := &script{steps: []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}}}
	l := serve(t, s.ServeHTTP)
	_, err := l.Get(ctx, boxRef(box, "red"))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want a cancellation", err)
	}
	if s.count() != 1 {
		t.Errorf("sent %d times after the cancellation", s.count())
	}
}

// TestRetryAfterIsKept looks at the time that passes between a 429 and the next request.
func TestRetryAfterIsKept(t *testing.T) {
	box := toys(t).Kind("box")
	date := newFakeClock().Now().Add(90 * time.Second).Format(http.TimeFormat)
	for _, tc := range []struct {
		name    string
		step    http.HandlerFunc
		atLeast time.Duration
	}{
		{"seconds", says(429, apiErrorBody(429, "RATE_LIMITED", ""), "Retry-After", "7"), 7 * time.Second},
		{"a date", says(429, apiErrorBody(429, "RATE_LIMITED", ""), "Retry-After", date), 90 * time.Second},
		{"a token bucket's body", says(429, apiErrorBody(429, "RATE_LIMITED_TOKEN_BUCKET", "", "api/atlas/v2/orgs", 55, 10, 5, 60)), 55 * time.Second},
		{"an older limit's body", says(429, apiErrorBody(429, "RATE_LIMITED", "", "/api/oauth/token", 10, 1)), 6 * time.Second},
		{"a 503 that says so", says(503, "", "Retry-After", "20"), 20 * time.Second},
		{"nothing", says(429, ""), time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &script{steps: []http.HandlerFunc{tc.step, says(200, aBox)}}
			l := serve(t, s.ServeHTTP)
			if _, err := l.Get(context.Background(), boxRef(box, "red")); err != nil {
				t.Fatal(err)
			}
			if got := l.clock.total(); got < tc.atLeast || got > 2*tc.atLeast+20*time.Second {
				t.Errorf("waited %s, want %s or a little more", got, tc.atLeast)
			}
			if waited := l.Stats().Waited; waited != l.clock.total() {
				t.Errorf("the statistics say %s, the clock %s", waited, l.clock.total())
			}
		})
	}
}

// TestRule_R28_WritesEndWithinTheCallLimit: without a guard no attempt of a write begins after the limit; with
// one, it is asked before each attempt.
func TestRule_R28_WritesEndWithinTheCallLimit(t *testing.T) {
	box := toys(t).Kind("box")
	limited := says(429, apiErrorBody(429, "RATE_LIMITED", ""), "Retry-After", "55")
	write := createBox(box, map[string]cty.Value{"name": str("red")})

	s := &script{steps: []http.HandlerFunc{limited, says(201, aBox)}}
	l := serve(t, s.ServeHTTP)
	_, err := l.Write(context.Background(), write)
	wantClass(t, err, provider.Throttled)
	if s.count() != 1 || l.clock.total() > 30*time.Second {
		t.Errorf("sent %d times over %s without a guard", s.count(), l.clock.total())
	}

	s = &script{steps: []http.HandlerFunc{limited, says(201, aBox)}}
	l = serve(t, s.ServeHTTP)
	asked := 0
	ctx := provider.WithGuard(context.Background(), func(context.Context) error { asked++; return nil })
	if _, err := l.Write(ctx, write); err != nil {
		t.Fatal(err)
	}
	if s.count() != 2 || asked != 2 {
		t.Errorf("sent %d times, guard asked %d times; want 2 and 2", s.count(), asked)
	}

	lost := errors.New("the lock is lost")
	s = &script{steps: []http.HandlerFunc{limited, says(201, aBox)}}
	l = serve(t, s.ServeHTTP)
	asked = 0
	ctx = provider.WithGuard(context.Background(), func(context.Context) error {
		if asked++; asked > 1 {
			return lost
		}
		return nil
	})
	_, err = l.Write(ctx, write)
	if !errors.Is(err, lost) || s.count() != 1 {
		t.Errorf("got %v after %d requests, want the guard's error after one", err, s.count())
	}
}

// TestRule_R28_TheGuardIsAskedLast: the lease may be lost while a token is fetched for the call.
func TestRule_R28_TheGuardIsAskedLast(t *testing.T) {
	lost := errors.New("the lock is lost")
	var guard error
	sent := 0
	l := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == tokenPath {
			guard = lost
			answerJSON(w, 200, `{"access_token": "fresh", "token_type": "Bearer", "expires_in": 3600}`)
			return
		}
		sent++
		answerJSON(w, 201, aBox)
	}, func(c *Config) { c.Credentials = Credentials{ClientID: "client", ClientSecret: "client-secret"} })
	ctx := provider.WithGuard(context.Background(), func(context.Context) error { return guard })
	box := toys(t).Kind("box")
	_, err := l.Write(ctx, createBox(box, map[string]cty.Value{"name": str("red")}))
	if !errors.Is(err, lost) || sent != 0 {
		t.Errorf("got %v after %d calls, want the guard's error after none", err, sent)
	}
	if _, err := l.Get(ctx, boxRef(box, "red")); !errors.Is(err, lost) || sent != 0 {
		t.Errorf("a read: got %v after %d calls, want the guard's error after none", err, sent)
	}
}

func TestPatienceIsBounded(t *testing.T) {
	box := toys(t).Kind("box")
	limited := says(429, apiErrorBody(429, "RATE_LIMITED", ""), "Retry-After", "50")
	s := &script{steps: []http.HandlerFunc{limited, limited, limited, limited, limited, limited, limited, limited}}
	l := serve(t, s.ServeHTTP)
	_, err := l.Get(context.Background(), boxRef(box, "red"))
	wantClass(t, err, provider.Throttled, "wait a minute")
	if l.clock.total() > 5*time.Minute {
		t.Errorf("waited %s", l.clock.total())
	}
}
