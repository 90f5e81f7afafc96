package apply

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/apply/state"
	"mercator/plan"
	"mercator/schema"
)

// prior returns what is remembered of the change's live object: the state's binding, or where the state has none
// to this object, what the armed intent of an earlier run would have bound. It is nil where nothing is.
func (r *run) prior(c *plan.Change) *schema.Bound {
	at := c.Address
	if c.Previous != "" {
		at = c.Previous
	}
	b := r.carried(c, r.in.State.Resources[at])
	if b != nil && (b.ID == c.ID && c.ID != "" || b.Key == c.Key && c.Key != "" || c.ID == "" && c.Key == "") {
		return b
	}
	for i := range r.in.State.Intents {
		if in := &r.in.State.Intents[i]; in.Armed && in.Bind != nil && in.Address == c.Address && in.Kind == c.Kind {
			found := *in.Bind
			found.Place, found.ID, found.Key = c.Place, c.ID, c.Key
			return &found
		}
	}
	return nil
}

// known returns the binding of the change's live object where the plan found out more about it than the state
// says (a move, an object of an earlier run), with what is known of its arguments; nil where the state is right.
func (r *run) known(c *plan.Change) *schema.Bound {
	switch c.Action {
	case plan.Create, plan.Forget, plan.Adopt:
		return nil
	}
	if !c.Record && c.Previous == "" {
		return nil
	}
	b := r.remembered(c)
	if b.Waiting = c.Waiting; c.Undelivered {
		b.Waiting = schema.Undelivered
	}
	if prior := r.prior(c); prior != nil {
		b.Applied, b.Secrets, b.Dependencies = prior.Applied, prior.Secrets, prior.Dependencies
	}
	return &b
}

// sameObject reports whether two bindings are to one live object, whatever connection leads to it. One that was
// made anew under its natural key counts as the same (R2).
func sameObject(a, b *schema.Bound) bool {
	return a.Kind == b.Kind && a.Place == b.Place &&
		(a.ID == b.ID && a.Key == b.Key || a.ID == b.ID && a.ID != "" || a.Key == b.Key && a.Key != "")
}

// rebind records bindings such that no object is without an address in between, wherever the writing is cut: what
// loses its address to another object gets one of its own first, unless it is gone; addresses are given up last. asides are those of
// objects that the plan deletes; they stay.
func (r *run) rebind(binds []*schema.Bound, asides map[schema.Address]*schema.Bound) {
	drops := r.plan.Drops
	for _, b := range binds {
		old := r.in.State.Resources[b.Address]
		if c := r.changes[b.Address]; old == nil || sameObject(old, b) || c != nil && c.FormerGone {
			continue
		}
		aside := *old
		if aside.Address = asideOf(old.Address, old.ID, old.Key); asides[aside.Address] != nil {
			continue
		}
		asides[aside.Address] = &aside
		if slices.ContainsFunc(binds, func(b *schema.Bound) bool { return sameObject(old, b) }) {
			drops = append(slices.Clone(drops), aside.Address)
		}
	}
	for _, a := range slices.Sorted(maps.Keys(asides)) {
		r.add(state.Record{Bind: asides[a]})
	}
	bound := map[schema.Address]bool{}
	for _, b := range binds {
		bound[b.Address] = true
		r.add(state.Record{Bind: b})
	}
	drops = slices.DeleteFunc(slices.Clone(drops), func(a schema.Address) bool { return bound[a] })
	if len(drops) > 0 {
		r.add(state.Record{Drop: drops})
	}
}

// recordable returns what is to be remembered of a change that needs no call. It is false where a value is not
// known yet.
func (r *run) recordable(ctx context.Context, c *plan.Change) (*schema.Bound, bool) {
	b := r.remembered(c)
	if c.Desired == cty.NilVal || c.Desired.IsNull() {
		if prior := r.prior(c); prior != nil {
			b.Applied, b.Secrets = prior.Applied, prior.Secrets
		}
		return &b, true
	}
	desired, diags := r.resolve(ctx, c)
	if diags.HasErrors() {
		return nil, false
	}
	kept := r.keep(c, desired)
	b.Applied, b.Secrets = kept.value, kept.secrets
	return &b, true
}

// remembered returns what the state remembers of the change's live object, its arguments apart.
func (r *run) remembered(c *plan.Change) schema.Bound {
	return schema.Bound{
		Address: c.Address, Kind: c.Kind, Connection: c.Connection, Place: c.Place, ID: c.ID, Key: c.Key,
		Applied:      schema.NullObject(r.in.Catalog.Kind(c.Kind).Attributes),
		Dependencies: c.Depends, Adopted: adopted(c), Lifecycle: c.Lifecycle, Timeouts: c.Timeouts, Undone: c.Undone,
		Secret: c.Secret, Stale: c.Stale,
	}
}

// adopted reports whether what the change leaves is something that Mercator found and may not delete (R31).
func adopted(c *plan.Change) bool {
	switch c.Action {
	case plan.Create, plan.Replace:
		return false
	case plan.Adopt:
		return !slices.ContainsFunc(c.Reasons, func(why plan.Reason) bool { return why.Code == "import" })
	default:
		return c.Adopted
	}
}

// kept is a desired value as the state keeps it.
type kept struct {
	value   cty.Value
	secrets map[string]string
}

// over returns what is kept of some top-level attributes laid over an earlier value: last-applied is recorded per
// call (R26).
func (k kept) over(earlier kept, attributes []string) kept {
	values := earlier.value.AsValueMap()
	secrets := map[string]string{}
	for path, hash := range earlier.secrets {
		if !slices.Contains(attributes, topLevel(path)) {
			secrets[path] = hash
		}
	}
	for _, name := range attributes {
		values[name] = k.value.GetAttr(name)
	}
	for path, hash := range k.secrets {
		if slices.Contains(attributes, topLevel(path)) {
			secrets[path] = hash
		}
	}
	if len(secrets) == 0 {
		secrets = nil
	}
	return kept{cty.ObjectVal(values), secrets}
}

// topLevel returns the top-level attribute of a path as users write it.
func topLevel(path string) string {
	if i := strings.IndexAny(path, ".["); i >= 0 {
		return path[:i]
	}
	return path
}

// keep returns the arguments of a desired value as the state keeps them: what Atlas owns is left out, and a hash
// stands for each secret.
func (r *run) keep(c *plan.Change, desired cty.Value) kept {
	value, secrets := state.Mask(r.in.Catalog.Kind(c.Kind), desired)
	return kept{value, r.in.Hasher.HashAll(c.Address, secrets)}
}
