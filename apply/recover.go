package apply

import (
	"context"
	"slices"
	"strings"

	"mercator/apply/state"
	"mercator/plan"
	"mercator/provider"
	"mercator/schema"
	"mercator/schema/diag"
)

// recover looks into the armed intents of an earlier run of which this plan says nothing: its block is gone from
// the files, or the plan is limited to other addresses. What such a creation made is bound, so that the next plan
// deletes or manages it; what made nothing is forgotten. It returns the intents that stay open.
func (r *run) recover(ctx context.Context) []state.Intent {
	var open []state.Intent
	for _, intent := range r.in.State.Intents {
		c := r.changes[intent.Address]
		bound := r.in.State.Resources[intent.Address] != nil && !slices.Contains(r.plan.Drops, intent.Address)
		switch {
		case !intent.Armed:
		case c != nil && (c.Action != plan.NoOp || c.Record || bound):
			// the plan paired its object, or found that there is none
		case bound:
			open = append(open, intent) // its address is left out of this plan
		case intent.Verb == schema.CallCreate && !r.recovered(ctx, intent):
			open = append(open, intent)
		}
	}
	return open
}

// recovered reports whether it is clear what a creation made.
func (r *run) recovered(ctx context.Context, intent state.Intent) bool {
	kind, prov := r.in.Catalog.Kind(intent.Kind), r.in.Providers[intent.Connection]
	if kind == nil || prov == nil || intent.Bind == nil {
		return false
	}
	found, err := r.made(ctx, kind, prov, intent)
	switch {
	case provider.IsNotFound(err) || err == nil && len(found) == 0:
		return true
	case err != nil || len(found) > 1:
		r.diags.Add(diag.Warningf("intent_open", "It is not clear what an interrupted apply made",
			"It meant to create %s, which this plan says nothing about, and %s. The next run looks again.", intent.Address, why(found, err)).
			On(string(intent.Address)))
		return false
	}
	b := *intent.Bind
	b.Place, b.ID, b.Key = intent.Place, found[0].ID, found[0].Key
	r.add(state.Record{Bind: &b})
	r.replan = append(r.replan, intent.Address)
	return true
}

func why(found []schema.Object, err error) string {
	if err != nil {
		return err.Error()
	}
	var names []string
	for _, o := range found {
		names = append(names, identity(o))
	}
	slices.Sort(names)
	return "any of these could be it: " + strings.Join(names, ", ") + ". Remove in Atlas what nobody needs"
}

// made returns the objects that an armed creation can have made and that belong to nobody else.
func (r *run) made(ctx context.Context, kind *schema.Kind, prov provider.Reader, intent state.Intent) ([]schema.Object, error) {
	sweep, err := prov.List(ctx, kind, intent.Place)
	if err != nil {
		return nil, err
	}
	s := r.siblingsAmong(kind, nil)
	for _, id := range intent.Seen {
		s.seen[id] = true
	}
	if intent.Key == "" {
		return s.same(kind, intent.Content, sweep.Objects, false), nil
	}
	for _, o := range sweep.Objects {
		if o.Key == intent.Key && (o.ID == "" || !s.taken[o.ID]) {
			return []schema.Object{o}, nil
		}
	}
	return nil, nil
}
