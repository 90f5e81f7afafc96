package apply

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/apply/state"
	"mercator/plan"
	"mercator/provider"
	"mercator/schema"
	"mercator/schema/diag"
)

// Delivery is the secret of a new credential, on its way to where its block says (R33).
type Delivery struct {
	Address schema.Address
	Kind    string
	// ID is the credential's id, Secret that of the secret, of a credential that can have several, and Fields are the
	// public part, the secret and its end, by attribute name.
	ID, Secret string
	Fields     map[string]string
	// File or Command is where it goes.
	File    string
	Command []string
	// Ours reports whether a file that holds the credential with that id may be written over.
	Ours func(id string) bool
}

// Deliverer hands secrets over.
type Deliverer interface {
	// Ready returns why a delivery would fail, as far as that shows before there is a secret; Fields are empty.
	Ready(d Delivery) error
	// Deliver hands the secret over, durably, or returns why nobody got it. It holds no secret in its error.
	Deliver(ctx context.Context, d Delivery) error
	// Withdraw removes the file of a credential that was deleted, if it is still that credential's: nobody can use what
	// is in it, and another credential may want its place.
	Withdraw(d Delivery) error
}

// delivery is the one that the change's block asks for, still without anything to deliver.
func (w *writing) delivery() Delivery {
	d := place(w.desired)
	d.Address, d.Kind, d.Ours = w.c.Address, w.kind.Name, w.run.knows(w.kind.Name, w.c.ID)
	return d
}

// place is where the secrets of a credential with the given arguments go.
func place(arguments cty.Value) (d Delivery) {
	if file, _ := arguments.GetAttr(schema.SecretFile).Unmark(); !file.IsNull() {
		d.File = file.AsString()
	}
	if command, _ := arguments.GetAttr(schema.SecretCommand).UnmarkDeep(); !command.IsNull() {
		for it := command.ElementIterator(); it.Next(); {
			_, word := it.Element()
			d.Command = append(d.Command, word.AsString())
		}
	}
	return d
}

// withdraw removes the file of a credential that is gone from Atlas, of which the state remembers this.
func (r *run) withdraw(bound *schema.Bound) error {
	kind := r.in.Catalog.Kind(bound.Kind)
	if kind == nil || kind.Credential == nil || r.in.Deliverer == nil || bound.Applied == cty.NilVal || bound.Applied.IsNull() {
		return nil
	}
	d := place(bound.Applied)
	d.Address, d.Kind, d.ID = bound.Address, bound.Kind, bound.ID
	if err := r.in.Deliverer.Withdraw(d); err != nil {
		return diag.Errorf("secret_file_stays", "Its secret is of no use any more, and its file could not be removed",
			"%s. Remove it yourself, or mend that and apply again.", diag.Sentence(err.Error())).On(string(bound.Address))
	}
	return nil
}

// withdrawGone removes the files of credentials that the plan found to be gone, and only forgets.
func (r *run) withdrawGone() {
	for _, a := range r.plan.Drops {
		bound := r.in.State.Resources[a]
		if bound == nil || slices.ContainsFunc(r.plan.Changes, func(c plan.Change) bool { return c.Address == a || c.Previous == a }) {
			continue
		}
		if err := r.withdraw(bound); err != nil {
			r.diags.Add(provider.Diagnostic(err))
		}
	}
}

// knows returns what reports whether an id is that of an object of the kind that the state knows, or the given one.
func (r *run) knows(kind, id string) func(string) bool {
	return func(other string) bool {
		if other == "" || other == id {
			return other != ""
		}
		for _, b := range r.in.State.Resources {
			if b.Kind == kind && b.ID == other {
				return true
			}
		}
		return false
	}
}

// deliverable returns why the secret of what is about to be made could not be handed over.
func (w *writing) deliverable() error {
	if w.run.in.Deliverer == nil {
		return diag.Internalf("Nobody takes the secret", "This run cannot deliver secrets.")
	}
	if err := w.run.in.Deliverer.Ready(w.delivery()); err != nil {
		return diag.Errorf("secret_undeliverable", "Its secret could not be handed over, so it was not made",
			"%s. Mend that and apply again.", diag.Sentence(err.Error())).On(string(w.c.Address))
	}
	return nil
}

// provisional returns what a creation sends: of a credential, the id of the creation's intent in place of its name.
func (w *writing) provisional(c *creation, v cty.Value) cty.Value {
	if w.kind.Credential == nil {
		return v
	}
	values := v.AsValueMap()
	values[w.kind.Credential.Provisional] = cty.StringVal(schema.ProvisionalText(w.step.intents[c.n].intent.ID))
	return cty.ObjectVal(values)
}

// lasting are the attributes of a creation that stay as they were sent.
func (w *writing) lasting(c *creation) []string {
	if w.kind.Credential == nil {
		return c.call.Attributes
	}
	var names []string
	for _, name := range c.call.Attributes {
		if name != w.kind.Credential.Provisional {
			names = append(names, name)
		}
	}
	return names
}

// deliver binds a new credential as undelivered, hands its secret over, and only then lets it count. What nobody got
// is revoked.
func (w *writing) deliver(ctx context.Context, c *creation, o schema.Object) error {
	ctx = context.WithoutCancel(ctx)
	secret, id, rest := w.kind.Shown(o.Value)
	o.Value = rest
	w.bind(c, o)
	if err := w.handOver(ctx, secret, id, rest); err != nil {
		return w.undelivered(ctx, o, err)
	}
	w.restless, w.secret = "", id
	w.run.add(state.Record{Bind: w.bound()})
	return w.run.flush(ctx) // before the next call: who is killed now must not revoke what is in use
}

// handOver gives a secret to where the block says. shown is the rest of the answer that held it.
func (w *writing) handOver(ctx context.Context, secret cty.Value, id string, shown cty.Value) error {
	if secret.IsNull() || !secret.IsKnown() {
		return errors.New("the answer from Atlas lacks the secret")
	}
	cr := w.kind.Credential
	d := w.delivery()
	d.ID, d.Secret, d.Fields = w.object.ID, id, map[string]string{cr.Secret: secret.AsString()}
	if public, _ := w.object.Value.GetAttr(cr.Public).Unmark(); public.IsKnown() && !public.IsNull() {
		d.Fields[cr.Public] = public.AsString()
	}
	for _, s := range w.kind.SecretsOf(shown) {
		if s.ID == id && !s.Expires.IsZero() {
			d.Fields[cr.Rotation.Expires] = s.Expires.UTC().Format(time.RFC3339)
		}
	}
	return w.run.in.Deliverer.Deliver(ctx, d)
}

// undelivered revokes a credential whose secret nobody got, and forgets it. What cannot be revoked stays known as
// undelivered, so that the next run does it.
func (w *writing) undelivered(ctx context.Context, o schema.Object, cause error) error {
	if err := w.revoke(ctx, o); err != nil {
		return diag.Errorf("secret_undelivered", "Its secret was not delivered, and it could not be revoked",
			"%s. It has the id %s, and revoking it failed: %s The next apply revokes it and makes another.",
			diag.Sentence(cause.Error()), o.ID, diag.Sentence(err.Error())).On(string(w.c.Address))
	}
	w.run.add(state.Record{Drop: []schema.Address{w.c.Address}})
	w.run.add(w.restore...)
	if err := w.run.flush(ctx); err != nil {
		return err
	}
	return diag.Errorf("secret_undelivered", "Its secret was not delivered, so it was revoked",
		"%s. Nothing is left of it in Atlas. Mend that and apply again.", diag.Sentence(cause.Error())).On(string(w.c.Address))
}

// revoke deletes a credential that was just made.
func (w *writing) revoke(ctx context.Context, o schema.Object) error {
	if w.kind.Credential.Outlives {
		for _, s := range w.kind.SecretsOf(o.Value) {
			if err := w.run.revokeSecret(ctx, w.step, refOf(w.kind, w.place, o.ID, o.Key), s.ID); err != nil {
				return err
			}
		}
	}
	_, err := w.run.write(ctx, w.step, provider.Write{Ref: refOf(w.kind, w.place, o.ID, o.Key), Endpoint: w.kind.Endpoints.Delete})
	if provider.IsNotFound(err) {
		return nil
	}
	return err
}
