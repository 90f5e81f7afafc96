//go:build unix

package killtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"mercator/apply/state"
)

// start is when everything begins, and the present of every plan (R39). It is about now, since stores that others
// wrote have a clock of their own; victims are told.
var start = time.Now().UTC().Truncate(time.Second)

// quick is a clock that nobody waits on: sleeping moves it by next to nothing, since many sleep at once and moving
// it by what each asks for would run everybody's lease out. How long Atlas takes is told in reads (sandbox's Polls).
// The heart of a lease never beats: there is no time in which it could.
type quick struct {
	// lazy lets the timer that saves results never come due.
	lazy bool
	// slept, when set, is told of each sleep.
	slept func(time.Duration)

	mu     sync.Mutex
	passed time.Duration
}

// Now implements [state.Clock].
func (c *quick) Now() time.Time { return start.Add(c.Elapsed()) }

// Elapsed implements [state.Clock].
func (c *quick) Elapsed() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.passed
}

// recordEvery is the time after which results are saved at the latest, and wholeEvery that in a store without a journal.
const (
	recordEvery = time.Second
	wholeEvery  = 10 * time.Second
)

// Sleep implements [state.Clock].
func (c *quick) Sleep(ctx context.Context, d time.Duration) error {
	if d == state.RenewEvery || c.lazy && (d == recordEvery || d == wholeEvery) {
		<-ctx.Done()
		return ctx.Err()
	}
	if c.slept != nil {
		c.slept(d)
	}
	c.mu.Lock()
	c.passed += time.Microsecond
	c.mu.Unlock()
	return ctx.Err()
}

// tower is a clock for several processes, which hear it over HTTP: it moves when the test moves it.
type tower struct {
	mu     sync.Mutex
	passed time.Duration // of running time
	set    time.Duration // by how much the wall time was set besides
	held   bool
	moved  chan struct{} // closed when any of these changes
	// slept gets a value whenever somebody begins to wait for time to pass, what goes on in the background apart: the
	// hearts of leases, and the timers that save results.
	slept chan struct{}
}

func newTower() *tower {
	return &tower{moved: make(chan struct{}), slept: make(chan struct{}, 1)}
}

// change changes the clock and wakes those whose time has come.
func (c *tower) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	close(c.moved)
	c.moved = make(chan struct{})
}

// advance lets time pass, hold makes those who sleep wait for that (otherwise only those in the background do), and
// free ends it.
func (c *tower) advance(d time.Duration) { c.change(func() { c.passed += d }) }
func (c *tower) hold()                   { c.change(func() { c.held = true }) }
func (c *tower) free()                   { c.change(func() { c.held = false }) }

// lapse moves the wall time alone, as a machine does that slept.
func (c *tower) lapse(d time.Duration) { c.change(func() { c.set += d }) }

func (c *tower) read() (hands [2]time.Duration, held bool, moved <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return [2]time.Duration{c.passed + c.set, c.passed}, c.held, c.moved
}

// Now implements [state.Clock].
func (c *tower) Now() time.Time {
	hands, _, _ := c.read()
	return start.Add(hands[0])
}

// Elapsed implements [state.Clock].
func (c *tower) Elapsed() time.Duration {
	hands, _, _ := c.read()
	return hands[1]
}

// Sleep implements [state.Clock].
func (c *tower) Sleep(ctx context.Context, d time.Duration) error {
	hands, held, _ := c.read()
	until, background := hands[1]+d, d == state.RenewEvery || d == recordEvery && !held
	for told := false; ; {
		hands, held, moved := c.read()
		if hands[1] >= until || !background && !held {
			return ctx.Err()
		}
		if !told && !background {
			told = true
			select {
			case c.slept <- struct{}{}:
			default:
			}
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ServeHTTP answers GET with both hands of the clock, and POST once the body's time has passed.
func (c *tower) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		var d time.Duration
		if err := json.NewDecoder(r.Body).Decode(&d); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_ = c.Sleep(r.Context(), d) // who went away needs no answer
	}
	hands, _, _ := c.read()
	_ = json.NewEncoder(w).Encode(hands)
}

// remote is the address of a tower.
type remote string

// Now implements [state.Clock].
func (c remote) Now() time.Time { return start.Add(c.read()[0]) }

// Elapsed implements [state.Clock].
func (c remote) Elapsed() time.Duration { return c.read()[1] }

func (c remote) read() [2]time.Duration {
	hands, err := c.ask(context.Background(), http.MethodGet, nil)
	if err != nil {
		panic(err) // a process without a clock has no test to run
	}
	return hands
}

// Sleep implements [state.Clock].
func (c remote) Sleep(ctx context.Context, d time.Duration) error {
	text, err := json.Marshal(d)
	if err == nil {
		_, err = c.ask(ctx, http.MethodPost, text)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (c remote) ask(ctx context.Context, method string, body []byte) (hands [2]time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, method, string(c), bytes.NewReader(body))
	if err != nil {
		return hands, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return hands, err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	return hands, json.NewDecoder(res.Body).Decode(&hands)
}
