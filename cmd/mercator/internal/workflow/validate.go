package workflow

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"golang.org/x/sync/errgroup"

	"mercator/plan"
	"mercator/provider"
	"mercator/schema"
	"mercator/schema/diag"
)

// validating is how many questions about writes are asked at a time.
const validating = 8

// Validate asks Atlas about each write of a plan of whose kind it can say beforehand what it would refuse it for. What it
// refuses, and where it cannot be asked, are findings of the plan.
func (s *Session) Validate(ctx context.Context, p *plan.Plan) diag.List {
	found := make([]diag.List, len(p.Changes))
	var open []schema.Address
	var group errgroup.Group
	group.SetLimit(validating)
	for i := range p.Changes {
		c := &p.Changes[i]
		w, there, ask := question(s.Catalog.Kind(c.Kind), c)
		switch {
		case ask == askable:
			group.Go(func() error {
				found[i] = s.validate(ctx, c, w, there)
				return nil
			})
		case ask == tooEarly:
			open = append(open, c.Address)
		}
	}
	_ = group.Wait() // what fails is among what is found
	out := slices.Concat(found...)
	if len(open) > 0 {
		out.Add(diag.Warningf("not_validated", "Atlas could not be asked about all changes",
			"Some depend on what is only known when they are applied, follow on another change of the same object, or are in a project that is made then:\n\n- %s",
			strings.Join(texts(open), "\n- ")))
	}
	return out
}

func texts(addresses []schema.Address) []string {
	var out []string
	for _, a := range addresses {
		out = append(out, string(a))
	}
	return out
}

// asking says whether Atlas can be asked about a change.
type asking int

const (
	nothing  asking = iota // there is nothing to ask
	askable                // it can
	tooEarly               // not yet: something is only known, or only so, when it is due
)

// question returns what a change sends first, as far as it is sent at once; there says that its object exists. What
// follows on an earlier write of the same object cannot be asked about as the object is now.
func question(kind *schema.Kind, c *plan.Change) (w provider.Write, there bool, ask asking) {
	if kind.Validate == nil {
		return w, false, nothing
	}
	first := true
	for _, call := range c.Calls {
		switch call.Verb {
		case schema.CallCreate, schema.CallUpdate:
		case schema.CallUpgrade: // which is no such write, and what comes after it is done to something else
			return w, false, tooEarly
		default:
			continue
		}
		there = call.Verb == schema.CallUpdate && c.Before != cty.NilVal && !c.Before.IsNull()
		body := c.Desired
		if there {
			body = plan.Overlay(kind, c.Desired, c.Before)
		}
		var names []string
		known := c.Place != "" && !body.IsNull()
		for _, name := range call.Attributes {
			if !kind.Attribute(name).Later { // which is sent by itself
				v, _ := body.GetAttr(name).UnmarkDeep()
				names, known = append(names, name), known && v.IsWhollyKnown()
			}
		}
		switch {
		case len(names) == 0:
			first = false
		case !first || !known:
			return w, there, tooEarly
		default:
			w = provider.Write{Ref: provider.Ref{Kind: kind, Place: c.Place, ID: c.ID, Key: kind.KeyParts(c.Key)},
				Bodies: []cty.Value{body}, Attributes: names}
			return w, there, askable
		}
	}
	return w, there, nothing
}

// validate asks about one write.
func (s *Session) validate(ctx context.Context, c *plan.Change, w provider.Write, there bool) diag.List {
	validator, ok := s.providers[c.Connection].(provider.Validator)
	if !ok {
		return nil
	}
	objections, err := validator.Validate(ctx, w, there)
	var list diag.List
	if err != nil {
		list.Add(Finding(err))
	}
	for _, o := range objections {
		list.Add(diag.Errorf("atlas_would_refuse", fmt.Sprintf("Atlas would refuse this %s", c.Kind), "%s", strings.TrimPrefix(o.Code+": "+o.Text, ": ")))
	}
	for i := range list {
		list[i] = list[i].On(string(c.Address)).At(c.Range)
	}
	return list
}
