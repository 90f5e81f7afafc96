package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"mercator/apply/state"
)

// tries is how often something is begun anew because somebody else came in between.
const tries = 10

// lock is what the lock's object holds. An empty ID says that nobody holds the lease; who held it last stays, for
// whoever looks.
type lock struct {
	state.LockInfo
	// Unsealed says that a write of an earlier holder may still be on its way, so that the next one has to seal.
	Unsealed bool `json:"unsealed,omitempty"`
	// Write is another one with each write, by which its writer knows it again.
	Write string `json:"write"`

	object *object // where it was read from, nil where there is none
}

// encode returns the JSON of a lock that is about to be written.
func (l lock) encode() ([]byte, error) {
	l.Write = uuid.NewString()
	data, err := json.MarshalIndent(l, "", "  ")
	return append(data, '\n'), err
}

// held reports whether the lease must still be respected: it, and the calls that its holder may have begun before
// its end, are over a while later, by a clock that may be wrong by that much.
func (l lock) held(now time.Time) bool {
	return l.ID != "" && !now.After(l.Expires.Add(state.CallLimit+state.Skew))
}

// free returns the lock that nobody holds any more. unsealed says that a write of its holder may be on its way.
func (l lock) free(unsealed bool) lock {
	l.ID = ""
	l.Unsealed = l.Unsealed || unsealed
	return l
}

// readLock returns the lock as it is.
func (s *Store) readLock(ctx context.Context) (lock, error) {
	b, err := s.connect(ctx)
	if err != nil {
		return lock{}, err
	}
	o, err := b.get(ctx, s.lockKey(), nil)
	if err != nil {
		return lock{}, err
	}
	return s.decodeLock(o)
}

func (s *Store) decodeLock(o *object) (lock, error) {
	l := lock{object: o}
	if o == nil {
		return l, nil
	}
	if err := json.Unmarshal(o.data, &l); err != nil {
		return l, s.config.failed(fmt.Sprintf("its lock, %s, is damaged: %v; if no Mercator is at work on this state, delete that object",
			s.lockKey(), err), nil)
	}
	return l, nil
}

// writeLock replaces a lock by another. It returns a *conflict if it is not the present one.
func (s *Store) writeLock(ctx context.Context, over, next lock) (lock, error) {
	b, err := s.connect(ctx)
	if err != nil {
		return lock{}, err
	}
	data, err := next.encode()
	if err != nil {
		return lock{}, err
	}
	next.object, err = b.place(ctx, s.lockKey(), data, over.object, nil)
	return next, err
}

// Lock implements [state.Store].
func (s *Store) Lock(ctx context.Context, info state.LockInfo) (state.Lease, error) {
	for range tries {
		last, err := s.readLock(ctx)
		if err != nil {
			return nil, err
		}
		if last.held(s.clock.Now()) {
			return nil, &state.LockedError{Holder: last.LockInfo}
		}
		if err := s.checkClock(last); err != nil {
			return nil, err
		}
		l, err := s.take(ctx, last, info)
		if !isConflict(err) {
			return l, err
		}
	}
	return nil, s.busy()
}

func (s *Store) busy() error {
	return s.config.failed("others change it all the time; run the command again", nil)
}

// checkClock returns an error where this machine's clock can't judge a lease. Two holders' clocks may be apart by
// [state.Skew], so that each may be off by half of it.
func (s *Store) checkClock(last lock) error {
	if last.object == nil || last.object.skew.Abs() <= state.Skew/2 {
		return nil
	}
	side := "behind"
	if last.object.skew < 0 {
		side = "ahead of"
	}
	return s.config.failed(fmt.Sprintf("this machine's clock is %s %s the store's, by which nobody can tell whether a lock is over; "+
		"set it, for example from a time server", last.object.skew.Abs().Round(time.Second), side), nil)
}

// take makes a new lease the current one, in the place of a lock that nobody holds any more. A nil lease comes with
// an error always.
func (s *Store) take(ctx context.Context, last lock, info state.LockInfo) (state.Lease, error) {
	fence := last.Fence
	if last.object == nil {
		v, err := s.survey(ctx) // somebody may have deleted the lock
		if err != nil {
			return nil, err
		}
		fence = v.fence()
	}
	l := &lease{store: s, confirmed: s.hands()}
	now := s.clock.Now().UTC()
	info.ID = uuid.NewString()
	info.Since, info.Renewed, info.Expires = now, now, now.Add(state.LeaseLength)
	info.Fence = fence + 1
	info.Quiet = time.Time{}
	if last.Quiet.After(now) {
		info.Quiet = last.Quiet
	}
	unclean := last.object == nil || last.ID != "" || last.Unsealed
	var err error
	if l.lock, err = s.writeLock(ctx, last, lock{LockInfo: info, Unsealed: unclean}); err != nil {
		return nil, err
	}
	if err = s.probe(ctx, l.lock.object); err == nil && unclean {
		err = s.seal(ctx, info.Fence)
		l.lock.Unsealed = err != nil
	}
	if err != nil {
		return nil, errors.Join(err, l.Release(context.WithoutCancel(ctx)))
	}
	return l, nil
}

// probe makes sure that the store honours conditions, by two writes that would change nothing and must be refused:
// some stores know nothing of conditions and write all the same.
func (s *Store) probe(ctx context.Context, held *object) error {
	b, err := s.connect(ctx)
	if err != nil {
		return err
	}
	const nobodys = `"00000000000000000000000000000000"`
	for _, over := range []*object{nil, {etag: nobodys}} {
		_, err := b.put(ctx, s.lockKey(), held.data, over, nil)
		if err == nil {
			return s.config.failed(unconditional, nil)
		}
		if !isConflict(err) {
			return err
		}
	}
	return nil
}

// Unlock implements [state.Store].
func (s *Store) Unlock(ctx context.Context, id string) error {
	for range tries {
		l, err := s.readLock(ctx)
		switch {
		case err != nil:
			return err
		case l.ID == "":
			return fmt.Errorf("there is no lock with the id %q: nobody holds the state", id)
		case l.ID != id:
			return fmt.Errorf("there is no lock with the id %q: %w", id, &state.LockedError{Holder: l.LockInfo})
		}
		freed := l.free(true)
		// Its holder may live, notice late, and have another clock.
		if over := l.Expires.Add(state.Skew); over.After(freed.Quiet) {
			freed.Quiet = over
		}
		_, err = s.writeLock(ctx, l, freed)
		if err == nil {
			return s.seal(ctx, l.Fence)
		}
		if !isConflict(err) {
			return err
		}
	}
	return s.busy()
}
