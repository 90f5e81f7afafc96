package workflow

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"mercator/apply/state"
	"mercator/plan"
	"mercator/provider"
	"mercator/schema"
	"mercator/schema/config"
	"mercator/schema/diag"
)

// resolver computes resources again with what Atlas answered meanwhile (R25). Lookups that could not be read for the
// plan are read when the first resource needs one, which waits for everything that they depend on.
type resolver struct {
	session    *Session
	evaluation *config.Evaluation
	live       pairs
	// told are the findings of the plan.
	told diag.List
	// late are the lookups that are still to be read, and reads the lookups that an address refers to.
	late  map[schema.Address]bool
	reads map[schema.Address][]schema.Address
}

func newResolver(s *Session, made *planned, told diag.List) *resolver {
	r := &resolver{session: s, evaluation: made.evaluation, live: made.live, told: told, late: maps.Clone(made.late)}
	if len(r.late) == 0 {
		return r
	}
	r.reads = map[schema.Address][]schema.Address{}
	for i := range made.evaluation.Desired.Resources {
		res := &made.evaluation.Desired.Resources[i]
		r.reads[res.Address] = res.Reads
	}
	for i := range made.evaluation.Desired.Lookups {
		l := &made.evaluation.Desired.Lookups[i]
		r.reads[l.Address] = append(slices.Clone(l.Reads), l.Parent.Lookup)
	}
	return r
}

// Resolve implements apply.Resolver.
func (r *resolver) Resolve(ctx context.Context, a schema.Address) (schema.Resource, diag.List) {
	missing, diags := r.readFor(ctx, a)
	if missing != "" {
		diags.Add(diag.Internalf(fmt.Sprintf("%s cannot be looked up", missing), "What it depends on is not there.").On(string(missing)))
	}
	if diags.HasErrors() {
		return schema.Resource{}, diags
	}
	res, diags := r.evaluation.Resolve(a, r.live)
	if kind := r.session.Catalog.Kind(res.Kind); kind != nil && !diags.HasErrors() {
		v, more := kind.Normalize(res.Value)
		diags.Add(more...)
		if !more.HasErrors() {
			res.Value = v
		}
	}
	return res, diags
}

// Learn implements apply.Resolver.
func (r *resolver) Learn(a schema.Address, o schema.Object) {
	if r.live == nil {
		r.live = pairs{}
	}
	r.live[a] = o.Value
}

// readFor reads the late lookups that an address refers to, after those that these refer to. missing is one that cannot
// be read yet, because what it depends on was not made.
func (r *resolver) readFor(ctx context.Context, a schema.Address) (missing schema.Address, diags diag.List) {
	for _, lookup := range r.reads[a] {
		if missing, diags = r.read(ctx, lookup); missing != "" || diags.HasErrors() {
			return missing, diags
		}
	}
	return "", nil
}

func (r *resolver) read(ctx context.Context, lookup schema.Address) (missing schema.Address, diags diag.List) {
	if !r.late[lookup] {
		return "", nil
	}
	if missing, diags = r.readFor(ctx, lookup); missing != "" || diags.HasErrors() {
		return missing, diags
	}
	found, diags := r.look(ctx, lookup)
	if !found && !diags.HasErrors() {
		missing = lookup
	}
	return missing, diags
}

// look reads one late lookup with what is known now. found is false where that is not enough.
func (r *resolver) look(ctx context.Context, a schema.Address) (found bool, diags diag.List) {
	l, diags := r.evaluation.Lookup(a, r.live)
	if diags.HasErrors() || l.Open != "" || l.Parent.Unknown {
		return false, diags
	}
	in := plan.Input{Catalog: r.session.Catalog, Now: r.session.Now, Places: r.session.places, Connections: r.session.connections}
	for parent := l.Parent.Address; parent != ""; {
		res, diags := r.evaluation.Resolve(parent, r.live)
		if diags.HasErrors() {
			return false, diags
		}
		res.Value, res.Exclusive = r.named(res), nil
		in.Desired.Resources = append(in.Desired.Resources, res)
		parent = res.Parent.Address
	}
	for parent := l.Parent.Lookup; parent != ""; { // which tells where it is
		p, diags := r.evaluation.Lookup(parent, r.live)
		if diags.HasErrors() {
			return false, diags
		}
		in.Desired.Lookups = append(in.Desired.Lookups, p)
		parent = p.Parent.Lookup
	}
	in.Desired.Lookups = append(in.Desired.Lookups, l)
	pairing, err := r.session.newReading().observe(ctx, in)
	if err != nil {
		return false, diag.List{provider.Diagnostic(fmt.Errorf("reading %s: %w", a, err)).On(string(a)).At(l.Range)}
	}
	lookups := pairing.Lookups()
	if v, ok := lookups.Found[a]; ok {
		r.live[a] = v
		delete(r.late, a)
		return true, nil
	}
	return false, lookups.Missing
}

// named returns the value of a resource reduced to what it is found by.
func (r *resolver) named(res schema.Resource) cty.Value {
	kind := r.session.Catalog.Kind(res.Kind)
	values := schema.NullObject(kind.Attributes).AsValueMap()
	for _, name := range kind.Identity.Key {
		values[name] = res.Value.GetAttr(name)
	}
	return cty.ObjectVal(values)
}

// outputs evaluates the outputs with everything that is known now, and what the files say about how it should be:
// postconditions and checks.
func (r *resolver) outputs(ctx context.Context) (map[string]state.Output, diag.List) {
	var found diag.List
	for _, lookup := range slices.Sorted(maps.Keys(r.late)) {
		if ctx.Err() == nil {
			_, diags := r.read(ctx, lookup) // what keeps one from being read failed, and has been told
			found.Add(diags...)
		}
	}
	evaluation, diags := r.session.Config.Evaluate(r.live)
	failed, _ := evaluation.Checks()
	diags = slices.DeleteFunc(diags, func(d diag.Diagnostic) bool { return d.Code != config.PostconditionFailed })
	found = append(found, slices.DeleteFunc(append(diags, failed...), func(d diag.Diagnostic) bool { return slices.Contains(r.told, d) })...)
	out := map[string]state.Output{}
	for _, o := range evaluation.Desired.Outputs {
		out[o.Name] = state.Output{Value: o.Value, Sensitive: o.Sensitive || o.Value.ContainsMarked()}
		if out[o.Name].Sensitive {
			out[o.Name] = state.Output{Sensitive: true}
		}
	}
	return out, found
}
