package apply

import (
	"context"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/apply/state"
	"mercator/plan"
	"mercator/provider"
	"mercator/schema"
	"mercator/schema/diag"
)

// bodies returns what a creation sends; the call says which of its attributes.
func (w *writing) bodies(c *creation) []cty.Value { return []cty.Value{w.provisional(c, w.desired)} }

// update makes a call that changes the object, or that is the creation of a singleton.
func (w *writing) update(ctx context.Context, n int, call *schema.Call) error {
	e, err := endpoint(w.kind, call)
	if err != nil {
		return err
	}
	if err := w.refresh(ctx, call, nil); err != nil {
		return err
	}
	body, attributes := w.desired, call.Attributes
	if w.there {
		body = plan.Overlay(w.kind, w.desired, w.object.Value)
		body = preferSecrets(w.kind.Attributes, body)
	}
	if e.Replaces {
		attributes = sendable(w.kind, e, body)
	}
	o, err := w.send(ctx, n, call, provider.Write{Ref: w.ref(), Endpoint: e, Bodies: []cty.Value{body}, Attributes: attributes})
	if err != nil {
		return err
	}
	if answered(o) {
		w.took(o)
	}
	switch {
	case e.Upsert:
		return w.verify(ctx, call.Attributes)
	case e.Replaces && (handles(w.kind.Attributes, body) > 0 || len(masked(w.kind.Attributes, body, "")) > 0):
		return w.verifySecrets(ctx, body)
	case !answered(o) && w.restless == "":
		return w.reread(ctx)
	}
	return nil
}

// part writes one of the kind's Parts.
func (w *writing) part(ctx context.Context, n int, call *schema.Call) error {
	var part *schema.Part
	for i := range w.kind.Parts {
		if p := &w.kind.Parts[i]; p.Operation() == call.Operation && (len(call.Attributes) == 0 || call.Attributes[0] == p.Attribute) {
			part = p
		}
	}
	if part == nil {
		return badPlan(call)
	}
	if err := w.refresh(ctx, call, part); err != nil {
		return err
	}
	if part.Members != nil {
		return w.members(ctx, n, call, part)
	}
	body := plan.Overlay(w.kind, w.desired, w.object.Value)
	if !part.Write.Replaces || part.Each {
		values := body.AsValueMap()
		values[part.Attribute] = setIn(w.desired.GetAttr(part.Attribute), values[part.Attribute])
		body = cty.ObjectVal(values)
	}
	_, err := w.send(ctx, n, call, provider.Write{Ref: w.ref(), Endpoint: part.Write, Bodies: []cty.Value{body},
		Attributes: []string{part.Attribute}, Part: part, PartKey: call.Key})
	if err != nil {
		return err
	}
	w.object = w.object.WithPart(part.Attribute, w.desired.GetAttr(part.Attribute))
	return nil
}

// setIn returns the fields of an object that a desired value sets, each as it is in the whole: an object inside it
// keeps what nobody manages (R13). What is no object is sent as desired.
func setIn(desired, whole cty.Value) cty.Value {
	bare, marks := desired.Unmark()
	full, more := whole.Unmark()
	if !bare.Type().IsObjectType() || bare.IsNull() || full.IsNull() {
		return desired
	}
	values := bare.AsValueMap()
	for name, field := range values {
		if raw, _ := field.Unmark(); !raw.IsKnown() || !raw.IsNull() {
			values[name] = full.GetAttr(name)
		}
	}
	return cty.ObjectVal(values).WithMarks(marks, more)
}

// send arms the call's intent, makes the call and records what it applied.
func (w *writing) send(ctx context.Context, n int, call *schema.Call, write provider.Write) (schema.Object, error) {
	after, err := w.armUpdate(ctx, n, call, false, write.Part == nil || write.Part.Settles)
	if err != nil {
		return schema.Object{}, err
	}
	if write.Query, err = query(write.Endpoint, w.desired.GetAttr); err != nil {
		return schema.Object{}, err
	}
	o, err := w.run.write(ctx, w.step, write)
	if err != nil {
		w.run.failed(w.step, n, err)
		return o, err
	}
	w.applied, w.restless = after.applied, after.restless
	w.run.finished(w.step, n, state.Record{Bind: w.bound()})
	return o, nil
}

// armUpdate arms the intent of a call that changes the object, and returns what is remembered once it is done.
func (w *writing) armUpdate(ctx context.Context, n int, call *schema.Call, durable, settles bool) (after writing, err error) {
	after = *w
	after.applied = w.appliedBy(call)
	if verb := call.Verb; settles {
		if verb == schema.CallPart {
			verb = schema.CallUpdate
		}
		after.restless = w.waitsAfter(verb)
	}
	err = w.run.arm(ctx, w.step, n, durable, func(i *state.Intent) {
		i.Place, i.ObjectID, i.Key = w.place, w.object.ID, w.object.Key
		i.Content, i.Secrets = after.applied.value, after.applied.secrets
		i.Bind = after.bound()
	})
	return after, err
}

// members writes a list by its elements: whatever of it was there just now and whatever the file says. The calls of
// one list have one intent. Where one of them fails after others were made the intent stays, so that what these did
// is not taken for somebody else's doing.
func (w *writing) members(ctx context.Context, n int, call *schema.Call, part *schema.Part) error {
	after, err := w.armUpdate(ctx, n, call, false, part.Settles)
	if err != nil {
		return err
	}
	made := 0
	write := func(e *schema.Endpoint, member cty.Value) error {
		_, err := w.run.write(ctx, w.step, provider.Write{Ref: w.ref(), Endpoint: e, Part: part, Member: member,
			Attributes: []string{part.Attribute}})
		if err != nil && made == 0 {
			w.run.failed(w.step, n, err)
		}
		made++
		return err
	}
	for _, m := range plan.Members(w.kind, part, w.desired.GetAttr(part.Attribute), w.object.Value.GetAttr(part.Attribute)) {
		if m.Live != cty.NilVal && m.Desired != cty.NilVal && part.Members.Change != nil {
			if err := write(part.Members.Change, m.Desired); err != nil {
				return err
			}
			continue
		}
		if m.Live != cty.NilVal {
			if err := write(part.Members.Remove, m.Live); err != nil && !provider.IsNotFound(err) {
				return err
			}
		}
		if m.Desired != cty.NilVal {
			if err := write(part.Members.Add, m.Desired); err != nil {
				return err
			}
		}
	}
	w.applied, w.restless = after.applied, after.restless
	w.run.finished(w.step, n, state.Record{Bind: w.bound()})
	if part.Read != nil {
		w.object = w.object.WithPart(part.Attribute, w.desired.GetAttr(part.Attribute))
		return nil
	}
	return w.reread(ctx)
}

// appliedBy is what is applied once the call is done. Of what is written key by key that is one more key.
func (w *writing) appliedBy(call *schema.Call) kept {
	applied := w.all.over(w.applied, call.Attributes)
	if call.Key == "" {
		return applied
	}
	name := call.Attributes[0]
	keys := schema.NullObject(w.kind.Attribute(name).Nested).AsValueMap()
	if earlier := w.applied.value.GetAttr(name); !earlier.IsNull() {
		keys = earlier.AsValueMap()
	}
	keys[call.Key] = w.all.value.GetAttr(name).GetAttr(call.Key)
	values := applied.value.AsValueMap()
	values[name] = cty.ObjectVal(keys)
	return kept{cty.ObjectVal(values), applied.secrets}
}

// refresh reads the object again, waits until it takes a write, and makes sure that nobody changed meanwhile what
// the plan rests on (R27). Later calls of one change build on the earlier ones, so only the first is compared.
func (w *writing) refresh(ctx context.Context, call *schema.Call, part *schema.Part) error {
	ref := w.ref()
	o, err := w.run.read(ctx, w.step, ref)
	switch {
	case ctx.Err() != nil:
		return errInterrupted
	case provider.IsNotFound(err) && !w.there:
		return nil
	case provider.IsNotFound(err):
		return changedMeanwhile("It is not in Atlas any more.")
	case err != nil:
		return err
	}
	if !w.run.ready(w.kind, o) && !failed(w.kind, o) { // a write may be what mends a failed one
		if o, err = w.run.await(ctx, w.step, ref, schema.CallUpdate, w.limit(schema.CallUpdate)); err != nil {
			return err
		}
	}
	before := w.c.Before
	planned := w.there && before != cty.NilVal && !before.IsNull() && w.c.Action != plan.Replace && w.c.Action != plan.Create
	if part != nil && part.Read != nil {
		value, err := w.step.prov.Part(ctx, ref, part)
		if err != nil {
			return err
		}
		o = o.WithPart(part.Attribute, value)
		if planned && w.first(call, part) && w.wasRead(part.Attribute) {
			names := changed(w.kind, before, o.Value, w.desired, []string{part.Attribute})
			if len(names) > 0 && !w.onItsWay(part, before, o.Value) {
				return changedMeanwhile("What changed: " + strings.Join(names, ", ") + ".")
			}
		}
	} else if planned && w.first(call, nil) {
		if w.c.ID != "" && o.ID != w.c.ID {
			return changedMeanwhile("It was deleted and made anew under the id " + o.ID + ".")
		}
		if names := changed(w.kind, before, o.Value, w.desired, ownAttributes(w.kind)); len(names) > 0 {
			return changedMeanwhile("What changed: " + strings.Join(names, ", ") + ".")
		}
	}
	w.took(o)
	return nil
}

// onItsWay reports whether all that is left to do to a list that is written by its elements was planned: some of it was
// done meanwhile, as Atlas does itself where who leaves an organization leaves its teams, and nothing else.
func (w *writing) onItsWay(part *schema.Part, before, now cty.Value) bool {
	if part.Members == nil {
		return false
	}
	members := func(live cty.Value) []plan.Member {
		return plan.Members(w.kind, part, w.desired.GetAttr(part.Attribute), live.GetAttr(part.Attribute))
	}
	planned := members(before)
	return !slices.ContainsFunc(members(now), func(m plan.Member) bool { return !slices.ContainsFunc(planned, m.Same) })
}

// first reports whether the call is the change's first, or the first that writes the part: one that is written key
// by key takes several.
func (w *writing) first(call *schema.Call, part *schema.Part) bool {
	for i := range w.c.Calls {
		c := &w.c.Calls[i]
		if c.Verb == schema.CallWait || c.Verb == schema.CallCopy || part != nil && (c.Verb != schema.CallPart || !slices.Contains(c.Attributes, part.Attribute)) {
			continue
		}
		return c == call
	}
	return true
}

// wasRead reports whether the plan knew the value of a part.
func (w *writing) wasRead(attribute string) bool { return !w.c.Before.GetAttr(attribute).IsNull() }

// ownAttributes are the arguments that reading the object tells.
func ownAttributes(kind *schema.Kind) []string {
	var names []string
	for i := range kind.Attributes {
		a := &kind.Attributes[i]
		if p := kind.Part(a.Name); a.Argument() && !a.Unread && (p == nil || p.Read == nil) {
			names = append(names, a.Name)
		}
	}
	return names
}

// changed returns the arguments, among names, that a desired value manages and that are not what they were.
func changed(kind *schema.Kind, before, now, desired cty.Value, names []string) []string {
	was := managed(kind.Attributes, before, desired, names)
	is := managed(kind.Attributes, now, desired, names)
	if diffs := plan.Differs(kind, was, now); len(diffs) > 0 {
		return diffs
	}
	return plan.Differs(kind, is, before) // what was not set and is now
}

func changedMeanwhile(what string) error {
	return diag.Errorf("changed_meanwhile", "It was changed meanwhile",
		"%s The plan rests on what was there before, so nothing was done to it. Plan again.", what)
}

// verify reads the object back and makes sure that what was sent is there (R15).
func (w *writing) verify(ctx context.Context, attributes []string) error {
	want := managed(w.kind.Attributes, w.desired, w.desired, attributes)
	o, err := w.run.readBack(ctx, w.step, w.ref(), func(o schema.Object) bool { return len(plan.Differs(w.kind, want, o.Value)) == 0 })
	if err != nil {
		return err
	}
	w.took(o)
	if names := plan.Differs(w.kind, want, o.Value); len(names) > 0 {
		return diag.Errorf("upsert_not_taken", "Atlas did not take the change",
			"Atlas accepted the call, but %s stayed as before. Nothing was deleted. Change it in Atlas, or remove the entry and add it again.",
			strings.Join(names, ", "))
	}
	return nil
}

// verifySecrets reads the object back and makes sure that no secret was lost: none that was kept by its handle, and none
// that was sent and that Atlas would show starred (R14).
func (w *writing) verifySecrets(ctx context.Context, body cty.Value) error {
	if err := w.reread(ctx); err != nil {
		return err
	}
	if sent, left := handles(w.kind.Attributes, body), handles(w.kind.Attributes, w.object.Value); left < sent {
		return diag.Errorf("secret_lost", "Atlas lost a secret",
			"The change kept the secrets of the list by their ids: %d were sent, %d are left. Write the secrets in the file, so that they are sent in clear, and apply again.",
			sent, left)
	}
	return w.tookSecrets(body)
}

// tookSecrets makes sure that Atlas shows, starred, what was sent to it.
func (w *writing) tookSecrets(body cty.Value) error {
	lost := slices.DeleteFunc(masked(w.kind.Attributes, body, ""), func(path string) bool { return slices.Contains(w.object.Held, path) })
	if len(lost) == 0 {
		return nil
	}
	return diag.Errorf("secret_lost", "Atlas did not take a secret",
		"Atlas accepted the call, and shows nothing in the place of %s, not even stars. Apply again, and if that does not help, look at the %s in Atlas.",
		strings.Join(lost, ", "), w.kind.Name)
}

// reread reads the object as it is after a write.
func (w *writing) reread(ctx context.Context) error {
	o, err := w.run.readBack(ctx, w.step, w.ref(), nil)
	if err == nil {
		w.took(o)
	}
	return err
}
