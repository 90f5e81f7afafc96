package state

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// maxGap is how far the wall clock and the running time may drift apart between two renewals before a lease
// counts as lost: the machine slept, or its clock was set, and neither can be told how long others waited (R28).
const maxGap = 5 * time.Second

// Guard keeps a lease alive while an apply runs, and says before each mutating call whether the lease surely
// outlasts that call. It goes by the moment before the last renewal was asked for, never by a server's answer.
type Guard struct {
	lease Lease
	clock Clock
	stop  context.CancelFunc
	ended chan struct{}

	mu      sync.Mutex
	wall    time.Time // both hands of the clock before the last renewal
	elapsed time.Duration
	lost    error
}

// StartGuard begins to renew a lease, every [RenewEvery], until Stop. When it was taken is not known by this
// clock, so the first Check renews it.
func StartGuard(ctx context.Context, lease Lease, clock Clock) *Guard {
	ctx, cancel := context.WithCancel(ctx)
	g := &Guard{
		lease: lease, clock: clock, stop: cancel, ended: make(chan struct{}),
		wall: clock.Now().Add(-LeaseLength), elapsed: clock.Elapsed() - LeaseLength,
	}
	go g.beat(ctx)
	return g
}

// Stop ends the renewals and returns when none is under way. The lease is not released.
func (g *Guard) Stop() {
	g.stop()
	<-g.ended
}

// beat renews in the background. A renewal that fails without the lease being lost is tried again at the next
// beat, and by the next Check.
func (g *Guard) beat(ctx context.Context) {
	defer close(g.ended)
	for g.clock.Sleep(ctx, RenewEvery) == nil {
		g.mu.Lock()
		err := g.renew(ctx)
		over := err != nil && g.lost != nil
		g.mu.Unlock()
		if over {
			return
		}
	}
}

// Check returns nil if a call that begins now and takes up to [CallLimit] ends within the lease, which it renews
// for that if need be. Else it returns a *LostError, now and for good: no further call may be made, while what
// is done may still be recorded. It is safe for concurrent use.
func (g *Guard) Check(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	enough, err := g.left()
	if err != nil || enough {
		return err
	}
	if err := g.renew(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return g.lose(fmt.Sprintf("it could not be renewed in time: %v", err))
	}
	// The renewal itself may have taken longer than it gained.
	if enough, err = g.left(); err == nil && !enough {
		err = g.lose("renewing it took too long")
	}
	return err
}

// left reports whether the lease has more left than a call's limit, by both hands of the clock.
func (g *Guard) left() (bool, error) {
	if g.lost != nil {
		return false, g.lost
	}
	wall, elapsed := g.clock.Now().Sub(g.wall), g.clock.Elapsed()-g.elapsed
	if gap := (wall - elapsed).Abs(); gap > maxGap {
		return false, g.lose(fmt.Sprintf("the clock moved by %s while %s passed; the machine slept, or its clock was set",
			wall.Round(time.Second), elapsed.Round(time.Second)))
	}
	return LeaseLength-max(wall, elapsed) > CallLimit, nil
}

func (g *Guard) renew(ctx context.Context) error {
	if _, err := g.left(); err != nil {
		return err
	}
	wall, elapsed := g.clock.Now(), g.clock.Elapsed()
	ctx, cancel := context.WithTimeout(ctx, CallLimit)
	defer cancel()
	err := g.lease.Renew(ctx)
	var lost *LostError
	if errors.As(err, &lost) {
		g.lost = lost
	}
	if err == nil {
		g.wall, g.elapsed = wall, elapsed
	}
	return err
}

func (g *Guard) lose(reason string) error {
	if g.lost == nil {
		g.lost = &LostError{Reason: reason}
	}
	return g.lost
}
