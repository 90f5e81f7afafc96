package apply_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/apply"
	"mercator/apply/state"
	"mercator/plan"
	"mercator/provider"
	"mercator/schema"
	"mercator/schema/diag"
)

// house is a configuration over a world and its state: what a command does around apply, in small.
type house struct {
	t     *testing.T
	world *world
	// atlas is what is planned and applied against: the world, or a client of the sandbox.
	atlas   provider.Provider
	place   schema.Place
	state   *state.State
	desired []schema.Resource
	// refs are values that only Atlas can tell: by address, the attribute and the address whose id it takes.
	refs map[schema.Address][2]string

	verifier state.Verifier
	hasher   state.Hasher
	ids      int
	events   []apply.Event
	options  plan.Options
	// set up before an apply
	eager       bool
	tearAt      int
	parallelism int
	guard       *guard
	journal     *journal
	vault       *vault
}

func newHouse(t *testing.T) *house {
	w := newWorld(toyCatalog(t))
	return &house{t: t, world: w, atlas: w, place: "orgId=o1", state: state.New(), refs: map[schema.Address][2]string{}, parallelism: 4,
		vault: &vault{world: w, files: map[string]apply.Delivery{}}}
}

// put declares a resource in place of an earlier one of its address. Values are given as JSON would be; a text
// that begins with "secret:" is marked.
func (h *house) put(address schema.Address, values map[string]any) {
	h.t.Helper()
	h.drop(address)
	kind := h.world.catalog.Kind(address.Kind())
	text, err := json.Marshal(values)
	if err != nil {
		h.t.Fatal(err)
	}
	var plain map[string]any
	if err := json.Unmarshal(text, &plain); err != nil {
		h.t.Fatal(err)
	}
	v, unknown := schema.Decode(kind.Attributes, plain, schema.ByName)
	if len(unknown) > 0 {
		h.t.Fatalf("%s: %v", address, unknown)
	}
	v, err = cty.Transform(v, func(_ cty.Path, v cty.Value) (cty.Value, error) {
		if v.Type() == cty.String && !v.IsNull() && strings.HasPrefix(v.AsString(), "secret:") {
			return v.Mark(schema.Sensitive), nil
		}
		return v, nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.desired = append(h.desired, schema.Resource{Address: address, Kind: kind.Name, Value: v, Parent: schema.ParentRef{Address: address.Parent()}})
}

// protect has copies made before steps of a resource that is declared.
func (h *house) protect(address schema.Address, steps ...string) {
	for i := range h.desired {
		if h.desired[i].Address == address {
			h.desired[i].Lifecycle.SnapshotBefore = steps
		}
	}
}

func (h *house) drop(address schema.Address) {
	h.desired = slices.DeleteFunc(h.desired, func(r schema.Resource) bool { return r.Address == address })
}

// refer makes an attribute of a resource the id of another one.
func (h *house) refer(address schema.Address, attribute string, to schema.Address) {
	h.refs[address] = [2]string{attribute, string(to)}
}

func (h *house) input(live *schema.Live) plan.Input {
	in := plan.Input{Catalog: h.world.catalog, Now: h.world.clock.Now(), Live: live, Options: h.options,
		Places: map[string]schema.Place{"": h.place}, Connections: map[string]plan.Connection{"": {OrgID: "o"}}, Facts: plan.Facts{SecretMatches: h.verifier.Matches, SecretFiles: h.vault.ours()},
		Prior: plan.Prior{Lineage: h.state.Lineage, Resources: h.state.Resources, Intents: h.state.Intents}}
	known := plan.NewSurvey(withDesired(in, h.desired)).Pair(live).Values()
	for _, r := range h.desired {
		if ref, ok := h.refs[r.Address]; ok {
			values := r.Value.AsValueMap()
			values[ref[0]] = cty.UnknownVal(cty.String)
			if v, ok := known[schema.Address(ref[1])]; ok {
				values[ref[0]] = v.GetAttr("id")
			}
			r.Value = cty.ObjectVal(values)
			r.DependsOn = []schema.Address{schema.Address(ref[1])}
		}
		in.Desired.Resources = append(in.Desired.Resources, r)
	}
	return in
}

func withDesired(in plan.Input, resources []schema.Resource) plan.Input {
	in.Desired.Resources = resources
	return in
}

// plan reads what a plan needs and makes it.
func (h *house) plan() *plan.Plan {
	h.t.Helper()
	live := schema.NewLive(nil, nil)
	for range 10 {
		sweeps, lookups := plan.NewSurvey(h.input(live)).Pair(live).Wanted()
		if len(sweeps)+len(lookups) == 0 {
			break
		}
		var read []schema.LiveSweep
		var parts []schema.LivePart
		for _, s := range sweeps {
			got, err := h.atlas.List(context.Background(), s.Kind, s.Place)
			if err != nil {
				h.t.Fatal(err)
			}
			read = append(read, schema.LiveSweep{Kind: s.Kind.Name, Place: s.Place, Objects: got.Objects})
		}
		for _, l := range lookups {
			v, err := h.atlas.Part(context.Background(), provider.Ref{Kind: l.Kind, Place: l.Place, ID: l.ID, Key: l.Kind.KeyParts(l.Key)}, l.Part)
			if err != nil {
				h.t.Fatal(err)
			}
			parts = append(parts, schema.LivePart{Kind: l.Kind.Name, Place: l.Place, ID: l.ID, Key: l.Key, Attribute: l.Part.Attribute, Value: v})
		}
		live = live.Merge(schema.NewLive(read, parts))
	}
	p := plan.Build(h.input(live))
	if p.Diagnostics.HasErrors() {
		h.t.Fatalf("the plan has errors: %v", p.Diagnostics.Err())
	}
	return p
}

// resolver is what the language does for apply: the declared values, references filled in as they become known.
type resolver struct {
	h       *house
	mu      sync.Mutex
	learned map[schema.Address]schema.Object
}

func (r *resolver) Resolve(_ context.Context, address schema.Address) (schema.Resource, diag.List) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, res := range r.h.desired {
		if res.Address != address {
			continue
		}
		if ref, ok := r.h.refs[address]; ok {
			values := res.Value.AsValueMap()
			values[ref[0]] = cty.UnknownVal(cty.String)
			if o, ok := r.learned[schema.Address(ref[1])]; ok {
				values[ref[0]] = o.Value.GetAttr("id")
			}
			res.Value = cty.ObjectVal(values)
		}
		v, diags := r.h.world.catalog.Kind(res.Kind).Normalize(res.Value)
		res.Value = v
		return res, diags
	}
	return schema.Resource{}, diag.List{diag.Errorf("undeclared", "Nothing is declared there", "It is %s.", address)}
}

func (r *resolver) Learn(address schema.Address, o schema.Object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.learned[address] = o
}

// apply carries a plan out and reads the state back as the next run would.
func (h *house) apply(ctx context.Context, p *plan.Plan) apply.Result {
	h.t.Helper()
	h.events = nil
	h.journal = &journal{world: h.world, base: h.state, eager: h.eager, tearAt: h.tearAt}
	if h.guard == nil {
		h.guard = &guard{}
	}
	resolver := &resolver{h: h, learned: map[schema.Address]schema.Object{}}
	for i := range p.Changes {
		if c := &p.Changes[i]; !c.Before.IsNull() && c.Action != plan.Replace {
			resolver.learned[c.Address] = schema.Object{Value: c.Before}
		}
	}
	result := apply.Run(ctx, apply.Input{
		Plan: p, Catalog: h.world.catalog, Providers: map[string]provider.Provider{"": h.atlas}, State: h.state,
		Recorder: h.journal, Guard: h.guard, Resolver: resolver,
		Deliverer: h.vault, Clock: h.world.clock, Hasher: &h.hasher, Parallelism: h.parallelism,
		NewID:  func() string { h.ids++; return fmt.Sprintf("intent-%d", h.ids) },
		Events: func(e apply.Event) { h.events = append(h.events, e) },
	})
	next, err := h.journal.state()
	if err != nil {
		h.t.Fatal(err)
	}
	h.state = next
	h.noViolations()
	return result
}

func (h *house) noViolations() {
	h.t.Helper()
	for _, text := range h.world.broken {
		h.t.Error(text)
	}
}

// run plans and applies and wants everything done.
func (h *house) run() apply.Result {
	h.t.Helper()
	r := h.apply(context.Background(), h.plan())
	if !r.OK() {
		h.t.Fatalf("not everything was done: %s", resultText(r))
	}
	return r
}

// converge plans and applies until nothing is left to do.
func (h *house) converge() {
	h.t.Helper()
	for range 5 {
		p := h.plan()
		if !apply.Needed(p, h.state) {
			return
		}
		r := h.apply(context.Background(), p)
		if !r.OK() {
			h.t.Fatalf("not everything was done: %s\nplan: %s", resultText(r), planText(p))
		}
	}
	p := h.plan()
	if apply.Needed(p, h.state) {
		h.t.Fatalf("it does not come to rest: %s", planText(p))
	}
}

func planText(p *plan.Plan) string {
	var b strings.Builder
	for i := range p.Changes {
		c := &p.Changes[i]
		fmt.Fprintf(&b, "%s %s id=%s key=%s record=%t waiting=%s calls=%d removal=%d diffs=%v reasons=%v\n", c.Address, c.Action, c.ID, c.Key, c.Record, c.Waiting, len(c.Calls), len(c.Removal), c.Diffs, c.Reasons)
	}
	for _, s := range p.StateOnly {
		fmt.Fprintf(&b, "state only: %s %s %s\n", s.Address, s.Kind, s.Text)
	}
	return b.String()
}

func resultText(r apply.Result) string {
	var b strings.Builder
	for _, o := range r.Outcomes {
		fmt.Fprintf(&b, "%s %s %s because=%q", o.Address, o.Action, o.Status, o.Because)
		for _, d := range o.Diagnostics {
			fmt.Fprintf(&b, " [%s] %v", d.Code, d)
		}
		b.WriteByte('\n')
	}
	for _, d := range r.Diagnostics {
		fmt.Fprintf(&b, "[%s] %v\n", d.Code, d)
	}
	return b.String()
}

// check compares Atlas with what is declared, and the state with Atlas: no duplicate, no orphan, no lost id.
func (h *house) check() {
	h.t.Helper()
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	owned := map[string]schema.Address{}
	for a, b := range h.state.Resources {
		if b.Adopted && b.Kind != "alarm" {
			h.t.Errorf("%s was made by us and counts as adopted", a)
		}
		if b.Waiting != "" {
			h.t.Errorf("%s still waits for %s", a, b.Waiting)
		}
		it := h.world.find(provider.Ref{Kind: h.world.catalog.Kind(b.Kind), Place: b.Place, ID: b.ID, Key: h.world.catalog.Kind(b.Kind).KeyParts(b.Key)})
		if it == nil {
			h.t.Errorf("the state has %s (id %s, key %s), which is not in Atlas", a, b.ID, b.Key)
			continue
		}
		if other := owned[it.id]; other != "" {
			h.t.Errorf("%s and %s are one object", a, other)
		}
		owned[it.id] = a
	}
	for id, it := range h.world.objects {
		if owned[id] == "" && it.kind.Name != "alarm" && it.kind.Name != "rules" && it.kind.Name != "play" && !guarding(it) {
			h.t.Errorf("%s %s is in Atlas and not in the state", it.kind.Name, id)
		}
	}
	alike := map[string]int{} // none is there twice, not even of what stays when it is no longer declared
	for _, it := range h.world.objects {
		if what := map[string]string{"alarm": "event", "play": "tune"}[it.kind.Name]; what != "" {
			alike[it.kind.Name+" "+text(it.values[what])+" in "+string(it.place)]++
		}
		if guarding(it) {
			what, _, _ := strings.Cut(text(it.values["text"]), " (intent-")
			alike["copies of "+what]++
		}
	}
	for what, n := range alike {
		if n > 1 {
			h.t.Errorf("%d times %s", n, what)
		}
	}
	want := map[schema.Address]bool{}
	for _, r := range h.desired {
		want[r.Address] = true
		if h.state.Resources[r.Address] == nil {
			h.t.Errorf("%s is declared and not in the state", r.Address)
		}
	}
	for a := range h.state.Resources {
		if !want[a] {
			h.t.Errorf("the state has %s, which is not declared", a)
		}
	}
	if n := len(h.state.Intents); n > 0 {
		h.t.Errorf("%d intents are open: %+v", n, h.state.Intents)
	}
}

// guarding reports whether an object is a copy that was made before a step.
func guarding(it *item) bool {
	return it.kind.Name == "copy" && strings.Contains(text(it.values["text"]), " (intent-")
}

// outcome returns what became of an address.
func outcome(r apply.Result, a schema.Address) apply.Outcome {
	for _, o := range r.Outcomes {
		if o.Address == a {
			return o
		}
	}
	return apply.Outcome{}
}

// live returns the values of the toy with the key, nil where there is none.
func (h *house) live(kind, key string) map[string]cty.Value {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	for _, it := range h.world.objects {
		if it.kind.Name == kind && (h.world.key(it) == key || kind == "alarm" && text(it.values["event"]) == key) {
			return maps.Clone(it.values)
		}
	}
	return nil
}

func codes(o apply.Outcome) []string {
	var out []string
	for _, d := range o.Diagnostics {
		out = append(out, d.Code)
	}
	return out
}

var _ state.Clock = (*clock)(nil)

const minute = time.Minute
