package render

import (
	"encoding/json"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// jsonValue returns what encoding/json writes for a value. Secrets are null. Unknown attributes are left out and
// unknown elements are null, as Terraform does it.
func jsonValue(t typed) any {
	if !t.exists() || t.opaque() {
		return nil
	}
	switch {
	case t.isObject():
		out := map[string]any{}
		for _, p := range t.parts() {
			if p.secret || p.value.IsKnown() {
				out[p.name] = jsonValue(p.typed)
			}
		}
		return out
	case t.isList():
		out := []any{}
		for _, p := range t.parts() {
			out = append(out, jsonValue(p.typed))
		}
		return out
	}
	switch t.value.Type() {
	case cty.String:
		return t.value.AsString()
	case cty.Bool:
		return t.value.True()
	case cty.Number:
		return json.Number(schema.NumberText(t.value.AsBigFloat()))
	default:
		return nil
	}
}

func isSecret(t typed) bool { return t.secret && !t.isNull() }

func isUnknown(t typed) bool { return !t.value.IsKnown() }

// shape returns true where a leaf has a property, and an object or a list where something inside has it; what
// has nothing of it is left out of objects and false in lists. A value that is not there is absent, or false
// where absent is nil.
func shape(t typed, has func(typed) bool, absent any) any {
	if absent == nil {
		absent = false
	}
	if !t.exists() {
		return absent
	}
	switch {
	case has(t):
		return true
	case t.isNull():
		return absent
	case !t.value.IsKnown() || !t.isComposite():
		return false
	case t.isList():
		out := []any{}
		for _, p := range t.parts() {
			out = append(out, shape(p.typed, has, false))
		}
		return out
	}
	out := map[string]any{}
	for _, p := range t.parts() {
		if inside := shape(p.typed, has, false); !empty(inside) {
			out[p.name] = inside
		}
	}
	return out
}

// empty reports whether a shape says nothing.
func empty(inside any) bool {
	switch x := inside.(type) {
	case bool:
		return !x
	case map[string]any:
		return len(x) == 0
	case []any:
		return !slices.ContainsFunc(x, func(el any) bool { return !empty(el) })
	}
	return false
}

// jsonPath writes a path as an array of names and positions.
func jsonPath(attrs []schema.Attribute, path string) []any {
	steps, _ := parsePath(attrs, path)
	out := make([]any, len(steps))
	for i, s := range steps {
		if s.kind == elementStep {
			out[i] = s.index
		} else {
			out[i] = s.name
		}
	}
	return out
}

// longest bounds the position of an element that a path may name.
const longest = 10_000

// place returns at, decoded JSON, with v at the path, making objects and lists on the way. It may change at.
func place(at any, path []step, v any) any {
	if len(path) == 0 {
		return v
	}
	s := path[0]
	if s.kind == elementStep {
		list, _ := at.([]any)
		if s.index >= longest {
			return list
		}
		for len(list) <= s.index {
			list = append(list, nil)
		}
		list[s.index] = place(list[s.index], path[1:], v)
		return list
	}
	object, ok := at.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	object[s.name] = place(object[s.name], path[1:], v)
	return object
}
