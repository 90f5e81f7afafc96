package workflow_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"mercator/schema"
)

// lawGen makes and changes configurations by the descriptors of the kinds. What a descriptor cannot say, because
// only some combinations make sense to Atlas, is in lawValues and in the mend functions of law_kinds_test.go.
type lawGen struct {
	t       *rapid.T
	estate  *lawEstate
	project *lawBlock
	// block is the one whose arguments are made.
	block *lawBlock
	// eager is the lawEager of block.
	eager int
	// forms are the forms that clusters have had, by name.
	forms map[string]string
	// elapsed is how long after the start the configuration is applied.
	elapsed time.Duration
}

var lawBit = rapid.Bool()

// n draws a number below k, each about as likely as any other; it shrinks to 0.
func (g *lawGen) n(k int) int {
	v := 0
	for reach := 1; k > 1 && reach < k*16; reach *= 2 {
		v *= 2
		if lawBit.Draw(g.t, "") {
			v++
		}
	}
	return v % max(k, 1)
}

// chance is true so many times in a hundred; it shrinks to false.
func (g *lawGen) chance(percent int) bool {
	const of = 256
	return g.n(of) >= of-of*percent/100
}

func lawPick[T any](g *lawGen, from ...T) T { return from[g.n(len(from))] }

// How often, in a hundred times, arguments of a block that is touched are set, changed and released; deeper ones, which
// are reached less often, lawDeeper times more for each level.
const (
	lawSetAtFirst = 35
	lawSetLater   = 14
	lawChange     = 22
	lawRelease    = 9
	lawDeeper     = 10
)

// object makes an object with the arguments attrs, or changes an old one.
func (g *lawGen) object(attrs []schema.Attribute, path string, old lawObject) lawObject {
	out := lawObject{}
	more := lawDeeper*strings.Count(path, ".") + g.eager
	for i := range attrs {
		a := &attrs[i]
		at := path + "." + a.Name
		if !a.Argument() || lawElsewhere[at] {
			continue
		}
		was, had := old[a.Name]
		rate := lawSetLater + more
		if old == nil {
			rate = lawSetAtFirst + more
		}
		switch {
		case !had && (a.Required || g.chance(rate)):
			out[a.Name] = g.value(a, at, nil)
		case !had:
		case !a.Required && g.chance(lawRelease+more*2/3):
		case a.Nested != nil && g.chance(60+more), g.chance(lawChange + more):
			out[a.Name] = g.value(a, at, was)
		default:
			out[a.Name] = lawClone(was)
		}
		if out[a.Name] == nil {
			delete(out, a.Name)
		}
	}
	g.fit(attrs, path, old, out)
	return out
}

// fit drops what its siblings rule out and sets what they have come to need.
func (g *lawGen) fit(attrs []schema.Attribute, path string, old, out lawObject) {
	for i := range attrs {
		a := &attrs[i]
		if _, set := out[a.Name]; set && !lawHolds(attrs, out, a.AllowedWhen) {
			delete(out, a.Name)
		}
	}
	for i := range attrs {
		a := &attrs[i]
		needed := a.RequiredWhen != nil && lawHolds(attrs, out, a.RequiredWhen)
		before := old != nil && lawHolds(attrs, old, a.RequiredWhen)
		if _, set := out[a.Name]; needed && !before && !set && !lawElsewhere[path+"."+a.Name] {
			out[a.Name] = g.value(a, path+"."+a.Name, nil)
		}
	}
}

// lawHolds evaluates conditions among siblings, by the descriptor's words.
func lawHolds(attrs []schema.Attribute, o lawObject, conditions []schema.Condition) bool {
	for _, c := range conditions {
		v, set := o[c.Attribute]
		text := fmt.Sprint(lawPlain(v))
		if d := schema.Find(attrs, c.Attribute).Default; !set && d.IsWhollyKnown() && !d.IsNull() && d.Type().FriendlyName() == "string" {
			text, set = d.AsString(), true
		}
		if c.Unset && !set {
			continue
		}
		if !set || c.Unset && c.Values == nil || c.Values != nil && !slices.ContainsFunc(c.Values, func(s string) bool { return strings.EqualFold(s, text) }) {
			return false
		}
	}
	return true
}

// value makes a value for an argument, or another one than the old.
func (g *lawGen) value(a *schema.Attribute, path string, old any) any {
	if make := lawValues[path]; make != nil {
		return make(g, old)
	}
	switch {
	case a.WriteOnly:
		return lawSecret(fmt.Sprintf("secret-of-%s-%d", a.Name, g.n(4)))
	case a.Type == schema.TypeObject:
		o, _ := old.(lawObject)
		return g.object(a.Nested, path, o)
	case a.Type == schema.TypeList && a.Nested != nil:
		o, _ := old.([]any)
		return g.list(a, path, o, 3)
	case a.Type == schema.TypeList:
		return g.some(a.Enum)
	case a.Type == schema.TypePairs:
		o, _ := old.(lawObject)
		return g.pairs(o)
	case a.Type == schema.TypeBool:
		if b, ok := old.(bool); ok {
			return !b
		}
		return g.chance(50)
	case a.Type == schema.TypeTime:
		return g.date()
	case len(a.Enum) > 0:
		return g.other(old, lawMapAny(a.Enum)...)
	case a.Type == schema.TypeInteger || a.Type == schema.TypeNumber:
		return g.number(a, old)
	default:
		return g.other(old, "one", "two words", "three, \"quoted\" ${not} é")
	}
}

// other picks a value that is not the old one.
func (g *lawGen) other(old any, from ...any) any {
	left := slices.DeleteFunc(slices.Clone(from), func(v any) bool { return v == old })
	if len(left) == 0 {
		left = from
	}
	return left[g.n(len(left))]
}

// rarely picks a value at first and seldom another one later, where a change makes something anew.
func (g *lawGen) rarely(old any, from ...any) any {
	if old != nil && g.chance(85) {
		return old
	}
	return g.other(old, from...)
}

// unlike picks a document that is not written as the old one.
func (g *lawGen) unlike(old any, from ...any) any {
	left := slices.DeleteFunc(from, func(v any) bool { return fmt.Sprint(v) == fmt.Sprint(old) })
	return lawClone(left[g.n(len(left))])
}

func lawMapAny[T any](in []T) []any {
	out := make([]any, len(in))
	for i, v := range in {
		out[i] = v
	}
	return out
}

func (g *lawGen) number(a *schema.Attribute, old any) any {
	from := []any{1, 2, 5, 60, 3600}
	if a.Type == schema.TypeNumber {
		from = []any{1, 2.5, 24, 80, 1000}
	}
	from = slices.DeleteFunc(from, func(v any) bool {
		f := lawFloat(v)
		return a.Min != nil && f < *a.Min || a.Max != nil && f > *a.Max
	})
	return g.other(old, from...)
}

func lawFloat(v any) float64 {
	switch v := v.(type) {
	case int:
		return float64(v)
	case float64:
		return v
	}
	return 0
}

// some picks a few of an enum's values, in any order.
func (g *lawGen) some(from []string) []any {
	out := []any{}
	for _, s := range from {
		if g.chance(50) {
			out = append(out, s)
		}
	}
	if g.chance(50) {
		slices.Reverse(out)
	}
	return out
}

func (g *lawGen) pairs(old lawObject) any {
	out := maps.Clone(old)
	if out == nil {
		out = lawObject{}
	}
	for _, k := range []string{"team", "cost center", "env"} {
		switch {
		case g.chance(40):
			out[k] = g.other(out[k], "a", "b", "c=d/e")
		case g.chance(30):
			delete(out, k)
		}
	}
	return out
}

// list makes a list of objects, or changes one: elements go, come, change and change places.
func (g *lawGen) list(a *schema.Attribute, path string, old []any, most int) []any {
	out := []any{}
	for _, el := range old {
		o := el.(lawObject)
		switch {
		case len(old) > 1 && g.chance(15):
		case g.chance(50):
			out = append(out, g.object(a.Nested, path, o))
		default:
			out = append(out, lawClone(o))
		}
	}
	for len(out) == 0 || len(out) < most && g.chance(25) {
		out = append(out, g.object(a.Nested, path, nil))
	}
	if len(out) > 1 && g.chance(15) {
		out[0], out[1] = out[1], out[0]
	}
	return lawDistinct(out)
}

// lawDistinct drops elements that stand twice.
func lawDistinct(in []any) []any {
	seen := map[string]bool{}
	return slices.DeleteFunc(in, func(v any) bool {
		text := fmt.Sprint(v)
		defer func() { seen[text] = true }()
		return seen[text]
	})
}

// date is a time within the week, half an hour beside any at which a configuration is applied.
func (g *lawGen) date() string {
	ahead := time.Duration(lawPick(g, 2, 26, 72, 160))*time.Hour + 30*time.Minute
	return start.Add(g.elapsed + ahead).Format(time.RFC3339)
}
