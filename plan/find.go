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

// The ways in which a declared resource finds its live object, in the order in which they are tried (R2, R3).

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
		if i.Key != "" && o.Key == i.Key || i.Key == "" && MadeFrom(n.kind, i.Content, o.Value) {
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

// sole returns the object of a singleton in a place.
func (b *builder) sole(connection string, kind *schema.Kind, place schema.Place) (schema.Object, bool) {
	objects, _ := b.in.Live.Sweep(connection, kind.Name, place)
	if len(objects) != 1 {
		return schema.Object{}, false
	}
	return objects[0], true
}

// byParent pairs a singleton with the one object that its parent has. What the state knows of another parent's is
// reset there first.
func (b *builder) byParent(n *node) bool {
	if !n.kind.Singleton || n.bound != nil && n.bound.Place != n.place && b.stillThere(n.bound) {
		return false
	}
	o, ok := b.sole(n.connection, n.kind, n.place)
	how := "parent"
	if n.bound != nil && n.bound.Place == n.place {
		how = "bound"
	}
	return ok && b.claim(n, o, how)
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

// SameContent reports whether an object holds exactly what is declared: every argument equal, those that the file
// leaves out at the value that Atlas takes instead. Secrets, what Atlas owns and what it fills in as it likes do not
// count (R3).
func SameContent(kind *schema.Kind, desired, live cty.Value) bool {
	filled := fillDefaults(kind.Attributes, shown(kind, desired), false)
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
