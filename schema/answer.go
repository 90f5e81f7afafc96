package schema

import (
	"slices"

	"github.com/zclconf/go-cty/cty"
)

// Answer turns one object of an answer, as decoded JSON, into a value of the kind: [Decode] by API names, with
// key attributes in canonical form. unknown are the JSON paths that the kind neither describes nor ignores.
func (k *Kind) Answer(j map[string]any) (v cty.Value, unknown []string) {
	v, unknown = Decode(k.Attributes, j, ByAPI)
	unknown = slices.DeleteFunc(unknown, func(path string) bool { return slices.Contains(k.Ignored, path) })
	if k.Identity.Canonical == nil {
		return v, unknown
	}
	values := v.AsValueMap()
	for _, name := range k.Identity.Key {
		if text, ok := textOf(values[name]); ok {
			if canonical, err := k.Identity.Canonical(text); err == nil {
				values[name] = cty.StringVal(canonical)
			}
		}
	}
	return cty.ObjectVal(values), unknown
}
