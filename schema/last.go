package schema

import (
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// Last says that of the objects in one place one at least must keep a value: an organization has an owner.
type Last struct {
	// Attribute is the path of a text or of a list of texts, and Value what one of them must hold there.
	Attribute, Value string
	// Among is what holds of the objects that count.
	Among Condition
}

// Keeps reports whether an object is one of those of which one must stay (see [Last]). What is not known counts as not.
func (k *Kind) Keeps(v cty.Value) bool {
	if k.Last == nil || v == cty.NilVal || v.IsNull() || !allHold(k.Attributes, v, []Condition{k.Last.Among}) {
		return false
	}
	for name := range strings.SplitSeq(k.Last.Attribute, ".") {
		v, _ = v.Unmark()
		if !v.IsKnown() || v.IsNull() {
			return false
		}
		v = v.GetAttr(name)
	}
	for _, text := range texts(v) {
		if strings.EqualFold(text, k.Last.Value) {
			return true
		}
	}
	return false
}

// texts returns the known texts that a value is or holds.
func texts(v cty.Value) []string {
	v, _ = v.Unmark()
	switch {
	case !v.IsKnown() || v.IsNull():
		return nil
	case v.Type() == cty.String:
		return []string{v.AsString()}
	case !v.CanIterateElements():
		return nil
	}
	var out []string
	for it := v.ElementIterator(); it.Next(); {
		_, el := it.Element()
		out = append(out, texts(el)...)
	}
	return out
}
