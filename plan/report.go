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

// strangers makes nodes of live objects of exclusive kinds that nobody declared (R32).
func (b *builder) strangers() {
	if b.in.Options.Destroy {
		return
	}
	for _, n := range slices.Clone(b.nodes) {
		if n.desired == nil || n.live == nil || len(n.desired.Exclusive) == 0 {
			continue
		}
		for _, name := range n.desired.Exclusive {
			kind := b.in.Catalog.Kind(name)
			if kind == nil || kind.Parent != n.kind.Name {
				continue
			}
			for _, o := range b.objectsIn(n.connection, kind, n.within()) {
				b.stranger(n, kind, o)
			}
		}
	}
}

func (b *builder) stranger(parent *node, kind *schema.Kind, o schema.Object) {
	name := o.Key
	switch {
	case name == "":
		name = o.ID
	case len(kind.Identity.Key) == 1:
		name = schema.KeyText(name)
	}
	n := &node{address: parent.address.Child(kind.Name, "").Key(name), kind: kind, parent: parent,
		connection: parent.connection, place: o.Place, key: o.Key, exclusive: true}
	if b.byAddr[n.address] == nil && !b.aliased(parent.connection, kind, o) && b.claim(n, o, "exclusive") {
		b.nodes = append(b.nodes, n)
		b.byAddr[n.address] = n
	}
}

// aliased reports whether an object has an address under another kind.
func (b *builder) aliased(connection string, kind *schema.Kind, o schema.Object) bool {
	return kind.Alias != "" && slices.ContainsFunc(b.nodes, func(n *node) bool {
		return n.kind.Name == kind.Alias && n.live != nil && n.live.ID == o.ID && b.home(n.connection) == b.home(connection)
	})
}

// unmanaged lists the live objects in our places that no address claims.
func (b *builder) unmanaged() []Unmanaged {
	var out []Unmanaged
	ours, looked := map[insideKey]bool{}, b.lookedUp()
	for _, n := range b.nodes {
		ours[insideKey{n.connection, n.kind.Name, n.place}] = true
	}
	for _, s := range b.in.Live.Sweeps() {
		kind := b.in.Catalog.Kind(s.Kind)
		if kind == nil || kind.Parent == "" || kind.Once {
			continue // other projects of the organization are nobody's business here, nor what was done at one time
		}
		owner := b.inside[insideKey{s.Connection, kind.Parent, s.Place}]
		var parent *node
		if owner != nil {
			parent = b.claims[b.identityOf(s.Connection, b.in.Catalog.Kind(kind.Parent), *owner)]
		}
		if parent == nil && !ours[insideKey{s.Connection, s.Kind, s.Place}] {
			continue // read for a lookup only
		}
		for _, o := range s.Objects {
			if id := b.identityOf(s.Connection, kind, o); b.claims[id] != nil || looked[id] || b.aliased(s.Connection, kind, o) {
				continue
			}
			u := Unmanaged{Connection: s.Connection, Kind: s.Kind, Place: s.Place, ID: o.ID, Key: o.Key}
			if parent != nil {
				u.Parent = parent.address
			}
			out = append(out, u)
		}
	}
	slices.SortFunc(out, func(x, y Unmanaged) int {
		return cmp.Or(cmp.Compare(x.Connection, y.Connection), cmp.Compare(x.Parent, y.Parent), cmp.Compare(x.Place, y.Place),
			cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Key, y.Key), cmp.Compare(x.ID, y.ID))
	})
	return out
}

// similar warns, once per place and kind, of unmanaged objects that resemble what is about to be created (R3).
func (b *builder) similar() {
	type group struct {
		kind, place string
	}
	ids := map[group][]string{}
	wanted := map[group]*node{}
	for _, n := range b.nodes {
		if n.change.Action != Create || len(n.kind.Identity.Similar) == 0 || n.place == "" {
			continue
		}
		objects, _ := b.in.Live.Sweep(n.connection, n.kind.Name, n.place)
		for _, o := range objects {
			if b.claims[b.identityOf(n.connection, n.kind, o)] == nil && resembles(n, o) {
				g := group{n.kind.Name, string(n.place)}
				if !slices.Contains(ids[g], o.ID) {
					ids[g] = append(ids[g], o.ID)
				}
				if wanted[g] == nil {
					wanted[g] = n
				}
			}
		}
	}
	for g, n := range wanted {
		b.diags.Add(diag.Warningf("similar_object", fmt.Sprintf("Atlas has %s objects much like what would be created", g.kind),
			"Look at %s before you apply. To take one over instead of creating a second one:\n\nmercator state bind %s %s",
			strings.Join(ids[g], ", "), quoteShell(n.address), ids[g][0]).On(string(n.address)).At(n.change.Range))
	}
}

// comingSiblings warns where Atlas will add objects by itself that an exclusive kind then has deleted (R24, R32): the
// plan after the apply that makes their parent cannot be empty.
func (b *builder) comingSiblings() {
	for _, n := range b.nodes {
		if n.change.Action != Create || n.desired == nil {
			continue
		}
		for _, name := range n.desired.Exclusive {
			if kind := b.in.Catalog.Kind(name); kind != nil && kind.Siblings {
				b.diags.Add(diag.Warningf("exclusive_siblings", fmt.Sprintf("Atlas adds objects of %s to a new %s by itself", name, n.kind.Name),
					"They are not declared, and %s is exclusive in %s, so the next plan deletes them. Plan and apply twice, or have Atlas make none.",
					name, n.address).On(string(n.address)).At(n.desired.Range))
			}
		}
	}
}

func resembles(n *node, o schema.Object) bool {
	return !slices.ContainsFunc(n.kind.Identity.Similar, func(path string) bool {
		d, ok1 := valueAt(n.value, path)
		l, ok2 := valueAt(o.Value, path)
		a := schema.FindPath(n.kind.Attributes, path)
		if !ok1 || !ok2 || a == nil {
			return ok1 != ok2
		}
		probe := comparison{kind: n.kind, probing: true}
		if d.IsNull() && a.Default != cty.NilVal {
			d = a.Default
		}
		if d.IsNull() {
			return !l.IsNull()
		}
		probe.value(a, d, l, attributePath{path, path})
		return probe.different
	})
}

// valueAt follows a dotted path of objects; ok is false where something on the way is null or not known.
func valueAt(v cty.Value, path string) (cty.Value, bool) {
	for name := range strings.SplitSeq(path, ".") {
		v, _ = v.Unmark()
		if !v.IsKnown() || v.IsNull() || !v.Type().IsObjectType() || !v.Type().HasAttribute(name) {
			return cty.NilVal, false
		}
		v = v.GetAttr(name)
	}
	return v, true
}

// drift lists what changed outside Mercator, and marks the differences that undo it.
func (b *builder) drift() []Drift {
	var out []Drift
	for _, n := range b.nodes {
		bound := n.bound
		if bound == nil {
			bound = n.former
		}
		if bound == nil || b.explained(n) {
			continue
		}
		switch {
		case n.gone && n.kind.Once: // as it should be
		case n.gone && n.desired != nil && !b.expired(n), n.gone && n.desired == nil && bound.Waiting != "delete" && !expiredApplied(n, b.in):
			out = append(out, Drift{Address: n.address, Kind: n.kind.Name, Deleted: true, Reverts: n.change.Action == Create})
		case n.live != nil && !bound.Applied.IsNull() && n.bound != nil:
			if d := b.driftOf(n); len(d.Diffs) > 0 {
				out = append(out, d)
			}
		}
	}
	slices.SortFunc(out, func(x, y Drift) int { return cmp.Compare(x.Address, y.Address) })
	return out
}

func expiredApplied(n *node, in Input) bool {
	if n.bound == nil || n.bound.Applied.IsNull() {
		return false
	}
	probe := &node{kind: n.kind, value: n.bound.Applied}
	return (&builder{in: in}).expired(probe)
}

// explained reports whether an unfinished apply of ours may have made the difference (R26).
func (b *builder) explained(n *node) bool {
	return len(b.explains[n.address]) > 0 || n.recorded != "" && len(b.explains[n.recorded]) > 0
}

func (b *builder) driftOf(n *node) Drift {
	d := Drift{Address: n.address, Kind: n.kind.Name}
	if n.desired != nil && len(n.change.Diffs) == 0 && len(n.fromApplied()) == 0 {
		return d // files, state and Atlas agree
	}
	applied := Managed(n.kind, n.bound.Applied, n.change.Lifecycle.IgnoreChanges)
	settledByFile := map[string]bool{}
	if n.desired != nil {
		for _, diff := range n.fromApplied() {
			settledByFile[diff.Path] = true
		}
	}
	if b.state(n, func(s *schema.Settle) []string { return s.Creating }) {
		return d
	}
	hidden := n.hashed()
	for _, top := range sortedKeys(hidden) {
		b.hiddenDrift(n, top, &d)
	}
	n.lostDrift(&d)
	for _, diff := range compare(n.kind, applied, n.live.Value) {
		top := topLevels([]Diff{diff})[0]
		if hidden[top] || n.unread(top) {
			continue // of what is sensitive in it the state has hashes only, and of what was not read nothing is known
		}
		diff.Old, diff.New = diff.New, diff.Old
		switch diff.Op {
		case DiffAdd:
			diff.Op = DiffRemove
		case DiffRemove:
			diff.Op = DiffAdd
		}
		d.Diffs = append(d.Diffs, diff)
		if a := schema.FindPath(n.kind.Attributes, plainPath(diff.Path)); a != nil && a.Restless != "" {
			d.Note = a.Restless
		}
		for i := range n.change.Diffs {
			mine := &n.change.Diffs[i]
			if !settledByFile[mine.Path] && topLevels([]Diff{*mine})[0] == topLevels([]Diff{diff})[0] && related(mine.Path, diff.Path) {
				mine.UndoesDrift = true
				d.Reverts = true
			}
		}
	}
	return d
}

// unread reports whether an argument is behind an endpoint of its own that was not read: what is to be deleted is not
// looked at that closely.
func (n *node) unread(name string) bool {
	p := n.kind.Part(name)
	return p != nil && p.Read != nil && !n.live.Parts[name]
}

// hashed returns the ordinary top-level arguments in which the state has a hash in place of something sensitive.
func (n *node) hashed() map[string]bool {
	tops := map[string]bool{}
	for path := range n.bound.Secrets {
		if a := schema.FindPath(n.kind.Attributes, plainPath(path)); a == nil || !a.WriteOnly {
			tops[topLevels([]Diff{{Path: path}})[0]] = true
		}
	}
	return tops
}

// hiddenDrift tells of an argument that holds something sensitive, of which the state has hashes only: Atlas differs
// from the file, and the file is as it was applied.
func (b *builder) hiddenDrift(n *node, top string, d *Drift) {
	c := n.change
	within := func(diffs []Diff) bool {
		return slices.ContainsFunc(diffs, func(x Diff) bool { return topLevels([]Diff{x})[0] == top && !b.recordedSecret(n, x.Path) })
	}
	if n.desired == nil || !slices.Contains(topLevels(c.Diffs), top) || within(n.fromApplied()) {
		return
	}
	for _, leaf := range n.secretLeaves(n.value, n.bound.Applied) {
		if topLevels([]Diff{{Path: leaf.path}})[0] == top && c.Hashes[leaf.path] == "" {
			return // the file changed
		}
	}
	d.Diffs, d.Reverts = append(d.Diffs, Diff{Path: top, Op: DiffChange, Sensitive: true}), true
	for i := range c.Diffs {
		if topLevels([]Diff{c.Diffs[i]})[0] == top {
			c.Diffs[i].UndoesDrift = true
		}
	}
}

// lostDrift tells of secrets that were applied and that Atlas does not hold any more.
func (n *node) lostDrift(d *Drift) {
	for _, path := range sortedKeys(n.bound.Secrets) {
		a := schema.FindPath(n.kind.Attributes, path)
		if a == nil || !n.lost(a, path) {
			continue
		}
		d.Diffs = append(d.Diffs, Diff{Path: path, Op: DiffRemove, Sensitive: true})
		for i := range n.change.Diffs {
			if n.change.Diffs[i].Path == path {
				n.change.Diffs[i].UndoesDrift, d.Reverts = true, true
			}
		}
	}
}

// related reports whether two paths speak of the same thing, wherever their elements stand.
func related(x, y string) bool {
	x, y = plainPath(x), plainPath(y)
	return x == y || strings.HasPrefix(x, y+".") || strings.HasPrefix(y, x+".")
}

// goesWith marks the deletions that their parent's deletion makes (R22).
func (b *builder) goesWith() {
	here := map[*node]bool{}
	for _, n := range b.nodes {
		here[n] = true
	}
	for _, n := range b.nodes {
		p := n.parent
		if p == nil || !here[p] || n.live == nil || n.change.Action != Delete && n.change.Action != Forget && n.change.Action != Replace {
			continue
		}
		lost := p.change.Action == Delete || p.change.Action == Replace && n.change.Action == Forget
		if !lost || n.kind.BlocksParent || n.outlives() || n.kind.Parent != p.kind.Name {
			continue
		}
		n.change.GoesWith = p.address
		if n.change.Action == Forget {
			b.loseForgotten(n, p)
		}
	}
}

// loseForgotten makes a deletion of a forgetting whose object goes with its parent. What was to stay for good
// keeps the parent.
func (b *builder) loseForgotten(n, p *node) {
	c := n.change
	if code := c.Reasons[0].Code; code == "abandoned" || code == "removed_block" {
		b.error(p.address, "deletion_blocked", fmt.Sprintf("%s would be removed, and %s in it is to stay", p.address, n.address),
			"%s, and it would go with the %s. Keep the %s, or allow the deletion of what is in it.", capital(reasonText(c)), p.kind.Name, p.kind.Name)
	}
	c.Action, c.After = Delete, cty.NullVal(n.kind.Type())
	c.Reasons = append(c.Reasons, Reason{Code: "parent_deleted", Text: "it goes with " + string(p.address)})
	b.checkPrevented(n)
}

// outputs compares the outputs with those that were last applied.
func (b *builder) outputs() []OutputChange {
	var out []OutputChange
	seen := map[string]bool{}
	if !b.in.Options.Destroy {
		for _, o := range b.in.Desired.Outputs {
			seen[o.Name] = true
			change := OutputChange{Name: o.Name, Action: NoOp, Before: cty.NullVal(cty.DynamicPseudoType), After: o.Value, Sensitive: o.Sensitive}
			before, had := b.in.Prior.Outputs[o.Name]
			switch {
			case o.Sensitive || o.Value.ContainsMarked():
				change.Sensitive = true
				switch {
				case !had:
					change.Action = Create
				case !before.Sensitive:
					change.Action = Update
				}
			case !had:
				change.Action = Create
			case before.Sensitive || !o.Value.IsWhollyKnown() || !o.Value.RawEquals(before.Value):
				change.Action = Update
				if !before.Sensitive {
					change.Before = before.Value
				}
			default:
				change.Before = before.Value
			}
			out = append(out, change)
		}
	}
	for _, name := range sortedKeys(b.in.Prior.Outputs) {
		if !seen[name] {
			change := OutputChange{Name: name, Action: Delete, Before: cty.NullVal(cty.DynamicPseudoType), After: cty.NullVal(cty.DynamicPseudoType)}
			if before := b.in.Prior.Outputs[name]; before.Sensitive {
				change.Sensitive = true
			} else {
				change.Before = before.Value
			}
			out = append(out, change)
		}
	}
	slices.SortFunc(out, func(x, y OutputChange) int { return cmp.Compare(x.Name, y.Name) })
	return out
}

// blast reports how much is removed where that is more than 30 % of what the state owns and at least 10 objects.
func (b *builder) blast() *Blast {
	var blast Blast
	for _, bound := range b.in.Prior.Resources {
		if !bound.Adopted {
			blast.Owned++
		}
	}
	for _, n := range b.nodes {
		if n.change.Exclusive {
			blast.Owned++
		}
		if n.change.Action == Delete || n.change.Action == Replace {
			blast.Removed++
		}
	}
	if blast.Removed >= 10 && 10*blast.Removed > 3*blast.Owned {
		return &blast
	}
	return nil
}
