package apply

import (
	"context"
	"slices"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/apply/state"
	"mercator/provider"
	"mercator/schema"
	"mercator/schema/diag"
)

// mint makes another secret of a credential, hands it over, and only then lets it count: what it replaces is to be
// revoked from then on. Whatever kills the run, the intent or the binding says which secret nobody was given.
func (w *writing) mint(ctx context.Context, n int, call *schema.Call) error {
	e, err := endpoint(w.kind, call)
	if err != nil {
		return err
	}
	if err := w.deliverable(); err != nil {
		return err
	}
	if err := w.refresh(ctx, call, nil); err != nil {
		return err
	}
	if err := w.sameSecrets(); err != nil {
		return err
	}
	if w.run.prior(w.c) == nil { // an adoption: what a dead run leaves is found by the binding
		w.run.add(state.Record{Bind: w.bound()})
	}
	for try := 1; ; try++ {
		seen := w.secrets()
		err := w.run.arm(ctx, w.step, n, true, func(i *state.Intent) {
			i.Place, i.ObjectID, i.Key, i.Seen, i.Bind = w.place, w.object.ID, w.object.Key, seen, w.bound()
		})
		if err != nil {
			return err
		}
		o, err := w.run.write(ctx, w.step, provider.Write{Ref: w.ref(), Endpoint: e, Bodies: []cty.Value{w.desired}, Attributes: call.Attributes})
		if err == nil {
			return w.minted(ctx, n, o)
		}
		if provider.ClassOf(err) != provider.Uncertain {
			w.run.failed(w.step, n, err)
			return err
		}
		if failure := w.revokeLost(ctx, seen); failure != nil {
			return failure // the intent stays, and the next run revokes it
		}
		if try == tries {
			return err
		}
	}
}

// sameSecrets makes sure that nobody made a secret since the plan was made: that may be the new one already.
func (w *writing) sameSecrets() error {
	var planned []string
	for _, s := range w.kind.SecretsOf(w.c.Before) {
		planned = append(planned, s.ID)
	}
	for _, id := range w.secrets() {
		if !slices.Contains(planned, id) {
			return changedMeanwhile("It has another secret, " + id + ".")
		}
	}
	return nil
}

// secrets returns the ids of the object's secrets as last read.
func (w *writing) secrets() []string {
	ids := []string{}
	for _, s := range w.kind.SecretsOf(w.object.Value) {
		ids = append(ids, s.ID)
	}
	return ids
}

// minted hands a new secret over. One that nobody got is revoked, and what was there before goes on serving.
func (w *writing) minted(ctx context.Context, n int, o schema.Object) error {
	ctx = context.WithoutCancel(ctx)
	secret, id, rest := cty.NullVal(cty.String), "", o.Value
	if answered(o) {
		secret, id, rest = w.kind.Shown(o.Value)
	}
	if id == "" { // whatever it is called, it was not there before
		if err := w.revokeLost(ctx, w.secrets()); err != nil {
			return err
		}
		w.run.finished(w.step, n)
		return diag.Errorf("secret_undelivered", "Its new secret was not delivered, so it was revoked",
			"The answer from Atlas lacks it. What was there before still serves. Apply again.").On(string(w.c.Address))
	}
	w.stale = append(slices.Clone(w.stale), id)
	w.run.finished(w.step, n, state.Record{Bind: w.bound()})
	if err := w.handOver(ctx, secret, id, rest); err != nil {
		return w.unminted(ctx, id, err)
	}
	w.stale = without(w.stale, id)
	if w.secret != "" && slices.Contains(w.secrets(), w.secret) {
		w.stale = append(w.stale, w.secret)
	}
	w.secret = id
	w.hasSecrets(append(w.secretValues(w.object.Value), w.secretValues(rest)...))
	w.run.add(state.Record{Bind: w.bound()})
	return w.run.flush(ctx) // before the next call: who is killed now must not revoke what is in use
}

// secretValues returns the elements of a credential's list of secrets.
func (w *writing) secretValues(v cty.Value) []cty.Value {
	list := v.GetAttr(w.kind.Credential.Rotation.Secrets)
	if list.IsNull() {
		return nil
	}
	return list.AsValueSlice()
}

// hasSecrets notes which secrets the object has now. It is not read again for that: if it is the credential in use, it may
// not be let in any more (R23).
func (w *writing) hasSecrets(elements []cty.Value) {
	values := w.object.Value.AsValueMap()
	name := w.kind.Credential.Rotation.Secrets
	values[name] = cty.ListValEmpty(w.kind.Attribute(name).CtyType().ElementType())
	if len(elements) > 0 {
		values[name] = cty.ListVal(elements)
	}
	w.object.Value = cty.ObjectVal(values)
}

// unminted revokes a new secret that nobody got.
func (w *writing) unminted(ctx context.Context, id string, cause error) error {
	if err := w.run.revokeSecret(ctx, w.step, w.ref(), id); err != nil {
		return diag.Errorf("secret_undelivered", "Its new secret was not delivered, and it could not be revoked",
			"%s. The secret has the id %s, and revoking it failed: %s What was there before still serves. The next apply revokes it and makes another.",
			diag.Sentence(cause.Error()), id, diag.Sentence(err.Error())).On(string(w.c.Address))
	}
	w.stale = without(w.stale, id)
	w.run.add(state.Record{Bind: w.bound()})
	if err := w.run.flush(ctx); err != nil {
		return err
	}
	return diag.Errorf("secret_undelivered", "Its new secret was not delivered, so it was revoked",
		"%s. What was there before still serves. Mend that and apply again.", diag.Sentence(cause.Error())).On(string(w.c.Address))
}

// revokeLost revokes the secrets that were not there before a call whose answer was lost. The request may still be on
// its way until the limit of a call is over.
func (w *writing) revokeLost(ctx context.Context, seen []string) error {
	ctx = context.WithoutCancel(ctx)
	pause, waited := lookPause, time.Duration(0)
	for {
		if err := w.reread(ctx); err != nil {
			return err
		}
		lost := slices.DeleteFunc(w.secrets(), func(id string) bool { return slices.Contains(seen, id) })
		for _, id := range lost {
			if err := w.run.revokeSecret(ctx, w.step, w.ref(), id); err != nil {
				return err
			}
		}
		if len(lost) > 0 || waited >= state.CallLimit {
			return nil
		}
		if err := w.run.in.Clock.Sleep(ctx, pause); err != nil {
			return err
		}
		waited += pause
		pause *= 2
	}
}

// revokeSecret makes the call that deletes one secret of the object.
func (w *writing) revokeSecret(ctx context.Context, n int, call *schema.Call) error {
	if w.first(call, nil) {
		if err := w.refresh(ctx, call, nil); err != nil {
			return err
		}
	}
	err := w.run.arm(ctx, w.step, n, false, func(i *state.Intent) {
		i.Place, i.ObjectID, i.Key = w.place, w.object.ID, w.object.Key
	})
	if err != nil {
		return err
	}
	if err := w.run.revokeSecret(ctx, w.step, w.ref(), call.Key); err != nil {
		w.run.failed(w.step, n, err)
		return err
	}
	w.stale = without(w.stale, call.Key)
	w.hasSecrets(slices.DeleteFunc(w.secretValues(w.object.Value), func(el cty.Value) bool {
		id := el.GetAttr(w.kind.Credential.Rotation.ID)
		return !id.IsNull() && id.AsString() == call.Key
	}))
	w.run.finished(w.step, n, state.Record{Bind: w.bound()})
	return nil
}

// revokeSecret deletes a secret of a credential. One that is gone already is as it should be.
func (r *run) revokeSecret(ctx context.Context, s *step, ref provider.Ref, id string) error {
	_, err := r.write(ctx, s, provider.Write{Ref: ref, Endpoint: ref.Kind.Credential.Rotation.Revoke, Secret: id})
	if provider.IsNotFound(err) {
		return nil
	}
	return err
}

func without(ids []string, id string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(other string) bool { return other == id })
}
