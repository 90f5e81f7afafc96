package apply

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/apply/state"
	"mercator/plan"
	"mercator/provider"
	"mercator/schema"
	"mercator/schema/diag"
)

// freshCopy is how old a copy may be that an interrupted run made, for it to guard what this run does.
const freshCopy = 24 * time.Hour

// copyBefore makes the copy that guards a removal, and looks at the object once more: meanwhile somebody may have
// changed it.
func (r *run) copyBefore(ctx context.Context, s *step, n int, call *schema.Call) (gone bool, err error) {
	if err := r.copyOf(ctx, s, n, call, r.oldRef(s)); err != nil {
		return false, err
	}
	return r.beforeRemoval(ctx, s)
}

// copyOf makes a copy of an object and waits until it is complete. One that an interrupted run began is gone on with,
// unless it failed or is old.
func (r *run) copyOf(ctx context.Context, s *step, n int, call *schema.Call, of provider.Ref) error {
	kind := r.in.Catalog.Kind(call.Kind)
	place, err := s.kind.Inside(of.Place, of.ID, s.kind.JoinKey(of.Key))
	if err != nil {
		return diag.Internalf("It is not known where its copy is made", "%v.", err)
	}
	shadow := *s // which waits for the copy
	shadow.kind = kind
	l := &s.intents[n]
	var made schema.Object
	found := false
	if l.armed {
		if made, found, err = r.copyMade(ctx, &shadow, l.intent, 0); err != nil {
			return err
		}
	}
	if !found || !r.serves(s.kind, kind, made) {
		if made, err = r.makeCopy(ctx, &shadow, n, call, place); err != nil {
			return err
		}
	}
	if !r.ready(kind, made) {
		_, err = r.await(ctx, &shadow, refOf(kind, place, made.ID, ""), schema.CallCreate, limit(kind, schema.CallCreate, schema.Timeouts{}))
		if stateFailed(err) {
			r.finished(s, n) // the next run makes another one
		}
	}
	return err
}

// stateFailed reports whether a wait ended because waiting does not help.
func stateFailed(err error) bool {
	d, ok := err.(diag.Diagnostic)
	return ok && d.Code == "settle_failed"
}

// serves reports whether a copy of an interrupted run still guards anything.
func (r *run) serves(of, kind *schema.Kind, made schema.Object) bool {
	if slices.Contains(kind.Settle.Failed, stateOf(kind, made)) {
		return false
	}
	v, _ := made.Value.GetAttr(of.Safeguard.Taken).Unmark()
	if v.IsNull() || !v.IsKnown() {
		return true // it is being made
	}
	taken, err := schema.Instant(v.AsString())
	return err == nil && r.in.Clock.Now().Sub(taken) < freshCopy
}

// makeCopy arms the intent and makes the copy. Its text holds the intent's id, which tells it from all others.
func (r *run) makeCopy(ctx context.Context, s *step, n int, call *schema.Call, place schema.Place) (schema.Object, error) {
	guard := r.in.Catalog.Kind(s.change.Kind).Safeguard
	values := schema.NullObject(s.kind.Attributes).AsValueMap()
	attributes := []string{guard.Text}
	for name, v := range guard.With {
		values[name] = v
		attributes = append(attributes, name)
	}
	intent := s.intents[n].intent
	if intent.Armed { // an earlier copy no longer serves
		intent.ID = r.in.NewID()
		r.add(state.Record{Done: []string{s.intents[n].intent.ID}})
		s.intents[n].intent = intent
	}
	values[guard.Text] = cty.StringVal(fmt.Sprintf("%s, %s (%s)", s.change.Address, call.Note, intent.ID))
	for try := 1; ; try++ {
		err := r.arm(ctx, s, n, true, func(i *state.Intent) { i.Place, i.Content = place, cty.ObjectVal(values) })
		if err != nil {
			return schema.Object{}, err
		}
		o, err := r.write(ctx, s, provider.Write{Ref: refOf(s.kind, place, "", ""), Endpoint: s.kind.Endpoints.Create,
			Bodies: []cty.Value{cty.ObjectVal(values)}, Attributes: attributes})
		if err == nil && answered(o) {
			return o, nil
		}
		if err != nil && provider.ClassOf(err) != provider.Uncertain {
			r.failed(s, n, err)
			return o, err
		}
		o, found, lost := r.copyMade(ctx, s, s.intents[n].intent, state.CallLimit)
		if lost != nil || found || try == tries {
			return o, firstOf(lost, !found, err)
		}
	}
}

// firstOf returns the first error, or where something else is so the second one.
func firstOf(first error, otherwise bool, second error) error {
	if first == nil && otherwise {
		return second
	}
	return first
}

// copyMade finds the copy that an armed intent made, for so long as its request may be on its way.
func (r *run) copyMade(ctx context.Context, s *step, intent state.Intent, patience time.Duration) (schema.Object, bool, error) {
	pause, waited := lookPause, time.Duration(0)
	for {
		sweep, err := s.prov.List(ctx, s.kind, intent.Place)
		if err != nil {
			return schema.Object{}, false, err
		}
		for _, o := range sweep.Objects {
			if plan.MadeFrom(s.kind, intent.Content, o.Value) {
				return o, true, nil
			}
		}
		if waited >= patience {
			return schema.Object{}, false, nil
		}
		if err := r.in.Clock.Sleep(context.WithoutCancel(ctx), pause); err != nil {
			return schema.Object{}, false, err
		}
		waited, pause = waited+pause, pause*2
	}
}

// begunCopy returns the intent of a copy that an interrupted run began for the same step.
func (r *run) begunCopy(address schema.Address, call schema.Call) (state.Intent, bool) {
	if call.Verb != schema.CallCopy {
		return state.Intent{}, false
	}
	guard := r.in.Catalog.Kind(address.Kind()).Safeguard
	for _, i := range r.in.State.Intents {
		if !i.Armed || i.Verb != schema.CallCopy || i.Address != address || i.Kind != call.Kind {
			continue
		}
		if text := i.Content.GetAttr(guard.Text); !text.IsNull() && strings.Contains(text.AsString(), call.Note) {
			return i, true
		}
	}
	return state.Intent{}, false
}
