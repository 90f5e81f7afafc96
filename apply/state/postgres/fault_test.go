//go:build unix

package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/apply/state/postgres/postgrestest"
	"mercator/apply/state/statetest"
	"mercator/schema"
)

// hasty is a clock on which nobody waits.
type hasty struct{ *statetest.Clock }

// Sleep returns at once.
func (hasty) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// free is when a successor may take a lease that nobody renewed.
const free = state.LeaseLength + state.CallLimit + state.Skew

// faulty is a proxy that does one thing to one request, and lets the others pass.
type faulty struct {
	*postgrestest.Proxy
	action  postgrestest.Action
	at      int    // the number of the request, or
	like    string // a part of its query
	deadly  bool   // nothing gets through from then on
	mu      sync.Mutex
	queries []string
	struck  bool
}

// done reports whether it was done, and the last query.
func (f *faulty) done() (bool, string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.struck, f.queries[len(f.queries)-1]
}

func newFaulty(t testing.TB, target string) *faulty {
	f := &faulty{}
	f.Proxy = postgrestest.NewProxy(t, target, func(query string) postgrestest.Action {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.struck && f.deadly {
			return postgrestest.LoseRequest
		}
		if query == postgrestest.Connect {
			return postgrestest.Pass
		}
		f.queries = append(f.queries, query)
		if f.struck || len(f.queries) != f.at && (f.like == "" || !strings.Contains(query, f.like)) {
			return postgrestest.Pass
		}
		f.struck = true
		return f.action
	})
	return f
}

// victim runs an apply on the store and returns the records that it was told are durable, in order, and those of the
// append during which it was cut off.
type victim struct {
	store   *Store
	durable []state.Record
	pending []state.Record
}

func (v *victim) run(t *testing.T) error {
	ctx := context.Background()
	held, err := v.store.Lock(ctx, state.LockInfo{Operation: "apply", Who: "victim@host"})
	if err != nil {
		return err
	}
	for n := 1; n <= 4; n++ {
		v.pending = []state.Record{
			{Bind: statetest.Box(t, fmt.Sprintf("v%da", n), n)}, {Bind: statetest.Box(t, fmt.Sprintf("v%db", n), n)},
		}
		if n == 4 {
			v.pending[0] = state.Record{Drop: []schema.Address{"box.v1a"}}
		}
		if err := held.Append(ctx, v.pending...); err != nil {
			return err
		}
		v.durable = append(v.durable, v.pending...)
		v.pending = nil
		if err := held.Renew(ctx); err != nil {
			return err
		}
		if n%2 == 1 {
			continue
		}
		got, err := held.Read(ctx)
		if err == nil {
			err = held.Write(ctx, got)
		}
		if err != nil {
			return err
		}
	}
	return held.Release(ctx)
}

// expect checks that what was found holds all that was durable and, of what was under way, all or nothing.
func (v *victim) expect(t *testing.T, got *state.State) {
	t.Helper()
	for _, records := range [][]state.Record{v.durable, slices.Concat(v.durable, v.pending)} {
		want := state.Fold(state.New(), records)
		want.Lineage, want.Serial = got.Lineage, got.Serial
		if statetest.Diff(want, got) == "" {
			return
		}
	}
	want := state.Fold(state.New(), v.durable)
	t.Fatalf("the state differs (- durable, + found):\n%s", statetest.Diff(want, got))
}

// each runs test for every request of an apply that is lost, or whose answer is, until one is beyond the apply's end.
func each(t *testing.T, address string, test func(*testing.T, *faulty, *victim)) {
	for what, action := range map[string]postgrestest.Action{"request": postgrestest.LoseRequest, "answer": postgrestest.LoseAnswer} {
		for at, more := 1, true; more; at++ {
			t.Run(fmt.Sprintf("%s %d", what, at), func(t *testing.T) {
				f := newFaulty(t, address)
				f.action, f.at = action, at
				test(t, f, &victim{store: open(t, f.Address, freshSchema(), hasty{statetest.NewClock()})})
				more, _ = f.done()
			})
			if t.Failed() {
				return
			}
		}
	}
}

// A connection that breaks, before a request got through or after it was carried out, is made anew, and what was done
// is neither done twice nor taken for somebody else's.
func TestALostAnswerIsHarmless(t *testing.T) {
	each(t, postgrestest.Shared(t).PoolerAddress, func(t *testing.T, f *faulty, v *victim) {
		if err := v.run(t); err != nil {
			_, last := f.done()
			t.Fatalf("after %q: %v", last, err)
		}
		direct := open(t, postgrestest.Shared(t).Address, v.store.schema, v.store.clock)
		got, err := direct.Read(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		v.expect(t, got)
		holder, err := direct.Holder(context.Background())
		if got.Serial != 2 || holder != nil || err != nil {
			t.Errorf("serial %d, want 2; held by %+v, %v", got.Serial, holder, err)
		}
		if left := rows(t, v.store, "journal"); len(left) > 0 {
			t.Errorf("the journal holds %q", left)
		}
	})
}

// rows returns the rows of a table as texts.
func rows(t testing.TB, s *Store, table string) []string {
	t.Helper()
	return postgrestest.Shared(t).Query(t, s.sql("SELECT t::text FROM {schema}."+table+" AS t"))
}

// A process is cut off from the database for good at each of its requests in turn. Whatever was durable is there for
// the next one, which gets the lock when the lease is over and can go on.
func TestRule_R26_CutOffAtAnyRequestNothingIsLost(t *testing.T) {
	each(t, postgrestest.Shared(t).Address, func(t *testing.T, f *faulty, v *victim) {
		f.deadly = true
		err := v.run(t)
		if cut, last := f.done(); cut == (err == nil) {
			t.Fatalf("cut off: %t, at %q, and the victim noticed: %v", cut, last, err)
		}
		ctx := context.Background()
		clock := v.store.clock.(hasty)
		clock.Advance(free + time.Second)
		next := open(t, postgrestest.Shared(t).Address, v.store.schema, clock)
		got, readErr := next.Read(ctx)
		if readErr != nil {
			t.Fatal(readErr)
		}
		v.expect(t, got)
		lease, lockErr := next.Lock(ctx, state.LockInfo{Who: "next@host"})
		if lockErr != nil {
			t.Fatal(lockErr)
		}
		more := state.Record{Bind: statetest.Box(t, "more", 1)}
		want := state.Fold(got, []state.Record{more})
		if err := errors.Join(lease.Append(ctx, more), sameState(ctx, next, want), lease.Write(ctx, want),
			sameState(ctx, next, want), lease.Release(ctx)); err != nil {
			t.Fatal(err)
		}
	})
}

func sameState(ctx context.Context, store state.Store, want *state.State) error {
	got, err := store.Read(ctx)
	if err != nil {
		return err
	}
	if diff := statetest.Diff(want, got); diff != "" {
		return fmt.Errorf("the state differs (- wanted, + found):\n%s", diff)
	}
	return nil
}

// A request that was given up, and made again, is carried out when nobody expects it any more. It changes nothing.
func TestALateRequestIsHarmless(t *testing.T) {
	ctx := context.Background()
	bind := func(name string) state.Record { return state.Record{Bind: statetest.Box(t, name, 1)} }
	write := func(l state.Lease) error {
		s, err := l.Read(ctx)
		return errors.Join(err, l.Write(ctx, s))
	}
	for name, c := range map[string]struct {
		like string
		// do is done with a lease, and its request that is like that is delayed; then comes after.
		do, after func(s *Store, l state.Lease) error
	}{
		"append, and a fold": {"INTO {schema}.journal", func(_ *Store, l state.Lease) error { return l.Append(ctx, bind("a")) },
			func(_ *Store, l state.Lease) error { return write(l) }},
		"append, and another": {"INTO {schema}.journal", func(_ *Store, l state.Lease) error { return l.Append(ctx, bind("a")) },
			func(_ *Store, l state.Lease) error {
				return l.Append(ctx, state.Record{Drop: []schema.Address{"box.a"}})
			}},
		"append, and a fold of nothing": {"INTO {schema}.journal", func(_ *Store, l state.Lease) error { return l.Append(ctx, bind("a")) },
			func(_ *Store, l state.Lease) error {
				return errors.Join(l.Append(ctx, state.Record{Drop: []schema.Address{"box.a"}}), write(l))
			}},
		"write, and an append": {"INTO {schema}.versions", func(_ *Store, l state.Lease) error {
			return errors.Join(l.Append(ctx, bind("a")), write(l))
		}, func(_ *Store, l state.Lease) error { return l.Append(ctx, bind("b")) }},
		"renewal, and the end": {"SET renewed", func(_ *Store, l state.Lease) error { return l.Renew(ctx) },
			func(_ *Store, l state.Lease) error { return l.Release(ctx) }},
		"release, and the next holder": {"SET lease = ''", func(_ *Store, l state.Lease) error { return l.Release(ctx) }, another},
		"unlock, and the next holder":  {"SET lease = ''", func(s *Store, l state.Lease) error { return s.Unlock(ctx, l.Info().ID) }, another},
		"lock, and the end": {"SET fence", func(s *Store, l state.Lease) error {
			second, err := s.Lock(ctx, state.LockInfo{})
			return errors.Join(err, second.Release(ctx))
		}, func(*Store, state.Lease) error { return nil }},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFaulty(t, postgrestest.Shared(t).Address)
			s := open(t, f.Address, freshSchema(), hasty{statetest.NewClock()})
			lease, err := s.Lock(ctx, state.LockInfo{})
			if err == nil && strings.HasPrefix(name, "lock") {
				err = lease.Release(ctx)
			}
			if err != nil {
				t.Fatal(err)
			}
			f.mu.Lock()
			f.like, f.action = s.sql(c.like), postgrestest.Delay
			f.mu.Unlock()
			if err := errors.Join(c.do(s, lease), c.after(s, lease)); err != nil {
				t.Fatal(err)
			}
			before, holder := read(t, s)
			if err := f.Deliver(); err != nil {
				t.Fatal(err)
			}
			after, still := read(t, s)
			if diff := statetest.Diff(before, after); diff != "" {
				t.Errorf("the state changed (- before, + after):\n%s", diff)
			}
			if holder != still {
				t.Errorf("held by %+v before and by %+v after", holder, still)
			}
		})
	}
}

// another has somebody else lock the state.
func another(s *Store, _ state.Lease) error {
	_, err := s.Lock(context.Background(), state.LockInfo{Who: "another@host"})
	return err
}

// read returns the state and its holder, the zero one if nobody is.
func read(t *testing.T, s *Store) (*state.State, state.LockInfo) {
	t.Helper()
	got, err1 := s.Read(context.Background())
	holder, err2 := s.Holder(context.Background())
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if holder == nil {
		holder = &state.LockInfo{}
	}
	return got, *holder
}

// A holder that overslept may renew its lease at the moment in which another, who has just seen it expired, takes it.
func TestRule_R28_ALateRenewalWinsAgainstATakeover(t *testing.T) {
	ctx := context.Background()
	server := postgrestest.Shared(t)
	clock := statetest.NewClock()
	first := open(t, server.Address, freshSchema(), clock)
	held, err := first.Lock(ctx, state.LockInfo{Who: "slow@host"})
	if err != nil {
		t.Fatal(err)
	}
	clock.Advance(2 * free)
	renewed := make(chan error, 1)
	proxy := postgrestest.NewProxy(t, server.Address, func(query string) postgrestest.Action {
		if strings.Contains(query, "SET fence") && len(renewed) == 0 {
			renewed <- held.Renew(ctx)
		}
		return postgrestest.Pass
	})
	var locked *state.LockedError
	if _, err := open(t, proxy.Address, first.schema, clock).Lock(ctx, state.LockInfo{}); !errors.As(err, &locked) {
		t.Errorf("taken over from a holder that had renewed its lease: %v", err)
	}
	if err := errors.Join(<-renewed, held.Release(ctx)); err != nil {
		t.Error(err)
	}
}

// A write that was given up lands in the middle of the next one, of another state. That one is told so, and is not
// taken for the same.
func TestAWriteIsNotTakenForAnother(t *testing.T) {
	ctx := context.Background()
	writes := 0
	var proxy *postgrestest.Proxy
	landed := make(chan error, 1)
	proxy = postgrestest.NewProxy(t, postgrestest.Shared(t).Address, func(query string) postgrestest.Action {
		if !strings.Contains(query, "SET serial") {
			return postgrestest.Pass
		}
		switch writes++; {
		case writes == 1:
			return postgrestest.Delay
		case writes < 2+len(pauses()): // the first one's other tries
			return postgrestest.LoseRequest
		case len(landed) == 0:
			landed <- proxy.Deliver()
		}
		return postgrestest.Pass
	})
	s := open(t, proxy.Address, freshSchema(), hasty{statetest.NewClock()})
	lease, err := s.Lock(ctx, state.LockInfo{})
	if err != nil {
		t.Fatal(err)
	}
	one, other := state.New(), state.New()
	one.Resources["box.a"], other.Resources["box.b"] = statetest.Box(t, "a", 1), statetest.Box(t, "b", 1)
	if err := lease.Write(ctx, one); err == nil {
		t.Fatal("a write that did not get through was no error")
	}
	if err := lease.Write(ctx, other); err == nil || !strings.Contains(err.Error(), "read it again") {
		t.Errorf("the first write landed in the middle of the second: %v", err)
	}
	got, err := s.Read(ctx)
	if err := errors.Join(<-landed, err); err != nil || got.Resources["box.a"] == nil {
		t.Errorf("the state holds %+v, %v", got.Resources, err)
	}
}
