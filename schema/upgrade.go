package schema

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// Upgrade says how a live object becomes one that no update makes of it, in place and with all that it holds: a free
// cluster one with machines of its own. What it was may even be of another kind. There is no way back.
type Upgrade struct {
	// Doc says in a sentence what becomes what, for the reference and for those who ask for something else.
	Doc string
	// From is the kind of what is upgraded: the kind itself, or another of its Namespace.
	From string
	// When holds of the live object, of the kind From, and Into of the desired one.
	When, Into []Condition
	Call       *Endpoint
	// Body are the fields of a request that is written otherwise than the kind's own; without, it holds the attributes
	// that the Call's Only names.
	Body []Field
	// Leaves are what the upgraded object has where the request cannot say it, by the path of a leaf.
	Leaves map[string]cty.Value
}

// Field is a field of a request: API is its JSON path, filled from the attribute at a dotted path, of a list from the
// first element that has all that the request wants of it, or with a text of its own.
type Field struct {
	API, Attribute, Text string
}

// UpgradeOf returns how a live object of the kind from becomes the desired one of k, nil where that takes no upgrade
// or none is possible. What is not known of the desired one counts as fitting where the kind changes: no update leads
// there.
func (k *Kind) UpgradeOf(from *Kind, live, desired cty.Value) *Upgrade {
	for i := range k.Upgrades {
		u := &k.Upgrades[i]
		if u.From != from.Name || !u.Fits(from, live) {
			continue
		}
		holds, certain := judge{}.allOf(u.Into, k.Attributes, desired)
		if holds || !certain && from.Name != k.Name {
			return u
		}
	}
	return nil
}

// Upgrade returns the kind's upgrade with the given operation, or nil.
func (k *Kind) Upgrade(operation string) *Upgrade {
	for i := range k.Upgrades {
		if k.Upgrades[i].Call.Operation == operation {
			return &k.Upgrades[i]
		}
	}
	return nil
}

// Fits reports whether a live object of the kind From is one that the upgrade is for.
func (u *Upgrade) Fits(from *Kind, live cty.Value) bool {
	holds, certain := judge{}.allOf(u.When, from.Attributes, live)
	return holds && certain
}

// Holds reports whether all conditions certainly hold of a value of the attributes.
func Holds(conds []Condition, attrs []Attribute, v cty.Value) bool {
	holds, certain := judge{}.allOf(conds, attrs, v)
	return holds && certain
}

func (j judge) allOf(conds []Condition, attrs []Attribute, v cty.Value) (holds, certain bool) {
	m := j.all(conds, attrs, element{value: v})
	return m.holds, m.certain
}

// Sent returns what of a desired value the upgrade's request says: of a list that it cannot say whole, one element.
func (u *Upgrade) Sent(kind *Kind, desired cty.Value) cty.Value {
	var paths []string
	if u.Body == nil {
		paths = u.Call.Only
	}
	for _, f := range u.Body {
		if f.Attribute != "" {
			paths = append(paths, f.Attribute)
		}
	}
	return only(kind.Attributes, desired, paths)
}

// Result returns what the object will be once it is upgraded: as it is live, with what the request says and what
// follows from it. Only what is left between that and the desired value takes further calls.
func (u *Upgrade) Result(kind *Kind, desired, live cty.Value) cty.Value {
	sent, _ := u.Sent(kind, desired).Unmark()
	values := live.AsValueMap()
	var tops []string
	for path := range u.Leaves {
		tops = append(tops, top(path))
	}
	for i := range kind.Attributes {
		a := &kind.Attributes[i]
		v := sent.GetAttr(a.Name)
		if raw, _ := v.Unmark(); slices.Contains(tops, a.Name) {
			v = withLeaves(a, v, u.Leaves, a.Name)
		} else if raw.IsNull() {
			continue
		}
		values[a.Name] = v
	}
	return cty.ObjectVal(values)
}

// Tops returns the top-level attributes that the upgrade sets.
func (u *Upgrade) Tops(kind *Kind) []string {
	var out []string
	for i := range kind.Attributes {
		name := kind.Attributes[i].Name
		says := u.Body == nil && slices.Contains(u.Call.Only, name) ||
			slices.ContainsFunc(u.Body, func(f Field) bool { return top(f.Attribute) == name })
		for path := range u.Leaves {
			says = says || top(path) == name
		}
		if says {
			out = append(out, name)
		}
	}
	return out
}

func top(path string) string {
	name, _, _ := strings.Cut(path, ".")
	return name
}

// inside returns what is left of the paths that lead into an attribute, and whether one of them is the attribute.
func inside(paths []string, name string) (rest []string, whole bool) {
	for _, p := range paths {
		if p == name {
			whole = true
		} else if more, ok := strings.CutPrefix(p, name+"."); ok {
			rest = append(rest, more)
		}
	}
	return rest, whole
}

// only returns a value in which nothing is set but what stands at the paths.
func only(attrs []Attribute, v cty.Value, paths []string) cty.Value {
	v, marks := v.Unmark()
	values := NullObject(attrs).AsValueMap()
	if !v.IsKnown() || v.IsNull() {
		return v.WithMarks(marks)
	}
	for i := range attrs {
		a := &attrs[i]
		rest, whole := inside(paths, a.Name)
		field := v.GetAttr(a.Name)
		switch raw, m := field.Unmark(); {
		case whole || len(rest) > 0 && !raw.IsKnown():
			values[a.Name] = field
		case len(rest) == 0 || raw.IsNull():
		case a.Type == TypeObject:
			values[a.Name] = only(a.Nested, field, rest)
		case raw.LengthInt() > 0:
			values[a.Name] = cty.ListVal([]cty.Value{only(a.Nested, fullest(a.Nested, raw, rest), rest)}).WithMarks(m)
		}
	}
	return cty.ObjectVal(values).WithMarks(marks)
}

// fullest returns the first element of a list that has something at all of the paths, or else the first.
func fullest(attrs []Attribute, list cty.Value, paths []string) cty.Value {
	elements := list.AsValueSlice()
	for _, el := range elements {
		if !slices.ContainsFunc(paths, func(p string) bool { return isNull(at(attrs, el, p)) }) {
			return el
		}
	}
	return elements[0]
}

func isNull(v cty.Value) bool {
	v, _ = v.Unmark()
	return v.IsKnown() && v.IsNull()
}

// at follows a dotted path, through lists by their first element; null where there is nothing.
func at(attrs []Attribute, v cty.Value, path string) cty.Value {
	name, rest, deeper := strings.Cut(path, ".")
	a := Find(attrs, name)
	v, marks := v.Unmark()
	switch {
	case a == nil || v.IsNull():
		return cty.NullVal(cty.DynamicPseudoType)
	case !v.IsKnown():
		return cty.DynamicVal.WithMarks(marks)
	}
	field := v.GetAttr(name)
	raw, more := field.Unmark()
	if !deeper || !raw.IsKnown() || raw.IsNull() {
		return field.WithMarks(marks)
	}
	if a.Type == TypeList {
		if raw.LengthInt() == 0 {
			return cty.NullVal(cty.DynamicPseudoType)
		}
		field = raw.AsValueSlice()[0].WithMarks(more)
	}
	return at(a.Nested, field, rest).WithMarks(marks)
}

// withLeaves returns the value of an attribute with the leaves that stand in it and are not set, in every element of
// a list, and in one where it has none.
func withLeaves(a *Attribute, v cty.Value, leaves map[string]cty.Value, path string) cty.Value {
	raw, marks := v.Unmark()
	leaf, ok := leaves[path]
	switch {
	case !raw.IsKnown() || ok && !raw.IsNull():
		return v
	case ok:
		return leaf
	case !slices.ContainsFunc(slices.Collect(maps.Keys(leaves)), func(p string) bool { return strings.HasPrefix(p, path+".") }):
		return v
	case a.Type == TypeList && (raw.IsNull() || raw.LengthInt() == 0):
		return cty.ListVal([]cty.Value{fieldsWithLeaves(a.Nested, NullObject(a.Nested), leaves, path)}).WithMarks(marks)
	case a.Type == TypeList:
		elements := raw.AsValueSlice()
		for i := range elements {
			elements[i] = fieldsWithLeaves(a.Nested, elements[i], leaves, path)
		}
		return cty.ListVal(elements).WithMarks(marks)
	case raw.IsNull():
		raw = NullObject(a.Nested)
	}
	return fieldsWithLeaves(a.Nested, raw, leaves, path).WithMarks(marks)
}

func fieldsWithLeaves(attrs []Attribute, v cty.Value, leaves map[string]cty.Value, path string) cty.Value {
	v, marks := v.Unmark()
	if !v.IsKnown() || v.IsNull() {
		return v.WithMarks(marks)
	}
	values := v.AsValueMap()
	for i := range attrs {
		a := &attrs[i]
		values[a.Name] = withLeaves(a, values[a.Name], leaves, path+"."+a.Name)
	}
	return cty.ObjectVal(values).WithMarks(marks)
}

// Request returns the body of the upgrade's request, as the fields say it.
func (u *Upgrade) Request(kind *Kind, desired cty.Value) (map[string]any, error) {
	sent := u.Sent(kind, desired)
	body := map[string]any{}
	for _, f := range u.Body {
		var j any = f.Text
		if f.Attribute != "" {
			a := FindPath(kind.Attributes, f.Attribute)
			v := at(kind.Attributes, sent, f.Attribute)
			if isNull(v) {
				continue
			}
			one, err := Encode([]Attribute{*a}, cty.ObjectVal(map[string]cty.Value{a.Name: v}), ByAPI)
			if err != nil {
				return nil, err
			}
			j = one[a.API]
		}
		steps := strings.Split(f.API, ".")
		into := body
		for _, step := range steps[:len(steps)-1] {
			inner, ok := into[step].(map[string]any)
			if !ok {
				inner = map[string]any{}
				into[step] = inner
			}
			into = inner
		}
		into[steps[len(steps)-1]] = j
	}
	return body, nil
}

// Carry returns a value of one kind's attributes as one of another's: what both call the same and hold in the same
// type. Everything else is null.
func Carry(from, to []Attribute, v cty.Value) cty.Value {
	v, marks := v.Unmark()
	values := NullObject(to).AsValueMap()
	if v.IsNull() || !v.IsKnown() {
		return cty.NullVal(ObjectType(to)).WithMarks(marks)
	}
	for i := range to {
		a, b := &to[i], Find(from, to[i].Name)
		switch {
		case b == nil || a.Type != b.Type:
		case a.CtyType().Equals(b.CtyType()):
			values[a.Name] = v.GetAttr(a.Name)
		case a.Type == TypeObject:
			values[a.Name] = Carry(b.Nested, a.Nested, v.GetAttr(a.Name))
		}
	}
	return cty.ObjectVal(values).WithMarks(marks)
}

// Peers returns the other kinds of which Atlas never has an object with the name of one of k's in the same place.
func (c *Catalog) Peers(k *Kind) []*Kind {
	var out []*Kind
	if k.Identity.Namespace == "" {
		return nil
	}
	for _, name := range c.names {
		if peer := c.kinds[name]; peer != k && peer.Name != k.Name && peer.Parent == k.Parent && peer.Identity.Namespace == k.Identity.Namespace {
			out = append(out, peer)
		}
	}
	return out
}

// Namespace names what an object's natural key is unique in: that of the kind's identity, or the kind itself.
func (k *Kind) Namespace() string { return cmp.Or(k.Identity.Namespace, k.Name) }

// checkUpgrades finds what is inconsistent in a kind's upgrades and its namespace.
func (c *Catalog) checkUpgrades(k *Kind, bad func(string, ...any)) {
	if k.Identity.Namespace != "" && (k.Identity.Binds != ByKey || c.kinds[k.Identity.Namespace] != nil) {
		bad("only what binds by its natural key shares a namespace, which is not called like a kind")
	}
	for i := range k.Upgrades {
		u := &k.Upgrades[i]
		if u.Call == nil || u.Doc == "" || u.Body == nil && u.Call.Only == nil {
			bad("the upgrade from %s lacks words, a call, or what the call sends", u.From)
			continue
		}
		from := c.kinds[u.From]
		if from == nil || from != c.kinds[k.Name] && !slices.Contains(c.Peers(k), from) {
			bad("the upgrade %s starts at %q, which shares no names with it", u.Call.Operation, u.From)
			continue
		}
		missing := func(name string) { bad("the upgrade %s looks at %q, which is not there", u.Call.Operation, name) }
		checkConditions(from.Attributes, u.When, missing)
		checkConditions(k.Attributes, u.Into, missing)
		for _, f := range u.Body {
			if (f.Attribute == "") == (f.Text == "") || f.Attribute != "" && FindPath(k.Attributes, f.Attribute) == nil {
				missing(f.API)
			}
		}
		for path, v := range u.Leaves {
			if a := FindPath(k.Attributes, path); a == nil || !a.CtyType().Equals(v.Type()) {
				missing(path)
			}
		}
	}
	for _, p := range k.Parts {
		checkConditions(k.Attributes, p.When, func(name string) { bad("the part %s looks at %q, which is not there", p.Attribute, name) })
	}
}
