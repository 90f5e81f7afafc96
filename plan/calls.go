package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// calls derives the calls of every change from the descriptor: the creation or the update, the parts behind
// endpoints of their own, a wait after each that sets Atlas to work, and the kind's Steps hook last.
func (b *builder) calls() {
	for _, n := range b.nodes {
		c := n.change
		switch c.Action {
		case Create:
			c.Calls = b.creation(n)
		case Replace:
			c.Calls, c.Removal = b.creation(n), b.guarded(n, schema.BeforeReplace, b.deletion(n))
		case Update, Adopt, NoOp:
			switch {
			case n.upgrade != nil && c.Waiting == "":
				c.Calls = b.upgradeCalls(n)
			case len(c.Diffs) > 0:
				c.Calls = b.guarded(n, schema.BeforeUpgrade, b.updating(n))
			}
			if len(n.minting) > 0 { // an update that is refused must not cost anybody the access
				c.Calls = slices.Concat(n.minting, c.Calls)
			}
		case Delete:
			if c.GoesWith == "" {
				c.Removal = b.guarded(n, schema.BeforeDelete, b.deletion(n))
				b.sayReset(n)
			}
		}
	}
}

func (b *builder) creation(n *node) []schema.Call {
	var main []string
	for i := range n.kind.Attributes {
		a := &n.kind.Attributes[i]
		if created(n.kind, a) && isSet(n.value, a.Name) {
			main = append(main, a.Name)
		}
	}
	e, verb := n.kind.Endpoints.Create, schema.CallCreate
	if e == nil {
		e, verb = n.kind.Endpoints.Update, schema.CallUpdate
	}
	calls := []schema.Call{{Verb: verb, Operation: e.Operation, Attributes: main}}
	calls = append(calls, b.waits(n)...)
	if cr := n.kind.Credential; cr != nil { // it gets its name when its secret is delivered
		named := []string{cr.Provisional}
		calls = append(calls, schema.Call{Verb: schema.CallUpdate, Operation: endpointFor(n.kind, named).Operation, Attributes: named})
	}
	calls = append(calls, b.completion(n)...)
	calls = append(calls, b.partCalls(n, b.setParts(n), nil)...)
	return b.steps(n, calls, schema.Transition{Before: cty.NullVal(n.kind.Type()), After: n.value})
}

// completion sends what a creation leaves out. Where the kind has Steps, these say when.
func (b *builder) completion(n *node) []schema.Call {
	var later []string
	for i := range n.kind.Attributes {
		if a := &n.kind.Attributes[i]; sent(n.kind, a) && a.Later && isSet(n.value, a.Name) {
			later = append(later, a.Name)
		}
	}
	if len(later) == 0 || n.kind.Hooks.Steps != nil {
		return nil
	}
	call := schema.Call{Verb: schema.CallUpdate, Operation: endpointFor(n.kind, later).Operation, Attributes: later}
	return append([]schema.Call{call}, b.waits(n)...)
}

// sent reports whether an attribute goes into the body of the kind's own endpoints.
func sent(kind *schema.Kind, a *schema.Attribute) bool {
	return a.Argument() && !a.Virtual && !a.DestroyTime && kind.Part(a.Name) == nil
}

// created reports whether an attribute goes into the body of the kind's creation.
func created(kind *schema.Kind, a *schema.Attribute) bool {
	p := kind.Part(a.Name)
	return sent(kind, a) && !a.Later || p != nil && p.AtCreation
}

func isSet(v cty.Value, name string) bool {
	f, _ := v.GetAttr(name).Unmark()
	return !f.IsKnown() || !f.IsNull()
}

func (b *builder) setParts(n *node) []string {
	var out []string
	for _, p := range n.kind.Parts {
		if !p.AtCreation && isSet(n.value, p.Attribute) {
			out = append(out, p.Attribute)
		}
	}
	return out
}

func (b *builder) waits(n *node) []schema.Call {
	if n.kind.Settle == nil {
		return nil
	}
	return []schema.Call{{Verb: schema.CallWait}}
}

func (b *builder) updating(n *node) []schema.Call {
	return b.steps(n, b.changing(n, n.change.Diffs), b.transition(n))
}

// changing returns the calls that end differences: the update, then the parts.
func (b *builder) changing(n *node, diffs []Diff) []schema.Call {
	var main, parts []string
	for _, name := range topLevels(diffs) {
		switch a := n.kind.Attribute(name); {
		case n.kind.Part(name) != nil:
			parts = append(parts, name)
		case sent(n.kind, a):
			main = append(main, name)
		}
	}
	var calls []schema.Call
	if len(main) > 0 {
		if e := endpointFor(n.kind, main); e != nil {
			calls = append(calls, schema.Call{Verb: schema.CallUpdate, Operation: e.Operation, Attributes: main})
			calls = append(calls, b.waits(n)...)
		}
	}
	return append(calls, b.partCalls(n, parts, diffs)...)
}

// endpointFor returns the endpoint that can change the given attributes: a partial one first.
func endpointFor(kind *schema.Kind, attributes []string) *schema.Endpoint {
	for _, e := range append(slices.Clone(kind.Endpoints.Partial), kind.Endpoints.Update) {
		if e == nil {
			continue
		}
		able := !slices.ContainsFunc(attributes, func(name string) bool {
			return e.Only != nil && !slices.Contains(e.Only, name)
		})
		if able {
			return e
		}
	}
	return kind.Endpoints.Update
}

// partCalls writes parts; of one that is written key by key the changed keys only, or all where diffs is nil.
func (b *builder) partCalls(n *node, parts []string, diffs []Diff) []schema.Call {
	var calls []schema.Call
	for _, name := range parts {
		p := n.kind.Part(name)
		if p.Members != nil && diffs == nil && isEmpty(p.Elements(n.value.GetAttr(name))) {
			continue // a new object has none
		}
		if !p.Each {
			calls = append(calls, schema.Call{Verb: schema.CallPart, Operation: p.Operation(), Attributes: []string{name}})
		} else {
			for _, field := range n.kind.Attribute(name).Nested {
				if b.keyChanged(n, name, field.Name, diffs) {
					calls = append(calls, schema.Call{Verb: schema.CallPart, Operation: p.Operation(), Attributes: []string{name}, Key: field.Name})
				}
			}
		}
		if p.Settles {
			calls = append(calls, b.waits(n)...)
		}
	}
	return calls
}

func isEmpty(v cty.Value) bool {
	v, _ = v.Unmark()
	return v.IsKnown() && !v.IsNull() && v.LengthInt() == 0
}

func (b *builder) keyChanged(n *node, part, key string, diffs []Diff) bool {
	v, _ := n.value.GetAttr(part).Unmark()
	if !v.IsKnown() || v.IsNull() || !isSet(v, key) {
		return false
	}
	return diffs == nil || slices.ContainsFunc(diffs, func(d Diff) bool { return d.Path == part+"."+key })
}

func (b *builder) deletion(n *node) []schema.Call {
	e := n.kind.Endpoints.Delete
	if e == nil {
		return nil
	}
	if b.state(n, func(s *schema.Settle) []string { return s.Deleting }) {
		return []schema.Call{{Verb: schema.CallWait, Note: "Atlas is deleting it already"}}
	}
	calls := append(b.lastRevocations(n), schema.Call{Verb: schema.CallDelete, Operation: e.Operation, Note: b.atDestroy(n, e)})
	return append(calls, b.waits(n)...)
}

// sayReset says what is left of a singleton that is removed.
func (b *builder) sayReset(n *node) {
	if n.kind.Reset != "" {
		n.change.Reasons = append(n.change.Reasons, Reason{Code: "reset", Text: n.kind.Reset})
	}
}

// atDestroy says what a deletion is asked to do with what outlives the object (R18): "retain_backups = true".
func (b *builder) atDestroy(n *node, e *schema.Endpoint) string {
	applied := cty.NilVal
	if n.bound != nil {
		applied = n.bound.Applied
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Values(e.Query)) {
		if v := n.kind.AtDestroy(name, n.change.Desired, applied, n.live.Value); !v.IsNull() {
			parts = append(parts, name+" = "+brief(v))
		}
	}
	return strings.Join(parts, ", ")
}

func (b *builder) steps(n *node, calls []schema.Call, t schema.Transition) []schema.Call {
	if n.kind.Hooks.Steps == nil {
		return calls
	}
	t.Replace = n.change.Action == Replace
	return n.kind.Hooks.Steps(t, calls)
}
