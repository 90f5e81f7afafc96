package state_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/apply/state/statetest"
)

// fakeLease counts what is asked of a lease and answers as it is told.
type fakeLease struct {
	mu       sync.Mutex
	renewals int
	onRenew  func() error
	appends  [][]state.Record
	onAppend func() error
	writes   []*state.State
	onWrite  func() error
}

func (f *fakeLease) Info() state.LockInfo { return state.LockInfo{ID: "fake"} }

func (f *fakeLease) Read(context.Context) (*state.State, error) { return state.New(), nil }

func (f *fakeLease) Release(context.Context) error { return nil }

func (f *fakeLease) Renew(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.renewals++
	return call(f.onRenew)
}

func (f *fakeLease) Append(ctx context.Context, records ...state.Record) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.appends = append(f.appends, records)
	return errors.Join(ctx.Err(), call(f.onAppend))
}

func (f *fakeLease) Write(ctx context.Context, s *state.State) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes = append(f.writes, s.Clone())
	return errors.Join(ctx.Err(), call(f.onWrite))
}

func call(do func() error) error {
	if do == nil {
		return nil
	}
	return do()
}

func (f *fakeLease) renewed() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.renewals
}

func (f *fakeLease) answerRenew(do func() error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onRenew = do
}

// guarded returns a guard whose heart waits for its first beat, and whose first Check renewed the lease.
func guarded(t *testing.T) (*state.Guard, *fakeLease, *statetest.Clock) {
	t.Helper()
	lease, clock := &fakeLease{}, statetest.NewClock()
	g := state.StartGuard(context.Background(), lease, clock)
	t.Cleanup(g.Stop)
	clock.AwaitSleepers(1)
	if err := g.Check(context.Background()); err != nil {
		t.Fatal(err)
	}
	if lease.renewed() != 1 {
		t.Fatalf("the first check renewed %d times, want once", lease.renewed())
	}
	return g, lease, clock
}

// beats lets the heart beat n times.
func beats(clock *statetest.Clock, n int) {
	for range n {
		clock.Advance(state.RenewEvery)
		clock.AwaitSleepers(1)
	}
}

func wantLost(t *testing.T, g *state.Guard, reason string) {
	t.Helper()
	for range 2 { // for good
		err := g.Check(context.Background())
		var lost *state.LostError
		if !errors.As(err, &lost) || !strings.Contains(err.Error(), reason) {
			t.Errorf("check: %v, want a lost lease because %q", err, reason)
		}
	}
}

func TestRule_R28_TheHeartRenews(t *testing.T) {
	g, lease, clock := guarded(t)
	beats(clock, 20)
	if got := lease.renewed(); got != 21 {
		t.Errorf("%d renewals in 20 beats, want 21", got)
	}
	if err := g.Check(context.Background()); err != nil || lease.renewed() != 21 {
		t.Errorf("a check just after a beat: %v, renewals %d", err, lease.renewed())
	}
}

// The heart cannot reach the store for a while, as long as the lease is long enough all the same.
func TestRule_R28_ACheckRenewsWhatTheHeartCouldNot(t *testing.T) {
	g, lease, clock := guarded(t)
	down := errors.New("store unreachable")
	lease.answerRenew(func() error { return down })
	beats(clock, 1)
	if err := g.Check(context.Background()); err != nil {
		t.Errorf("with 45 s left: %v", err)
	}
	beats(clock, 1)
	lease.answerRenew(nil)
	before := lease.renewed()
	if err := g.Check(context.Background()); err != nil || lease.renewed() != before+1 {
		t.Errorf("with 30 s left, no more than a call may take: %v, %d renewals", err, lease.renewed()-before)
	}
}

func TestRule_R28_NoCallWhenTheLeaseCannotBeRenewed(t *testing.T) {
	g, lease, clock := guarded(t)
	lease.answerRenew(func() error { return errors.New("store unreachable") })
	beats(clock, 2)
	wantLost(t, g, "store unreachable")
	lease.answerRenew(nil)
	wantLost(t, g, "store unreachable")
}

func TestRule_R28_NoCallAfterALostLease(t *testing.T) {
	g, lease, clock := guarded(t)
	lease.answerRenew(func() error { return &state.LostError{Reason: "taken over by next@host"} })
	clock.Advance(state.RenewEvery)
	g.Stop() // the heart noticed, or was stopped before it could: then the next renewal does
	clock.Advance(state.RenewEvery)
	wantLost(t, g, "taken over by next@host")
}

func TestRule_R28_ClocksThatDisagreeMeanLost(t *testing.T) {
	for _, jump := range []time.Duration{6 * time.Second, 10 * time.Hour, -6 * time.Second} {
		g, _, clock := guarded(t)
		clock.Advance(time.Second)
		clock.Jump(jump)
		wantLost(t, g, "the clock moved")
	}
	g, lease, clock := guarded(t)
	clock.Jump(4 * time.Second)
	if err := g.Check(context.Background()); err != nil {
		t.Errorf("a gap of 4 s: %v", err)
	}
	// The heart must not renew over a gap and so hide it.
	clock.Jump(4 * time.Second)
	before := lease.renewed()
	clock.Advance(state.RenewEvery)
	g.Stop()
	if lease.renewed() != before {
		t.Error("the heart renewed a lease that counts as lost")
	}
	wantLost(t, g, "the clock moved")
}

// Both hands count: a clock set back a little at a time does not stretch the lease.
func TestRule_R28_TheShorterHandCounts(t *testing.T) {
	g, lease, clock := guarded(t)
	g.Stop()
	clock.Advance(31 * time.Second)
	clock.Jump(-4 * time.Second) // 27 s by the wall, 31 s by the running time
	before := lease.renewed()
	if err := g.Check(context.Background()); err != nil || lease.renewed() != before+1 {
		t.Errorf("check: %v, %d renewals, want one", err, lease.renewed()-before)
	}
}

func TestRule_R28_ASlowRenewalGainsNothing(t *testing.T) {
	g, lease, clock := guarded(t)
	g.Stop()
	clock.Advance(40 * time.Second)
	lease.answerRenew(func() error { clock.Advance(40 * time.Second); return nil })
	wantLost(t, g, "took too long")
}

func TestCheckOfACancelledApplyLosesNothing(t *testing.T) {
	g, lease, clock := guarded(t)
	g.Stop()
	clock.Advance(40 * time.Second)
	ctx, cancel := context.WithCancel(context.Background())
	lease.answerRenew(func() error { cancel(); return ctx.Err() })
	if err := g.Check(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("check: %v", err)
	}
	lease.answerRenew(nil)
	if err := g.Check(context.Background()); err != nil {
		t.Errorf("check with a new context: %v", err)
	}
}
