package schema

import (
	"fmt"

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
	v, wrong := k.withNetworks(v)
	found.Add(wrong...)
	found.Add(k.memberTwice(v)...)
	found.Add(k.checkRotation(v)...)
	if found.HasErrors() {
		return desired, found
	}
	return k.withKey(v), found
}

// memberTwice finds elements of a list that is written one by one whose key another element has: of two assignments to
// one project, the later would undo the earlier.
func (k *Kind) memberTwice(v cty.Value) diag.List {
	bare, _ := v.Unmark()
	if bare.IsNull() || !bare.IsKnown() {
		return nil
	}
	var found diag.List
	for i := range k.Parts {
		a := k.Attribute(k.Parts[i].Attribute)
		list, _ := bare.GetAttr(a.Name).Unmark()
		if k.Parts[i].Members == nil || len(a.Elem.Key) != 1 || !list.IsKnown() || list.IsNull() {
			continue
		}
		seen := map[string]bool{}
		for n, el := range list.AsValueSlice() {
			el, _ = el.Unmark()
			if !el.IsKnown() || el.IsNull() {
				continue
			}
			key, known := textOf(el.GetAttr(a.Elem.Key[0]))
			if known && seen[key] {
				found.Add(diag.Errorf("member_twice", a.Name+" has one "+a.Elem.Key[0]+" twice",
					"An element before has the %s %s already. Write one element with all that belongs to it.", a.Elem.Key[0], key).
					About(fmt.Sprintf("%s[%d]", a.Name, n)))
			}
			seen[key] = seen[key] || known
		}
	}
	return found
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
