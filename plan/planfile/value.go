package planfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"mercator/schema"
)

// A value is written as plain JSON, of which its type says how to read it back. What JSON has no word for is an
// object with the one key "$": {"$":"unknown"}, {"$":"sensitive"}, {"$":"sensitive null"}. Keys of maps and objects
// that begin with "$" are written with one more, so that no user's data can look like that.
const (
	specialKey    = "$"
	unknown       = "unknown"
	sensitive     = "sensitive"
	sensitiveNull = "sensitive null"
)

// value is a value in the file; the pointer is nil for no value at all.
type value struct {
	// Type is the index of the value's type in the file's table of types.
	Type int             `json:"t"`
	JSON json.RawMessage `json:"v"`
}

// types is the table of types in a file: few types describe many values.
type types struct{ list []cty.Type }

func (t *types) index(ty cty.Type) int {
	for i, known := range t.list {
		if known.Equals(ty) {
			return i
		}
	}
	t.list = append(t.list, ty)
	return len(t.list) - 1
}

func (t *types) marshal() ([]json.RawMessage, error) {
	out := make([]json.RawMessage, len(t.list))
	for i, ty := range t.list {
		text, err := ctyjson.MarshalType(ty)
		if err != nil {
			return nil, fmt.Errorf("a value's type cannot be written: %w", err)
		}
		out[i] = text
	}
	return out, nil
}

func (t *types) unmarshal(list []json.RawMessage) error {
	for i, text := range list {
		ty, err := ctyjson.UnmarshalType(text)
		if err != nil {
			return fmt.Errorf("type %d: %w", i, err)
		}
		t.list = append(t.list, ty.WithoutOptionalAttributesDeep())
	}
	return nil
}

// encode returns the form of a value in the file. hide writes it as a placeholder whether it is marked or not.
func (t *types) encode(v cty.Value, hide bool) (*value, error) {
	if v == cty.NilVal {
		return nil, nil
	}
	if hide {
		v = v.Mark(schema.Sensitive)
	}
	text, err := encodeJSON(v)
	if err != nil {
		return nil, err
	}
	return &value{t.index(v.Type()), text}, nil
}

// encodeJSON writes a value without its type. The same value always gives the same bytes.
func encodeJSON(v cty.Value) ([]byte, error) {
	var b bytes.Buffer
	if err := writeValue(&b, v, nil); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func writeSpecial(b *bytes.Buffer, word string) { fmt.Fprintf(b, `{"%s":%q}`, specialKey, word) }

func writeValue(b *bytes.Buffer, v cty.Value, at cty.Path) error {
	if v.IsMarked() {
		raw, marks := v.Unmark()
		for mark := range marks {
			if mark != schema.Sensitive {
				return fmt.Errorf("%s carries a mark that is not known here", schema.PathString(at))
			}
		}
		if raw.IsKnown() && raw.IsNull() {
			writeSpecial(b, sensitiveNull)
		} else {
			writeSpecial(b, sensitive)
		}
		return nil
	}
	ty := v.Type()
	switch {
	case !v.IsKnown():
		writeSpecial(b, unknown)
	case v.IsNull():
		b.WriteString("null")
	case ty == cty.String:
		return writeString(b, v.AsString())
	case ty == cty.Bool:
		fmt.Fprint(b, v.True())
	case ty == cty.Number:
		if !sized(v) {
			return fmt.Errorf("%s is a number beyond all measure", schema.PathString(at))
		}
		b.WriteString(v.AsBigFloat().Text('g', -1))
	case ty.IsListType() || ty.IsSetType() || ty.IsTupleType():
		return writeList(b, v, at)
	case ty.IsMapType() || ty.IsObjectType():
		return writeObject(b, v, at)
	default:
		return fmt.Errorf("%s is a %s, which cannot be saved", schema.PathString(at), ty.FriendlyName())
	}
	return nil
}

// sized reports whether a number is of a size that can be written out: some thousand binary digits at most.
func sized(v cty.Value) bool {
	const most = 1 << 12
	f := v.AsBigFloat()
	exponent := f.MantExp(nil)
	return !f.IsInf() && -most < exponent && exponent < most
}

func writeString(b *bytes.Buffer, s string) error {
	text, err := json.Marshal(s)
	b.Write(text)
	return err
}

func writeList(b *bytes.Buffer, v cty.Value, at cty.Path) error {
	b.WriteByte('[')
	n := 0
	for it := v.ElementIterator(); it.Next(); n++ {
		if n > 0 {
			b.WriteByte(',')
		}
		i, el := it.Element()
		if err := writeValue(b, el, at.Index(i)); err != nil {
			return err
		}
	}
	b.WriteByte(']')
	return nil
}

func writeObject(b *bytes.Buffer, v cty.Value, at cty.Path) error {
	values := v.AsValueMap()
	b.WriteByte('{')
	for n, key := range slices.Sorted(maps.Keys(values)) {
		if n > 0 {
			b.WriteByte(',')
		}
		written := key
		if strings.HasPrefix(key, specialKey) {
			written = specialKey + key
		}
		if err := writeString(b, written); err != nil {
			return err
		}
		b.WriteByte(':')
		if err := writeValue(b, values[key], at.GetAttr(key)); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

// decode reads a value back; nil is no value.
func (t *types) decode(v *value) (cty.Value, error) {
	if v == nil {
		return cty.NilVal, nil
	}
	if v.Type < 0 || v.Type >= len(t.list) {
		return cty.NilVal, fmt.Errorf("a value has the type number %d, and there are %d", v.Type, len(t.list))
	}
	d := json.NewDecoder(bytes.NewReader(v.JSON))
	d.UseNumber()
	var j any
	if err := d.Decode(&j); err != nil {
		return cty.NilVal, err
	}
	return decodeJSON(j, t.list[v.Type])
}

func decodeJSON(j any, ty cty.Type) (cty.Value, error) {
	switch j := j.(type) {
	case nil:
		return cty.NullVal(ty), nil
	case map[string]any:
		if word, ok := j[specialKey]; ok && len(j) == 1 {
			return decodeSpecial(word, ty)
		}
		if ty.IsMapType() || ty.IsObjectType() {
			return decodeObject(j, ty)
		}
	case []any:
		if ty.IsListType() || ty.IsSetType() || ty.IsTupleType() {
			return decodeList(j, ty)
		}
	case string:
		if ty == cty.String {
			return cty.StringVal(j), nil
		}
	case bool:
		if ty == cty.Bool {
			return cty.BoolVal(j), nil
		}
	case json.Number:
		if ty == cty.Number {
			v, err := cty.ParseNumberVal(j.String())
			if err == nil && !sized(v) {
				err = fmt.Errorf("a number beyond all measure: %s", j)
			}
			return v, err
		}
	}
	return cty.NilVal, fmt.Errorf("a %s cannot be read from %T", ty.FriendlyName(), j)
}

func decodeSpecial(word any, ty cty.Type) (cty.Value, error) {
	switch word {
	case unknown:
		return cty.UnknownVal(ty), nil
	case sensitive:
		return cty.UnknownVal(ty).Mark(schema.Sensitive), nil
	case sensitiveNull:
		return cty.NullVal(ty).Mark(schema.Sensitive), nil
	}
	return cty.NilVal, fmt.Errorf("a value is marked with the unknown word %v", word)
}

func decodeList(j []any, ty cty.Type) (cty.Value, error) {
	if ty.IsTupleType() && len(j) != ty.Length() {
		return cty.NilVal, fmt.Errorf("a tuple of %d has %d elements", ty.Length(), len(j))
	}
	values := make([]cty.Value, len(j))
	for i := range j {
		of := cty.Type{}
		if ty.IsTupleType() {
			of = ty.TupleElementType(i)
		} else {
			of = ty.ElementType()
		}
		v, err := decodeJSON(j[i], of)
		if err != nil {
			return cty.NilVal, err
		}
		values[i] = v
	}
	switch {
	case ty.IsTupleType():
		return cty.TupleVal(values), nil
	case ty.IsSetType() && len(values) == 0:
		return cty.SetValEmpty(ty.ElementType()), nil
	case ty.IsSetType():
		return cty.SetVal(values), nil
	case len(values) == 0:
		return cty.ListValEmpty(ty.ElementType()), nil
	default:
		return cty.ListVal(values), nil
	}
}

func decodeObject(j map[string]any, ty cty.Type) (cty.Value, error) {
	values := make(map[string]cty.Value, len(j))
	for key, el := range j {
		key = strings.Replace(key, specialKey+specialKey, specialKey, 1)
		of := cty.Type{}
		switch {
		case ty.IsMapType():
			of = ty.ElementType()
		case !ty.HasAttribute(key):
			return cty.NilVal, fmt.Errorf("an object has an attribute %q that its type lacks", key)
		default:
			of = ty.AttributeType(key)
		}
		v, err := decodeJSON(el, of)
		if err != nil {
			return cty.NilVal, fmt.Errorf("%s: %w", key, err)
		}
		values[key] = v
	}
	if ty.IsMapType() {
		if len(values) == 0 {
			return cty.MapValEmpty(ty.ElementType()), nil
		}
		return cty.MapVal(values), nil
	}
	if len(values) != len(ty.AttributeTypes()) {
		return cty.NilVal, fmt.Errorf("an object has %d of its %d attributes", len(values), len(ty.AttributeTypes()))
	}
	return cty.ObjectVal(values), nil
}
