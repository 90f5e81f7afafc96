package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// Upgrades. An object that no update makes what the files ask for may become it by an upgrade, in place and with all
// that it holds, even where it is of another kind by then. Kinds that share their names make that possible: no two of
// their objects have the same, so a name says which object is meant whatever it is by now. Such objects are paired
// across kinds, and what the state remembers of one is carried over; anything else would delete somebody's data to
// make an empty thing of the same name.

// liveOf returns the object that a state entry speaks of, which may be of another kind by now.
func (b *builder) liveOf(bound *schema.Bound) (schema.Object, bool) {
	kind := b.in.Catalog.Kind(bound.Kind)
	if kind == nil {
		return schema.Object{}, false
	}
	switch {
	case kind.Singleton:
		return b.sole(bound.Connection, kind, bound.Place)
	case kind.Identity.Binds != schema.ByKey:
		return b.in.Live.ByID(bound.Connection, bound.Kind, bound.Place, bound.ID)
	}
	if o, ok := b.in.Live.ByKey(bound.Connection, bound.Kind, bound.Place, bound.Key); ok {
		return o, true
	}
	o, _, ok := b.peer(bound.Connection, kind, bound.Place, bound.Key)
	return o, ok
}

// peer returns the object of another kind that has a name of the kind's namespace.
func (b *builder) peer(connection string, kind *schema.Kind, place schema.Place, key string) (schema.Object, *schema.Kind, bool) {
	for _, p := range b.in.Catalog.Peers(kind) {
		if o, ok := b.in.Live.ByKey(connection, p.Name, place, key); ok {
			return o, p, true
		}
	}
	return schema.Object{}, nil, false
}

// carried returns what the state remembers of an object as an entry of another kind of its namespace, nil where the
// kinds have nothing to do with each other.
func (b *builder) carried(bound *schema.Bound, kind *schema.Kind) *schema.Bound {
	if bound == nil || bound.Kind == kind.Name {
		return bound
	}
	from := b.in.Catalog.Kind(bound.Kind)
	if from == nil || !slices.Contains(b.in.Catalog.Peers(kind), from) {
		return nil
	}
	return Carried(bound, from, kind)
}

// Carried returns an entry of the state as one of another kind.
func Carried(bound *schema.Bound, from, kind *schema.Kind) *schema.Bound {
	out := *bound
	out.Kind, out.Applied, out.Secrets, out.Undone = kind.Name, schema.Carry(from.Attributes, kind.Attributes, bound.Applied), nil, nil
	return &out
}

// byPeer pairs by a name that the kind shares with others: the object becomes one of the kind. One that is being
// deleted makes room for it.
func (b *builder) byPeer(n *node) bool {
	if n.key == "" || n.broken {
		return false
	}
	o, from, ok := b.peer(n.connection, n.kind, n.place, n.key)
	if !ok || deletingAlready(from, o) || b.claims[b.identityOf(n.connection, from, o)] != nil {
		return false
	}
	u := n.kind.UpgradeOf(from, o.Value, n.full)
	if u == nil {
		id := b.identityOf(n.connection, from, o)
		b.claims[id], n.stuck = n, true
		if a := b.boundAt[id]; a != "" {
			n.bound, n.recorded = b.carried(b.bounds[a], n.kind), b.from[a]
		}
		b.cannotBecome(n, from, o)
		return false
	}
	o.Kind, o.Value, o.Parts = n.kind.Name, schema.Carry(from.Attributes, n.kind.Attributes, o.Value), nil
	how := "key"
	if n.bound != nil && n.bound.Place == n.place && n.bound.Key == n.key {
		how = "bound"
	}
	n.origin, n.upgrade = from, u
	return b.claim(n, o, how)
}

func deletingAlready(kind *schema.Kind, o schema.Object) bool {
	return kind.Settle != nil && slices.Contains(kind.Settle.Deleting, settling(kind, o.Value))
}

// settling returns the state in which an object of the kind is, "" where it has none.
func settling(kind *schema.Kind, value cty.Value) string {
	if v, _ := value.GetAttr(kind.Settle.Field).Unmark(); v.IsKnown() && !v.IsNull() {
		return v.AsString()
	}
	return ""
}

// upgrading notes that an object of the node's own kind becomes what is asked for by an upgrade.
func (b *builder) upgrading(n *node) {
	if n.live == nil || n.origin != nil || n.broken || n.renamed || n.rehomed || len(n.kind.Upgrades) == 0 {
		return
	}
	n.upgrade = n.kind.UpgradeOf(n.kind, n.live.Value, Managed(n.kind, n.full, n.desired.Lifecycle.IgnoreChanges))
}

// cannotBecome refuses to make an object of a name that one of another kind has, where that cannot become it.
func (b *builder) cannotBecome(n *node, from *schema.Kind, o schema.Object) {
	var ways []string
	for _, u := range n.kind.Upgrades {
		if u.From == from.Name {
			ways = append(ways, u.Doc)
		}
	}
	way := fmt.Sprintf("Nothing makes a %s of a %s.", n.kind.Name, from.Name)
	if len(ways) > 0 {
		way = "It can do this: " + strings.Join(ways, " ")
	}
	b.finding(n, n.keyPlace(), "cannot_become", fmt.Sprintf("%s is a %s in Atlas", n.address, from.Name),
		"%q is the name of a %s there, no other may have it, and Atlas cannot make of it what the file asks for. %s Write it as a %s, or give this %s another name and move the data.",
		schema.KeyText(o.Key), from.Name, way, from.Name, n.kind.Name)
}

// transformed gives an undeclared node the kind that its object is of by now. One that is on its way to what the
// state has it as is waited for.
func (b *builder) transformed(n *node, o schema.Object) schema.Object {
	if o.Kind == n.kind.Name {
		return o
	}
	from := b.in.Catalog.Kind(o.Kind)
	underway := from.Settle != nil && slices.Contains(from.Settle.Busy, settling(from, o.Value)) && b.upgradeBegun(n)
	if !underway {
		n.bound, n.kind = b.carried(n.bound, from), from
		return o
	}
	n.origin = from
	o.Kind, o.Value, o.Parts = n.kind.Name, schema.Carry(from.Attributes, n.kind.Attributes, o.Value), nil
	return o
}

// upgradeBegun reports whether an earlier apply has asked for the node's upgrade, or may have.
func (b *builder) upgradeBegun(n *node) bool {
	return n.bound != nil && n.bound.Waiting == "upgrade" ||
		slices.ContainsFunc(slices.Concat(b.explains[n.address], b.explains[n.recorded]), func(i schema.Intent) bool { return i.Verb == schema.CallUpgrade })
}

// planUpgrade fills in what an upgrade comes to: it is no replacement whatever differs, and what cannot be had of it
// is refused.
func (b *builder) planUpgrade(n *node) {
	c := n.change
	why := "Atlas upgrades it in place, with all that it holds; there is no way back"
	if n.origin != nil {
		why = fmt.Sprintf("Atlas upgrades it from a %s in place, with all that it holds; there is no way back", n.origin.Name)
	}
	c.Reasons = append(c.Reasons, Reason{Code: "upgrade", Text: why})
	for _, d := range b.afterUpgrade(n) {
		if b.forces(n, &d) {
			b.finding(n, n.placeOf(d.Path), "upgrade_impossible", fmt.Sprintf("%s cannot be upgraded to what the file asks for", n.address),
				"Atlas cannot change %s%s, and an upgrade leaves it as it is. Undo that change, or make a new %s under another name and move the data.",
				d.Path, changeText(&Change{Diffs: []Diff{d}}, d.Path), n.kind.Name)
		}
	}
	if b.asked(n) { // where its parent is replaced, that is refused already
		b.finding(n, n.placeOf(""), "upgrade_impossible", fmt.Sprintf("%s cannot be upgraded and replaced at once", n.address),
			"Its upgrade keeps what it holds, and a replacement would lose that. Apply the one first, then the other.")
	}
}

// afterUpgrade returns what still differs once the object is upgraded.
func (b *builder) afterUpgrade(n *node) []Diff {
	return compare(n.kind, n.value, n.upgrade.Result(n.kind, n.value, n.live.Value))
}

// upgradeCalls are the upgrade and what is left to do after it.
func (b *builder) upgradeCalls(n *node) []schema.Call {
	rest := b.afterUpgrade(n)
	left := topLevels(rest)
	call := schema.Call{Verb: schema.CallUpgrade, Operation: n.upgrade.Call.Operation, Note: "in place, it keeps its data"}
	for _, name := range n.upgrade.Tops(n.kind) {
		if a := n.kind.Attribute(name); isSet(n.value, name) && sent(n.kind, a) && !a.Later && !slices.Contains(left, name) {
			call.Attributes = append(call.Attributes, name)
		}
	}
	calls := append([]schema.Call{call}, b.waits(n)...)
	calls = append(calls, b.changing(n, rest)...)
	return b.steps(n, calls, b.transition(n))
}

// transition is the change as the kind's hooks see it. Of what was of another kind nothing was there before.
func (b *builder) transition(n *node) schema.Transition {
	t := schema.Transition{Before: cty.NullVal(n.kind.Type()), After: n.value, Changed: topLevels(n.change.Diffs), Replace: n.change.Action == Replace}
	if n.live != nil && n.change.Action != Create && n.origin == nil {
		t.Before = n.live.Value
	}
	return t
}

// awaitUpgrade waits for what Atlas is doing to an object that is to be upgraded, which may be the upgrade that an
// earlier run asked for: it is planned again when that is done.
func (b *builder) awaitUpgrade(n *node) {
	c := n.change
	n.postponed = true
	c.After, c.Waiting = c.Before, "update"
	if b.upgradeBegun(n) {
		c.Waiting = "upgrade"
	}
	c.Calls = []schema.Call{{Verb: schema.CallWait, Note: "Atlas is at work on it"}}
	if n.bound == nil {
		b.adopt(n)
		return
	}
	c.Record = n.bound.Waiting != c.Waiting
	if n.recorded != n.address {
		b.stateOnly(n, "move", "", fmt.Sprintf("moved from %s", n.recorded))
	}
}

// holders returns the nodes whose objects have the name that n is created with, of whatever kind they are, and give
// it up in this plan (R6).
func (b *builder) holders(n *node) []*node {
	if n.change.Action != Create || n.key == "" {
		return nil
	}
	var out []*node
	for _, kind := range append(b.in.Catalog.Peers(n.kind), n.kind) {
		if o, ok := b.in.Live.ByKey(n.connection, kind.Name, n.place, n.key); ok {
			if holder := b.claims[b.identityOf(n.connection, kind, o)]; holder != nil {
				out = append(out, holder)
			}
		}
	}
	return out
}
