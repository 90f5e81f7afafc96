package apply

import (
	"context"
	"errors"
	"slices"

	"mercator/apply/state"
	"mercator/plan"
	"mercator/provider"
	"mercator/schema"
)

// # How an apply can be killed
//
// Atlas and the state are two stores without a common transaction, so every call opens a moment in which one of
// them knows what the other does not. This file and its neighbours keep one invariant, at every instant:
//
//	What the journal holds, together with what Atlas shows, tells the next plan whose object each live one is.
//
// It is kept by the order in which things become durable.
//
// First come the bindings that were found out without a call: moves, objects that an earlier run made and could
// not record. They stand in the journal before the list of all intended calls, because that replaces the intents
// by which those objects were found. A write can be torn after any record, so the order within it counts: an object
// that loses its address to another one gets an address of its own first, then come the bindings, then the
// addresses that are given up. What is cut in half leaves two addresses for one object, which the next plan calls
// a move, never an object without an address.
//
// An intent is listed, then armed, then ended. Of a creation the armed intent is durable before the call, and those
// who wait for that share one write. It holds what is sent and, where there is no natural key, the ids of all
// siblings there just before, so that afterwards the object is known by being new and having that content; with a
// natural key it says that the object of that key is ours and not somebody else's to be adopted. Of an update or
// deletion it may become durable up to a second after the call: what they did shows in Atlas, and says by itself
// whose it is. An intent ends together with the binding that it explains, in one write, binding first. It ends
// without one only where Atlas refused the call. A call of which nobody knows whether it was carried out leaves its
// intent armed, also in a run that ends in order.
//
// A binding is recorded when the creation is answered and before its object is ready. It says then that Atlas is
// still at work (Waiting), so that whatever ends the waiting, the next run goes on with it.
//
// A replacement that creates first has two objects for one address. Before its creation is armed, the old object
// moves to an address of its own, ADDRESS["replaced KEY"]. That is a binding like any other: no file declares it,
// so any later plan deletes its object, without knowing of replacements; and if the files go back to the old
// value before, they find the old object by its key and the binding moves back. Deleting the old object ends that
// binding. A creation that Atlas refuses moves it back at once.
//
// A deletion drops the binding after Atlas has answered, or after the object is gone where that takes time. Until
// then a binding to a missing object is what a plan knows how to forget.
//
// A credential is bound as soon as it is there, as undelivered: Atlas shows its secret once, and whoever dies with it
// in hand leaves a credential that nobody can use. Until the secret is delivered, and that is durable, it carries the
// id of its intent in place of its name, and every later run that finds it, by the binding or by that id, revokes it.
//
// A request can outlive the process that sent it. What the journal holds explains an object only once it is there, so
// whoever inherits open intents reads Atlas when the calls of the dead are certainly over (state.AwaitQuiet), and a
// creation without natural key whose answer was lost is looked for as long before it is sent again.
//
// A copy that guards a step (snapshot_before) has an intent that outlasts it: it ends with the call that it guards, or
// where Atlas refuses that. So a run that died in between leaves it armed, and the next one goes on with the copy that
// it finds by the intent's id in its text, instead of making another one.
//
// The lease guards all this from a second writer. When it is lost nothing can be recorded any more, so nothing is
// called any more either; the armed intents are the successor's.

// replacedKey begins the key of the address at which an object stays that lost its own to another one.
const replacedKey = "replaced "

// deposes reports whether the change makes a new object while the old one is still there.
func deposes(c *plan.Change) bool { return c.Action == plan.Replace && c.CreateFirst }

// leftover reports whether the change deletes an object whose address already has another one.
func (r *run) leftover(c *plan.Change) bool { return r.changes[c.Address] != c }

// deposed returns the address at which the change's old object stays, until it is deleted.
func deposed(c *plan.Change) schema.Address { return asideOf(c.Address, c.ID, c.Key) }

// asideOf returns the address at which an object stays that lost its own.
func asideOf(a schema.Address, id, key string) schema.Address {
	if key == "" {
		key = id
	}
	return a.Key(replacedKey + key)
}

// aside returns the binding of the change's live object at the address of its own. Its deletion was agreed to with
// the plan; whatever guards the address guards the new object.
func (r *run) aside(c *plan.Change) *schema.Bound {
	b := r.remembered(c)
	if prior := r.prior(c); prior != nil {
		b = *prior
	}
	b.Address, b.Adopted, b.Lifecycle, b.Undone = deposed(c), false, schema.Lifecycle{}, nil
	return &b
}

// depose moves the old object of a replacement to its own address. The answer moves it back.
func (r *run) depose(c *plan.Change) (restore []state.Record) {
	aside := r.aside(c)
	back := *aside
	if prior := r.prior(c); prior != nil {
		back = *prior
	}
	back.Address = c.Address
	r.add(state.Record{Bind: aside}, state.Record{Drop: []schema.Address{c.Address}})
	return []state.Record{{Bind: &back}, {Drop: []schema.Address{aside.Address}}}
}

// intend lists the intents of all steps, in the order of the plan.
func (r *run) intend() []state.Intent {
	var intents []state.Intent
	for _, s := range r.steps {
		for i := range s.calls() {
			intent := r.intent(s, i)
			s.intents = append(s.intents, listed{intent: intent, armed: intent.Armed})
			intents = append(intents, intent)
		}
	}
	return intents
}

// calls returns the step's calls to Atlas, without waits.
func (s *step) calls() []schema.Call {
	var calls []schema.Call
	switch {
	case s.phase == plan.Write:
		calls = s.change.Calls
	case s.phase == plan.Remove:
		calls = s.change.Removal
	}
	return slices.DeleteFunc(slices.Clone(calls), func(c schema.Call) bool { return c.Verb == schema.CallWait })
}

// listed is the intent of one call, and whether the call may have been made.
type listed struct {
	intent state.Intent
	armed  bool
}

// intent returns the unarmed intent of the step's call number i.
func (r *run) intent(s *step, i int) state.Intent {
	c, call := s.change, s.calls()[i]
	if earlier, ok := r.begunCopy(c.Address, call); ok {
		return earlier
	}
	intent := state.Intent{ID: r.in.NewID(), Address: c.Address, Kind: c.Kind, Connection: c.Connection, Verb: call.Verb,
		Place: r.placeOf(s, s.change.Desired), Content: schema.NullObject(s.kind.Attributes)}
	if call.Verb == schema.CallCopy {
		intent.Kind, intent.Content = call.Kind, schema.NullObject(r.in.Catalog.Kind(call.Kind).Attributes)
	} else if call.Verb == schema.CallCreate {
		if key, known, err := s.kind.NaturalKey(c.Desired); known && err == nil {
			intent.Key = key
		}
	} else if s.phase == plan.Remove || c.Action != plan.Replace {
		intent.ObjectID, intent.Key = c.ID, c.Key
	}
	return intent
}

// arm says that the step's call number i may be sent from now on. It returns when that is durable, if durable,
// else at once. fill completes the intent.
func (r *run) arm(ctx context.Context, s *step, i int, durable bool, fill func(*state.Intent)) error {
	l := &s.intents[i]
	fill(&l.intent)
	l.intent.Armed, l.armed = true, true
	armed := l.intent
	r.add(state.Record{Arm: &armed})
	if durable {
		return r.flush(ctx)
	}
	return nil
}

// finished ends the intent of the step's call number i, after the records that it explains, and those of the copies
// that guarded it.
func (r *run) finished(s *step, i int, records ...state.Record) {
	done := []string{s.intents[i].intent.ID}
	for _, l := range s.intents[:i] {
		if l.intent.Verb == schema.CallCopy {
			done = append(done, l.intent.ID)
		}
	}
	r.add(append(records, state.Record{Done: done})...)
}

// failed ends the intent of a call that Atlas refused. Where nobody knows whether it was carried out, the intent
// stays.
func (r *run) failed(s *step, i int, err error, records ...state.Record) {
	if errors.As(err, new(notSent)) { // what guards the call still does
		r.add(append(records, state.Record{Done: []string{s.intents[i].intent.ID}})...)
		return
	}
	switch provider.ClassOf(err) {
	case provider.NotFound, provider.Conflict, provider.Throttled, provider.Denied, provider.Invalid:
		r.finished(s, i, records...)
	}
}

// neverArmed returns the intents of calls that were not made.
func (r *run) neverArmed() []string {
	var ids []string
	for _, s := range r.steps {
		for _, l := range s.intents {
			if !l.armed {
				ids = append(ids, l.intent.ID)
			}
		}
	}
	return ids
}
