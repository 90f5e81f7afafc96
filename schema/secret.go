package schema

import (
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// SecretText returns the text that is hashed in the place of a sensitive value: a primitive's own, else the
// value's JSON. It is what a recorded hash is compared with, so its form never changes. An unknown value, and
// one that JSON has no form for, has none.
func SecretText(v cty.Value) (text string, ok bool) {
	v, _ = v.UnmarkDeep()
	switch {
	case v == cty.NilVal || !v.IsWhollyKnown():
		return "", false
	case v.IsNull():
		return "null", true
	case v.Type() == cty.String:
		return v.AsString(), true
	case v.Type() == cty.Number:
		return NumberText(v.AsBigFloat()), true
	}
	data, err := ctyjson.Marshal(v, v.Type())
	return string(data), err == nil
}
