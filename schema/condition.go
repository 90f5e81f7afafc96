package schema

import (
	"slices"
	"strings"

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
		if !a.Argument() {
			continue
		}
		path := append(slices.Clone(at), cty.GetAttrStep{Name: a.Name})
		value, _ := v.GetAttr(a.Name).Unmark()
		c.attribute(attrs, v, a, value, path)
		c.inside(a, value, path)
	}
}

func (c *conditions) inside(a *Attribute, value cty.Value, at cty.Path) {
	if a.Nested == nil || value.IsNull() || !value.IsKnown() {
		return
	}
	if a.Type == TypeObject {
		c.object(a.Nested, value, at)
		return
	}
	for it := value.ElementIterator(); it.Next(); {
		i, el := it.Element()
		c.object(a.Nested, el, append(slices.Clone(at), cty.IndexStep{Key: i}))
	}
}

func (c *conditions) attribute(attrs []Attribute, v cty.Value, a *Attribute, value cty.Value, at cty.Path) {
	set := !value.IsKnown() || !value.IsNull()
	if set && a.AllowedWhen != nil {
		if failed := firstFailed(attrs, v, a.AllowedWhen); failed != nil {
			c.found = append(c.found, Misfit{at, diag.Errorf("argument_not_allowed", PathString(at)+" does not belong here",
				"%s is taken only where %s. Remove it, or change %s.", a.Name, failed.text(), failed.Attribute)})
		}
	}
	if !set && c.creating && a.RequiredWhen != nil && allHold(attrs, v, a.RequiredWhen) {
		var texts []string
		for i := range a.RequiredWhen {
			texts = append(texts, a.RequiredWhen[i].text())
		}
		c.found = append(c.found, Misfit{at, diag.Errorf("argument_missing", PathString(at)+" is missing",
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
	value, _ := effective(attrs, v, sibling).Unmark()
	switch {
	case !value.IsKnown():
		return false, false
	case c.Values == nil:
		return value.IsNull() == c.Unset, true
	case value.IsNull():
		return false, true
	}
	text, ok := textOf(value)
	if !ok {
		return false, true
	}
	if containsFold(c.Values, text) {
		return true, true
	}
	return false, sibling.Enum == nil || containsFold(sibling.Enum, text)
}

// text says the condition in words; long lists of values are cut.
func (c *Condition) text() string {
	const shown = 5
	switch n := len(c.Values); {
	case c.Unset:
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
