package apply

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/apply/state"
	"mercator/plan"
	"mercator/provider"
	"mercator/schema"
)

// freshFor is how long what a plan saw is trusted without another look, before a deletion (R27).
const freshFor = 60 * time.Second

// remove deletes the change's live object and forgets it. What goes with its parent is only forgotten (R22).
func (r *run) remove(ctx context.Context, s *step) error {
	if s.change.GoesWith == "" {
		gone, err := r.beforeRemoval(ctx, s)
		if err != nil {
			return err
		}
		for n, call := range s.calls() {
			switch {
			case gone:
				r.finished(s, n)
			case call.Verb == schema.CallCopy:
				gone, err = r.copyBefore(ctx, s, n, &call)
			default:
				err = r.delete(ctx, s, n, &call)
			}
			if err != nil {
				return err
			}
		}
	}
	bound := r.in.State.Resources[r.removed(s.change)]
	if bound == nil {
		bound = r.prior(s.change)
	}
	if bound != nil {
		if err := r.withdraw(bound); err != nil {
			return err
		}
	}
	r.add(state.Record{Drop: []schema.Address{r.removed(s.change)}})
	return nil
}

// removed is the address at which the state keeps what is deleted.
func (r *run) removed(c *plan.Change) schema.Address {
	if deposes(c) || r.leftover(c) {
		return deposed(c)
	}
	return c.Address
}

// oldRef names the object that a change deletes or waits for. Where the plan gives a new one its place, the state
// or the file say which it was.
func (r *run) oldRef(s *step) provider.Ref {
	c := s.change
	place, id, key, value := c.Place, c.ID, c.Key, c.Before
	if id == "" && key == "" && !s.kind.Singleton {
		if prior := r.prior(c); prior != nil {
			place, id, key, value = prior.Place, prior.ID, prior.Key, prior.Applied
		} else if name, known, err := s.kind.NaturalKey(c.Desired); known && err == nil {
			key = name
		}
	}
	ref := refOf(s.kind, place, id, key)
	ref.Key = s.kind.PathValues(key, value)
	return ref
}

// beforeRemoval looks at the object where the plan is old or the object must be ready first. gone says that there
// is nothing left to delete.
func (r *run) beforeRemoval(ctx context.Context, s *step) (gone bool, err error) {
	c := s.change
	old := r.in.Clock.Now().Sub(r.plan.Now) > freshFor
	ref := r.oldRef(s)
	if len(s.calls()) == 0 && len(c.Removal) > 0 { // somebody is deleting it already
		_, err = r.await(ctx, s, ref, schema.CallDelete, limit(s.kind, schema.CallDelete, r.timeouts(c)))
		return true, err
	}
	if len(s.calls()) == 0 || !old && s.kind.Settle == nil {
		return false, nil
	}
	o, err := r.read(ctx, s, ref)
	switch {
	case ctx.Err() != nil:
		return false, errInterrupted
	case provider.IsNotFound(err):
		return true, r.became(ctx, s, ref)
	case err != nil:
		return false, err
	}
	if c.ID != "" && o.ID != c.ID {
		return false, changedMeanwhile("It was deleted and made anew under the id " + o.ID + ".")
	}
	if c.Before != cty.NilVal && !c.Before.IsNull() {
		owned := c.Before
		if prior := r.prior(c); prior != nil && prior.Applied != cty.NilVal && !prior.Applied.IsNull() {
			owned = prior.Applied
		}
		if names := changed(s.kind, c.Before, o.Value, owned, ownAttributes(s.kind)); len(names) > 0 {
			return false, changedMeanwhile("What changed: " + strings.Join(names, ", ") + ".")
		}
	}
	if !r.ready(s.kind, o) {
		if _, err := arrived(s.kind, schema.CallDelete, o); err != nil {
			return false, err
		}
		return r.readyForRemoval(ctx, s, ref, o)
	}
	return false, nil
}

// readyForRemoval waits for an object that is at work. One that somebody else is deleting is waited for until it
// is gone; one that failed is deleted as it is.
func (r *run) readyForRemoval(ctx context.Context, s *step, ref provider.Ref, o schema.Object) (gone bool, err error) {
	limit := limit(s.kind, schema.CallDelete, r.timeouts(s.change))
	switch {
	case failed(s.kind, o):
		return false, nil
	case slices.Contains(s.kind.Settle.Deleting, stateOf(s.kind, o)):
		_, err = r.await(ctx, s, ref, schema.CallDelete, limit)
		return err == nil, err
	default:
		_, err = r.await(ctx, s, ref, schema.CallUpdate, limit)
		return false, err
	}
}

// timeouts are the limits that were recorded where the block is gone (R18).
func (r *run) timeouts(c *plan.Change) schema.Timeouts {
	if prior := r.prior(c); prior != nil && c.Timeouts == (schema.Timeouts{}) {
		return prior.Timeouts
	}
	return c.Timeouts
}

// delete makes the call and waits until the object is gone. One that is gone already is as it should be.
func (r *run) delete(ctx context.Context, s *step, n int, call *schema.Call) error {
	c := s.change
	e, err := endpoint(s.kind, call)
	if err != nil {
		return err
	}
	if call.Verb != schema.CallDelete && call.Verb != schema.CallRevoke {
		return badPlan(call)
	}
	err = r.arm(ctx, s, n, false, func(i *state.Intent) { i.Place, i.ObjectID, i.Key = c.Place, c.ID, c.Key })
	if err != nil {
		return err
	}
	parameters, err := query(e, func(attribute string) cty.Value { return r.destroyTime(s, attribute) })
	if err != nil {
		return err
	}
	ref := r.oldRef(s)
	if call.Verb == schema.CallRevoke {
		if err := r.revokeSecret(ctx, s, ref, call.Key); err != nil {
			r.failed(s, n, err)
			return err
		}
		r.finished(s, n)
		return nil
	}
	_, err = r.write(ctx, s, provider.Write{Ref: ref, Endpoint: e, Query: parameters})
	if provider.IsNotFound(err) {
		r.finished(s, n)
		return r.became(ctx, s, ref)
	}
	if err != nil {
		r.failed(s, n, err)
		return err
	}
	if s.kind.Settle == nil {
		r.finished(s, n)
		return nil
	}
	r.finished(s, n, r.waitingForRemoval(c)...)
	_, err = r.await(ctx, s, ref, schema.CallDelete, limit(s.kind, schema.CallDelete, r.timeouts(c)))
	return err
}

// waitingForRemoval says in the binding that the object is being deleted.
func (r *run) waitingForRemoval(c *plan.Change) []state.Record {
	if r.prior(c) == nil {
		return nil // a stranger
	}
	b := *r.prior(c)
	if r.removed(c) != c.Address {
		b = *r.aside(c)
	}
	b.Address, b.Waiting = r.removed(c), string(schema.CallDelete)
	return []state.Record{{Bind: &b}}
}

// destroyTime returns an argument that a deletion uses (R18).
func (r *run) destroyTime(s *step, attribute string) cty.Value {
	applied := cty.NilVal
	if prior := r.prior(s.change); prior != nil {
		applied = prior.Applied
	}
	return s.kind.AtDestroy(attribute, s.change.Desired, applied, s.change.Before)
}
