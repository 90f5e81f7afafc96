package render

import (
	"strconv"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/schema"
)

// diffRows turns differences into rows. What lies inside an element of a list, or an entry of a map, stands
// under a heading with the element's identity, so that a reader never has to count positions.
func diffRows(attrs []schema.Attribute, diffs []plan.Diff) []row {
	var top, groups []row
	open := map[string]int{} // heading's key to its index in groups
	for i := range diffs {
		d := &diffs[i]
		heading, name, attr := splitPath(attrs, d.Path)
		r := diffRow(attr, d)
		if heading == "" {
			r.name = name
			top = append(top, r)
			continue
		}
		if name == "" { // the element itself
			r.name, r.label = heading, d.Label
			groups = append(groups, r)
			continue
		}
		key := heading + "\x00" + d.Label
		at, ok := open[key]
		if !ok {
			at = len(groups)
			open[key] = at
			groups = append(groups, row{op: plan.DiffChange, name: heading, label: d.Label})
		}
		r.name = name
		groups[at].rows = append(groups[at].rows, r)
	}
	return append(top, groups...)
}

// splitPath divides a path behind its last list element, or before the key of a map's entry: heading and the
// name under it. heading is "" where no list or map is on the way, name is "" for a list's element itself.
func splitPath(attrs []schema.Attribute, path string) (heading, name string, attr *schema.Attribute) {
	steps, attr := parsePath(attrs, path)
	for i := len(steps) - 1; i >= 0; i-- {
		switch steps[i].kind {
		case elementStep:
			end := steps[i].end
			if end == len(path) {
				return path, "", attr
			}
			return path[:end], trimDot(path[end:]), attr
		case entryStep:
			if i == 0 || i < len(steps)-1 {
				continue
			}
			return path[:steps[i-1].end], keyText(steps[i].name), attr
		}
	}
	return "", path, attr
}

func trimDot(s string) string {
	if s[0] == '.' {
		return s[1:]
	}
	return s
}

// hidden stands for a sensitive value that the plan does not hold.
var hidden = typed{value: cty.DynamicVal, secret: true}

// diffRow returns the row of a difference, without a name.
func diffRow(attr *schema.Attribute, d *plan.Diff) row {
	r := row{op: d.Op, old: attribute(attr, d.Old, d.Sensitive), new: attribute(attr, d.New, d.Sensitive)}
	var notes []string
	if d.Sensitive || r.old.secret || r.new.secret {
		r.old, r.new = typed{}, hidden
		if d.Op == plan.DiffChange {
			notes = append(notes, "changed")
		}
	}
	if r.old.exists() && r.old.isNull() {
		r.old = typed{}
	}
	if d.Replaces {
		notes = append(notes, "forces replacement")
	}
	if d.UndoesDrift {
		notes = append(notes, "changed outside")
	}
	r.note = strings.Join(notes, "; ")
	return r
}

// compare returns the rows in which two lists, maps or objects differ. Elements of lists pair by position: this
// is for what the plan did not pair, such as outputs.
func compare(old, next typed) []row {
	before, after := named(old), named(next)
	index := make(map[string]typed, len(before))
	for _, p := range before {
		index[p.name] = p.typed
	}
	var out []row
	for _, p := range after {
		was, ok := index[p.name]
		delete(index, p.name)
		switch {
		case !ok || was.isNull():
			if !p.isNull() {
				out = append(out, row{op: plan.DiffAdd, name: p.name, new: p.typed})
			}
		case p.isNull():
			out = append(out, row{op: plan.DiffRemove, name: p.name, old: was})
		case was.secret || p.secret:
			out = append(out, row{op: plan.DiffChange, name: p.name, new: hidden})
		case !was.value.RawEquals(p.value):
			out = append(out, row{op: plan.DiffChange, name: p.name, old: was, new: p.typed})
		}
	}
	for _, p := range before {
		if was, left := index[p.name]; left && !was.isNull() {
			out = append(out, row{op: plan.DiffRemove, name: p.name, old: was})
		}
	}
	return out
}

// named returns the parts of a value under the names that rows show.
func named(t typed) []part {
	if t.opaque() {
		return nil
	}
	parts := t.parts()
	for i := range parts {
		if t.isList() {
			parts[i].name = "[" + strconv.Itoa(i) + "]"
		} else {
			parts[i].name = keyText(parts[i].name)
		}
	}
	return parts
}
