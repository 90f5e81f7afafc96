package plan

import (
	"cmp"
	"fmt"
	"maps"
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
	// appliedDiffs is fromApplied's answer, once it was asked.
	appliedDiffs    []Diff
	appliedCompared bool
	change          Change
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
	// bounds are the state's entries by address, after moved blocks.
	bounds map[schema.Address]*schema.Bound
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
	byName  map[nameID]schema.Address
	byBlock map[schema.Address][]*node
	diags   diag.List
}

type insideKey struct {
	connection, kind string
	place            schema.Place
}

func newBuilder(in Input) *builder {
	if in.Live == nil {
		in.Live = schema.NewLive(nil, nil)
	}
	b := &builder{in: in, byAddr: map[schema.Address]*node{}, claims: map[identity]*node{},
		bounds: map[schema.Address]*schema.Bound{}, from: map[schema.Address]schema.Address{},
		boundAt: map[identity]schema.Address{}, inside: map[insideKey]*schema.Object{}, explains: map[schema.Address][]schema.Intent{},
		begun: map[schema.Address]bool{}}
	for _, i := range in.Prior.Intents {
		b.begun[i.Address] = true
		if i.Armed {
			b.explains[i.Address] = append(b.explains[i.Address], i)
		}
	}
	b.indexPlaces()
	b.move()
	b.declare()
	b.pair()
	b.orphans()
	return b
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
		bound := *b.in.Prior.Resources[address]
		bound.Address = target
		bound.Connection, _ = b.in.connection(bound.Connection)
		b.bounds[target], b.from[target] = &bound, address
	}
	for _, a := range sortedKeys(b.bounds) {
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
		if n.bound != nil && n.bound.Kind != r.Kind {
			n.bound = nil
		}
		n.recorded = b.from[r.Address]
		v, found := kind.Normalize(r.Value)
		for _, d := range found {
			b.diags.Add(n.placed(d))
		}
		n.full, n.value, n.broken = v, v, found.HasErrors()
		key, known, err := kind.NaturalKey(n.named())
		if err != nil {
			b.diags.Add(diag.Internalf(fmt.Sprintf("%s has no valid name", r.Address), "%v.", err).On(string(r.Address)).At(n.keyPlace()))
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
		for _, find := range []func(*node) bool{b.byImport, b.byBinding, b.byIntent, b.byKey, b.byContent} {
			for _, n := range level {
				if n.live == nil && n.place != "" && b.in.Live != nil {
					find(n)
				}
			}
		}
		for _, n := range level {
			b.lookBack(n)
		}
		b.duplicates(level)
		start = end
	}
}

// settlePlace works out where a declared object lives.
func (b *builder) settlePlace(n *node) {
	switch p := n.desired.Parent; {
	case n.kind.Parent == "":
		n.place = b.in.Places[n.connection]
	case n.parent != nil && n.parent.live != nil:
		n.place, _ = n.parent.kind.Inside(n.parent.place, n.parent.live.ID, n.parent.live.Key)
	case p.ID != "":
		parent := b.in.Catalog.Kind(n.kind.Parent)
		place, err := parent.Inside(b.in.Places[n.connection], p.ID, p.ID)
		if err == nil {
			n.place = place
		}
	}
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
	return identity{b.home(connection), kind.Name, o.Place, id}
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

// byImport pairs what an import block names.
func (b *builder) byImport(n *node) bool {
	for _, imp := range b.in.Desired.Imports {
		if imp.To != n.address || n.bound != nil {
			continue
		}
		found := b.namedBy(n, imp.ID)
		switch len(found) {
		case 0:
			b.diags.Add(diag.Errorf("import_not_found", fmt.Sprintf("There is nothing to import at %s", n.address),
				"No %s in its place has %s. Check the id, or remove the import block to have it created.", n.kind.Name, identityText(imp.ID)).
				On(string(n.address)).At(imp.Range))
		case 1:
			return b.claim(n, found[0], "import")
		default:
			b.diags.Add(diag.Errorf("import_ambiguous", fmt.Sprintf("%d objects could be imported at %s", len(found), n.address),
				"Each %s of %s has %s. Write the id as an object that says which: id = { %s = ... }.", n.kind.Name, namesOf(found), identityText(imp.ID),
				strings.Join(n.kind.Identity.Key, " = ..., ")).On(string(n.address)).At(imp.Range))
		}
		return false
	}
	return false
}

// namedBy returns the live objects that an import's id can mean. An id in parts may leave out those that the file
// says anyway.
func (b *builder) namedBy(n *node, id map[string]string) []schema.Object {
	var found []schema.Object
	if name, ok := id["id"]; ok {
		objects, _ := b.in.Live.Sweep(n.connection, n.kind.Name, n.place)
		for _, o := range objects {
			if n.kind.Names(o, name) {
				found = append(found, o)
			}
		}
		return found
	}
	parts := n.kind.KeyParts(n.key)
	if parts == nil {
		parts = map[string]string{}
	}
	maps.Copy(parts, id)
	if o, ok := b.in.Live.ByKey(n.connection, n.kind.Name, n.place, n.kind.JoinKey(parts)); ok {
		found = append(found, o)
	}
	return found
}

func namesOf(objects []schema.Object) string {
	var names []string
	for _, o := range objects {
		names = append(names, cmp.Or(schema.KeyText(o.Key), o.ID))
	}
	return strings.Join(names, ", ")
}

// imported reports whether an import block names the node.
func (b *builder) imported(n *node) bool {
	return slices.ContainsFunc(b.in.Desired.Imports, func(imp schema.Import) bool { return imp.To == n.address })
}

func identityText(id map[string]string) string {
	var parts []string
	for _, k := range sortedKeys(id) {
		parts = append(parts, fmt.Sprintf("%s %q", k, id[k]))
	}
	return strings.Join(parts, ", ")
}

// byBinding pairs a kind that binds by id with the object that the state remembers.
func (b *builder) byBinding(n *node) bool {
	if n.bound == nil || n.kind.Identity.Binds == schema.ByKey || n.bound.Place != n.place {
		return false
	}
	o, ok := b.in.Live.ByID(n.connection, n.kind.Name, n.place, n.bound.ID)
	return ok && b.claim(n, o, "bound")
}

// byIntent pairs what an unfinished creation made: an object that was not there before it, with the content
// that was sent (R26).
func (b *builder) byIntent(n *node) bool {
	if n.kind.Identity.Binds == schema.ByKey || n.bound != nil {
		return false
	}
	for _, i := range b.explains[n.address] {
		if i.Verb != schema.CallCreate || i.Place != n.place {
			continue
		}
		found := b.madeBy(n, i)
		if len(found) > 1 && !b.interchangeable(n, i, found) {
			b.error(n.address, "intent_ambiguous", fmt.Sprintf("An interrupted apply may have created %s more than once", n.address),
				"Any of these could be it: %s. Look at them in Atlas, remove the others there, and bind the right one:\n\nmercator state bind %s ID", idsOf(found), quoteShell(n.address))
			return false
		}
		if len(found) > 0 {
			return b.claim(n, found[0], "intent")
		}
	}
	return false
}

// madeBy returns the unclaimed live objects that an armed creation can have made: those that were not there before
// and hold what was sent. What Atlas filled in besides does not count.
func (b *builder) madeBy(n *node, i schema.Intent) []schema.Object {
	var found []schema.Object
	objects, _ := b.in.Live.Sweep(n.connection, n.kind.Name, n.place)
	for _, o := range objects {
		if b.claims[b.identityOf(n.connection, n.kind, o)] != nil || slices.Contains(i.Seen, o.ID) || b.boundElsewhere(n, o) {
			continue
		}
		if i.Key != "" && o.Key == i.Key || i.Key == "" && len(compare(n.kind, i.Content, o.Value)) == 0 {
			found = append(found, o)
		}
	}
	return found
}

// interchangeable reports whether as many equal creations are pending as objects were found: any of them will do.
func (b *builder) interchangeable(n *node, i schema.Intent, found []schema.Object) bool {
	pending := 0
	for _, list := range b.explains {
		for _, other := range list {
			if other.Verb == schema.CallCreate && other.Kind == i.Kind && other.Place == i.Place && b.bounds[other.Address] == nil &&
				SameContent(n.kind, other.Content, i.Content) {
				pending++
			}
		}
	}
	return pending >= len(found)
}

// boundElsewhere reports whether the state remembers an object under another address.
func (b *builder) boundElsewhere(n *node, o schema.Object) bool {
	a := b.boundAt[b.identityOf(n.connection, n.kind, o)]
	return a != "" && a != n.address
}

func (b *builder) sameObject(kind *schema.Kind, bound *schema.Bound, o schema.Object) bool {
	if kind.Identity.Binds == schema.ByKey {
		return bound.Key == o.Key
	}
	return bound.ID == o.ID
}

// byKey pairs by the natural key.
func (b *builder) byKey(n *node) bool {
	if n.key == "" {
		return false
	}
	o, ok := b.in.Live.ByKey(n.connection, n.kind.Name, n.place, n.key)
	if !ok {
		return false
	}
	how := "key"
	if n.kind.Identity.Binds == schema.ByKey && n.bound != nil && n.bound.Place == n.place && n.bound.Key == n.key {
		how = "bound"
	}
	return b.claim(n, o, how)
}

// byContent pairs an object without natural key that has exactly the declared content (R3). An object that the
// state knows under an address which no longer declares it may be found so too: that is a move.
func (b *builder) byContent(n *node) bool {
	if n.kind.Identity.Binds != schema.ByContent || n.bound != nil && b.stillThere(n.bound) || !n.value.IsWhollyKnown() {
		return false
	}
	objects, _ := b.in.Live.Sweep(n.connection, n.kind.Name, n.place)
	for _, o := range objects {
		if b.claims[b.identityOf(n.connection, n.kind, o)] == nil && !b.boundToDeclared(n, o) && SameContent(n.kind, n.value, o.Value) {
			return b.claim(n, o, "content")
		}
	}
	return false
}

func (b *builder) stillThere(bound *schema.Bound) bool {
	_, ok := b.liveOf(bound)
	return ok
}

// boundToDeclared reports whether the state remembers an object for another address that the files declare.
func (b *builder) boundToDeclared(n *node, o schema.Object) bool {
	a := b.boundAt[b.identityOf(n.connection, n.kind, o)]
	return a != "" && a != n.address && b.byAddr[a] != nil
}

// liveOf returns the object that a state entry speaks of.
func (b *builder) liveOf(bound *schema.Bound) (schema.Object, bool) {
	kind := b.in.Catalog.Kind(bound.Kind)
	if kind == nil {
		return schema.Object{}, false
	}
	if kind.Identity.Binds == schema.ByKey {
		return b.in.Live.ByKey(bound.Connection, bound.Kind, bound.Place, bound.Key)
	}
	return b.in.Live.ByID(bound.Connection, bound.Kind, bound.Place, bound.ID)
}

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
	case n.live == nil && n.bound.Place == n.place && b.claims[b.identityOf(n.connection, n.kind, old)] == nil:
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
	n.bound, n.recorded, n.gone = b.bounds[a], b.from[a], false
}

// duplicates reports declared nodes that name one object.
func (b *builder) duplicates(level []*node) {
	first := map[string]*node{}
	for _, n := range level {
		if n.key == "" || n.kind.Identity.Binds == schema.ByContent {
			continue
		}
		place := string(n.place)
		if place == "" {
			place = string(n.desired.Parent.Address)
		}
		id := strings.Join([]string{b.home(n.connection), n.kind.Name, place, n.key}, "\x00")
		if other := first[id]; other != nil {
			b.diags.Add(diag.Errorf("duplicate_object", fmt.Sprintf("%s and %s name the same %s", other.address, n.address, n.kind.Name),
				"Both are %q in the same place. Remove one of the blocks, or give one another name.", n.key).On(string(n.address)).At(n.keyPlace()))
			continue
		}
		first[id] = n
	}
}

// orphans makes nodes of the state's entries that no declared node took over.
func (b *builder) orphans() {
	taken := map[*schema.Bound]bool{}
	for _, n := range b.nodes {
		if n.bound != nil {
			taken[n.bound] = true
		}
	}
	var found []*node
	for _, a := range sortedKeys(b.bounds) {
		bound := b.bounds[a]
		if taken[bound] {
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
	o := b.inside[insideKey{connection, kind.Parent, place}]
	if o == nil {
		return nil
	}
	return b.claims[b.identityOf(connection, b.in.Catalog.Kind(kind.Parent), *o)]
}

// SameContent reports whether an object holds exactly what is declared: every argument equal, those that the file
// leaves out at the value that Atlas takes instead. Secrets, what Atlas owns and what it fills in as it likes do not
// count (R3).
func SameContent(kind *schema.Kind, desired, live cty.Value) bool {
	filled := fillDefaults(kind.Attributes, desired, false)
	return len(compare(kind, filled, live)) == 0 && len(compare(kind, fillDefaults(kind.Attributes, live, true), filled)) == 0
}

// fillDefaults returns the value with the defaults of arguments that are null; with forget, without those that
// Atlas fills in as it likes.
func fillDefaults(attrs []schema.Attribute, v cty.Value, forget bool) cty.Value {
	v, marks := v.Unmark()
	if v.IsNull() || !v.IsKnown() || len(attrs) == 0 {
		return v.WithMarks(marks)
	}
	values := v.AsValueMap()
	for i := range attrs {
		a := &attrs[i]
		field, fieldMarks := values[a.Name].Unmark()
		switch {
		case forget && a.Filled:
			field = cty.NullVal(a.CtyType())
		case !field.IsKnown() || !a.Argument():
		case field.IsNull() && a.Default != cty.NilVal:
			field = a.Default
		case field.IsNull() || a.Nested == nil:
		case a.Type == schema.TypeObject:
			field = fillDefaults(a.Nested, field, forget)
		case field.LengthInt() > 0:
			els := field.AsValueSlice()
			for j := range els {
				els[j] = fillDefaults(a.Nested, els[j], forget)
			}
			field = cty.ListVal(els)
		}
		values[a.Name] = field.WithMarks(fieldMarks)
	}
	return cty.ObjectVal(values).WithMarks(marks)
}

func idsOf(objects []schema.Object) string {
	var ids []string
	for _, o := range objects {
		ids = append(ids, o.ID)
	}
	return strings.Join(ids, ", ")
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

// Pairs returns the live value of every declared address that has one: what the language's references to computed
// values stand for (R40).
func Pairs(in Input) map[schema.Address]cty.Value {
	b := newBuilder(in)
	out := map[schema.Address]cty.Value{}
	for _, n := range b.nodes {
		if n.desired != nil && n.live != nil {
			out[n.address] = n.live.Value
		}
	}
	return out
}
