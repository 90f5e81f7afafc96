package schema

import (
	"slices"

	"github.com/zclconf/go-cty/cty"
)

// Answer turns one object of an answer, as decoded JSON, into a value of the kind: [Decode] by API names, after the
// kind's hook of that name, with key attributes in canonical form. What only a deletion uses is null, whatever Atlas shows under its name (R18).
// unknown are the JSON paths that the kind neither describes nor ignores.
func (k *Kind) Answer(j map[string]any) (v cty.Value, unknown []string) {
	if k.Hooks.Decode != nil {
		j = k.Hooks.Decode(j)
	}
	v, unknown = k.Decode(j, ByAPI)
	unknown = slices.DeleteFunc(unknown, func(path string) bool { return slices.Contains(k.Ignored, path) })
	values := v.AsValueMap()
	for i := range k.Attributes {
		if a := &k.Attributes[i]; a.DestroyTime {
			values[a.Name] = cty.NullVal(a.CtyType())
		}
	}
	for _, name := range k.Identity.Key {
		values[name] = k.canonicalKey(values[name])
	}
	return ObjectVal(k.Type(), values), unknown
}

// AtDestroy returns an argument that only a deletion uses: what the file says while the block stands, else what
// was recorded when it was last applied, else the default that the live object gives (R18). Each of the three
// values may be null; an argument that is not known yet counts as not said.
func (k *Kind) AtDestroy(name string, desired, applied, live cty.Value) cty.Value {
	for _, v := range []cty.Value{desired, applied} {
		if v == cty.NilVal || v.IsNull() {
			continue
		}
		if said, _ := v.GetAttr(name).Unmark(); said.IsKnown() && !said.IsNull() {
			return said
		}
	}
	if live == cty.NilVal || live.IsNull() {
		return cty.NullVal(cty.DynamicPseudoType)
	}
	return k.Effective(live, name)
}
