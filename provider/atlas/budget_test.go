package atlas

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"mercator/schema"
)

func TestBudgetNames(t *testing.T) {
	for path, want := range map[string]string{
		"/api/atlas/v2/groups/g1/clusters/a%2Fb/processArgs": "groups/clusters g1",
		"/api/atlas/v2/groups/g1/clusters":                   "groups/clusters g1",
		"/api/atlas/v2/groups/g1":                            "groups g1",
		"/api/atlas/v2/groups":                               "groups ",
		"/api/atlas/v2/orgs/o1/groups":                       "orgs/groups o1",
	} {
		if got := budgetName(&request{endpoint: &schema.Endpoint{}, path: path}); got != want {
			t.Errorf("%s counts for %q, want %q", path, got, want)
		}
	}
	named := &request{endpoint: &schema.Endpoint{Limits: "clusters"}, path: "/api/atlas/v2/groups/g1/x"}
	if got := budgetName(named); got != "clusters g1" {
		t.Errorf("a named set counts for %q", got)
	}
}

// TestBudgetWaits lets a server grant few requests and shows that the client waits instead of running into 429.
func TestBudgetWaits(t *testing.T) {
	box := toys(t).Kind("box")
	var clock *fakeClock
	var mu sync.Mutex
	tokens, last, refused := 10.0, time.Time{}, 0
	l := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		now := clock.Now()
		if !last.IsZero() {
			tokens = min(10, tokens+now.Sub(last).Seconds()*10/60)
		}
		last = now
		w.Header().Set("RateLimit-Limit", "10")
		if tokens < 1 {
			refused++
			w.Header().Set("RateLimit-Remaining", "0")
			answerJSON(w, 429, apiErrorBody(429, "RATE_LIMITED_TOKEN_BUCKET", "", "x", 6, 10, 10, 60))
			return
		}
		tokens--
		w.Header().Set("RateLimit-Remaining", fmt.Sprint(int(tokens)))
		answerJSON(w, 200, aBox)
	}, func(c *Config) { clock = c.Clock.(*fakeClock) })
	for range 25 {
		if err := get(l.Client, box); err != nil {
			t.Fatal(err)
		}
	}
	if refused > 0 {
		t.Errorf("%d requests ran into the limit", refused)
	}
	if waited := clock.total(); waited < time.Minute || waited > 5*time.Minute {
		t.Errorf("waited %s for 15 requests at 5 to 10 a minute", waited)
	}
}

func TestBudgetIsPerScope(t *testing.T) {
	b := newBudgets(newFakeClock(), func(time.Duration) {})
	clock := b.clock.(*fakeClock)
	one := &request{endpoint: &schema.Endpoint{}, path: "/api/atlas/v2/groups/g1/clusters"}
	two := &request{endpoint: &schema.Endpoint{}, path: "/api/atlas/v2/groups/g2/clusters"}
	b.refused(one, time.Minute, 0)
	if err := b.take(context.Background(), one, clock.Now().Add(30*time.Second)); !errors.Is(err, errTooLong) {
		t.Errorf("within its limit: %v", err)
	}
	if err := b.take(context.Background(), two, clock.Now().Add(30*time.Second)); err != nil || clock.total() > 0 {
		t.Errorf("another project: %v after %s", err, clock.total())
	}
	if err := b.take(context.Background(), one, clock.Now().Add(2*time.Minute)); err != nil || clock.total() < time.Minute {
		t.Errorf("after the limit: %v after %s", err, clock.total())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := b.take(ctx, two, clock.Now().Add(time.Minute)); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled wait: %v", err)
	}
}

// TestBudgetWithoutHeaders: one 429 does not slow down for good what tells no budget.
func TestBudgetWithoutHeaders(t *testing.T) {
	box := toys(t).Kind("box")
	asked := 0
	l := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked == 1 {
			answerJSON(w, 429, apiErrorBody(429, "RATE_LIMITED_TOKEN_BUCKET", "", "x", 30, 10, 5, 60))
			return
		}
		answerJSON(w, 200, aBox)
	})
	for range 20 {
		if err := get(l.Client, box); err != nil {
			t.Fatal(err)
		}
	}
	if waited := l.clock.total(); waited < 30*time.Second || waited > 34*time.Second {
		t.Errorf("waited %s, want 30 s once", waited)
	}
}

// TestBudgetLearnsTheRefill: the body of a 429 tells the pace of what follows.
func TestBudgetLearnsTheRefill(t *testing.T) {
	clock := newFakeClock()
	b := newBudgets(clock, func(time.Duration) {})
	r := &request{endpoint: &schema.Endpoint{}, path: "/api/atlas/v2/orgs"}
	b.refused(r, 12*time.Second, apiError{code: tokenBucketCode, parameters: []any{"x", 12, 10, 5, 60}}.refill())
	empty := http.Header{"Ratelimit-Limit": {"10"}, "Ratelimit-Remaining": {"0"}}
	for range 4 {
		if err := b.take(context.Background(), r, clock.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		b.learn(r, 200, empty)
		b.done(r)
	}
	if got := clock.total(); got < 47*time.Second || got > 52*time.Second {
		t.Errorf("four requests took %s, want 12 s each", got)
	}
}

func TestConcurrencyIsBounded(t *testing.T) {
	box := toys(t).Kind("box")
	var mu sync.Mutex
	running, most := 0, 0
	full := make(chan struct{})
	l := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		running++
		most = max(most, running)
		if running == 3 {
			select {
			case <-full:
			default:
				close(full)
			}
		}
		mu.Unlock()
		<-full // the first three are there together
		mu.Lock()
		running--
		mu.Unlock()
		answerJSON(w, 200, aBox)
	}, func(c *Config) { c.Concurrency = 3 })
	if err := together(20, func(int) error { return get(l.Client, box) }); err != nil {
		t.Fatal(err)
	}
	if most != 3 {
		t.Errorf("%d requests in flight, want 3", most)
	}
}

func FuzzRetryAfter(f *testing.F) {
	now := newFakeClock().Now()
	for _, s := range []string{"7", "-1", "1e9", "NaN", "Inf", "", "Sun, 01 Mar 2026 12:01:00 GMT", "Sun, 01 Mar 2020 12:01:00 GMT", "99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d := retryAfter(s, now); d < 0 || d > longestWait {
			t.Errorf("%q gives %s", s, d)
		}
	})
}

func FuzzRateHeaders(f *testing.F) {
	f.Add("10", "3")
	f.Add("-1", "x")
	f.Fuzz(func(t *testing.T, limit, remaining string) {
		h := http.Header{}
		h.Set("RateLimit-Limit", limit)
		h.Set("RateLimit-Remaining", remaining)
		if l, r, ok := rateHeaders(h); ok && (l < 1 || r < 0 || r > l) {
			t.Errorf("%q and %q give %v and %v", limit, remaining, l, r)
		}
	})
}
