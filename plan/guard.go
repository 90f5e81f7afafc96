package plan

import (
	"fmt"
	"slices"

	"mercator/schema"
)

// What a lifecycle guards with a copy (snapshot_before): the copy is a call of its own right before the one that could
// lose data, so that the plan shows it and nothing is lost without it. Where none can be made the plan says so.

// guards say in words what a copy is made before.
var guards = map[string]string{schema.BeforeDelete: "before it is deleted", schema.BeforeReplace: "before it is replaced",
	schema.BeforeUpgrade: "before its version changes"}

// guarded puts a copy before the call among those of a step that could lose data, where the lifecycle asks for it.
func (b *builder) guarded(n *node, step string, calls []schema.Call) []schema.Call {
	g := n.kind.Safeguard
	if g == nil || n.live == nil || !slices.Contains(n.change.Lifecycle.SnapshotBefore, step) {
		return calls
	}
	at := slices.IndexFunc(calls, func(c schema.Call) bool {
		if step == schema.BeforeUpgrade {
			return c.Verb == schema.CallUpdate && slices.Contains(c.Attributes, g.Version) && b.upgrades(n)
		}
		return c.Verb == schema.CallDelete
	})
	if at < 0 {
		return calls
	}
	kind := b.copyKind(n, step)
	if kind == nil || step != schema.BeforeUpgrade && !b.copiesStay(n, step) {
		return calls
	}
	return slices.Insert(slices.Clone(calls), at, schema.Call{Verb: schema.CallCopy, Operation: kind.Endpoints.Create.Operation, Kind: kind.Name, Note: guards[step]})
}

// upgrades reports whether the change is one of the version.
func (b *builder) upgrades(n *node) bool {
	return slices.ContainsFunc(n.change.Diffs, func(d Diff) bool { return d.Path == n.kind.Safeguard.Version })
}

// copyKind returns the kind of copy that can be made of the live object, or says why none can.
func (b *builder) copyKind(n *node, step string) *schema.Kind {
	var why *schema.Condition
	nearest := -1
	for _, name := range n.kind.Safeguard.Copies {
		kind := b.in.Catalog.Kind(name)
		failed := n.kind.Fails(n.live.Value, kind.InParent)
		if failed == nil {
			return kind
		}
		if i := slices.IndexFunc(kind.InParent, func(c schema.Condition) bool { return c.Attribute == failed.Attribute }); i > nearest {
			nearest, why = i, failed // the kind of which most holds is the one that is meant
		}
	}
	b.finding(n, n.placeOf(why.Attribute), "snapshot_impossible", fmt.Sprintf("No snapshot of %s can be taken %s", n.address, guards[step]),
		"Its lifecycle asks for one, and Atlas takes one only where %s. %s and apply that first, or take %q out of snapshot_before.", why.Words(), n.mend("Change that"), step)
	return nil
}

// copiesStay reports whether copies outlive the deletion of the object, or says that they do not.
func (b *builder) copiesStay(n *node, step string) bool {
	c, name := n.change, n.kind.Safeguard.Kept
	applied := c.Desired
	if n.bound != nil {
		applied = n.bound.Applied
	}
	v := n.kind.AtDestroy(name, c.Desired, applied, n.live.Value)
	for p := n.parent; p != nil; p = p.parent {
		if p.change.Action == Delete || p.change.Action == Replace {
			b.finding(n, n.placeOf(""), "snapshot_lost", fmt.Sprintf("The snapshot of %s %s would go with %s", n.address, guards[step], p.address),
				"Its lifecycle asks for one, and what a %s holds is lost with it. Let %s stay. Or %s, and apply that first.",
				p.kind.Name, p.address, lower(n.mend(fmt.Sprintf("Take %q out of snapshot_before", step))))
			return false
		}
	}
	if !v.IsNull() && v.IsKnown() && v.True() {
		return true
	}
	b.finding(n, n.placeOf(name), "snapshot_lost", fmt.Sprintf("The snapshot of %s %s would go with it", n.address, guards[step]),
		"Its lifecycle asks for one, and it is to be deleted with %s = false. %s, or take %q out of snapshot_before.", name, n.mend("Set "+name+" = true"), step)
	return false
}

// mend says what is to be done in the node's block, which may have to come back for it.
func (n *node) mend(what string) string {
	if n.desired == nil {
		return "Put the block back, " + lower(what)
	}
	return what
}

func lower(s string) string {
	if s == "" {
		return s
	}
	return string(s[0]|0x20) + s[1:]
}
