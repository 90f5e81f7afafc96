package plan

import (
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// Overlay returns what is sent where Atlas replaces a value whole (R13): the live object overlaid with the
// desired arguments, element by paired element. Arguments that are not set keep their live value, handles and
// ids are those of the live element, elements that are live only are left out, and what is equal to Atlas is
// kept as live has it. A live value that the new siblings rule out is left out too: Atlas would refuse it beside
// them. Server-owned fields are null. A null live value gives the desired one as it is.
func Overlay(kind *schema.Kind, desired, live cty.Value) cty.Value {
	o := overlay{comparison{kind: kind}}
	return o.object(kind.Attributes, desired, live, attributePath{})
}

// Differs returns the top-level arguments in which a live object differs from the desired one, by the equality
// of the kind (R10 to R13). Write-only arguments never count: Atlas does not show them.
func Differs(kind *schema.Kind, desired, live cty.Value) []string {
	diffs := compare(kind, desired, live)
	return topLevels(diffs)
}

// topLevels returns the top-level arguments of differences, in the order of the kind.
func topLevels(diffs []Diff) []string {
	var out []string
	for i := range diffs {
		name, _, _ := strings.Cut(diffs[i].Path, ".")
		name, _, _ = strings.Cut(name, "[")
		if len(out) == 0 || out[len(out)-1] != name {
			out = append(out, name)
		}
	}
	return out
}

type overlay struct{ comparison }

func (o *overlay) object(attrs []schema.Attribute, desired, live cty.Value, at attributePath) cty.Value {
	o.around = append(o.around, schema.Pair{Desired: desired, Live: live})
	defer func() { o.around = o.around[:len(o.around)-1] }()
	values := make(map[string]cty.Value, len(attrs))
	for i := range attrs {
		a := &attrs[i]
		null := cty.NullVal(a.CtyType())
		l := null
		if !live.IsNull() {
			l = live.GetAttr(a.Name)
		}
		d := null
		if raw, _ := desired.Unmark(); !raw.IsNull() {
			d = desired.GetAttr(a.Name)
		}
		switch {
		case a.Handle:
			values[a.Name] = l
		case !a.Argument() || a.Virtual || a.DestroyTime:
			values[a.Name] = null
		default:
			values[a.Name] = o.value(a, d, l, at.attr(a.Name))
		}
	}
	return withoutMisfits(attrs, desired, values)
}

// withoutMisfits returns the object of values without those that only Atlas has and that do not belong beside the
// others.
func withoutMisfits(attrs []schema.Attribute, desired cty.Value, values map[string]cty.Value) cty.Value {
	whole := cty.ObjectVal(values)
	raw, _ := desired.Unmark()
	for i := range attrs {
		a := &attrs[i]
		if (raw.IsNull() || !isSet(raw, a.Name)) && !schema.Allows(attrs, whole, a) {
			values[a.Name] = cty.NullVal(a.CtyType())
		}
	}
	return cty.ObjectVal(values)
}

func (o *overlay) value(a *schema.Attribute, desired, live cty.Value, at attributePath) cty.Value {
	d, marks := desired.Unmark()
	l, _ := live.Unmark()
	switch {
	case !d.IsKnown():
		return desired
	case d.IsNull() && a.Type == schema.TypeObject && !live.IsNull():
		return o.object(a.Nested, d, live, at)
	case d.IsNull() && a.Type == schema.TypeList && a.Nested != nil && !live.IsNull():
		return o.list(a, live, live, at)
	case d.IsNull():
		return live
	case a.Type == schema.TypeObject:
		return o.object(a.Nested, d, live, at).WithMarks(marks)
	case a.Type == schema.TypeList:
		return o.list(a, d, live, at).WithMarks(marks)
	case a.Type == schema.TypeMap || a.Type == schema.TypePairs || a.WriteOnly:
		return desired
	case !l.IsNull() && o.equalLeaf(a, d, l, at):
		return live.WithMarks(marks)
	default:
		return desired
	}
}

// list keeps the live order, in which Atlas has a reason to give it, and puts new elements at the end; an
// ordered list has the file's order.
func (o *overlay) list(a *schema.Attribute, desired, live cty.Value, at attributePath) cty.Value {
	ds, ls := elements(desired), elements(live)
	pairs := o.pairElements(a, ds, ls, at)
	merged := make([]cty.Value, len(ds))
	place := make([]int, 0, len(ds))
	byLive := map[int]int{}
	for _, p := range pairs {
		if p.desired < 0 {
			continue
		}
		if p.live >= 0 {
			byLive[p.live] = p.desired
		}
		merged[p.desired] = o.element(a, ds, ls, p, at)
	}
	if a.Elem.Ordered {
		for i := range ds {
			place = append(place, i)
		}
	} else {
		for j := range ls {
			if i, ok := byLive[j]; ok {
				place = append(place, i)
			}
		}
		for _, p := range pairs {
			if p.desired >= 0 && p.live < 0 {
				place = append(place, p.desired)
			}
		}
	}
	out := make([]cty.Value, 0, len(place))
	for _, i := range place {
		out = append(out, merged[i])
	}
	if len(out) == 0 {
		return cty.ListValEmpty(a.CtyType().ElementType())
	}
	return cty.ListVal(out)
}

func (o *overlay) element(a *schema.Attribute, ds, ls []cty.Value, p elementPair, at attributePath) cty.Value {
	d := ds[p.desired]
	if a.Nested == nil || !d.IsKnown() {
		return d
	}
	live := cty.NullVal(a.CtyType().ElementType())
	if p.live >= 0 && !a.Elem.Whole {
		live = ls[p.live]
	}
	raw, marks := d.Unmark()
	return o.object(a.Nested, raw, live, at.index(p.desired)).WithMarks(marks)
}
