package statetest

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Clock is a [mercator/apply/state.Clock] that stands still until a test moves it.
type Clock struct {
	mu       sync.Mutex
	changed  *sync.Cond
	wall     time.Time
	elapsed  time.Duration
	sleepers []*sleeper
}

type sleeper struct {
	until time.Duration
	awake chan struct{}
}

// NewClock returns a clock that stands at an arbitrary fixed time.
func NewClock() *Clock {
	c := &Clock{wall: time.Date(2024, time.March, 1, 12, 0, 0, 0, time.UTC)}
	c.changed = sync.NewCond(&c.mu)
	return c
}

// Now returns the wall time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall
}

// Elapsed returns the sum of all that the clock was advanced.
func (c *Clock) Elapsed() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.elapsed
}

// Advance lets time pass and wakes those whose sleep is over.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = c.wall.Add(d)
	c.elapsed += d
	c.sleepers = slices.DeleteFunc(c.sleepers, func(s *sleeper) bool {
		over := s.until <= c.elapsed
		if over {
			close(s.awake)
		}
		return over
	})
}

// Jump moves the wall time alone, as setting the clock or suspending the machine does.
func (c *Clock) Jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = c.wall.Add(d)
}

// Sleep implements state.Clock.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	s := &sleeper{until: c.elapsed + d, awake: make(chan struct{})}
	c.sleepers = append(c.sleepers, s)
	c.changed.Broadcast()
	c.mu.Unlock()
	select {
	case <-s.awake:
		return nil
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		c.sleepers = slices.DeleteFunc(c.sleepers, func(other *sleeper) bool { return other == s })
		return ctx.Err()
	}
}

// AwaitSleepers returns once at least n sleep.
func (c *Clock) AwaitSleepers(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.sleepers) < n {
		c.changed.Wait()
	}
}
