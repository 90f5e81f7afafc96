package plan

import (
	"cmp"
	"slices"

	"mercator/schema"
)

// Sweep is one list that a plan needs.
type Sweep struct {
	Connection string
	Kind       *schema.Kind
	Place      schema.Place
}

// Lookup is one object, or one Part of it, that a plan needs to be read by itself.
type Lookup struct {
	Connection string
	Kind       *schema.Kind
	Place      schema.Place
	ID, Key    string
	// Part is nil for the object itself.
	Part *schema.Part
	// Address is the one whose object it is.
	Address schema.Address
}

// Wanted returns what a plan still needs to be read: first the lists at the top, then those in the places that were
// found, then the parts of the objects in them (R8). What it returns is read and paired until it returns nothing.
func (p *Pairing) Wanted() ([]Sweep, []Lookup) {
	b := p.b
	w := wants{b: b, sweeps: map[identity]Sweep{}, parts: map[partID]Lookup{}}
	for _, n := range b.nodes {
		w.node(n)
	}
	for _, n := range b.doomed() {
		w.children(n)
	}
	for _, a := range b.remembered {
		w.bound(b.bounds[a])
	}
	for _, imp := range b.in.Desired.Imports {
		if n := b.byAddr[imp.To]; n != nil {
			w.sweep(n.connection, n.kind, n.place)
		}
	}
	if !b.in.Options.Destroy {
		for i := range b.in.Desired.Lookups {
			w.lookup(&b.in.Desired.Lookups[i])
		}
	}
	return w.sorted()
}

type partID struct {
	identity
	attribute string
}

type wants struct {
	b      *builder
	sweeps map[identity]Sweep
	parts  map[partID]Lookup
}

func (w *wants) node(n *node) {
	if n.desired == nil {
		return
	}
	w.sweep(n.connection, n.kind, n.place)
	if n.live == nil {
		if n.key != "" && !n.stuck {
			w.peers(n.connection, n.kind, n.place)
		}
		return
	}
	for _, name := range n.desired.Exclusive {
		if kind := w.b.in.Catalog.Kind(name); kind != nil {
			w.within(n, kind)
		}
	}
	for i := range n.kind.Parts {
		p := &n.kind.Parts[i]
		if p.Read == nil {
			continue // reading the object shows it
		}
		if n.origin != nil || !schema.Holds(p.When, n.kind.Attributes, n.live.Value) {
			continue // Atlas has none of it
		}
		set := !n.value.GetAttr(p.Attribute).IsNull()
		recorded := n.bound != nil && !n.bound.Applied.IsNull() && !n.bound.Applied.GetAttr(p.Attribute).IsNull()
		if set || recorded {
			w.part(n, p)
		}
	}
}

// bound wants the list in which the state's object stands, where its place is still there.
func (w *wants) bound(bound *schema.Bound) {
	kind := w.b.in.Catalog.Kind(bound.Kind)
	if kind == nil {
		return
	}
	w.sweep(bound.Connection, kind, bound.Place)
	if _, there := w.b.liveOf(bound); !there {
		w.peers(bound.Connection, kind, bound.Place)
	}
}

// peers wants the lists of the other kinds in which an object of the kind can stand by now, once its own lacks it.
func (w *wants) peers(connection string, kind *schema.Kind, place schema.Place) {
	if _, read := w.b.in.Live.Sweep(connection, kind.Name, place); !read {
		return
	}
	for _, p := range w.b.in.Catalog.Peers(kind) {
		w.sweep(connection, p, place)
	}
}

// children wants every kind inside an object that is to be deleted (R22).
func (w *wants) children(n *node) {
	if n.live == nil {
		return
	}
	for _, kind := range w.b.in.Catalog.Children(n.kind.Name) {
		if !kind.Singleton && !kind.Once { // which go with their parent and hinder nobody
			w.within(n, kind)
		}
	}
}

// within wants all objects of a kind in a node's.
func (w *wants) within(n *node, kind *schema.Kind) {
	for _, spot := range kind.Spots(n.within()) {
		w.sweep(n.connection, kind, spot)
	}
}

func (w *wants) sweep(connection string, kind *schema.Kind, place schema.Place) {
	if place == "" || !kind.Swept() {
		return
	}
	if _, read := w.b.in.Live.Sweep(connection, kind.Name, place); read {
		return
	}
	if kind.Parent != "" && !w.b.alive(connection, kind, place) {
		parent := w.b.in.Catalog.Kind(kind.Parent)
		outer, _ := kind.Around(place).Parent()
		if _, read := w.b.in.Live.Sweep(connection, parent.Name, outer); read {
			return // the parent is gone, and what lived in it with it
		}
		w.sweep(connection, parent, outer)
		return
	}
	w.sweeps[identity{connection, kind.Name, place, ""}] = Sweep{connection, kind, place}
}

func (w *wants) part(n *node, p *schema.Part) {
	if n.live.Parts[p.Attribute] {
		return
	}
	id := partID{w.b.identityOf(n.connection, n.kind, *n.live), p.Attribute}
	w.parts[id] = Lookup{n.connection, n.kind, n.live.Place, n.live.ID, n.live.Key, p, n.address}
}

func (w *wants) sorted() ([]Sweep, []Lookup) {
	sweeps := make([]Sweep, 0, len(w.sweeps))
	for _, s := range w.sweeps {
		sweeps = append(sweeps, s)
	}
	slices.SortFunc(sweeps, func(x, y Sweep) int {
		return cmp.Or(cmp.Compare(x.Connection, y.Connection), cmp.Compare(x.Place, y.Place), cmp.Compare(x.Kind.Name, y.Kind.Name))
	})
	parts := make([]Lookup, 0, len(w.parts))
	for _, p := range w.parts {
		parts = append(parts, p)
	}
	slices.SortFunc(parts, func(x, y Lookup) int {
		return cmp.Or(cmp.Compare(x.Connection, y.Connection), cmp.Compare(x.Place, y.Place), cmp.Compare(x.Kind.Name, y.Kind.Name),
			cmp.Compare(x.ID, y.ID), cmp.Compare(x.Key, y.Key), cmp.Compare(x.Part.Attribute, y.Part.Attribute))
	})
	return sweeps, parts
}
