package atlas

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"

	"mercator/provider"
)

// maxTries bounds the attempts of one call that fail otherwise than by a rate limit, which time alone bounds.
const maxTries = 6

// fate says what became of an attempt that failed.
type fate int

const (
	// refusedFate: Atlas answered, and would answer the same again.
	refusedFate fate = iota
	// throttled: a rate limit; it was not carried out.
	throttled
	// undone: it was not carried out, and may be tried again.
	undone
	// lost: it may have been carried out.
	lost
)

// outcome is what one attempt came to: body where err is nil.
type outcome struct {
	body any
	err  *provider.Error
	fate fate
	// after is how long to wait before the next attempt where Atlas says so, else 0.
	after time.Duration
	// perSecond is the refill of the rate budget where a 429 tells it, else 0.
	perSecond float64
}

// repeat makes attempts until one succeeds or a repeat is useless, unsafe, or too late. A request that changes
// something is sent again only if it was certainly not carried out, or if doing it twice is the same as once;
// otherwise the error is Uncertain. A deletion whose repeat finds nothing has succeeded.
func (c *Client) repeat(ctx context.Context, r *request, attempt func(context.Context, int) outcome) (any, error) {
	deadline := c.clock.Now().Add(c.patience)
	guard := provider.Guard(ctx)
	if r.changes() && guard == nil {
		deadline = c.clock.Now().Add(c.timeout)
	}
	pause := &backoff.ExponentialBackOff{
		InitialInterval: 500 * time.Millisecond, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: 20 * time.Second,
	}
	pause.Reset()
	failures, mayBeDone := 0, false
	var last *provider.Error
	for try := 1; ; try++ {
		if err := c.admit(ctx, r, deadline); err != nil {
			return nil, c.gaveUp(r, last, err)
		}
		out := bounded(ctx, deadline.Sub(c.clock.Now()), try, attempt)
		c.budgets.done(r)
		if out.err == nil {
			return out.body, nil
		}
		if mayBeDone && r.endpoint.Method == http.MethodDelete && out.err.Class == provider.NotFound {
			return nil, nil
		}
		last = out.err
		wait := out.after
		switch out.fate {
		case refusedFate:
			return nil, out.err
		case throttled:
			if wait == 0 {
				wait = pause.NextBackOff()
			}
			c.budgets.refused(r, wait+time.Duration(rand.Float64()*0.1*float64(wait)), out.perSecond)
			continue // admit waits
		case lost:
			if !r.repeatable() {
				out.err.Class, out.err.Remedy = provider.Uncertain, "it may have been carried out; what is there is looked up before it is tried again"
				return nil, out.err
			}
			mayBeDone = true
		}
		failures++
		if wait == 0 {
			wait = pause.NextBackOff()
		}
		if failures >= maxTries || c.clock.Now().Add(wait).After(deadline) {
			return nil, out.err
		}
		if err := c.sleep(ctx, wait); err != nil {
			return nil, c.gaveUp(r, last, err)
		}
	}
}

// bounded makes one attempt that ends with the call's time.
func bounded(ctx context.Context, left time.Duration, try int, attempt func(context.Context, int) outcome) outcome {
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	return attempt(ctx, try)
}

// admit waits for the rate budget; an error means that nothing may be sent.
func (c *Client) admit(ctx context.Context, r *request, deadline time.Time) error {
	if err := c.budgets.take(ctx, r, deadline); err != nil {
		return err
	}
	return ctx.Err()
}

// gaveUp is the error where no further attempt was made: the last one's, unless the run itself was stopped.
func (c *Client) gaveUp(r *request, last *provider.Error, cause error) *provider.Error {
	switch {
	case errors.Is(cause, errTooLong) && last != nil:
		return last
	case errors.Is(cause, errTooLong):
		return &provider.Error{
			Class: provider.Throttled, Call: r.call(), Operation: r.endpoint.Operation, Err: cause,
			Remedy: "other requests have used up what Atlas grants; wait a minute and run it again",
		}
	default:
		return &provider.Error{Class: provider.Transient, Call: r.call(), Operation: r.endpoint.Operation, Err: cause}
	}
}

func (c *Client) sleep(ctx context.Context, d time.Duration) error {
	c.meter.waited(d)
	return c.clock.Sleep(ctx, d)
}
