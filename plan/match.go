package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// Pairing decides which live object belongs to which address, and everything else follows from it: a wrong pair
// deletes or duplicates somebody's database. The order of trial is the rule R1 to R3: moved blocks rewrite the
// state's addresses; then, parents before children, a kind that binds by key pairs each desired address with the
// live object of its natural key, and a kind that binds by id with the object that the state remembers, then
// with that of an unfinished creation, then with that of its natural key or exact content. A live object is
// claimed once. A state entry whose object another address claimed has moved; what is left of the state is
// undeclared; what is left of Atlas is unmanaged.

// node is one address and what is known about it.
type node struct {
	address schema.Address
	kind    *schema.Kind
	// desired is nil for what the files do not declare.
	desired *schema.Resource
	// full is the normalized desired value, and value what of it counts: once the object exists, not what
	// lifecycle.ignore_changes exempts.
	full, value cty.Value
	// sensitive says that something in full is.
	sensitive bool
	// bound is what the state remembers, and recorded the address under which it does.
	bound    *schema.Bound
	recorded schema.Address
	// former is an entry whose object is gone and another one has its address.
	former *schema.Bound
	parent *node
	depth  int
	// connection and place say where the object lives; place is "" where the parent is not there yet.
	connection string
	place      schema.Place
	// inside is within's answer, once it was asked.
	inside schema.Place
	// key is the desired natural key, "" where it is not known.
	key  string
	live *schema.Object
	// how says by what live was found: "bound", "key", "content", "intent", "import", "move".
	how string
	// renamed says that the object found has another natural key than the desired one (kinds that bind by key).
	renamed bool
	// rehomed says that the state's object lives in another place, which still exists.
	rehomed bool
	// gone says that the state remembers an object that is not there any more.
	gone bool
	// formerGone says that the object is gone which the state remembers at the node's own address.
	formerGone bool
	// exclusive says that nobody declared the object and its kind is exclusive in its parent (R32).
	exclusive bool
	// broken says that the desired value is a mistake, which has been reported.
	broken bool
	// upgrade says how the live object becomes what is asked for where no update makes it, and origin of which kind it
	// is until then, nil where that is the node's own. stuck says that an object of another kind has the name and
	// cannot become it.
	upgrade *schema.Upgrade
	origin  *schema.Kind
	stuck   bool
	// postponed says that nothing is decided about the node before Atlas has come to rest: it is to be upgraded and at
	// work, or lives in what is.
	postponed bool
	// appliedDiffs is fromApplied's answer, once it was asked.
	appliedDiffs    []Diff
	appliedCompared bool
	// minting are the calls that make a new secret of a credential and revoke old ones.
	minting []schema.Call
	// change is nil until it is decided about.
	change *Change
}

// identity is what no two changes may share.
type identity struct {
	connection, kind string
	place            schema.Place
	id               string
}

type builder struct {
	in     Input
	nodes  []*node
	byAddr map[schema.Address]*node
	claims map[identity]*node
	// bounds are the state's entries by address, after moved blocks, and remembered are those addresses, sorted.
	bounds     map[schema.Address]*schema.Bound
	remembered []schema.Address
	// from maps such an address to the one in the state.
	from map[schema.Address]schema.Address
	// boundAt finds the state's entry of a live object.
	boundAt map[identity]schema.Address
	inside  map[insideKey]*schema.Object
	// homes maps the connections to the first one that leads to the same organization.
	homes    map[string]string
	explains map[schema.Address][]schema.Intent
	// begun are the addresses that an apply which did not finish meant to change.
	begun map[schema.Address]bool
	// only are the state-only changes; byName and byBlock are indices made when they are first needed.
	only    []StateChange
	byName  map[nameID][]schema.Address
	byBlock map[schema.Address][]*node
	diags   diag.List
}

type insideKey struct {
	connection, kind string
	place            schema.Place
}

// indexPlaces notes the live objects by the place that their children live in.
func (b *builder) indexPlaces() {
	for _, s := range b.in.Live.Sweeps() {
		kind := b.in.Catalog.Kind(s.Kind)
		if kind == nil || len(b.in.Catalog.Children(s.Kind)) == 0 {
			continue
		}
		for i := range s.Objects {
			if place, err := kind.Inside(s.Place, s.Objects[i].ID, s.Objects[i].Key); err == nil {
				b.inside[insideKey{s.Connection, s.Kind, place}] = &s.Objects[i]
			}
		}
	}
}

// alive reports whether the parent that a place of the kind stands for is there.
func (b *builder) alive(connection string, kind *schema.Kind, place schema.Place) bool {
	place = kind.Around(place)
	if kind.Parent == "" {
		return place == b.in.Places[connection]
	}
	return b.inside[insideKey{connection, kind.Parent, place}] != nil
}

// move applies moved blocks to the state's addresses, the children of what moves included.
func (b *builder) move() {
	for _, address := range sortedKeys(b.in.Prior.Resources) {
		target := address
		for range len(b.in.Desired.Moves) + 1 { // chains end; a circle is the language's error
			next := b.moved(target)
			if next == target {
				break
			}
			target = next
		}
		taken := b.bounds[target] != nil || b.in.Prior.Resources[target] != nil && b.moved(target) == target
		if target != address && taken {
			b.diags.Add(diag.Errorf("move_target_taken", fmt.Sprintf("%s cannot move to %s", address, target),
				"The state has an object under both addresses. Remove the moved block, or forget what is at the target:\n\nmercator state rm %s", quoteShell(target)).
				On(string(target)).At(b.moveOf(address).Range))
			target = address
		}
		bound := b.in.Prior.Resources[address]
		if connection, _ := b.in.connection(bound.Connection); bound.Address != target || connection != bound.Connection {
			moved := *bound
			moved.Address, moved.Connection = target, connection
			bound = &moved
		}
		b.bounds[target], b.from[target] = bound, address
	}
	b.remembered = sortedKeys(b.bounds)
	for _, a := range b.remembered {
		if id, ok := b.recordedIdentity(b.bounds[a]); ok && b.boundAt[id] == "" {
			b.boundAt[id] = a
		}
	}
}

func (b *builder) recordedIdentity(bound *schema.Bound) (identity, bool) {
	kind := b.in.Catalog.Kind(bound.Kind)
	if kind == nil {
		return identity{}, false
	}
	o := schema.Object{ID: bound.ID, Key: bound.Key, Place: bound.Place}
	return b.identityOf(bound.Connection, kind, o), true
}

func (b *builder) moved(a schema.Address) schema.Address {
	if m := b.moveOf(a); m.From != "" {
		return m.Of(a)
	}
	return a
}

// moveOf returns the move that concerns an address, the zero Move where none does.
func (b *builder) moveOf(a schema.Address) schema.Move {
	for _, m := range b.in.Desired.Moves {
		if m.Concerns(a) {
			return m
		}
	}
	return schema.Move{}
}

// declare makes a node of each desired resource, normalized.
func (b *builder) declare() {
	for i := range b.in.Desired.Resources {
		r := &b.in.Desired.Resources[i]
		kind := b.in.Catalog.Kind(r.Kind)
		if kind == nil {
			b.diags.Add(diag.Internalf(fmt.Sprintf("There is no kind %q", r.Kind), "The files were read with another catalogue.").On(string(r.Address)).At(r.Range))
			continue
		}
		n := &node{address: r.Address, kind: kind, desired: r, value: r.Value, connection: r.Connection, bound: b.bounds[r.Address]}
		n.bound = b.carried(n.bound, kind)
		n.recorded = b.from[r.Address]
		v, found := kind.Normalize(r.Value)
		for _, d := range found {
			b.diags.Add(n.placed(d))
		}
		n.full, n.value, n.broken, n.sensitive = v, v, found.HasErrors(), holdsMarks(kind.Attributes, v)
		key, known, err := kind.NaturalKey(n.named())
		if err != nil {
			b.finding(n, n.keyPlace(), "invalid_name", fmt.Sprintf("%s has no valid name", r.Address), "%v.", err)
		}
		if known {
			n.key = key
		}
		b.nodes = append(b.nodes, n)
		b.byAddr[r.Address] = n
	}
	for _, n := range b.nodes {
		n.parent = b.byAddr[n.desired.Parent.Address]
	}
	for _, n := range b.nodes {
		for p := n.parent; p != nil && n.depth <= len(b.nodes); p = p.parent {
			n.depth++
		}
	}
	slices.SortStableFunc(b.nodes, func(x, y *node) int {
		return cmp.Or(cmp.Compare(x.depth, y.depth), cmp.Compare(x.address, y.address))
	})
}

// named returns the desired value with the natural key that counts: what lifecycle.ignore_changes exempts of it
// stays as it was bound.
func (n *node) named() cty.Value {
	full, marks := n.full.Unmark()
	if n.bound == nil || len(n.desired.Lifecycle.IgnoreChanges) == 0 || !full.IsKnown() || full.IsNull() {
		return n.full
	}
	bound, values := n.kind.KeyParts(n.bound.Key), full.AsValueMap()
	for _, name := range n.kind.Identity.Key {
		if text, ok := bound[name]; ok && ignored(n.desired.Lifecycle.IgnoreChanges, name) {
			values[name] = cty.StringVal(text)
		}
	}
	return cty.ObjectVal(values).WithMarks(marks)
}

// placed gives a finding of a hook its address and the range of the argument that it speaks of.
func (n *node) placed(d diag.Diagnostic) diag.Diagnostic {
	d.Address = string(n.address)
	if d.Range.IsZero() {
		d.Range = n.placeOf(d.Argument)
	}
	return d
}

// pair finds the live object of every declared node, a depth at a time.
func (b *builder) pair() {
	for start := 0; start < len(b.nodes); {
		end := start
		for end < len(b.nodes) && b.nodes[end].depth == b.nodes[start].depth {
			b.settlePlace(b.nodes[end])
			end++
		}
		level := b.nodes[start:end]
		for _, find := range []func(*node) bool{b.byImport, b.byBinding, b.byIntent, b.byParent, b.byKey, b.byPeer, b.byContent} {
			for _, n := range level {
				if n.live == nil && n.place != "" && !n.stuck && b.in.Live != nil {
					find(n)
				}
			}
		}
		for _, n := range level {
			b.lookBack(n)
			b.upgrading(n)
		}
		start = end
	}
}

// settlePlace works out where a declared object lives.
func (b *builder) settlePlace(n *node) {
	switch p := n.desired.Parent; {
	case n.kind.Parent == "":
		n.place = b.in.Places[n.connection]
	case n.parent != nil && n.parent.origin != nil: // only once it is upgraded something can live in it
	case n.parent != nil && n.parent.live != nil:
		n.place = n.parent.within()
	case p.ID != "":
		if n.place = b.insideLookup(p.Lookup); n.place == "" {
			parent := b.in.Catalog.Kind(n.kind.Parent)
			n.place, _ = parent.Inside(b.in.Places[n.connection], p.ID, p.ID)
		}
	}
	if !n.value.IsNull() {
		n.place = n.kind.Spot(n.place, n.value)
	}
}

// within returns the place that the children of a node with a live object live in, "" where it can have none.
func (n *node) within() schema.Place {
	if n.inside == "" {
		n.inside, _ = n.kind.Inside(n.live.Place, n.live.ID, n.live.Key)
	}
	return n.inside
}

// claim pairs a node with a live object unless another address has it already.
func (b *builder) claim(n *node, o schema.Object, how string) bool {
	id := b.identityOf(n.connection, n.kind, o)
	if other := b.claims[id]; other != nil && other != n {
		return false
	}
	b.claims[id] = n
	n.live, n.how = &o, how
	return true
}

func (b *builder) identityOf(connection string, kind *schema.Kind, o schema.Object) identity {
	id := o.Key
	if kind.Identity.Binds != schema.ByKey && o.ID != "" {
		id = o.ID
	}
	return identity{b.home(connection), kind.Namespace(), o.Place, id}
}

// home returns the first of the connections that lead to the same organization: an object is one object, whichever
// of them it is read through.
func (b *builder) home(connection string) string {
	if b.homes == nil {
		b.homes = map[string]string{}
		first := map[[2]string]string{}
		for _, name := range sortedKeys(b.in.Connections) {
			at := [2]string{b.in.Connections[name].OrgID, b.in.Connections[name].BaseURL}
			if _, ok := first[at]; !ok {
				first[at] = name
			}
			b.homes[name] = first[at]
		}
	}
	if home, ok := b.homes[connection]; ok {
		return home
	}
	return connection
}

// boundElsewhere reports whether the state remembers an object under another address.
func (b *builder) boundElsewhere(n *node, o schema.Object) bool {
	a := b.boundAt[b.identityOf(n.connection, n.kind, o)]
	return a != "" && a != n.address
}

// objectsIn returns the objects of a kind in the place that their parent gives them, as far as they were read.
func (b *builder) objectsIn(connection string, kind *schema.Kind, place schema.Place) []schema.Object {
	var out []schema.Object
	for _, spot := range kind.Spots(place) {
		objects, _ := b.in.Live.Sweep(connection, kind.Name, spot)
		out = append(out, objects...)
	}
	return out
}

func (b *builder) sameObject(kind *schema.Kind, bound *schema.Bound, o schema.Object) bool {
	if kind.Identity.Binds == schema.ByKey {
		return bound.Key == o.Key
	}
	return bound.ID == o.ID
}

// duplicates reports declared nodes that name one object, however each says where it lives.
func (b *builder) duplicates() {
	first := make(map[identity]*node, len(b.nodes))
	for _, n := range b.nodes {
		if n.desired == nil || n.key == "" && !n.kind.Singleton || n.kind.Identity.Binds == schema.ByContent {
			continue
		}
		place := n.place
		if place == "" {
			place = schema.Place(n.desired.Parent.Address)
		}
		id := identity{b.home(n.connection), n.kind.Namespace(), place, n.key}
		if other := first[id]; other != nil {
			b.duplicate(n, other)
			continue
		}
		first[id] = n
	}
}

func (b *builder) duplicate(n, other *node) {
	why := fmt.Sprintf("Both are %q in the same place; the other one stands at %s. Remove one of the blocks, or give one another name.",
		schema.KeyText(n.key), other.keyPlace())
	switch {
	case n.kind.Singleton && n.kind.Parent == "":
		why = fmt.Sprintf("A connection leads to only one; the other one stands at %s. Remove one of the blocks.", other.keyPlace())
	case n.kind.Singleton:
		why = fmt.Sprintf("A %s has only one; the other one stands at %s. Remove one of the blocks.", n.kind.Parent, other.keyPlace())
	}
	what := n.kind.Name
	if n.kind != other.kind {
		what = "object, which is one of the two"
		why = fmt.Sprintf("Both are %q in the same place, and Atlas has no %s and %s of one name there; the other one stands at %s. Remove the one that it is not, or give one another name.",
			schema.KeyText(n.key), other.kind.Name, n.kind.Name, other.keyPlace())
	}
	b.finding(n, n.keyPlace(), "duplicate_object", fmt.Sprintf("%s and %s name the same %s", other.address, n.address, what), "%s", why)
}

// quoteShell writes an address so that it can be pasted into a shell.
func quoteShell(a schema.Address) string {
	if strings.ContainsAny(string(a), `["`) {
		return "'" + string(a) + "'"
	}
	return string(a)
}

func (b *builder) error(a schema.Address, code, summary, detail string, args ...any) {
	d := diag.Errorf(code, summary, detail, args...).On(string(a))
	if n := b.byAddr[a]; n != nil && n.desired != nil {
		d = d.At(n.desired.Range)
	}
	b.diags.Add(d)
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
