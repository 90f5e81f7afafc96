package plan

import (
	"cmp"
	"slices"

	rdiff "github.com/r3labs/diff/v3"
	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// What is equal is what Atlas treats as equal, so the comparison is Mercator's own and goes by the descriptor:
// an argument that is not set is not compared (R10), lists pair their elements (R12), free maps are owned whole
// (R11), texts compare by enum, instant, meaning or canonical form, and the kind's Equal hook has the last word on a leaf
// (R13). It runs first, and thousands of unchanged objects never go further. r3labs/diff then describes the
// keys of free maps. It serves nowhere else: it compares lists by position, gives up on a value that changes its
// type, and walks cty's private fields, so marks and unknown values never reach it.

// comparison walks a desired and a live value side by side.
type comparison struct {
	kind *schema.Kind
	// around are the enclosing objects, for the Equal hook.
	around []schema.Pair
	diffs  []Diff
	// probing stops at the first difference, without describing it.
	probing, different bool
	// label is the identity of the innermost list element.
	label string
}

// attributePath is a path as users write it and as descriptors do.
type attributePath struct {
	user, plain string
}

func (p attributePath) attr(name string) attributePath {
	if p.plain == "" {
		return attributePath{p.user + name, name}
	}
	return attributePath{p.user + "." + name, p.plain + "." + name}
}

// compare returns the differences between a desired and a live value of the kind, in the order of its arguments.
func compare(kind *schema.Kind, desired, live cty.Value) []Diff {
	c := comparison{kind: kind}
	c.object(kind.Attributes, desired, live, attributePath{})
	return c.diffs
}

// compared reports whether an attribute takes part in a comparison: not what Atlas owns or hides.
func compared(a *schema.Attribute) bool {
	return a.Argument() && !a.WriteOnly && !a.Virtual && !a.DestroyTime && !a.Initial
}

func (c *comparison) object(attrs []schema.Attribute, desired, live cty.Value, at attributePath) {
	c.around = append(c.around, schema.Pair{Desired: desired, Live: live})
	defer func() { c.around = c.around[:len(c.around)-1] }()
	for i := range attrs {
		if c.probing && c.different {
			return
		}
		a := &attrs[i]
		if !compared(a) {
			continue
		}
		d := desired.GetAttr(a.Name)
		if raw, _ := d.Unmark(); raw.IsKnown() && raw.IsNull() {
			continue
		}
		l := cty.NullVal(a.CtyType())
		if !live.IsNull() {
			l = live.GetAttr(a.Name)
		}
		c.value(a, d, l, at.attr(a.Name))
	}
}

func (c *comparison) value(a *schema.Attribute, desired, live cty.Value, at attributePath) {
	d, marks := desired.Unmark()
	l, veil := live.Unmark()
	sensitive := len(marks)+len(veil) > 0
	if !d.IsKnown() {
		c.add(Diff{Path: at.user, Op: DiffChange, Old: live, New: desired, Sensitive: sensitive})
		return
	}
	switch {
	case a.Type == schema.TypeObject:
		if l.IsNull() && c.emptyObject(a.Nested, d) {
			return
		}
		c.object(a.Nested, desired, live, at) // marks go down to the fields
	case a.Type == schema.TypeList:
		c.list(a, desired, live, at, sensitive)
	case a.Type == schema.TypeMap || a.Type == schema.TypePairs:
		c.mapping(d, l, at, sensitive)
	default:
		if !c.equalLeaf(a, d, l, at) {
			c.add(Diff{Path: at.user, Op: opOf(l), Old: live, New: desired, Sensitive: sensitive})
		}
	}
}

// emptyObject reports whether an object sets nothing at all.
func (c *comparison) emptyObject(attrs []schema.Attribute, v cty.Value) bool {
	for i := range attrs {
		if f, _ := v.GetAttr(attrs[i].Name).Unmark(); !f.IsKnown() || !f.IsNull() {
			return false
		}
	}
	return true
}

func opOf(live cty.Value) DiffOp {
	if live.IsNull() {
		return DiffAdd
	}
	return DiffChange
}

// add notes a difference; a sensitive one loses its values. Secrets inside an added element keep their mark,
// by which renderers mask them one by one.
func (c *comparison) add(d Diff) {
	c.different = true
	if c.probing {
		return
	}
	if d.New != cty.NilVal && d.New.IsMarked() {
		d.Sensitive = true
	}
	switch {
	case d.Sensitive: // its label may be made of what is sensitive
		d.Old, d.New, d.Label = cty.NilVal, cty.NilVal, ""
	case d.Label == "":
		d.Label = c.label
	}
	c.diffs = append(c.diffs, d)
}

// equalLeaf reports whether two primitive values are the same to Atlas.
func (c *comparison) equalLeaf(a *schema.Attribute, d, l cty.Value, at attributePath) bool {
	if l.IsNull() && a.Default != cty.NilVal {
		l = a.Default
	}
	if !l.IsNull() {
		if sameText(d, l) || d.RawEquals(l) || wholeValue(a, d) == wholeValue(a, l) {
			return true
		}
		if c.kind.Identity.Canonical != nil && c.isKey(at.plain) {
			x, err1 := c.kind.Identity.Canonical(d.AsString())
			y, err2 := c.kind.Identity.Canonical(l.AsString())
			if err1 == nil && err2 == nil && x == y {
				return true
			}
		}
	}
	if c.kind.Hooks.Equal == nil {
		return false
	}
	return c.kind.Hooks.Equal(schema.Leaf{Path: at.plain, Desired: d, Live: l, Around: c.around})
}

// sameText reports whether two values are the same text: most are, and need no more.
func sameText(d, l cty.Value) bool {
	return d.Type() == cty.String && l.Type() == cty.String && l.IsKnown() && d.AsString() == l.AsString()
}

func (c *comparison) isKey(path string) bool {
	for _, k := range c.kind.Identity.Key {
		if k == path {
			return true
		}
	}
	return false
}

// elements returns the elements of a list; the marks of the list are on each.
func elements(v cty.Value) []cty.Value {
	v, marks := v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return nil
	}
	out := v.AsValueSlice()
	if len(marks) > 0 {
		for i := range out {
			out[i] = out[i].WithMarks(marks)
		}
	}
	return out
}

func (c *comparison) list(a *schema.Attribute, desired, live cty.Value, at attributePath, sensitive bool) {
	ds, ls := elements(desired), elements(live)
	pairs := c.pairElements(a, ds, ls, at)
	label, different := c.label, c.different
	c.different = false
	defer func() { c.label, c.different = label, c.different || different }()
	moved := false
	for _, p := range pairs {
		switch {
		case p.live < 0:
			path := at.index(p.desired)
			c.add(Diff{Path: path.user, Label: elementLabel(a, ds[p.desired]), Op: DiffAdd, New: ds[p.desired], Sensitive: sensitive})
		case p.desired < 0:
			path := at.index(p.live)
			c.add(Diff{Path: path.user, Label: elementLabel(a, ls[p.live]), Op: DiffRemove, Old: ls[p.live], Sensitive: sensitive})
		default:
			moved = moved || a.Elem.Ordered && p.desired != p.live
			if a.Nested != nil && !a.Elem.Whole {
				c.label = elementLabel(a, ds[p.desired])
				c.object(a.Nested, ds[p.desired], ls[p.live], at.index(p.desired))
				c.label = label
			} else if a.Nested == nil && elementText(a, ds[p.desired]) != elementText(a, ls[p.live]) {
				// paired by position only, in an ordered list
				c.add(Diff{Path: at.index(p.desired).user, Op: DiffChange, Old: ls[p.live], New: ds[p.desired], Sensitive: sensitive})
			}
		}
	}
	if moved && len(ds) == len(ls) && !c.different {
		c.add(Diff{Path: at.user, Op: DiffChange, Old: live, New: desired, Sensitive: sensitive})
	}
}

func (p attributePath) index(n int) attributePath {
	return attributePath{p.user + schema.PathString(cty.Path{cty.IndexStep{Key: cty.NumberIntVal(int64(n))}}), p.plain}
}

// mapping compares a map with free keys, which is owned whole.
func (c *comparison) mapping(desired, live cty.Value, at attributePath, sensitive bool) {
	ds, ls := texts(desired), texts(live)
	if c.probing {
		c.different = c.different || !sameTexts(ds, ls)
		return
	}
	if sameTexts(ds, ls) {
		return
	}
	values, _ := desired.Unmark()
	of := values.AsValueMap()
	old, known := map[string]string{}, map[string]string{}
	for k, v := range ls {
		old[k] = *v
	}
	var diffs []Diff
	for k, v := range ds {
		switch {
		case v != nil:
			known[k] = *v
		default: // not known yet: a difference by itself, which the library must not see
			diffs = append(diffs, Diff{Path: at.key(k), Op: DiffChange, New: of[k]})
			delete(old, k)
		}
	}
	log, err := rdiff.Diff(old, known)
	if err != nil { // maps of strings do not fail
		diffs = append(diffs, Diff{Path: at.user, Op: DiffChange, Old: live, New: desired})
	}
	for _, change := range log {
		key := change.Path[0]
		d := Diff{Path: at.key(key), Sensitive: of[key] != cty.NilVal && of[key].IsMarked()}
		switch change.Type {
		case rdiff.CREATE:
			d.Op, d.New = DiffAdd, cty.StringVal(known[key])
		case rdiff.DELETE:
			d.Op, d.Old = DiffRemove, cty.StringVal(old[key])
		default:
			d.Op, d.Old, d.New = DiffChange, cty.StringVal(old[key]), cty.StringVal(known[key])
		}
		diffs = append(diffs, d)
	}
	slices.SortFunc(diffs, func(x, y Diff) int { return cmp.Compare(x.Path, y.Path) })
	for _, d := range diffs {
		d.Sensitive = d.Sensitive || sensitive
		c.add(d)
	}
}

func (p attributePath) key(k string) string {
	return p.user + schema.PathString(cty.Path{cty.IndexStep{Key: cty.StringVal(k)}})
}

// texts returns a map's values as text, nil for one that is not known.
func texts(v cty.Value) map[string]*string {
	v, _ = v.Unmark()
	out := map[string]*string{}
	if v.IsNull() || !v.IsKnown() {
		return out
	}
	for it := v.ElementIterator(); it.Next(); {
		k, el := it.Element()
		el, _ = el.Unmark()
		k, _ = k.Unmark()
		switch {
		case !el.IsKnown():
			out[k.AsString()] = nil
		case !el.IsNull():
			text := wholeValue(&schema.Attribute{Type: schema.TypeString}, el)
			out[k.AsString()] = &text
		}
	}
	return out
}

func sameTexts(x, y map[string]*string) bool {
	if len(x) != len(y) {
		return false
	}
	for k, v := range x {
		w, ok := y[k]
		if !ok || v == nil || w == nil || *v != *w {
			return false
		}
	}
	return true
}
