package plan

import (
	"fmt"

	"mercator/schema"
)

// checkLast refuses a plan after which nothing in a place is left of what one must stay: the last owner of an
// organization. What is not ours counts as well, as far as its list was read.
func (b *builder) checkLast() {
	type where struct {
		kind, connection string
		place            schema.Place
	}
	loses, changed := map[where][]*node{}, map[identity]bool{}
	left := map[where]bool{}
	for _, n := range b.nodes {
		if n.kind.Last == nil || n.live == nil {
			continue
		}
		at := where{n.kind.Name, n.connection, n.live.Place}
		changed[b.identityOf(n.connection, n.kind, *n.live)] = true
		switch before, after := n.kind.Keeps(n.live.Value), !n.removed() && n.kind.Keeps(n.change.After); {
		case after:
			left[at] = true
		case before:
			loses[at] = append(loses[at], n)
		}
	}
	for at, nodes := range loses {
		objects, _ := b.in.Live.Sweep(at.connection, at.kind, at.place)
		for _, o := range objects {
			kind := nodes[0].kind
			left[at] = left[at] || !changed[b.identityOf(at.connection, kind, o)] && kind.Keeps(o.Value)
		}
		if left[at] {
			continue
		}
		for _, n := range nodes {
			l := n.kind.Last
			b.finding(n, n.placeOf(l.Attribute), "last_of_its_kind", fmt.Sprintf("%s is the last %s, which would be gone", n.address, l.Value),
				"Nobody else of whom %s has %s in %s, and one must. Give it to somebody else first, and apply that before this.", l.Among.Words(), l.Value, l.Attribute)
		}
	}
}
