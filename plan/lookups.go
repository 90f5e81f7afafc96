package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// Lookups are read like everything else, by whole lists: the list in which the object must be, and of the object the
// Parts that the files use. What one lookup finds may say where the next one looks, so the files are evaluated again
// until nothing new is found. One that depends on what the plan makes is late: its values are unknown in the plan, what
// uses them waits for what it depends on, and it is read during the apply.

// lookup wants the list in which a looked-up object must be, and then its parts.
func (w *wants) lookup(l *schema.Lookup) {
	kind := w.b.in.Catalog.Kind(l.Kind)
	place := w.b.lookupPlace(kind, l)
	if kind == nil || place == "" || l.Open != "" {
		return
	}
	for _, spot := range spotsOf(kind, l, place) {
		w.sweep(l.Connection, kind, spot)
	}
	o, found := w.b.look(kind, l, place)
	if !found {
		return
	}
	for i := range kind.Parts {
		if p := &kind.Parts[i]; p.Read != nil && slices.Contains(l.Parts, p.Attribute) && !o.Parts[p.Attribute] &&
			schema.Holds(p.When, kind.Attributes, o.Value) {
			id := partID{w.b.identityOf(l.Connection, kind, o), p.Attribute}
			w.parts[id] = Lookup{l.Connection, kind, o.Place, o.ID, o.Key, p, l.Address}
		}
	}
}

// lookupPlace returns where a lookup looks, "" where that is not there or not known yet.
func (b *builder) lookupPlace(kind *schema.Kind, l *schema.Lookup) schema.Place {
	if kind == nil {
		return ""
	}
	n := &node{desired: &schema.Resource{Parent: l.Parent}, kind: kind, connection: l.Connection, parent: b.byAddr[l.Parent.Address]}
	b.settlePlace(n)
	return n.place
}

// spotsOf returns where the object that a lookup names can be: its natural key may say in which part of a divided list.
func spotsOf(kind *schema.Kind, l *schema.Lookup, place schema.Place) []schema.Place {
	values := schema.NullObject(kind.Attributes).AsValueMap()
	for name, text := range kind.KeyParts(l.Key) {
		values[name] = cty.StringVal(text)
	}
	if spot := kind.Spot(place, cty.ObjectVal(values)); spot != "" {
		return []schema.Place{spot}
	}
	return kind.Spots(place)
}

// insideLookup returns the place of what lives in the object that a lookup finds, "" where there is none or it is not
// known yet. The object's id does not say so, since it may live in something itself.
func (b *builder) insideLookup(a schema.Address) schema.Place {
	i := slices.IndexFunc(b.in.Desired.Lookups, func(l schema.Lookup) bool { return l.Address == a })
	if a == "" || i < 0 {
		return ""
	}
	l := &b.in.Desired.Lookups[i]
	kind := b.in.Catalog.Kind(l.Kind)
	o, found := b.look(kind, l, b.lookupPlace(kind, l))
	if !found {
		return ""
	}
	place, _ := kind.Inside(o.Place, o.ID, o.Key)
	return place
}

// look returns the object that a lookup names.
func (b *builder) look(kind *schema.Kind, l *schema.Lookup, place schema.Place) (schema.Object, bool) {
	for _, spot := range spotsOf(kind, l, place) {
		find, name := b.in.Live.ByID, l.ID
		if l.ID == "" {
			find, name = b.in.Live.ByKey, l.Key
		}
		if o, ok := find(l.Connection, l.Kind, spot, name); ok && name != "" {
			return o, true
		}
	}
	objects, _ := b.in.Live.Sweep(l.Connection, l.Kind, place)
	if kind.Singleton && len(objects) == 1 {
		return objects[0], true
	}
	return schema.Object{}, false
}

// lookedUp are the objects that the files read and do not ask for.
func (b *builder) lookedUp() map[identity]bool {
	out := map[identity]bool{}
	for i := range b.in.Desired.Lookups {
		l := &b.in.Desired.Lookups[i]
		kind := b.in.Catalog.Kind(l.Kind)
		if o, found := b.look(kind, l, b.lookupPlace(kind, l)); found {
			out[b.identityOf(l.Connection, kind, o)] = true
		}
	}
	return out
}

// notFound says why a lookup has no object.
func (b *builder) notFound(kind *schema.Kind, l *schema.Lookup, place schema.Place) diag.Diagnostic {
	var objects []schema.Object
	read := place != ""
	for _, spot := range spotsOf(kind, l, place) {
		more, ok := b.in.Live.Sweep(l.Connection, l.Kind, spot)
		objects, read = append(objects, more...), read && ok
	}
	switch {
	case !kind.Swept():
		return diag.Errorf("lookup_not_found", fmt.Sprintf("A %s cannot be looked up", kind.Name), "Atlas has no list of them. Declare it as a resource.")
	case l.Open != "" || place == "":
		return diag.Internalf(fmt.Sprintf("%s cannot be looked up", l.Address), "It is not known which object it is, although everything that it refers to is there.")
	case !read:
		return diag.Errorf("lookup_not_found", fmt.Sprintf("There is no %s to look for a %s in", kind.Parent, kind.Name),
			"%s names the %s %s, which Atlas does not have. Correct the id, or look the %s up with data \"%s\".",
			l.Address, kind.Parent, l.Parent.ID, kind.Parent, kind.Parent)
	}
	if kind.Singleton {
		return diag.Errorf("lookup_not_found", fmt.Sprintf("The %s has no %s", kind.Parent, kind.Name),
			"%s looks for it, and Atlas does not have it. If this configuration makes it, refer to the resource instead.", l.Address)
	}
	what := "with the id " + l.ID
	if l.ID == "" {
		what = fmt.Sprintf("%q", schema.KeyText(l.Key))
	}
	return diag.Errorf("lookup_not_found", fmt.Sprintf("There is no %s %s", kind.Name, what),
		"%s looks for it, and Atlas does not have it.%s If this configuration makes it, refer to the resource instead.", l.Address, nearest(l, objects))
}

// checkTooEarly refuses resources that live in what a late lookup finds.
func (b *builder) checkTooEarly() {
	late := b.lookups().Late
	for _, n := range b.nodes {
		if n.desired != nil && late[n.desired.Parent.Lookup] && n.desired.Parent.ID == "" {
			b.diags.Add(tooEarly(n.desired).On(string(n.address)).At(n.desired.Range))
		}
	}
}

// checkLookups refuses lookups of what the plan deletes, or of what lives in that: whatever uses them would be given
// something that is gone, and the next plan would not find it.
func (b *builder) checkLookups() {
	if b.in.Options.Destroy {
		return
	}
	type where struct {
		connection string
		place      schema.Place
	}
	lost, inside := map[identity]*node{}, map[where]*node{}
	for _, n := range b.nodes {
		if n.live != nil && (n.change.Action == Delete || n.change.Action == Replace) {
			lost[b.identityOf(n.connection, n.kind, *n.live)] = n
			if at := n.within(); at != n.live.Place { // a singleton has no place of its own
				inside[where{n.connection, at}] = n
			}
		}
	}
	for i := range b.in.Desired.Lookups {
		l := &b.in.Desired.Lookups[i]
		kind := b.in.Catalog.Kind(l.Kind)
		o, found := b.look(kind, l, b.lookupPlace(kind, l))
		if !found {
			continue
		}
		n := lost[b.identityOf(l.Connection, kind, o)]
		for at := o.Place; n == nil && at != ""; at, _ = at.Parent() {
			n = inside[where{l.Connection, at}]
		}
		if n != nil {
			b.diags.Add(lookupLost(l, n).On(string(l.Address)).At(l.Range))
		}
	}
}

func lookupLost(l *schema.Lookup, n *node) diag.Diagnostic {
	does, cure := "deletes", fmt.Sprintf("To keep it in Atlas without managing it, write:\n\nremoved {\n  from    = %s\n  destroy = false\n}", n.address)
	if n.desired != nil {
		does, cure = "replaces", "Refer to the resource instead."
	}
	return diag.Errorf("lookup_deleted", fmt.Sprintf("%s looks up what this plan %s", l.Address, does),
		"The plan %s %s, so that whatever uses the lookup would be given something that is gone. %s", does, n.address, cure)
}

// late reports whether a lookup that finds nothing may find something once the plan is applied: because a resource that
// it refers to or lives in is not there yet, or because another late lookup tells it where to look.
func (b *builder) late(l *schema.Lookup, late map[schema.Address]bool) bool {
	return late[l.Parent.Lookup] || slices.ContainsFunc(l.Reads, func(a schema.Address) bool { return late[a] }) ||
		slices.ContainsFunc(b.resolve(l.DependsOn), func(n *node) bool { return n.desired != nil && n.live == nil })
}

// tooEarly refuses a resource that lives in an object which is looked up only while the plan is applied: nobody could
// say what the plan does to it.
func tooEarly(r *schema.Resource) diag.Diagnostic {
	return diag.Errorf("lookup_too_early", fmt.Sprintf("It is not known where %s lives", r.Address),
		"%s is looked up only once this plan is applied, since it depends on what the plan makes. Name the parent by a resource or its id, or apply first what it depends on, with --target.", r.Parent.Lookup)
}

// nearest names the objects that a lookup may mean, those of the most similar names first.
func nearest(l *schema.Lookup, objects []schema.Object) string {
	const most = 5
	wanted := cmp.Or(schema.KeyText(l.Key), l.ID)
	var names []string
	for _, o := range objects {
		names = append(names, cmp.Or(schema.KeyText(o.Key), o.ID))
	}
	if len(names) == 0 {
		return " There is none at all."
	}
	slices.SortFunc(names, func(x, y string) int {
		return cmp.Or(cmp.Compare(distance(wanted, x), distance(wanted, y)), cmp.Compare(x, y))
	})
	more := ""
	if len(names) > most {
		more, names = fmt.Sprintf(" and %d more", len(names)-most), names[:most]
	}
	for i := range names {
		names[i] = fmt.Sprintf("%q", names[i])
	}
	return fmt.Sprintf(" There are: %s%s.", strings.Join(names, ", "), more)
}

func distance(x, y string) int {
	return levenshtein.Distance(strings.ToLower(x), strings.ToLower(y), nil)
}
