package apply

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/apply/state"
	"mercator/provider"
	"mercator/schema"
	"mercator/schema/diag"
)

// misses is how many reads in a row may not find an object that was just there: Atlas shows some with a delay.
const misses = 3

// atRest waits until Atlas has done what was last sent.
func (w *writing) atRest(ctx context.Context) error {
	if w.restless == "" {
		return nil
	}
	verb := schema.Verb(w.restless)
	var o schema.Object
	var err error
	if w.upgraded != nil {
		o, err = w.run.awaitUpgrade(ctx, w.step, w.upgraded, w.ref(), w.limit(verb))
	} else {
		o, err = w.run.await(ctx, w.step, w.ref(), verb, w.limit(verb))
	}
	if err != nil {
		return err // the binding says what it is waiting for
	}
	w.took(o)
	w.restless, w.upgraded = "", nil
	w.run.add(state.Record{Bind: w.bound()})
	w.run.learn(w.c, w.object)
	return nil
}

func (w *writing) limit(v schema.Verb) time.Duration { return limit(w.kind, v, w.c.Timeouts) }

// limit is how long a wait may last (R9).
func limit(kind *schema.Kind, v schema.Verb, t schema.Timeouts) time.Duration {
	given := t.Update
	switch v {
	case schema.CallCreate:
		given = t.Create
	case schema.CallDelete:
		given = t.Delete
	}
	switch {
	case given > 0:
		return given
	case kind.Settle != nil && kind.Settle.Limit > 0:
		return kind.Settle.Limit
	default:
		return schema.DefaultLimit
	}
}

// ready reports whether the object takes a write now. Objects of a kind that never works in the background do.
func (r *run) ready(kind *schema.Kind, o schema.Object) bool {
	return kind.Settle == nil || slices.Contains(kind.Settle.Ready, stateOf(kind, o))
}

// failed reports whether Atlas could not finish what was asked of the object.
func failed(kind *schema.Kind, o schema.Object) bool {
	return kind.Settle != nil && slices.Contains(kind.Settle.Failed, stateOf(kind, o))
}

func stateOf(kind *schema.Kind, o schema.Object) string {
	v, _ := o.Value.GetAttr(kind.Settle.Field).Unmark()
	if v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		return ""
	}
	return v.AsString()
}

// await reads the object until it is ready, or for a deletion until it is gone, and returns it as last read.
func (r *run) await(ctx context.Context, s *step, ref provider.Ref, verb schema.Verb, limit time.Duration) (schema.Object, error) {
	_, o, err := r.watch(ctx, s, ref.Kind, &watching{verb: verb, limit: limit,
		look: func() (*schema.Kind, schema.Object, error) {
			o, err := s.prov.Get(ctx, ref)
			return ref.Kind, o, err
		},
		over: func(kind *schema.Kind, o schema.Object) (bool, error) {
			return arrived(kind, verb, o)
		},
	})
	return o, err
}

// watching is a wait for Atlas after a call of the verb: look reads the object, of whichever kind it is by then, and
// over reports whether it needs no more waiting.
type watching struct {
	verb  schema.Verb
	limit time.Duration
	look  func() (*schema.Kind, schema.Object, error)
	over  func(*schema.Kind, schema.Object) (bool, error)
}

// watch waits at the pace of the kind. The first read comes after a pause: right after a write Atlas may still show
// the state before it. The worker does other work meanwhile.
func (r *run) watch(ctx context.Context, s *step, pace *schema.Kind, w *watching) (*schema.Kind, schema.Object, error) {
	settle := pace.Settle
	if settle == nil {
		return nil, schema.Object{}, fmt.Errorf("%s does not say how it comes to rest", pace.Name)
	}
	began := r.in.Clock.Elapsed()
	pause, missed, last := settle.First, 0, ""
	for {
		left := w.limit - (r.in.Clock.Elapsed() - began)
		if left <= 0 {
			return nil, schema.Object{}, timedOut(w.verb, w.limit, last)
		}
		if err := r.pause(ctx, s, min(pause, left), last); err != nil {
			return nil, schema.Object{}, err
		}
		if pause *= 2; settle.Max > 0 {
			pause = min(pause, settle.Max)
		}
		kind, o, err := w.look()
		class := provider.ClassOf(err)
		switch {
		case err == nil:
			last, missed = stateOf(kind, o), 0
			if over, err := w.over(kind, o); over || err != nil {
				return kind, o, err
			}
		case ctx.Err() != nil:
			return nil, schema.Object{}, errInterrupted
		case r.halted() != nil:
			return nil, schema.Object{}, r.halted()
		case class == provider.NotFound && w.verb == schema.CallDelete:
			return nil, schema.Object{}, nil
		case class == provider.NotFound:
			if missed++; missed == misses {
				return nil, schema.Object{}, diag.Errorf("vanished", "It is gone", "It was being waited for, and Atlas does not have it any more. Plan again.")
			}
		case class != provider.Transient && class != provider.Throttled:
			return nil, schema.Object{}, err
		}
	}
}

// arrived reports whether an object needs no more waiting after a call of the verb, by the state that it is in.
func arrived(kind *schema.Kind, verb schema.Verb, o schema.Object) (bool, error) {
	settle, state := kind.Settle, stateOf(kind, o)
	in := func(states []string) bool { return slices.Contains(states, state) }
	switch {
	case verb == schema.CallDelete && (in(settle.Ready) || in(settle.Busy) || in(settle.Creating) || in(settle.Deleting) || in(settle.Failed)):
		return false, nil
	case in(settle.Ready):
		return true, nil
	case in(settle.Creating) || in(settle.Busy):
		return false, nil
	case in(settle.Deleting):
		return false, diag.Errorf("being_deleted", "It is being deleted", "Its state in Atlas is %s: somebody deletes it. Wait for that and plan again.", state)
	case in(settle.Failed):
		return false, diag.Errorf("settle_failed", "Atlas could not finish it", "Its state in Atlas is %s%s. Look at it in Atlas; waiting does not mend that.",
			state, kind.FailedBecause(o.Value))
	default:
		return false, diag.Errorf("unknown_state", "Its state is not one that this version knows",
			"Its state in Atlas is %q. Wait until it is ready and run it again, or use a later version.", state)
	}
}

// pause lets time pass and tells the listeners every ten seconds.
func (r *run) pause(ctx context.Context, s *step, d time.Duration, state string) error {
	return r.rest(func() error {
		for d > 0 {
			since := (r.in.Clock.Elapsed() - s.started) % progressEvery
			step := min(d, progressEvery-since)
			if err := r.in.Clock.Sleep(ctx, step); err != nil || ctx.Err() != nil {
				return errInterrupted
			}
			if d -= step; step == progressEvery-since {
				e := s.event(r, EventProgress)
				e.Note = state
				r.emit(e)
			}
		}
		return nil
	})
}

// durationText writes a time limit without zeros at its end: "3h", "20m", "1m30s".
func durationText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// nouns name what is waited for.
var nouns = map[schema.Verb]string{schema.CallCreate: "creation", schema.CallUpdate: "update", schema.CallUpgrade: "upgrade", schema.CallDelete: "deletion"}

// timeouts name the argument that limits a wait.
var timeouts = map[schema.Verb]string{schema.CallCreate: "create", schema.CallUpdate: "update", schema.CallUpgrade: "update", schema.CallDelete: "delete"}

func timedOut(verb schema.Verb, limit time.Duration, last string) error {
	if last != "" {
		last = " Its state is " + last + "."
	}
	return diag.Errorf("timed_out", "Atlas is not done yet",
		"Its %s was waited for, for %s.%s Nothing was undone: run it again, and it goes on waiting. A longer limit is set in its block, with timeouts { %s = \"5h\" }.",
		nouns[verb], durationText(limit), last, timeouts[verb])
}

// resume goes on waiting for what was not asked for in this run; the caller then plans the address again (R9).
func (r *run) resume(ctx context.Context, s *step) error {
	c := s.change
	verb := schema.Verb(c.Waiting)
	o, err := r.awaitOld(ctx, s, verb)
	if err != nil {
		return err
	}
	b := r.remembered(c)
	if prior := r.prior(c); prior != nil {
		b = *prior
	}
	b.Address, b.ID, b.Key, b.Waiting = c.Address, o.ID, o.Key, ""
	r.add(state.Record{Bind: &b})
	r.learn(c, o)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.replan = append(r.replan, c.Address)
	return nil
}
