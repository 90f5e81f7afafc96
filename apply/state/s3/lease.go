package s3

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"mercator/apply/state"
)

// lease is a held lease. It implements [state.Lease].
//
// It stays good until somebody else takes it or takes it away, even past its expiry. Renewing does not wait for the
// journal: a slow write must not cost the lease.
type lease struct {
	store *Store

	renewing sync.Mutex // held while the lock is written
	writing  sync.Mutex // held while the journal or the state is written; taken before mu
	// at is where the journal ends, nil where that must be looked up.
	at *view

	mu        sync.Mutex
	lock      lock
	confirmed hands // before the lock was last known to be ours
	released  bool
	// unsure says that something may be written yet, whose answer never came.
	unsure bool
}

// hands are both hands of the clock.
type hands struct {
	wall    time.Time
	elapsed time.Duration
}

func (s *Store) hands() hands { return hands{s.clock.Now(), s.clock.Elapsed()} }

// Info implements [state.Lease].
func (l *lease) Info() state.LockInfo {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lock.LockInfo
}

// ours reports whether a lock is this lease's.
func (l *lease) ours(now lock) bool {
	info := l.Info()
	return now.ID == info.ID && now.Fence == info.Fence
}

// lost says what became of the lock.
func (l *lease) lost(now lock) error {
	switch id := l.Info().ID; {
	case now.object == nil:
		return &state.LostError{Reason: fmt.Sprintf("its object %s was deleted", l.store.lockKey())}
	case now.ID == "" && now.Fence == l.Info().Fence:
		return &state.LostError{Reason: fmt.Sprintf("it was taken away (mercator state unlock %s)", id)}
	}
	return &state.LostError{Reason: fmt.Sprintf("it was taken over by %s (%s, process %d) at %s",
		now.Who, now.Operation, now.PID, now.Since.Format("15:04:05"))}
}

// confirm asks the store whether the lease is still this holder's.
func (l *lease) confirm(ctx context.Context) error {
	now, err := l.store.readLock(ctx)
	if err != nil {
		return err
	}
	if !l.ours(now) {
		return l.lost(now)
	}
	return nil
}

// current returns nil while nobody can have taken the lease by its expiry, and then asks.
func (l *lease) current(ctx context.Context) error {
	l.mu.Lock()
	since, released := l.confirmed, l.released
	l.mu.Unlock()
	if released {
		return &state.LostError{Reason: "it was released"}
	}
	now := l.store.hands()
	if max(now.wall.Sub(since.wall), now.elapsed-since.elapsed) < state.LeaseLength {
		return nil
	}
	return l.confirm(ctx)
}

// rewrite replaces the lock by what change makes of it.
func (l *lease) rewrite(ctx context.Context, change func(lock) lock) error {
	l.renewing.Lock()
	defer l.renewing.Unlock()
	for range tries {
		l.mu.Lock()
		last, released := l.lock, l.released
		l.mu.Unlock()
		if released {
			return &state.LostError{Reason: "it was released"}
		}
		before := l.store.hands()
		next, err := l.store.writeLock(ctx, last, change(last))
		var c *conflict
		switch {
		case errors.As(err, &c):
			// An earlier write of ours that seemed to have failed may have arrived after all.
			if next, err = l.store.decodeLock(c.there); err != nil {
				return err
			}
			if !l.ours(next) {
				return l.lost(next)
			}
			l.mu.Lock()
			l.lock.object = next.object
			l.mu.Unlock()
			continue
		case err != nil:
			return err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lock, l.confirmed, l.released = next, before, next.ID == ""
		return nil
	}
	return l.store.busy()
}

// Renew implements [state.Lease].
func (l *lease) Renew(ctx context.Context) error {
	return l.rewrite(ctx, func(last lock) lock {
		last.Renewed = l.store.clock.Now().UTC()
		last.Expires = last.Renewed.Add(state.LeaseLength)
		return last
	})
}

// Release implements [state.Lease].
func (l *lease) Release(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	err := l.rewrite(ctx, func(last lock) lock {
		l.mu.Lock()
		defer l.mu.Unlock()
		return last.free(l.unsure)
	})
	var lost *state.LostError
	if errors.As(err, &lost) {
		return nil
	}
	return err
}

// Read implements [state.Lease].
func (l *lease) Read(ctx context.Context) (*state.State, error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.at = nil
	v, err := l.store.survey(ctx)
	if err != nil {
		return nil, err
	}
	if !v.has(replace) && l.confirm(ctx) == nil {
		l.at = v
	}
	return v.folded()
}

// locate returns where the journal ends. Whoever takes the lease away after that takes the next slot.
func (l *lease) locate(ctx context.Context) (*view, error) {
	if l.at != nil {
		return l.at, nil
	}
	for range tries {
		v, err := l.store.survey(ctx)
		if err != nil {
			return nil, err
		}
		if err := l.confirm(ctx); err != nil {
			return nil, err
		}
		if !v.has(replace) {
			l.at = v
			return v, nil
		}
		// A write of ours failed, or seemed to.
		err = l.store.finish(ctx, v)
		if err != nil && !isConflict(err) {
			return nil, err
		}
	}
	return nil, l.store.busy()
}

// change runs do, if the lease is still this holder's, with where the journal ends; again from there if that turns
// out to be wrong.
func (l *lease) change(ctx context.Context, do func(at *view) error) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.current(ctx); err != nil {
		return err
	}
	for range tries {
		at, err := l.locate(ctx)
		if err != nil {
			return err
		}
		err = do(at)
		if err == nil {
			return l.current(ctx) // it may have taken long
		}
		l.at = nil
		if !isConflict(err) {
			return err
		}
		if err := l.confirm(ctx); err != nil {
			return err
		}
	}
	return l.store.busy()
}

// place writes an object and remembers if its fate is not known.
func (l *lease) place(ctx context.Context, key string, data []byte, over *object, about map[string]string) (*object, error) {
	b, err := l.store.connect(ctx)
	if err != nil {
		return nil, err
	}
	o, err := b.place(ctx, key, data, over, about)
	if err != nil && !isConflict(err) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.unsure = true
	}
	return o, err
}

// step takes the next slot.
func (l *lease) step(ctx context.Context, at *view, k kind, lines []byte) error {
	fence := l.Info().Fence
	data, err := encodeSlot(k, fence, at.base, lines)
	if err != nil {
		return err
	}
	if _, err := l.place(ctx, l.store.slotKey(at.base, at.last+1), data, nil, nil); err != nil {
		return err
	}
	at.last++
	at.slots = append(at.slots, slot{head: head{Kind: k, Fence: fence}, number: at.last})
	return nil
}

// Append implements [state.Lease].
func (l *lease) Append(ctx context.Context, list ...state.Record) error {
	if len(list) == 0 {
		return nil
	}
	fenced := slices.Clone(list)
	for i := range fenced {
		fenced[i].Fence = l.Info().Fence
	}
	lines, err := state.JournalLines(l.store.catalog, fenced)
	if err != nil {
		return err
	}
	return l.change(ctx, func(at *view) error { return l.step(ctx, at, records, lines) })
}

// Write implements [state.Lease].
func (l *lease) Write(ctx context.Context, s *state.State) error {
	return l.change(ctx, func(at *view) error {
		next, err := state.Succeed(l.store.catalog, at.data(), s)
		if err != nil {
			return err
		}
		if next.Data == nil {
			err = l.beginAnew(ctx, at)
		} else {
			err = l.replace(ctx, at, next)
		}
		if err != nil {
			return err
		}
		s.Lineage, s.Serial = next.Base.Lineage, next.Base.Serial
		return l.sweep(ctx)
	})
}

// beginAnew empties the journal of a state that it does not change.
func (l *lease) beginAnew(ctx context.Context, at *view) error {
	if !at.has(records) {
		return nil
	}
	if err := l.step(ctx, at, anew, nil); err != nil {
		return err
	}
	end := len(at.slots) - 1
	at.stale = append(at.stale, l.entries(at, at.slots[:end])...)
	at.slots = at.slots[end:]
	return nil
}

// replace puts the next state in the place of the one at hand.
func (l *lease) replace(ctx context.Context, at *view, next state.Successor) error {
	if err := l.step(ctx, at, replace, nil); err != nil {
		return err
	}
	stored, err := l.place(ctx, l.store.config.Key, next.Data, at.stored, about(next.Base, l.Info().Who))
	if err != nil {
		return err
	}
	l.store.remember(stored)
	l.at = &view{store: l.store, base: next.Base, stored: stored, now: at.now,
		stale: append(at.stale, l.entries(at, at.slots)...)}
	return nil
}

// entries are the objects of slots that are no longer needed. The time of a seal is not known here: the next holder
// will see it in a list.
func (l *lease) entries(at *view, old []slot) []entry {
	var out []entry
	for _, sl := range old {
		if sl.Kind != seal {
			out = append(out, entry{key: l.store.slotKey(at.base, sl.number)})
		}
	}
	return out
}

// sealAge is how long a seal is kept: whoever was sent away has noticed by then.
const sealAge = state.LeaseLength + state.CallLimit + state.Skew

// sweep deletes what the journal no longer needs. Of what was there before, which may be a seal, only what is old.
func (l *lease) sweep(ctx context.Context) error {
	b, err := l.store.connect(ctx)
	if err != nil {
		return err
	}
	var old []string
	for _, e := range l.at.stale {
		if e.modified.IsZero() || l.at.now.Sub(e.modified) > sealAge {
			old = append(old, e.key)
		}
	}
	l.at.stale = nil
	return b.remove(ctx, old)
}
