package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// Order: a creation or update waits for its parent and for what it refers to; a deletion for whatever lives in
// it, for every change of what the state says depends on it (R21), and, where the kind says so, for all creations
// beside it (R15). A replacement makes first or removes first (R42). Apply walks the tasks by their needs.

// dependencies returns what a declared node needs: its parent, its references, and the resources that its plain
// names mean (R21).
func (b *builder) dependencies(n *node) []schema.Address {
	deps := slices.Clone(n.desired.DependsOn)
	if n.desired.Parent.Address != "" {
		deps = append(deps, n.desired.Parent.Address)
	}
	b.named(n, &deps)
	if target := b.overwritten(n); target != nil {
		deps = append(deps, target.address)
	}
	slices.Sort(deps)
	deps = slices.Compact(deps)
	return slices.DeleteFunc(deps, func(a schema.Address) bool { return a == n.address })
}

// nameID is a natural key within a parent, known or not yet.
type nameID struct {
	parent          parentID
	attribute, text string
}

// parentID names a kind within a parent: by place where that is there, by its address where it is not.
type parentID struct {
	kind, connection string
	place            schema.Place
	address          schema.Address
}

// names indexes the declared nodes by the values of their key attributes.
func (b *builder) names() map[nameID][]schema.Address {
	if b.byName != nil {
		return b.byName
	}
	b.byName = map[nameID][]schema.Address{}
	for _, n := range b.nodes {
		if n.desired == nil {
			continue
		}
		if n.kind.Singleton {
			b.byName[nameID{parent: n.beside(n.kind.Name)}] = []schema.Address{n.address}
		}
		for _, attribute := range n.kind.Identity.Key {
			v, _ := n.kind.Effective(n.named(), attribute).Unmark()
			if v.IsKnown() && !v.IsNull() {
				id := nameID{n.beside(n.kind.Name), attribute, canonical(n.kind, v.AsString())}
				b.byName[id] = append(b.byName[id], n.address)
			}
		}
	}
	return b.byName
}

// canonical is the one spelling of a text in a key of the kind.
func canonical(kind *schema.Kind, text string) string {
	if kind.Identity.Canonical != nil {
		if one, err := kind.Identity.Canonical(text); err == nil {
			return one
		}
	}
	return text
}

// beside names a kind within the parent of a declared node.
func (n *node) beside(kind string) parentID {
	if n.place != "" {
		return parentID{kind: kind, connection: n.connection, place: n.kind.Around(n.place)}
	}
	return parentID{kind: kind, address: n.desired.Parent.Address}
}

func (b *builder) named(n *node, deps *[]schema.Address) {
	for i := range n.kind.Attributes {
		if a := &n.kind.Attributes[i]; refersAnywhere(a) {
			b.namedIn(n, a, deps)
		}
	}
}

func refersAnywhere(a *schema.Attribute) bool {
	if len(a.Refers) > 0 {
		return true
	}
	for i := range a.Nested {
		if refersAnywhere(&a.Nested[i]) {
			return true
		}
	}
	return false
}

func (b *builder) namedIn(n *node, a *schema.Attribute, deps *[]schema.Address) {
	walkTexts(a, n.full.GetAttr(a.Name), func(leaf *schema.Attribute, text string, sibling func(string) string) {
		for _, r := range leaf.Refers {
			if !refersWhen(r, sibling) {
				continue
			}
			kind := b.in.Catalog.Kind(r.Kind)
			if kind == nil {
				continue
			}
			among := n.beside(r.Kind)
			if kind.Parent == "" { // it lives in the organization, wherever it is named
				among = parentID{kind: r.Kind, connection: n.connection, place: b.in.Places[n.connection]}
			}
			id := nameID{among, r.Attribute, canonical(kind, text)}
			if r.Attribute == "" {
				if id.text = ""; !asksFor(r, text) {
					continue
				}
			}
			*deps = append(*deps, b.names()[id]...)
		}
	})
}

// walkTexts calls visit for every known text in a value, with a way to look at its siblings.
func walkTexts(a *schema.Attribute, v cty.Value, visit func(leaf *schema.Attribute, text string, sibling func(string) string)) {
	walkTextsIn(a, v, func(string) string { return "" }, visit)
}

func walkTextsIn(a *schema.Attribute, v cty.Value, sibling func(string) string, visit func(*schema.Attribute, string, func(string) string)) {
	v, _ = v.Unmark()
	if !v.IsKnown() || v.IsNull() {
		return
	}
	switch {
	case v.Type().IsListType():
		for it := v.ElementIterator(); it.Next(); {
			_, el := it.Element()
			walkTextsIn(a, el, sibling, visit)
		}
	case v.Type().IsObjectType():
		inside := func(name string) string {
			f, _ := v.GetAttr(name).Unmark()
			if !f.IsKnown() || f.IsNull() || f.Type() != cty.String {
				return ""
			}
			return f.AsString()
		}
		for i := range a.Nested {
			walkTextsIn(&a.Nested[i], v.GetAttr(a.Nested[i].Name), inside, visit)
		}
	case v.Type() == cty.String:
		visit(a, v.AsString(), sibling)
	}
}

// asksFor reports whether a text is one of those that ask for a singleton.
func asksFor(r schema.Refer, text string) bool {
	return slices.ContainsFunc(r.Of, func(s string) bool { return strings.EqualFold(s, text) })
}

func refersWhen(r schema.Refer, sibling func(string) string) bool {
	for name, want := range r.When {
		if !strings.EqualFold(sibling(name), want) {
			return false
		}
	}
	return true
}

// doing reports whether a change has a task of the phase.
func (c *Change) doing(phase Phase) bool {
	if phase == Write {
		return len(c.Calls) > 0
	}
	return c.Action == Delete || c.Action == Replace || len(c.Removal) > 0
}

type taskID struct {
	node  *node
	phase Phase
}

type graph struct {
	b     *builder
	index map[taskID]int
	tasks []taskID
	needs []map[int]bool
}

// order makes the tasks and sorts them.
func (b *builder) order(p *Plan) {
	g := &graph{b: b, index: map[taskID]int{}}
	for _, n := range b.nodes {
		for _, phase := range []Phase{Write, Remove} {
			if n.change.doing(phase) {
				g.index[taskID{n, phase}] = len(g.tasks)
				g.tasks = append(g.tasks, taskID{n, phase})
				g.needs = append(g.needs, map[int]bool{})
			}
		}
	}
	for _, n := range b.nodes {
		g.edges(n)
	}
	g.creationsFirst()
	g.handLast()
	sorted, circle := g.sort()
	if circle != nil {
		b.error(circle[0].node.address, "cycle", "The changes wait for each other in a circle",
			"%s. Break the circle by removing one of the references, or apply in two steps with --target.", circleText(circle))
		return
	}
	at := map[int]int{}
	for i, old := range sorted {
		at[old] = i
	}
	position := map[*node]int{}
	for i, n := range b.nodes {
		position[n] = i
	}
	for _, old := range sorted {
		t := Task{Change: position[g.tasks[old].node], Phase: g.tasks[old].phase}
		for need := range g.needs[old] {
			t.Needs = append(t.Needs, at[need])
		}
		slices.Sort(t.Needs)
		p.Tasks = append(p.Tasks, t)
	}
}

func circleText(circle []taskID) string {
	var names []string
	for _, t := range circle {
		names = append(names, fmt.Sprintf("%s (%s)", t.node.address, t.phase))
	}
	return strings.Join(append(names, names[0]), " waits for ")
}

func (g *graph) need(n *node, phase Phase, other *node, otherPhase Phase) {
	i, ok1 := g.index[taskID{n, phase}]
	j, ok2 := g.index[taskID{other, otherPhase}]
	if ok1 && ok2 && i != j {
		g.needs[i][j] = true
	}
}

func (g *graph) edges(n *node) {
	c := n.change
	for _, dep := range g.b.resolve(c.Depends) {
		if n.desired != nil {
			g.need(n, Write, dep, Write)
		}
		g.removalOrder(n, dep)
	}
	if n.parent != nil {
		g.need(n, Write, n.parent, Write)
		g.removalOrder(n, n.parent)
	}
	for _, holder := range g.b.holders(n) {
		g.need(n, Write, holder, Write)
		if holder.kind != n.kind {
			g.need(n, Write, holder, Remove)
		}
	}
	if n.rehomed {
		if old := g.b.ownerOf(n.kind, n.bound.Connection, n.bound.Place); old != nil {
			g.removalOrder(n, old)
		}
	}
	if n.bound != nil {
		for _, dep := range g.b.resolve(n.bound.Dependencies) {
			g.removalOrder(n, dep)
		}
	}
	switch {
	case c.Action == Replace && c.CreateFirst:
		g.need(n, Remove, n, Write)
	case c.doing(Remove):
		g.need(n, Write, n, Remove)
	}
}

// removalOrder makes the removal of a dependency wait for its dependant's change: for its removal, or where it stays
// for the write that takes the reference away. What is gone refers to nothing. What goes with its parent is the other
// way round.
func (g *graph) removalOrder(n, dep *node) {
	if n.change.GoesWith != "" {
		if n.change.GoesWith == dep.address {
			g.need(n, Remove, dep, Remove)
			return
		}
		// What it lets go of when it goes along waits for what takes it, unless that waits for it.
		if taker := g.b.byAddr[n.change.GoesWith]; dep.change.GoesWith == "" && !g.b.rests(dep, taker, map[*node]bool{}) {
			g.need(dep, Remove, taker, Remove)
		}
		return
	}
	if dep.change.GoesWith != "" {
		return
	}
	// What goes before it comes back cannot wait for what comes after it.
	goesFirst := dep.change.Action == Replace && !dep.change.CreateFirst
	if comesFirst := n.change.Action == Replace && n.change.CreateFirst; !goesFirst || !comesFirst {
		g.need(dep, Remove, n, Remove)
	}
	if !n.change.doing(Remove) && !goesFirst && n.live != nil {
		g.need(dep, Remove, n, Write)
	}
}

// rests reports whether a node lives in another or needs it, directly or through others.
func (b *builder) rests(n, on *node, seen map[*node]bool) bool {
	if n == nil || seen[n] {
		return false
	}
	seen[n] = true
	if n == on || b.rests(n.parent, on, seen) {
		return true
	}
	needs := n.change.Depends
	if n.bound != nil {
		needs = slices.Concat(needs, n.bound.Dependencies)
	}
	return slices.ContainsFunc(b.resolve(needs), func(dep *node) bool { return b.rests(dep, on, seen) })
}

// creationsFirst orders the deletions of kinds that say so after all creations in the same place (R15).
func (g *graph) creationsFirst() {
	type siblings struct {
		kind, place string
	}
	writes := map[siblings][]*node{}
	of := func(n *node) siblings {
		place := n.place
		if place == "" {
			place = schema.Place(n.change.Parent)
		}
		return siblings{n.kind.Name, n.connection + "\x00" + string(place)}
	}
	for _, t := range g.tasks {
		c := t.node.change
		if elsewhere := t.node.parent != nil && t.node.parent.change.Action == Replace; elsewhere {
			continue // it is made in the new parent, and what goes is in the old one
		}
		if t.phase == Write && t.node.kind.CreateFirst && (c.Action == Create || c.Action == Replace) {
			writes[of(t.node)] = append(writes[of(t.node)], t.node)
		}
	}
	for _, t := range g.tasks {
		if t.phase != Remove || !t.node.kind.CreateFirst || t.node.change.Action != Delete {
			continue
		}
		for _, other := range writes[of(t.node)] {
			g.need(t.node, Remove, other, Write)
		}
	}
}

// resolve returns the nodes that addresses stand for: the instance itself, and all that stand under it with a key
// more. These are the instances of a block, its entries, and what a replacement left of an instance.
func (b *builder) resolve(addresses []schema.Address) []*node {
	var out []*node
	for _, a := range addresses {
		if n := b.byAddr[a]; n != nil {
			out = append(out, n)
		}
		out = append(out, b.instances(a)...)
	}
	return out
}

// instances returns the nodes that stand under an address with a key more, or several.
func (b *builder) instances(of schema.Address) []*node {
	if b.byBlock == nil {
		b.byBlock = map[schema.Address][]*node{}
		for _, n := range b.nodes {
			for a, keyed := n.address.Unkeyed(); keyed; a, keyed = a.Unkeyed() {
				b.byBlock[a] = append(b.byBlock[a], n)
			}
		}
	}
	return b.byBlock[of]
}

// sort returns the tasks so that each stands after its needs, otherwise in the order of the addresses; or the
// members of a circle.
func (g *graph) sort() (sorted []int, circle []taskID) {
	const (
		unseen = iota
		open
		done
	)
	state := make([]int, len(g.tasks))
	var path []int
	var visit func(i int) bool
	visit = func(i int) bool {
		switch state[i] {
		case done:
			return true
		case open:
			for _, j := range path[slices.Index(path, i):] {
				circle = append(circle, g.tasks[j])
			}
			return false
		}
		state[i] = open
		path = append(path, i)
		for _, j := range sortedKeys(g.needs[i]) {
			if !visit(j) {
				return false
			}
		}
		path = path[:len(path)-1]
		state[i] = done
		sorted = append(sorted, i)
		return true
	}
	for i := range g.tasks {
		if !visit(i) {
			return nil, circle
		}
	}
	return sorted, nil
}
