package atlas

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// errTooLong says that the wait for a rate limit would outlast the call.
var errTooLong = errors.New("the rate limit leaves no room within the call's time")

// budgets keeps what Atlas grants: a bucket of tokens per set of endpoints and scope (an organization or a
// project). Nothing is known of a bucket before its first answer; then RateLimit-Remaining says how many tokens
// it holds, and a 429 when it has some again. Requests wait for a token rather than run into a 429.
type budgets struct {
	clock  Clock
	waited func(time.Duration)

	mu      sync.Mutex
	buckets map[string]*bucket
}

// bucket is a token bucket as far as it is known. Its refill is not told in ordinary answers: half of its limit a
// minute is what documented limits have, each answer corrects the guess, and the body of a 429 may tell.
type bucket struct {
	known        bool
	tokens, size float64
	perSecond    float64
	told         bool      // perSecond is not a guess
	at           time.Time // when tokens was right
	flying       int       // requests that were let through and not answered
	closed       time.Time // no request before
}

func newBudgets(clock Clock, waited func(time.Duration)) *budgets {
	return &budgets{clock: clock, waited: waited, buckets: map[string]*bucket{}}
}

// budgetName returns the bucket of a request: its endpoint's set and the id of the organization or project.
func budgetName(r *request) string {
	segments := strings.Split(strings.TrimPrefix(r.path, "/api/atlas/v2/"), "/")
	names := []string{segments[0]} // groups, or something without scope
	scope := ""
	if len(segments) > 1 {
		scope = segments[1]
	}
	if len(segments) > 2 {
		names = append(names, segments[2])
	}
	set := strings.Join(names, "/")
	if r.endpoint.Limits != "" {
		set = r.endpoint.Limits
	}
	return set + " " + scope
}

func (b *budgets) bucket(r *request) *bucket {
	name := budgetName(r)
	k := b.buckets[name]
	if k == nil {
		k = &bucket{}
		b.buckets[name] = k
	}
	return k
}

// take waits until the request's bucket has a token and takes it. It fails at once with errTooLong if that would
// be after the deadline.
func (b *budgets) take(ctx context.Context, r *request, deadline time.Time) error {
	for {
		b.mu.Lock()
		k := b.bucket(r)
		now := b.clock.Now()
		wait := k.wait(now)
		if wait <= 0 {
			k.tokens--
			k.flying++
			b.mu.Unlock()
			return ctx.Err()
		}
		b.mu.Unlock()
		if now.Add(wait).After(deadline) {
			return errTooLong
		}
		// An answer to another request may bring better news than the guess: look again soon.
		step := min(wait, time.Second)
		b.waited(step)
		if err := b.clock.Sleep(ctx, step); err != nil {
			return err
		}
	}
}

// wait returns how long the bucket has no token for; it brings the bucket up to now.
func (k *bucket) wait(now time.Time) time.Duration {
	if now.Before(k.closed) {
		return k.closed.Sub(now)
	}
	if !k.known {
		return 0
	}
	k.tokens = min(k.size, k.tokens+k.perSecond*now.Sub(k.at).Seconds())
	k.at = now
	if k.tokens >= 1 {
		return 0
	}
	return time.Duration(math.Ceil((1 - k.tokens) / k.perSecond * float64(time.Second)))
}

// done says that a request that took a token was answered, or never will be.
func (b *budgets) done(r *request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if k := b.bucket(r); k.flying > 0 {
		k.flying--
	}
}

// learn takes an answer's rate headers. A success without any makes the bucket unknown again: what a 429 told was
// for the moment.
func (b *budgets) learn(r *request, status int, h http.Header) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.bucket(r)
	limit, remaining, ok := rateHeaders(h)
	if !ok {
		k.known = k.known && status/100 != 2
		return
	}
	if !k.told && k.size != limit {
		k.perSecond = limit / 2 / 60
	}
	k.known, k.size, k.at = true, limit, b.clock.Now()
	// What is in flight besides this request has not been counted by Atlas yet.
	k.tokens = max(0, remaining-float64(max(0, k.flying-1)))
}

// refused closes the bucket after a 429. perSecond is its refill where the answer told it, else 0.
func (b *budgets) refused(r *request, after time.Duration, perSecond float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.bucket(r)
	now := b.clock.Now()
	if until := now.Add(after); until.After(k.closed) {
		k.closed = until
	}
	switch {
	case perSecond > 0:
		k.perSecond, k.told = perSecond, true
	case k.perSecond == 0:
		k.perSecond = 1 / max(after, time.Second).Seconds()
	}
	// At the reopening one request goes first; its answer tells how many may follow.
	k.known, k.tokens, k.at, k.size = true, 1, k.closed, max(1, k.size)
}

// rateHeaders reads RateLimit-Limit and RateLimit-Remaining; ok is false where they are absent or make no sense.
func rateHeaders(h http.Header) (limit, remaining float64, ok bool) {
	l, err1 := strconv.Atoi(strings.TrimSpace(h.Get("RateLimit-Limit")))
	n, err2 := strconv.Atoi(strings.TrimSpace(h.Get("RateLimit-Remaining")))
	if err1 != nil || err2 != nil || l < 1 || n < 0 {
		return 0, 0, false
	}
	return float64(l), float64(min(n, l)), true
}

// longestWait bounds what a Retry-After is believed.
const longestWait = time.Hour

// retryAfter reads a Retry-After header (RFC 9110, 10.2.3), in seconds or as a date; 0 where there is none.
func retryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		if !(seconds > 0) {
			return 0
		}
		return time.Duration(min(seconds, longestWait.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(0, at.Sub(now)), longestWait)
	}
	return 0
}
