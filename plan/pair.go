package plan

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// List elements have an identity (R12), so that a list which Atlas gives back in another order is no change, and
// an element that changed is compared with itself. Elements pair by equality, then by key, then, in an ordered
// list, by position; each of them once. Among several with the same key the most alike pair.

// elementPair is a desired and a live element of a list, by position; -1 where there is no counterpart.
type elementPair struct {
	desired, live int
	// tied says that another live element would have fitted as well.
	tied bool
}

// pairElements pairs the elements of two lists. Pairs stand in the order of the desired list, live elements
// without a counterpart follow.
func (c *comparison) pairElements(a *schema.Attribute, desired, live []cty.Value, at attributePath) []elementPair {
	pairs := make([]elementPair, len(desired))
	for i := range pairs {
		pairs[i] = elementPair{desired: i, live: -1}
	}
	free := make([]bool, len(live))
	for j := range free {
		free[j] = true
	}
	keys := keysOf(a, desired, live)
	c.pairEqual(a, desired, live, keys, pairs, free, at)
	if a.Nested != nil && !a.Elem.Whole {
		c.pairByKey(a, desired, live, keys, pairs, free)
	}
	if a.Elem.Ordered {
		for i := range pairs {
			if pairs[i].live < 0 && i < len(live) && free[i] {
				pairs[i].live, free[i] = i, false
			}
		}
	}
	for j, f := range free {
		if f {
			pairs = append(pairs, elementPair{desired: -1, live: j})
		}
	}
	return pairs
}

// pairEqual pairs elements that are equal as they stand. Whole elements and primitives are found by their text,
// since grants come in long lists.
func (c *comparison) pairEqual(a *schema.Attribute, desired, live []cty.Value, keys elementKeys, pairs []elementPair, free []bool, at attributePath) {
	if a.Nested == nil || a.Elem.Whole {
		byText := map[string][]int{}
		for j, l := range live {
			text := elementText(a, l)
			byText[text] = append(byText[text], j)
		}
		for i, d := range desired {
			text := elementText(a, d)
			if js := byText[text]; len(js) > 0 {
				pairs[i].live, free[js[0]] = js[0], false
				byText[text] = js[1:]
			}
		}
		return
	}
	fits := func(i, j int) bool {
		return keys.desired[i] == keys.live[j] && c.sameElement(a, desired[i], live[j], at)
	}
	for j, i := range match(len(desired), len(live), fits) {
		if i >= 0 {
			pairs[i].live, free[j] = j, false
		}
	}
}

// match pairs as many of n and m things as fit each other, each once, and returns for each of the m its partner, or
// -1. Each of the n takes the first that is free; one that finds none is made room for, since an element that says
// little fits many and must not keep the only one that another fits.
func match(n, m int, fits func(i, j int) bool) []int {
	partner := make([]int, m)
	for j := range partner {
		partner[j] = -1
	}
	known := map[[2]int]bool{}
	fit := func(i, j int) bool {
		answer, asked := known[[2]int{i, j}]
		if !asked {
			answer = fits(i, j)
			known[[2]int{i, j}] = answer
		}
		return answer
	}
	var find func(i int, tried []bool) bool
	find = func(i int, tried []bool) bool {
		for j := range partner {
			if tried[j] || !fit(i, j) {
				continue
			}
			tried[j] = true
			if partner[j] < 0 || find(partner[j], tried) {
				partner[j] = i
				return true
			}
		}
		return false
	}
	var left []int
	for i := range n {
		j := 0
		for j < m && (partner[j] >= 0 || !fit(i, j)) {
			j++
		}
		if j < m {
			partner[j] = i
		} else {
			left = append(left, i)
		}
	}
	for _, i := range left {
		find(i, make([]bool, m))
	}
	return partner
}

func (c *comparison) sameElement(a *schema.Attribute, d, l cty.Value, at attributePath) bool {
	probe := comparison{kind: c.kind, around: c.around, probing: true}
	probe.object(a.Nested, d, l, at)
	return !probe.different
}

// pairByKey pairs what is left by the elements' keys; where a key occurs several times, the most alike first.
func (c *comparison) pairByKey(a *schema.Attribute, desired, live []cty.Value, keys elementKeys, pairs []elementPair, free []bool) {
	byKey := map[string][]int{}
	for j, key := range keys.live {
		if free[j] {
			byKey[key] = append(byKey[key], j)
		}
	}
	type candidate struct {
		i, j, alike int
		key         string
	}
	type tie struct {
		key   string
		alike int
	}
	var all []candidate
	for i, d := range desired {
		if pairs[i].live >= 0 || !d.IsKnown() {
			continue
		}
		key := keys.desired[i]
		for _, j := range byKey[key] {
			all = append(all, candidate{i, j, alike(a, d, live[j]), key})
		}
	}
	slices.SortStableFunc(all, func(x, y candidate) int {
		return cmp.Or(cmp.Compare(y.alike, x.alike), cmp.Compare(x.i, y.i), cmp.Compare(x.j, y.j))
	})
	ties := map[tie]bool{} // once two fitted equally well, so did all that are paired by the same measure
	for _, best := range all {
		if pairs[best.i].live >= 0 || !free[best.j] {
			continue
		}
		for _, other := range all {
			if other.i == best.i && other.j != best.j && free[other.j] && other.alike == best.alike ||
				other.j == best.j && other.i != best.i && pairs[other.i].live < 0 && other.alike == best.alike {
				ties[tie{best.key, best.alike}] = true
			}
		}
		pairs[best.i].tied = ties[tie{best.key, best.alike}]
		pairs[best.i].live, free[best.j] = best.j, false
	}
}

// alike counts the equal fields of two elements.
func alike(a *schema.Attribute, d, l cty.Value) int {
	n := 0
	for i := range a.Nested {
		n1 := &a.Nested[i]
		if !compared(n1) {
			continue
		}
		dv, _ := d.GetAttr(n1.Name).Unmark()
		lv, _ := l.GetAttr(n1.Name).Unmark()
		if dv.IsKnown() && lv.IsKnown() && wholeValue(n1, dv) == wholeValue(n1, lv) {
			n++
		}
	}
	return n
}

// elementKeys are the texts by which the elements of two lists are identified, their ordinals among their equals
// included.
type elementKeys struct{ desired, live []string }

// keysOf returns the keys of elements that may be paired by them; there are none for primitives and whole elements.
// In an ordered list a desired element that leaves its key to Atlas has that of the live one in its place: shards
// of which the file names the zones of some only are still told apart.
func keysOf(a *schema.Attribute, desired, live []cty.Value) elementKeys {
	var keys elementKeys
	if a.Nested == nil || a.Elem.Whole {
		return keys
	}
	for _, l := range live {
		keys.live = append(keys.live, baseKey(a, l))
	}
	for i, d := range desired {
		key := baseKey(a, d)
		if a.Elem.Ordered && i < len(live) && leavesKey(a, d) {
			key = keys.live[i]
		}
		keys.desired = append(keys.desired, key)
	}
	if a.Elem.Ordinal {
		number(keys.desired)
		number(keys.live)
	}
	return keys
}

// number adds to each key how many of its equals stand before it.
func number(keys []string) {
	seen := map[string]int{}
	for i, key := range keys {
		keys[i] = key + "#" + strconv.Itoa(seen[key])
		seen[key]++
	}
}

// leavesKey reports whether an element sets none of its key attributes.
func leavesKey(a *schema.Attribute, v cty.Value) bool {
	v, _ = v.Unmark()
	return v.IsKnown() && !v.IsNull() && !slices.ContainsFunc(a.Elem.Key, func(name string) bool { return isSet(v, name) })
}

// baseKey joins the values of the key attributes; attributes that are absent count with their default.
func baseKey(a *schema.Attribute, v cty.Value) string {
	v, _ = v.Unmark()
	if !v.IsKnown() || v.IsNull() || a.Nested == nil {
		return ""
	}
	names := a.Elem.Key
	if a.Elem.Tag != "" {
		tag := keyText(a, v, a.Elem.Tag)
		names = append([]string{a.Elem.Tag}, names...)
		for t, more := range a.Elem.Tags {
			if strings.EqualFold(t, tag) {
				names = append(names, more...)
			}
		}
	}
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = keyText(a, v, name)
	}
	return strings.Join(parts, "\x00")
}

func keyText(a *schema.Attribute, v cty.Value, name string) string {
	field := schema.Find(a.Nested, name)
	if field == nil || field.WriteOnly {
		return ""
	}
	value, _ := v.GetAttr(name).Unmark()
	if value.IsKnown() && value.IsNull() && field.Default != cty.NilVal {
		value = field.Default
	}
	if !value.IsKnown() {
		return "?"
	}
	return strings.ToLower(wholeValue(field, value))
}

// elementLabel names an element for people: "AWS EU_WEST_1".
func elementLabel(a *schema.Attribute, v cty.Value) string {
	v, marks := v.Unmark()
	if len(marks) > 0 || !v.IsKnown() || v.IsNull() || a.Nested == nil {
		return ""
	}
	names := a.Elem.Key
	if a.Elem.Tag != "" {
		names = append([]string{a.Elem.Tag}, names...)
	}
	if a.Elem.Whole {
		for i := range a.Nested {
			names = append(names, a.Nested[i].Name)
		}
	}
	var parts []string
	for _, name := range names {
		field := schema.Find(a.Nested, name)
		value := v.GetAttr(name)
		if field == nil || field.WriteOnly || value.IsMarked() || !value.IsKnown() || value.IsNull() || !value.Type().IsPrimitiveType() {
			continue
		}
		parts = append(parts, wholeValue(field, value))
	}
	return strings.Join(parts, " ")
}

// elementText is the text of a whole element, in which an absent field is a value.
func elementText(a *schema.Attribute, v cty.Value) string {
	v, _ = v.Unmark()
	if !v.IsKnown() {
		return "?"
	}
	if a.Nested == nil {
		return wholeValue(&schema.Attribute{Type: a.Of, Enum: a.Enum, AnyCase: a.AnyCase}, v)
	}
	return wholeObject(a.Nested, v)
}

func wholeObject(attrs []schema.Attribute, v cty.Value) string {
	if v.IsNull() {
		return ""
	}
	var b strings.Builder
	for i := range attrs {
		if !compared(&attrs[i]) {
			continue
		}
		field, _ := v.GetAttr(attrs[i].Name).Unmark()
		if field.IsKnown() && field.IsNull() && attrs[i].Default != cty.NilVal {
			field = attrs[i].Default
		}
		b.WriteString(wholeValue(&attrs[i], field))
		b.WriteByte(0)
	}
	return b.String()
}

// wholeValue is a value's text in the form in which Atlas compares it.
func wholeValue(a *schema.Attribute, v cty.Value) string {
	v, _ = v.UnmarkDeep()
	switch {
	case !v.IsWhollyKnown():
		return "?"
	case v.IsNull():
		return "\x01"
	case a.Nested != nil && a.Type == schema.TypeObject:
		return "{" + wholeObject(a.Nested, v) + "}"
	case a.Type == schema.TypeList:
		var parts []string
		for it := v.ElementIterator(); it.Next(); {
			_, el := it.Element()
			if a.Nested != nil {
				parts = append(parts, "{"+wholeObject(a.Nested, el)+"}")
			} else {
				parts = append(parts, wholeValue(&schema.Attribute{Type: a.Of}, el))
			}
		}
		if !a.Elem.Ordered {
			slices.Sort(parts)
		}
		return "[" + strings.Join(parts, "\x02") + "]"
	case v.Type().IsMapType():
		var parts []string
		for it := v.ElementIterator(); it.Next(); {
			k, el := it.Element()
			parts = append(parts, k.AsString()+"="+wholeValue(&schema.Attribute{Type: schema.TypeString}, el))
		}
		return "[" + strings.Join(parts, "\x02") + "]"
	case v.Type() == cty.Number:
		return schema.NumberText(v.AsBigFloat())
	case v.Type() == cty.Bool:
		return strconv.FormatBool(v.True())
	}
	text := v.AsString()
	if a.Type == schema.TypeTime {
		if t, err := schema.Instant(text); err == nil {
			return t.UTC().String()
		}
	}
	if a.Type == schema.TypeJSON {
		canonical := schema.CanonicalJSON
		if a.Embedded {
			canonical = schema.CanonicalEmbedded
		}
		if same, err := canonical(text); err == nil {
			return same
		}
	}
	if len(a.Enum) > 0 || a.AnyCase {
		return strings.ToUpper(text)
	}
	return text
}
