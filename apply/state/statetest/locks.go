package statetest

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"mercator/apply/state"
)

func oneHolder(s *suite) {
	ctx := context.Background()
	lease := s.lock("first@host")
	err := s.tryLock()
	locked := s.locked(err)
	if got := locked.Holder; got.ID != lease.Info().ID || got.Who != "first@host" || got.PID != 7 || got.Operation != "apply" {
		s.Errorf("the error names %+v, want the holder %+v", got, lease.Info())
	}
	for _, want := range []string{"first@host", "apply", "process 7", lease.Info().ID} {
		if !strings.Contains(err.Error(), want) {
			s.Errorf("the error %q does not name %q", err, want)
		}
	}
	holder, err := s.handle().Holder(ctx)
	s.must(err)
	if holder == nil || holder.ID != lease.Info().ID {
		s.Errorf("holder is %+v, want %+v", holder, lease.Info())
	}
	if got := s.read(); got.Serial != 0 {
		s.Errorf("reading beside a lock: serial %d", got.Serial)
	}
	s.must(lease.Release(ctx))
}

func oneWinner(s *suite) {
	var won, held atomic.Int32
	concurrently(8, func(int) {
		lease, err := s.handle().Lock(context.Background(), state.LockInfo{Who: "racer@host"})
		if err == nil && lease != nil {
			won.Add(1)
		} else if locked := (*state.LockedError)(nil); errors.As(err, &locked) {
			held.Add(1)
		}
	})
	if won.Load() != 1 || held.Load() != 7 {
		s.Errorf("of 8 that lock at once %d got it and %d were told of a holder, want 1 and 7", won.Load(), held.Load())
	}
}

func release(s *suite) {
	ctx := context.Background()
	first := s.lock("first@host")
	s.must(first.Release(ctx))
	if holder, err := s.handle().Holder(ctx); holder != nil || err != nil {
		s.Errorf("holder after release: %+v, %v", holder, err)
	}
	second := s.lock("second@host")
	a, b := first.Info(), second.Info()
	if a.ID == b.ID {
		s.Errorf("two locks have the id %s", a.ID)
	}
	if s.handle().Capabilities().CompareAndSwap && b.Fence != a.Fence+1 {
		s.Errorf("fence %d after %d", b.Fence, a.Fence)
	}
	s.must(first.Release(ctx)) // again, and the second's stays
	s.locked(s.tryLock())
	s.must(second.Release(ctx))
}

func unlock(s *suite) {
	ctx := context.Background()
	if err := s.handle().Unlock(ctx, "nobody"); err == nil {
		s.Error("unlocking what nobody holds was no error")
	}
	lease := s.lock("gone@host")
	if err := s.handle().Unlock(ctx, "wrong"); err == nil || !strings.Contains(err.Error(), "gone@host") {
		s.Errorf("unlocking with a wrong id: %v, want an error that names the holder", err)
	}
	s.locked(s.tryLock())
	s.must(s.handle().Unlock(ctx, lease.Info().ID))
	s.must(s.tryLock())
	s.must(lease.Release(ctx))
}

func unlockedIsFenced(s *suite) {
	lease := s.lock("gone@host")
	s.must(s.handle().Unlock(context.Background(), lease.Info().ID))
	s.fenced(lease, nil)
}

// fenced checks that a holder that lost its lease can change nothing.
func (s *suite) fenced(lease state.Lease, successor *state.LockInfo) {
	s.Helper()
	ctx := context.Background()
	before := s.read()
	changed := before.Clone()
	changed.Resources["box.lost"] = Box(s, "lost", 1)
	s.lost("a write", lease.Write(ctx, changed))
	s.lost("a renewal", lease.Renew(ctx))
	if s.handle().Capabilities().Journal {
		s.lost("an append", lease.Append(ctx, state.Record{Bind: Box(s, "lost", 1)}))
	}
	s.must(lease.Release(ctx))
	s.same(before, s.read())
	holder, err := s.handle().Holder(ctx)
	s.must(err)
	if successor == nil && holder != nil || successor != nil && (holder == nil || holder.ID != successor.ID) {
		s.Errorf("the holder is now %+v, want %+v", holder, successor)
	}
}

// free is when a successor may take a lease that nobody renewed.
const free = state.LeaseLength + state.CallLimit + state.Skew

func takeover(s *suite) {
	first := s.lock("stopped@host")
	if got := first.Info(); got.Expires.Sub(got.Renewed) != state.LeaseLength || !got.Since.Equal(s.clock.Now()) {
		s.Errorf("a new lease is %+v", got)
	}
	s.clock.Advance(state.LeaseLength + time.Second)
	s.locked(s.tryLock()) // expired, but a call may still be under way
	s.clock.Advance(free - state.LeaseLength - time.Second)
	s.locked(s.tryLock())
	s.clock.Advance(time.Second)
	second := s.lock("successor@host")
	if second.Info().Fence != first.Info().Fence+1 {
		s.Errorf("fence %d after %d", second.Info().Fence, first.Info().Fence)
	}
	s.must(second.Release(context.Background()))
}

func renewal(s *suite) {
	ctx := context.Background()
	lease := s.lock("alive@host")
	for range 10 {
		s.clock.Advance(state.LeaseLength)
		s.must(lease.Renew(ctx))
		if got := lease.Info(); !got.Renewed.Equal(s.clock.Now()) || got.Expires.Sub(got.Renewed) != state.LeaseLength {
			s.Fatalf("renewed at %v: %+v", s.clock.Now(), got)
		}
	}
	locked := s.locked(s.tryLock())
	if !locked.Holder.Renewed.Equal(s.clock.Now()) {
		s.Errorf("others see it renewed at %v, want %v", locked.Holder.Renewed, s.clock.Now())
	}
	s.must(lease.Release(ctx))
}

// A holder that overslept while nobody came keeps its lease: nothing happened in between.
func lateRenewal(s *suite) {
	ctx := context.Background()
	lease := s.lock("slow@host")
	s.clock.Advance(2 * free)
	s.must(lease.Renew(ctx))
	s.locked(s.tryLock())
	s.must(lease.Release(ctx))
}

func lostIsFenced(s *suite) {
	ctx := context.Background()
	first := s.lock("stopped@host")
	s.clock.Advance(free + time.Second)
	second := s.lock("successor@host")
	got, err := second.Read(ctx)
	s.must(err)
	got.Resources["box.a"] = Box(s, "a", 1)
	s.must(second.Write(ctx, got))
	info := second.Info()
	s.fenced(first, &info)
	s.must(second.Renew(ctx))
	s.must(second.Release(ctx))
}
