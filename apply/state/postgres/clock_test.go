//go:build unix

package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/apply/state/postgres/postgrestest"
	"mercator/apply/state/statetest"
)

// skewed is the machine's clock, wrong by some time.
type skewed struct {
	state.Clock
	by time.Duration
}

// Now returns the wrong time.
func (c skewed) Now() time.Time { return c.Clock.Now().Add(c.by) }

// machine opens a store as a machine whose clock is wrong would; leases go by the database's clock.
func machine(t *testing.T, schema string, wrong time.Duration) *Store {
	t.Helper()
	server := postgrestest.Shared(t)
	s, err := New(Config{ConnString: server.ConnString(server.Address), Schema: schema}, statetest.Catalog(t), skewed{state.SystemClock(), wrong})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// near reports whether two times are as close as those must be that were taken during one test.
func near(a, b time.Time) bool { return a.Sub(b).Abs() < time.Minute/2 }

// However wrong the clocks of machines are, all judge a lease alike, by the database's clock, and each is told its
// times in its own, in which it waits.
func TestRule_R28_LeasesGoByTheDatabasesClock(t *testing.T) {
	ctx := context.Background()
	schema := freshSchema()
	early, late := machine(t, schema, -24*time.Hour), machine(t, schema, 24*time.Hour)
	lease, err := early.Lock(ctx, state.LockInfo{Who: "early@host"})
	if err != nil {
		t.Fatal(err)
	}
	if info := lease.Info(); !near(info.Since, early.clock.Now()) || !near(info.Expires, early.clock.Now().Add(state.LeaseLength)) {
		t.Errorf("the holder, at %v, is told %+v", early.clock.Now(), info)
	}
	var locked *state.LockedError
	if _, err := late.Lock(ctx, state.LockInfo{}); !errors.As(err, &locked) {
		t.Fatalf("a day later by its own clock: %v", err)
	}
	if !near(locked.Holder.Since, late.clock.Now()) || !near(locked.Holder.Expires, late.clock.Now().Add(state.LeaseLength)) {
		t.Errorf("another, at %v, is told %+v", late.clock.Now(), locked.Holder)
	}
	// When it is sent away its calls may go on until its lease is over, by the clock of whoever waits for that.
	if err := late.Unlock(ctx, lease.Info().ID); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Store{early, late} {
		next, err := s.Lock(ctx, state.LockInfo{})
		if err != nil {
			t.Fatal(err)
		}
		if info := next.Info(); !near(info.Quiet, s.clock.Now().Add(state.LeaseLength)) {
			t.Errorf("at %v it is to be quiet at %v", s.clock.Now(), info.Quiet)
		}
		if err := next.Release(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRule_R28_ALeaseExpiresByTheDatabasesClock(t *testing.T) {
	ctx := context.Background()
	server := postgrestest.Shared(t)
	s := machine(t, freshSchema(), 0)
	if _, err := s.Lock(ctx, state.LockInfo{Who: "dead@host"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		ago  string
		free bool
	}{{"1 second", false}, {"85 seconds", false}, {"91 seconds", true}} {
		server.Exec(t, s.sql(`UPDATE {schema}.states SET expires = clock_timestamp() - interval '`+c.ago+`'`))
		holder, err := s.Holder(ctx)
		if err != nil || (holder == nil) != c.free {
			t.Errorf("expired %s ago: held by %+v, %v", c.ago, holder, err)
		}
	}
	lease, err := s.Lock(ctx, state.LockInfo{})
	if err != nil || lease.Info().Fence != 2 || !lease.Info().Quiet.IsZero() {
		t.Errorf("lease %+v, %v; want fence 2, and nothing to wait for", lease, err)
	}
}

// Whoever comes after a holder that was sent away is told when that one's calls are over; after an expired one they are.
func TestRule_R28_SuccessorsKnowWhenEarlierCallsAreOver(t *testing.T) {
	ctx := context.Background()
	clock := statetest.NewClock()
	began := clock.Now()
	s := open(t, postgrestest.Shared(t).Address, freshSchema(), clock)
	lock := func(what string, want time.Duration) state.Lease {
		t.Helper()
		held, err := s.Lock(ctx, state.LockInfo{})
		if err != nil {
			t.Fatal(err)
		}
		if got := held.Info().Quiet; want == 0 && !got.IsZero() || want != 0 && !got.Equal(began.Add(want)) {
			t.Errorf("%s: quiet at %v, want %v after %v", what, got, want, began)
		}
		return held
	}
	sent := lock("the first", 0)
	clock.Advance(10 * time.Second)
	if err := s.Unlock(ctx, sent.Info().ID); err != nil {
		t.Fatal(err)
	}
	next := lock("after one that was sent away", state.LeaseLength)
	if err := next.Release(ctx); err != nil {
		t.Fatal(err)
	}
	lock("after one that did not wait", state.LeaseLength)
	clock.Advance(free + time.Second)
	lock("after one that expired", 0)
}
