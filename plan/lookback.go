package plan

import (
	"fmt"

	"mercator/schema"
	"mercator/schema/diag"
)

// What becomes of the objects that the state remembers where another address claimed them, or none did.

// lookBack settles what became of the state's object where the node was paired with another one or with none.
func (b *builder) lookBack(n *node) {
	if n.bound == nil {
		b.inherit(n)
		return
	}
	old, there := b.liveOf(n.bound)
	switch {
	case n.live != nil && b.sameObject(n.kind, n.bound, *n.live) && n.bound.Place == n.live.Place:
		return
	case !there:
		n.gone, n.formerGone = true, true
	case n.live == nil && n.kind.Around(n.bound.Place) == n.kind.Around(n.place) && b.claims[b.identityOf(n.connection, n.kind, old)] == nil:
		if b.claim(n, old, "bound") {
			n.renamed = true
		}
	case n.live == nil && n.bound.Connection != n.connection && n.bound.Place != n.place:
		b.changedConnection(n)
	case n.live == nil && n.bound.Place != n.place:
		if b.claim(n, old, "bound") {
			n.rehomed = true
		}
	case n.live != nil && b.claims[b.identityOf(n.connection, n.kind, old)] == nil && b.declaredFor(old, n) == nil && !b.boundElsewhere(n, *n.live):
		b.finding(n, n.keyPlace(), "rename_target_exists", fmt.Sprintf("%s was %q, and %q exists already", n.address, schema.KeyText(n.bound.Key), schema.KeyText(n.live.Key)),
			"Atlas cannot rename the one, and Mercator will not delete it for a name that another object has. Keep the name %q here and declare the other in a block of its own, or forget this one:\n\nmercator state rm %s",
			schema.KeyText(n.bound.Key), quoteShell(n.recorded))
	}
	b.inherit(n)
}

// changedConnection refuses to take an object to another organization: the one that it would be deleted from and
// the one that it would be made in have different credentials. It is told of the outermost object only.
func (b *builder) changedConnection(n *node) {
	if p := n.parent; p != nil && p.bound != nil && p.bound.Connection != p.connection {
		return
	}
	name := func(connection string) string {
		if connection == "" {
			return "the default connection"
		}
		return fmt.Sprintf("the connection %q", connection)
	}
	b.finding(n, n.placeOf("atlas"), "connection_changed", fmt.Sprintf("%s would move to another organization", n.address),
		"The state has it with %s, the file with %s. Give it back its connection. To have another one there, declare that in a block of its own; to stop managing this one, forget it:\n\nmercator state rm %s",
		name(n.bound.Connection), name(n.connection), quoteShell(n.recorded))
}

// declaredFor returns another declared node whose natural key is the old object's.
func (b *builder) declaredFor(old schema.Object, but *node) *node {
	for _, n := range b.nodes {
		if n != but && n.kind == but.kind && n.connection == but.connection && n.place == old.Place && n.key == old.Key {
			return n
		}
	}
	return nil
}

// inherit takes over what the state remembers of the found object under another address: a move (R1).
func (b *builder) inherit(n *node) {
	if n.live == nil || n.renamed || n.rehomed || n.how == "bound" && n.bound != nil {
		return
	}
	a := b.boundAt[b.identityOf(n.connection, n.kind, *n.live)]
	if a == "" {
		n.former, n.bound = n.bound, nil
		return
	}
	if a == n.address {
		n.how = "bound"
	} else {
		n.how = "move"
		n.former = n.bound
	}
	n.bound, n.recorded, n.gone = b.carried(b.bounds[a], n.kind), b.from[a], false
}

// orphans makes nodes of the state's entries that no declared node took over.
func (b *builder) orphans() {
	taken := map[schema.Address]bool{}
	for _, n := range b.nodes {
		if n.bound != nil {
			taken[n.recorded] = true
		}
	}
	var found []*node
	for _, a := range b.remembered {
		bound := b.bounds[a]
		if taken[b.from[a]] {
			continue
		}
		if n := b.byAddr[a]; n != nil && n.bound == nil && n.gone {
			continue // its object is gone and the address has another one, or none yet
		}
		kind := b.in.Catalog.Kind(bound.Kind)
		if kind == nil {
			b.diags.Add(diag.Internalf(fmt.Sprintf("The state holds a kind %q that this version does not know", bound.Kind), "It was read with another catalogue.").On(string(a)))
			continue
		}
		n := &node{address: a, kind: kind, bound: bound, recorded: b.from[a], connection: bound.Connection, place: bound.Place, key: bound.Key}
		if o, ok := b.liveOf(bound); ok {
			o = b.transformed(n, o)
			if !b.claim(n, o, "bound") {
				n.gone = true // another address has the object; this entry is only a leftover
			}
		} else {
			n.gone = true
		}
		found = append(found, n)
	}
	b.nodes = append(b.nodes, found...)
	for _, n := range found {
		if b.byAddr[n.address] == nil {
			b.byAddr[n.address] = n
		}
	}
	for _, n := range found {
		for p := n.address.Parent(); p != "" && n.parent == nil; p = p.Parent() {
			n.parent = b.byAddr[p]
		}
		if n.parent == nil {
			n.parent = b.ownerOf(n.kind, n.connection, n.place)
		}
	}
}

// ownerOf finds the node whose object is the parent of those of a kind in a place, nil where it is not ours.
func (b *builder) ownerOf(kind *schema.Kind, connection string, place schema.Place) *node {
	if kind.Parent == "" {
		return nil
	}
	o := b.inside[insideKey{connection, kind.Parent, kind.Around(place)}]
	if o == nil {
		return nil
	}
	return b.claims[b.identityOf(connection, b.in.Catalog.Kind(kind.Parent), *o)]
}
