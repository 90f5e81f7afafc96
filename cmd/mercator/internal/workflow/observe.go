package workflow

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/provider"
	"mercator/schema"
	"mercator/schema/diag"
)

// askedSingly is how many objects that a list lacks are asked for by themselves; above it the lists are read
// again (R7).
const askedSingly = 20

// maxRounds bounds the depth of the reading: places within places, then parts, then second looks.
const maxRounds = 12

// reading is what one plan has read of Atlas so far.
type reading struct {
	*Session
	live *schema.Live
	// asked is what was looked for again, which is done once for a plan.
	asked map[lookupID]bool
}

func (s *Session) newReading() *reading {
	return &reading{s, schema.NewLive(nil, nil), map[lookupID]bool{}}
}

// observe reads everything that a plan for the input needs: lists first, from the organization inwards, then parts,
// then a second look at what the state remembers and the lists lack. It returns the input paired with all of it.
func (r *reading) observe(ctx context.Context, in plan.Input) (*plan.Pairing, error) {
	survey := plan.NewSurvey(in)
	for range maxRounds {
		pairing := survey.Pair(r.live)
		sweeps, parts := pairing.Wanted()
		if len(sweeps)+len(parts) > 0 {
			if err := r.read(ctx, sweeps, parts); err != nil {
				return nil, err
			}
			continue
		}
		missing := slices.DeleteFunc(pairing.Absent(), func(l plan.Lookup) bool { return r.asked[idOf(l)] })
		if len(missing) == 0 {
			return pairing, nil
		}
		for _, l := range missing {
			r.asked[idOf(l)] = true
		}
		if err := r.lookAgain(ctx, missing); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("reading Atlas came to no end after %d rounds; this is a mistake in Mercator", maxRounds)
}

type lookupID struct {
	connection, kind string
	place            schema.Place
	id, key          string
}

func idOf(l plan.Lookup) lookupID {
	return lookupID{l.Connection, l.Kind.Name, l.Place, l.ID, l.Key}
}

func (r *reading) read(ctx context.Context, sweeps []plan.Sweep, lookups []plan.Lookup) error {
	wants := make([]provider.Want, len(sweeps))
	for i, w := range sweeps {
		wants[i] = provider.Want{Connection: w.Connection, Kind: w.Kind, Place: w.Place}
	}
	parts := make([]provider.WantPart, len(lookups))
	for i, l := range lookups {
		parts[i] = provider.WantPart{Connection: l.Connection, Ref: refOf(l), Part: l.Part}
	}
	live, err := provider.Observe(ctx, r.readers(), wants, parts, 0)
	if err != nil {
		return err
	}
	r.live = r.live.Merge(live)
	return nil
}

func refOf(l plan.Lookup) provider.Ref {
	return provider.Ref{Kind: l.Kind, Place: l.Place, ID: l.ID, Key: l.Kind.KeyParts(l.Key)}
}

func (s *Session) readers() map[string]provider.Reader {
	out := make(map[string]provider.Reader, len(s.providers))
	for name, p := range s.providers {
		out[name] = provider.ReadOnly(p)
	}
	return out
}

// lookAgain makes sure that objects which a list did not show are gone before anything is concluded from it: a
// few are asked for one by one, many by reading their lists once more (R5, R7).
func (r *reading) lookAgain(ctx context.Context, missing []plan.Lookup) error {
	if len(missing) > askedSingly {
		return r.sweepAgain(ctx, missing)
	}
	for _, l := range missing {
		o, found, err := r.seek(ctx, l)
		if err != nil {
			return fmt.Errorf("asking once more for the %s %s, which its list lacks: %w", l.Kind.Name, cmp.Or(l.Key, l.ID), err)
		}
		if !found {
			continue
		}
		if err := rightPlace(l, o); err != nil {
			return err
		}
		objects, _ := r.live.Sweep(l.Connection, l.Kind.Name, l.Place)
		sweep := schema.LiveSweep{Connection: l.Connection, Kind: l.Kind.Name, Place: l.Place, Objects: append(slices.Clone(objects), o)}
		r.live = r.live.Merge(schema.NewLive([]schema.LiveSweep{sweep}, nil))
	}
	return nil
}

// seek asks for one object by its id and, where the kind can, by its name.
func (s *Session) seek(ctx context.Context, l plan.Lookup) (schema.Object, bool, error) {
	reader := s.readers()[l.Connection]
	if reader == nil {
		return schema.Object{}, false, fmt.Errorf("the state uses the connection %q, which the files do not declare", l.Connection)
	}
	refs := []provider.Ref{refOf(l)}
	if l.Kind.Endpoints.Find != nil && l.ID != "" && l.Key != "" {
		refs = append(refs, provider.Ref{Kind: l.Kind, Place: l.Place, Key: l.Kind.KeyParts(l.Key)})
	}
	for _, ref := range refs {
		o, err := reader.Get(ctx, ref)
		if err == nil {
			return o, true, nil
		}
		if !provider.IsNotFound(err) {
			return schema.Object{}, false, err
		}
	}
	return schema.Object{}, false, nil
}

// rightPlace refuses an object that its list lacks because it lives in another organization by now (R5): planning
// on would create it a second time.
func rightPlace(l plan.Lookup, o schema.Object) error {
	for i := range l.Kind.Attributes {
		a := &l.Kind.Attributes[i]
		want := l.Place.Param(a.FromPlace)
		if a.FromPlace == "" || want == "" {
			continue
		}
		if got := o.Value.GetAttr(a.Name); !got.IsNull() && got.AsString() != want {
			return diag.Errorf("moved_away", fmt.Sprintf("The %s %q is in another place now", l.Kind.Name, l.Key),
				"The state knows it with %s %s, and Atlas has it with %s. If it was moved on purpose, declare it with a connection to that organization. To stop managing it:\n\nmercator state rm '%s'",
				a.Name, want, got.AsString(), l.Address).On(string(l.Address))
		}
	}
	return nil
}

func (r *reading) sweepAgain(ctx context.Context, missing []plan.Lookup) error {
	var sweeps []plan.Sweep
	seen := map[plan.Sweep]bool{}
	for _, l := range missing {
		if w := (plan.Sweep{Connection: l.Connection, Kind: l.Kind, Place: l.Place}); !seen[w] {
			seen[w] = true
			sweeps = append(sweeps, w)
		}
	}
	return r.read(ctx, sweeps, nil)
}

// pairs is what the language knows of Atlas while a plan is made.
type pairs map[schema.Address]cty.Value

// Object returns the live value paired with an address.
func (p pairs) Object(a schema.Address) (cty.Value, bool) {
	v, ok := p[a]
	return v, ok
}
