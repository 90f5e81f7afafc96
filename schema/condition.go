package schema

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema/diag"
)

// Misfit is an argument that its siblings rule out, or that they make necessary.
type Misfit struct {
	// Path is where the argument stands or is missing.
	Path cty.Path
	// Finding says what is wrong; its code is argument_not_allowed or argument_missing.
	Finding diag.Diagnostic
}

// Misfits returns the arguments in v, a desired value, that stand where AllowedWhen does not hold, and for a
// creation those that RequiredWhen asks for and that are not set. Where a sibling is unknown, or has a value
// that its Enum does not know, nothing is said: a newer Atlas may know better.
func (k *Kind) Misfits(v cty.Value, creating bool) []Misfit {
	c := conditions{creating: creating}
	c.object(k.Attributes, v, nil)
	return c.found
}

type conditions struct {
	creating bool
	found    []Misfit
}

func (c *conditions) object(attrs []Attribute, v cty.Value, at cty.Path) {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return
	}
	for i := range attrs {
		a := &attrs[i]
		if !a.Argument() || a.AllowedWhen == nil && a.RequiredWhen == nil && a.Nested == nil {
			continue
		}
		value, _ := v.GetAttr(a.Name).Unmark()
		c.attribute(attrs, v, a, value, at)
		c.inside(a, value, at)
	}
}

// field returns the path of an attribute of what stands at a path.
func field(at cty.Path, a *Attribute) cty.Path {
	return append(slices.Clone(at), cty.GetAttrStep{Name: a.Name})
}

func (c *conditions) inside(a *Attribute, value cty.Value, at cty.Path) {
	if a.Nested == nil || value.IsNull() || !value.IsKnown() {
		return
	}
	path := field(at, a)
	if a.Type == TypeObject {
		c.object(a.Nested, value, path)
		return
	}
	for it := value.ElementIterator(); it.Next(); {
		i, el := it.Element()
		c.object(a.Nested, el, append(slices.Clone(path), cty.IndexStep{Key: i}))
	}
}

func (c *conditions) attribute(attrs []Attribute, v cty.Value, a *Attribute, value cty.Value, at cty.Path) {
	set := !value.IsKnown() || !value.IsNull()
	if set && a.AllowedWhen != nil {
		if failed := firstFailed(attrs, v, a.AllowedWhen); failed != nil {
			path := field(at, a)
			c.found = append(c.found, Misfit{path, diag.Errorf("argument_not_allowed", PathString(path)+" does not belong here",
				"%s is taken only where %s. Remove it, or change %s.", a.Name, failed.text(), failed.Attribute)})
		}
	}
	if !set && c.creating && a.RequiredWhen != nil && allHold(attrs, v, a.RequiredWhen) {
		var texts []string
		for i := range a.RequiredWhen {
			texts = append(texts, a.RequiredWhen[i].text())
		}
		path := field(at, a)
		c.found = append(c.found, Misfit{path, diag.Errorf("argument_missing", PathString(path)+" is missing",
			"Atlas needs %s where %s. Set it.", a.Name, strings.Join(texts, " and "))})
	}
}

// firstFailed returns the first condition that certainly does not hold, or nil.
func firstFailed(attrs []Attribute, v cty.Value, conds []Condition) *Condition {
	for i := range conds {
		if holds, certain := conds[i].holds(attrs, v); certain && !holds {
			return &conds[i]
		}
	}
	return nil
}

func allHold(attrs []Attribute, v cty.Value, conds []Condition) bool {
	for i := range conds {
		if holds, certain := conds[i].holds(attrs, v); !certain || !holds {
			return false
		}
	}
	return true
}

// holds reports whether the condition holds, and whether that is certain.
func (c *Condition) holds(attrs []Attribute, v cty.Value) (holds, certain bool) {
	sibling := Find(attrs, c.Attribute)
	if sibling == nil {
		return false, false
	}
	value, _ := effective(attrs, v, sibling).Unmark()
	if !value.IsKnown() {
		return false, false
	}
	return judge{}.fits(c, sibling, value)
}

// judge holds values against conditions.
type judge struct{ now time.Time }

// meeting is what came of a condition: whether it holds, whether that is certain, and what was seen where.
type meeting struct {
	holds, certain bool
	path           cty.Path
	found          string
}

// meet holds an object of the attributes against the condition; at is where the object stands.
func (j judge) meet(c *Condition, attrs []Attribute, v cty.Value, at cty.Path) meeting {
	a := Find(attrs, c.Attribute)
	value, marks := effective(attrs, v, a).Unmark()
	if !value.IsKnown() {
		return meeting{}
	}
	path := field(at, a)
	if c.Some != nil || c.Every != nil {
		return j.inside(c, a, value, path)
	}
	m := meeting{path: path}
	if m.holds, m.certain = j.fits(c, a, value); m.holds {
		m.found = found(path, value, len(marks) > 0)
	}
	return m
}

// fits reports whether a known value is what the condition asks for, and whether that is certain.
func (j judge) fits(c *Condition, a *Attribute, value cty.Value) (fits, certain bool) {
	unset := value.IsNull() || value.CanIterateElements() && value.LengthInt() == 0
	switch {
	case unset:
		return c.Unset, true
	case c.Network != nil:
		text, ok := textOf(value)
		return ok && c.Network.holds(text), true
	case c.Past:
		text, _ := textOf(value)
		t, err := Instant(text)
		return err == nil && !t.After(j.now), true
	case c.Values == nil:
		return !c.Unset, true
	}
	text, ok := textOf(value)
	if !ok {
		return false, true
	}
	if containsFold(c.Values, text) {
		return true, true
	}
	return false, a.Enum == nil || containsFold(a.Enum, text)
}

// inside holds an object, or each element of a list, against Some or Every. Nothing there means that not one holds and
// that every one does.
func (j judge) inside(c *Condition, a *Attribute, value cty.Value, at cty.Path) meeting {
	all := c.Every != nil
	conds := c.Some
	if all {
		conds = c.Every
	}
	out := meeting{holds: all, certain: true, path: at}
	if value.IsNull() {
		out.found = found(at, value, false)
		return out
	}
	elements := []element{{at, value}}
	if a.Type == TypeList {
		elements = elementsOf(value, at)
	}
	for i, el := range elements {
		switch m := j.all(conds, a.Nested, el); {
		case m.certain && m.holds != all: // this one decides
			return m
		case !m.certain:
			out.holds, out.certain = false, false
		case i == 0:
			out.path, out.found = m.path, m.found
		}
	}
	return out
}

// all holds an object against several conditions. What it tells is about the first of them.
func (j judge) all(conds []Condition, attrs []Attribute, el element) meeting {
	out := meeting{holds: true, certain: true, path: el.at}
	v, _ := el.value.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return meeting{certain: v.IsKnown()}
	}
	for i := range conds {
		switch m := j.meet(&conds[i], attrs, v, el.at); {
		case m.certain && !m.holds:
			return m
		case !m.certain:
			out.holds, out.certain = false, false
		case i == 0:
			out.path, out.found = m.path, m.found
		}
	}
	return out
}

type element struct {
	at    cty.Path
	value cty.Value
}

func elementsOf(list cty.Value, at cty.Path) []element {
	var out []element
	for it := list.ElementIterator(); it.Next(); {
		i, v := it.Element()
		out = append(out, element{append(slices.Clone(at), cty.IndexStep{Key: i}), v})
	}
	return out
}

// holds reports whether a text is a public network whose prefix is within the bounds.
func (p *Prefixes) holds(text string) bool {
	network, err := netip.ParsePrefix(text)
	if err != nil || network.Addr().IsPrivate() {
		return false
	}
	bounds := p.IPv6
	if network.Addr().Is4() {
		bounds = p.IPv4
	}
	return bounds[0] <= network.Bits() && network.Bits() <= bounds[1]
}

// Words says the condition in words, for the reference: "type_name is SLACK".
func (c *Condition) Words() string { return c.text() }

// text says the condition in words; long lists of values are cut.
func (c *Condition) text() string {
	const shown = 5
	switch n := len(c.Values); {
	case c.Unset && n == 0:
		return c.Attribute + " is not set"
	case n == 0:
		return c.Attribute + " is set"
	case n == 1:
		return c.Attribute + " is " + c.Values[0]
	case n <= shown:
		return c.Attribute + " is one of " + strings.Join(c.Values, ", ")
	default:
		return c.Attribute + " is one of " + strings.Join(c.Values[:shown], ", ") + " and others like them"
	}
}

func containsFold(values []string, text string) bool {
	return slices.ContainsFunc(values, func(s string) bool { return strings.EqualFold(s, text) })
}

// Allows reports whether a's AllowedWhen may hold among its siblings in v; what is not known counts as holding.
func Allows(attrs []Attribute, v cty.Value, a *Attribute) bool {
	v, _ = v.Unmark()
	return v.IsNull() || !v.IsKnown() || firstFailed(attrs, v, a.AllowedWhen) == nil
}

// Requires reports whether a's RequiredWhen certainly holds among its siblings in v.
func Requires(attrs []Attribute, v cty.Value, a *Attribute) bool {
	v, _ = v.Unmark()
	return a.RequiredWhen != nil && !v.IsNull() && v.IsKnown() && allHold(attrs, v, a.RequiredWhen)
}

// Fails returns the first of some conditions on the kind's attributes that certainly does not hold of a value, or nil.
func (k *Kind) Fails(v cty.Value, conds []Condition) *Condition {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return nil
	}
	return firstFailed(k.Attributes, v, conds)
}
