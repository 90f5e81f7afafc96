package state

import (
	"context"
	"time"
)

// Clock is the time that leases and the journal go by. It has two hands, because they disagree when a machine
// sleeps or its clock is set, and then a lease may be over without its holder having noticed (R28).
type Clock interface {
	// Now is the wall time.
	Now() time.Time
	// Elapsed is the time since some fixed moment by a clock that is never set.
	Elapsed() time.Duration
	// Sleep returns after d, or earlier with the context's error.
	Sleep(ctx context.Context, d time.Duration) error
}

// SystemClock returns the machine's clock.
func SystemClock() Clock { return systemClock{start: time.Now()} }

type systemClock struct{ start time.Time }

func (systemClock) Now() time.Time { return time.Now().Round(0) }

func (c systemClock) Elapsed() time.Duration { return time.Since(c.start) }

func (systemClock) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
