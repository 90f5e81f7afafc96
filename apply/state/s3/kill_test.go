package s3

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/apply/state/statetest"
	"mercator/apply/state/statetest/faultproxy"
	"mercator/schema"
)

// victim runs an apply on the store and notes the boxes of which it was told that they are durable, in order, and
// those of the append during which it was stopped.
type victim struct {
	rig              *rig
	lease            state.Lease
	durable, pending []string
}

func (v *victim) run(s *Store) error {
	ctx := context.Background()
	held, err := s.Lock(ctx, state.LockInfo{Operation: "apply", Who: "victim@host"})
	if err != nil {
		return err
	}
	v.lease = held
	for n := 1; n <= 4; n++ {
		v.pending = []string{fmt.Sprintf("v%da", n), fmt.Sprintf("v%db", n)}
		if err := held.Append(ctx, v.rig.bind(v.pending[0]), v.rig.bind(v.pending[1])); err != nil {
			return err
		}
		v.durable = append(v.durable, v.pending...)
		v.pending = nil
		if n == 1 {
			if err := held.Renew(ctx); err != nil {
				return err
			}
		}
		if n%2 == 0 {
			if err := fold(ctx, held); err != nil {
				return err
			}
		}
	}
	return held.Release(ctx)
}

// expect checks that what was found holds all that was durable and, of what was under way, nothing or all.
func (v *victim) expect(got *state.State) {
	v.rig.Helper()
	with := slices.Concat(v.durable, v.pending)
	if len(got.Resources) == len(with) {
		v.rig.expectBoxes(got, with...)
	} else {
		v.rig.expectBoxes(got, v.durable...)
	}
}

// A process is killed before or after each of its requests that change something. Whatever was durable is there for
// the next one, which gets the lock when the lease is over and can go on.
func TestRule_R26_KilledBetweenAnyTwoRequestsNothingIsLost(t *testing.T) {
	r := newRig(t)
	for name, action := range map[string]faultproxy.Action{"before": faultproxy.LoseRequest, "after": faultproxy.LoseAnswer} {
		for at, done := 1, false; !done && !t.Failed(); at++ {
			t.Run(fmt.Sprintf("%s request %d", name, at), func(t *testing.T) {
				r.next(t)
				n := &nth{at: at, fault: faultproxy.Fault{Action: action}, ever: true, only: mutates}
				r.proxy.Script(n.script)
				v := &victim{rig: r}
				err := v.run(r.through(1))
				done = n.hit() == ""
				if done != (err == nil) {
					t.Fatalf("killed at %q it says %v", n.hit(), err)
				}
				got := r.read()
				v.expect(got)
				r.clock.Advance(sealAge + time.Second)
				r.goOn(got)
			})
		}
	}
}

// goOn has the next holder, who finds got, do what holders do.
func (r *rig) goOn(got *state.State) {
	r.Helper()
	ctx := context.Background()
	r.proxy.Script(later)
	next := r.lock(r.through(1))
	r.must(next.Append(ctx, r.bind("more")))
	want := state.Fold(got, []state.Record{r.bind("more")})
	found := r.read()
	want.Serial, want.Lineage = found.Serial, found.Lineage // a write that was under way is carried out
	if diff := statetest.Diff(want, found); diff != "" {
		r.Errorf("the state differs (- wanted, + found):\n%s", diff)
	}
	r.must(fold(ctx, next))
	r.must(next.Release(ctx))
	found = r.read()
	want.Serial, want.Lineage = found.Serial, found.Lineage
	if diff := statetest.Diff(want, found); diff != "" {
		r.Errorf("the state differs (- wanted, + found):\n%s", diff)
	}
	r.expectNoLitter()
}

// A holder stands still in the middle of a request, which arrives when a successor has been at work: it changes nothing
// of what the successor found and did, and what the holder does after it fails.
func TestRule_R28_ARequestOfALostHolderComesTooLate(t *testing.T) {
	r := newRig(t)
	for _, way := range []string{"expired", "unlocked"} {
		for _, deed := range []string{"locked", "folded"} {
			for at, done := 1, false; !done && !t.Failed(); at++ {
				t.Run(fmt.Sprintf("%s/%s/request %d", way, deed, at), func(t *testing.T) {
					done = r.next(t).late(at, way == "unlocked", deed)
				})
			}
		}
	}
}

// late reports whether the victim ended before the request number at.
func (r *rig) late(at int, unlocked bool, deed string) (done bool) {
	ctx := context.Background()
	arrived, gate := make(chan struct{}), make(chan struct{})
	n := &nth{at: at, only: mutates, fault: faultproxy.Fault{Before: func() { close(arrived); <-gate }}}
	r.proxy.Script(n.script)
	v := &victim{rig: r}
	ended := make(chan error, 1)
	go func() { ended <- v.run(r.through(1)) }()
	select {
	case err := <-ended:
		r.must(err)
		return true
	case <-arrived:
	}
	// From here on the victim stands still.
	holder, err := r.direct().Holder(ctx)
	r.must(err)
	switch {
	case holder == nil: // it had not got the lock yet, or was about to be told
	case unlocked:
		r.must(r.direct().Unlock(ctx, holder.ID))
	default:
		r.clock.Advance(sealAge + time.Second)
	}
	next := r.lock(r.direct())
	found, err := next.Read(ctx)
	r.must(err)
	v.expect(found)
	if deed == "folded" {
		r.must(errors.Join(next.Append(ctx, r.bind("next")), fold(ctx, next)))
		found = state.Fold(found, []state.Record{r.bind("next")})
	}
	close(gate)
	err = <-ended
	var lost *state.LostError
	var locked *state.LockedError
	// A lost lease is released already, and the state may be just what was to be written.
	over := len(v.durable) == 8 && (n.hit() == "PUT lock" || unlocked && (n.hit() == "PUT state" || n.hit() == "DELETE several"))
	if !errors.As(err, &lost) && !errors.As(err, &locked) && !(err == nil && over) {
		r.Errorf("%s came late, and the victim says %v", n.hit(), err)
	}
	got := r.read()
	found.Serial, found.Lineage = got.Serial, got.Lineage
	if diff := statetest.Diff(found, got); diff != "" {
		r.Errorf("%s came late, and what the successor sees differs (- wanted, + found):\n%s", n.hit(), diff)
	}
	r.must(errors.Join(next.Append(ctx, r.bind("end")), fold(ctx, next), next.Release(ctx)))
	if got = r.read(); got.Resources[statetest.Box(r, "end", 1).Address] == nil {
		r.Errorf("%s came late, and the successor could not go on", n.hit())
	}
	return false
}

// Who was sent away and is slow to notice finds its slot taken even when its successors have folded all in and gone.
func TestASealOutlivesItsSuccessors(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	first := r.lock(r.direct())
	r.must(errors.Join(first.Append(ctx, r.bind("a")), r.direct().Unlock(ctx, first.Info().ID)))
	for _, name := range []string{"b", "c"} {
		next := r.lock(r.direct())
		r.must(errors.Join(next.Append(ctx, r.bind(name)), fold(ctx, next), next.Release(ctx)))
	}
	var lost *state.LostError
	if err := first.Append(ctx, r.bind("z")); !errors.As(err, &lost) {
		t.Errorf("an append of somebody sent away: %v", err)
	}
	r.expectBoxes(r.read(), "a", "b", "c")
}

// A holder stood still just before it would have replaced the state. Long after, and though its successors have begun
// the journal anew and swept it, the version that it read is still the present one: it must not replace that.
func TestASealStaysAsLongAsTheStateThatItGuards(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	first := r.lock(r.direct())
	r.must(errors.Join(first.Append(ctx, r.bind("a")), fold(ctx, first), first.Release(ctx)))

	stopped := r.lock(r.through(1))
	r.must(stopped.Append(ctx, r.bind("z")))
	s, err := stopped.Read(ctx)
	r.must(err)
	arrived, gate := make(chan struct{}), make(chan struct{})
	r.proxy.Script((&nth{at: 1, only: mutates, fault: faultproxy.Fault{Before: func() { close(arrived); <-gate }}}).script)
	ended := make(chan error, 1)
	go func() { ended <- stopped.Write(ctx, s) }()
	<-arrived

	r.clock.Advance(sealAge + time.Second)
	proxy := faultproxy.Start(t, r.server.Endpoint)
	proxy.Script(later)
	nothing := state.Record{Drop: r.dropped("z")}
	for range 3 {
		next := r.lock(New(configAt(r.server, proxy.URL, r.key), statetest.Catalog(t), r.clock, WithRetries(1, 0)))
		r.must(errors.Join(next.Append(ctx, nothing), fold(ctx, next), next.Release(ctx)))
	}
	last := r.lock(r.direct())
	r.must(last.Append(ctx, r.bind("b")))
	close(gate)
	var lost *state.LostError
	if err := <-ended; !errors.As(err, &lost) {
		t.Errorf("the holder that stood still says %v", err)
	}
	r.expectBoxes(r.read(), "a", "b")
	r.must(errors.Join(fold(ctx, last), last.Release(ctx)))
	r.expectBoxes(r.read(), "a", "b")
}

// dropped are the addresses of boxes to forget.
func (r *rig) dropped(names ...string) []schema.Address {
	var out []schema.Address
	for _, name := range names {
		out = append(out, statetest.Box(r, name, 1).Address)
	}
	return out
}
