package schema

import (
	"github.com/zclconf/go-cty/cty"

	"mercator/schema/diag"
)

// Normalize returns a desired value in the form that is compared, recorded and sent: rewritten by the kind's hook
// (R38), with the natural key in canonical form and the parts of it that the file leaves to Atlas's default filled in,
// so that a creation names what it creates. Where the list holds an error, the value is as it was given.
func (k *Kind) Normalize(desired cty.Value) (cty.Value, diag.List) {
	v, found := desired, diag.List(nil)
	if k.Hooks.Normalize != nil {
		if v, found = k.Hooks.Normalize(desired); found.HasErrors() {
			return desired, found
		}
	}
	return k.withKey(v), found
}

// withKey sets the attributes of the natural key that are null to their default, and writes all of them in the one
// spelling that Atlas has for them.
func (k *Kind) withKey(v cty.Value) cty.Value {
	bare, marks := v.Unmark()
	if bare.IsNull() || !bare.IsKnown() {
		return v
	}
	parts, same := make([]cty.Value, len(k.Identity.Key)), true
	for i, name := range k.Identity.Key {
		parts[i] = k.canonicalKey(k.Effective(bare, name))
		same = same && parts[i].RawEquals(bare.GetAttr(name))
	}
	if same {
		return v
	}
	values := make(map[string]cty.Value, len(k.Attributes))
	for i := range k.Attributes {
		values[k.Attributes[i].Name] = bare.GetAttr(k.Attributes[i].Name)
	}
	for i, name := range k.Identity.Key {
		values[name] = parts[i]
	}
	return ObjectVal(k.Type(), values).WithMarks(marks)
}

// canonicalKey returns the value of a key attribute in canonical form; one that has none stays as it is.
func (k *Kind) canonicalKey(v cty.Value) cty.Value {
	text, known := textOf(v)
	if !known || k.Identity.Canonical == nil {
		return v
	}
	canonical, err := k.Identity.Canonical(text)
	if err != nil {
		return v
	}
	_, marks := v.Unmark()
	return cty.StringVal(canonical).WithMarks(marks)
}
