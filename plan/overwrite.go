package plan

import (
	"fmt"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// What a creation overwrites (Kind.Overwrites) is named in the plan, and typed by whoever confirms it. So the name must
// be known by then, and somebody must have that name: a restore that goes elsewhere than somebody read is the worst of
// all.

// makes reports whether the change makes an object.
func (c *Change) makes() bool { return c.Action == Create || c.Action == Replace }

// target returns what the node names as overwritten: its natural key, and the place that it is in. Each is "" where it is
// not known.
func (b *builder) target(n *node) (key string, in schema.Place) {
	o := n.kind.Overwrites
	text := func(name string) string {
		v, _ := n.full.GetAttr(name).Unmark()
		if !v.IsKnown() || v.IsNull() {
			return ""
		}
		return v.AsString()
	}
	kind := b.in.Catalog.Kind(o.Kind)
	if name := text(o.Name); name != "" {
		key = kind.JoinKey(map[string]string{kind.Identity.Key[0]: name})
	}
	if id := text(o.In); id != "" {
		in, _ = b.in.Catalog.Kind(kind.Parent).Inside(b.in.Places[n.connection], id, id)
	}
	return key, in
}

// overwritten returns the declared node that the creation of n overwrites, nil where there is none or n overwrites
// nothing.
func (b *builder) overwritten(n *node) *node {
	if n.kind.Overwrites == nil {
		return nil
	}
	key, in := b.target(n)
	for _, other := range b.nodes {
		if key == "" || other.desired == nil || other.kind.Name != n.kind.Overwrites.Kind || other.key != key || other.connection != n.connection {
			continue
		}
		if in != "" && other.place == in || in == "" && b.refersTo(n, other) {
			return other
		}
	}
	return nil
}

// refersTo reports whether a node's expressions refer to another one or to what that lives in: of what this plan makes
// nothing else says who is meant.
func (b *builder) refersTo(n, other *node) bool {
	return slices.ContainsFunc(n.desired.DependsOn, func(a schema.Address) bool {
		return a.Contains(other.address) && (a == other.address || other.place == "")
	})
}

// checkOverwrites notes what a creation overwrites, and refuses one whose target is not known or not there.
func (b *builder) checkOverwrites(n *node) {
	o := n.kind.Overwrites
	if o == nil || !n.change.makes() {
		return
	}
	key, in := b.target(n)
	if key == "" {
		b.finding(n, n.placeOf(o.Name), "target_unknown", fmt.Sprintf("It is not known what %s overwrites", n.address),
			"%s depends on something that only the apply tells, and nobody could agree to the plan. Write the name of the %s.", o.Name, o.Kind)
		return
	}
	if in == "" || b.overwritten(n) != nil {
		return // made by this plan, or declared
	}
	_, there := b.in.Live.ByKey(n.connection, o.Kind, in, key)
	if _, read := b.in.Live.Sweep(n.connection, o.Kind, in); read && !there {
		b.finding(n, n.placeOf(o.Name), "target_missing", fmt.Sprintf("There is no %s that %s could overwrite", o.Kind, n.address),
			"Nothing there is called %q. Correct %s and %s, or declare the %s.", schema.KeyText(key), o.Name, o.In, o.Kind)
	}
}

// overwriteNote says what a creation overwrites.
func (b *builder) overwriteNote(n *node) string {
	o := n.kind.Overwrites
	if o == nil || !n.change.makes() {
		return ""
	}
	key, _ := b.target(n)
	if n.change.Overwrites = schema.KeyText(key); key == "" {
		return "it overwrites what is not known yet"
	}
	note := fmt.Sprintf("it replaces all data of the %s %q", o.Kind, n.change.Overwrites)
	if target := b.overwritten(n); target != nil {
		return note + ", " + string(target.address)
	}
	if v, _ := n.full.GetAttr(o.In).Unmark(); v.IsKnown() && !v.IsNull() && v.Type() == cty.String {
		note += " in " + v.AsString()
	}
	return note
}
