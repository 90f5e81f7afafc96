package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/apply/state/statetest"
	"mercator/apply/state/statetest/faultproxy"
)

// work is what the faults befall: all that a holder does, from the lock to its release.
func work(r *rig, s *Store) error {
	ctx := context.Background()
	held, err := s.Lock(ctx, state.LockInfo{Operation: "apply", Who: "worker@host"})
	if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	for n := range 2 {
		if err := held.Append(ctx, r.bind(fmt.Sprintf("a%d", n)), r.bind(fmt.Sprintf("b%d", n))); err != nil {
			return fmt.Errorf("append: %w", err)
		}
		if err := errors.Join(held.Append(ctx, r.bind(fmt.Sprintf("c%d", n))), held.Renew(ctx), fold(ctx, held)); err != nil {
			return err
		}
	}
	if err := held.Append(ctx, state.Record{Done: []string{"i-0"}}); err != nil { // which changes nothing
		return err
	}
	return errors.Join(fold(ctx, held), held.Release(ctx))
}

// Whatever happens to one request on its way or back, the holder does not notice: a lost answer to a request for the
// lock, to an append, to a write of the state or to the release is found out to be ours.
func TestNoFaultOfOneRequestDoesHarm(t *testing.T) {
	r := newRig(t)
	r.must(work(r, r.through(1)))
	var names []string // of the requests, each at its first coming
	for _, q := range r.proxy.Requests() {
		names = append(names, what(q))
	}
	for _, want := range []string{"PUT lock", "GET lock", "PUT slot 00-02", "PUT slot 01-01", "PUT state", "GET state", "GET journal", "DELETE several"} {
		if !slices.Contains(names, want) {
			t.Errorf("there is no %s to befall: %v", want, names)
		}
	}
	for name, action := range map[string]faultproxy.Action{
		"request lost": faultproxy.LoseRequest, "answer lost": faultproxy.LoseAnswer,
		"repeated": faultproxy.Repeat, "answer cut": faultproxy.Cut,
	} {
		for i := range names {
			again := slices.Contains(names[:i], names[i]) && names[i] != "PUT lock"
			reads := strings.HasPrefix(names[i], "GET")
			if again || reads && (action == faultproxy.LoseAnswer || action == faultproxy.Repeat) || !reads && action == faultproxy.Cut {
				continue // what is the same as another case
			}
			t.Run(fmt.Sprintf("%s/%d %s", name, i, names[i]), func(t *testing.T) {
				r.next(t)
				r.proxy.Script((&nth{at: i + 1, fault: faultproxy.Fault{Action: action}}).script)
				r.must(work(r, r.through(3)))
				got := r.read()
				r.expectBoxes(got, "a0", "b0", "c0", "a1", "b1", "c1")
				if got.Serial != 2 {
					t.Errorf("serial %d, want 2", got.Serial)
				}
				if holder, err := r.direct().Holder(context.Background()); holder != nil || err != nil {
					t.Errorf("the lock is held by %+v, %v", holder, err)
				}
				r.expectNoLitter()
			})
		}
	}
}

// Where the answer to a request for the lock is lost for good, and with it what the store says when asked, the lease
// is not taken, and runs out.
func TestALockWhoseFateIsUnknownRunsOut(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	n := &nth{at: 1, fault: faultproxy.Fault{Action: faultproxy.LoseAnswer}, ever: true, only: mutates}
	r.proxy.Script(n.script)
	if _, err := r.through(2).Lock(ctx, state.LockInfo{}); err == nil || !strings.Contains(err.Error(), "no answer came") {
		t.Errorf("a lock whose answer never came: %v", err)
	}
	var locked *state.LockedError
	if _, err := r.direct().Lock(ctx, state.LockInfo{}); !errors.As(err, &locked) {
		t.Errorf("beside the ghost: %v", err)
	}
	r.clock.Advance(sealAge + time.Second)
	r.must(r.lock(r.direct()).Release(ctx))
}

// An append that failed may arrive after all, even behind a later one: it is in its place, or nowhere.
func TestAFailedAppendMayArriveLate(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	for _, late := range []string{"before the next", "after the next", "after the next holder's", "after the state was replaced"} {
		t.Run(late, func(t *testing.T) {
			r.next(t)
			l := r.lock(r.through(1))
			r.must(l.Append(ctx, r.bind("a")))
			r.proxy.Forget()
			r.proxy.Script((&nth{at: 1, fault: faultproxy.Fault{Action: faultproxy.LoseRequest}, only: mutates}).script)
			if err := l.Append(ctx, r.bind("b")); err == nil {
				t.Fatal("the append whose request was lost succeeded")
			}
			captured := &r.proxy.Requests()[0]
			names := []string{"a", "c"}
			arrive := func() {
				if r.replay(captured) == http.StatusOK {
					names = append(names, "b")
				}
			}
			if late == "before the next" {
				arrive()
			}
			r.must(l.Append(ctx, r.bind("c")))
			if late == "after the next" {
				arrive()
			}
			if late == "after the state was replaced" {
				r.must(fold(ctx, l))
				r.replay(captured) // it is taken, and counts for nobody
			}
			r.must(l.Release(ctx))
			next := r.lock(r.direct())
			if late == "after the next holder's" {
				arrive()
			}
			r.expectBoxes(r.read(), names...)
			r.must(errors.Join(next.Append(ctx, r.bind("d")), fold(ctx, next), next.Release(ctx)))
			r.expectBoxes(r.read(), append(names, "d")...)
		})
	}
}

// A holder that leaves while a write of its own may still be on its way says so, and its successor takes the place.
func TestAWriteLeftBehindComesTooLate(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	l := r.lock(r.through(1))
	r.must(l.Append(ctx, r.bind("a")))
	r.proxy.Forget()
	r.proxy.Script((&nth{at: 1, fault: faultproxy.Fault{Action: faultproxy.LoseRequest}, only: mutates}).script)
	if err := l.Append(ctx, r.bind("b")); err == nil {
		t.Fatal("the append whose request was lost succeeded")
	}
	left := &r.proxy.Requests()[0]
	r.must(l.Release(ctx))
	next := r.lock(r.direct())
	got, err := next.Read(ctx)
	r.must(err)
	r.expectBoxes(got, "a")
	if status := r.replay(left); status != http.StatusPreconditionFailed {
		t.Errorf("what was left behind arrives and is answered with %d", status)
	}
	r.must(errors.Join(next.Append(ctx, r.bind("c")), fold(ctx, next), next.Release(ctx)))
	r.expectBoxes(r.read(), "a", "c")
	orderly := r.lock(r.direct())
	r.must(orderly.Release(ctx))
	if last := r.slots(); len(last) != 2 { // the first holder's seal, and that of the second one
		t.Errorf("who comes after one that left in order seals, too: %v", last)
	}
}

// replay sends a request once more, as it was signed, and returns the status of the answer.
func (r *rig) replay(q *faultproxy.Request) int {
	r.Helper()
	out, err := http.NewRequest(q.Method, r.server.Endpoint+q.Path+"?"+q.Query.Encode(), strings.NewReader(string(q.Body)))
	r.must(err)
	out.Header = q.Header
	out.Host = strings.TrimPrefix(r.proxy.URL, "http://")
	answer, err := http.DefaultClient.Do(out)
	r.must(err)
	r.must(answer.Body.Close())
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusPreconditionFailed {
		r.Fatalf("the request that was sent again was answered with %s", answer.Status)
	}
	return answer.StatusCode
}

// A reader holds no lock, so a writer may append, fold, and begin a new journal, at any moment of its read. What was
// durable when the read began is in it all the same.
func TestAReadSeesOneMomentWhateverComesBetween(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	for _, deed := range []string{"append", "fold", "fold and append", "fold twice", "nothing new"} {
		for at, done := 1, false; !done; at++ {
			t.Run(fmt.Sprintf("%s before request %d", deed, at), func(t *testing.T) {
				r.next(t)
				l := r.lock(r.direct())
				r.must(errors.Join(l.Append(ctx, r.bind("n0")), fold(ctx, l), l.Append(ctx, r.bind("j1")), l.Append(ctx, r.bind("j2"))))
				number := 2
				add := func() error {
					number++
					return l.Append(ctx, r.bind(fmt.Sprintf("j%d", number)))
				}
				n := &nth{at: at, fault: faultproxy.Fault{Before: func() {
					switch deed {
					case "append":
						r.must(add())
					case "fold":
						r.must(fold(ctx, l))
					case "fold and append":
						r.must(errors.Join(fold(ctx, l), add()))
					case "fold twice":
						r.must(errors.Join(fold(ctx, l), add(), fold(ctx, l)))
					case "nothing new":
						r.must(errors.Join(fold(ctx, l), l.Append(ctx, state.Record{Done: []string{"i"}}), fold(ctx, l)))
					}
				}}}
				r.proxy.Script(n.script)
				got, err := r.through(1).Read(ctx)
				r.must(err)
				done = n.hit() == ""
				for _, name := range []string{"n0", "j1", "j2"} {
					if got.Resources[statetest.Box(t, name, 1).Address] == nil {
						t.Errorf("%s, which was durable before, is not in what was read: %v", name, got.Resources)
					}
				}
				r.must(l.Release(ctx))
			})
		}
	}
}
