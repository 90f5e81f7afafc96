package schema

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// sensitiveMark is the type of the one mark that Mercator puts on values.
type sensitiveMark string

// Sensitive marks a value that must never be shown or stored. cty carries it through every expression, and its
// encoders refuse marked values, so that forgetting to mask is an error and no leak.
const Sensitive sensitiveMark = "sensitive"

// Naming chooses the names under which Encode and Decode write attributes.
type Naming int

const (
	// ByName uses the language's names, for state and plan files.
	ByName Naming = iota
	// ByAPI uses the API's JSON names.
	ByAPI
)

func (n Naming) of(a *Attribute) string {
	if n == ByAPI {
		return a.API
	}
	return a.Name
}

// ObjectVal returns an object of a type that many objects have. cty gives each that it makes a type of its own, which
// takes more memory than the values in it; the elements of a list have that of the list.
func ObjectVal(ty cty.Type, values map[string]cty.Value) cty.Value {
	return cty.ListVal([]cty.Value{cty.NullVal(ty), cty.ObjectVal(values)}).Index(second)
}

var second = cty.NumberIntVal(1)

// Encode turns an object value into what encoding/json writes, leaving out nulls. Maps with free keys and lists
// are written even when empty. An unknown or marked value is an error that names its path: callers mask or
// resolve first, so that no secret can slip into a file.
func Encode(attrs []Attribute, v cty.Value, naming Naming) (map[string]any, error) {
	return encoder{naming}.object(attrs, v, nil)
}

type encoder struct{ naming Naming }

func (e encoder) object(attrs []Attribute, v cty.Value, at cty.Path) (map[string]any, error) {
	if err := plain(v, at); err != nil {
		return nil, err
	}
	out := map[string]any{}
	if v.IsNull() {
		return out, nil
	}
	for i := range attrs {
		a := &attrs[i]
		path := append(at, cty.GetAttrStep{Name: a.Name}) //nolint:gocritic // each use is done before the next
		j, err := e.value(a, v.GetAttr(a.Name), path)
		if err != nil {
			return nil, err
		}
		if j != nil {
			name, err := e.field(attrs, a, v, j)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", PathString(path), err)
			}
			out[name] = j
		}
	}
	return out, nil
}

// field returns the JSON name under which j, the value of a among its siblings in v, is written.
func (e encoder) field(attrs []Attribute, a *Attribute, v cty.Value, j any) (string, error) {
	if e.naming != ByAPI || a.Forms == nil {
		return e.naming.of(a), nil
	}
	text, _ := j.(string)
	for i := range a.Forms {
		if f := &a.Forms[i]; f.fits(text) && allHold(attrs, v, f.When) {
			return f.API, nil
		}
	}
	return "", fmt.Errorf("%q has none of the forms that Atlas takes", text)
}

func plain(v cty.Value, at cty.Path) error {
	if v.IsMarked() {
		return fmt.Errorf("%s is sensitive and must not be written", PathString(at))
	}
	if !v.IsKnown() {
		return fmt.Errorf("%s is not known yet", PathString(at))
	}
	return nil
}

func (e encoder) value(a *Attribute, v cty.Value, at cty.Path) (any, error) {
	if err := plain(v, at); err != nil {
		return nil, err
	}
	if v.IsNull() {
		return nil, nil
	}
	switch a.Type {
	case TypeObject:
		return e.object(a.Nested, v, at)
	case TypeList:
		out := make([]any, 0, v.LengthInt())
		for it := v.ElementIterator(); it.Next(); {
			i, el := it.Element()
			j, err := e.element(a, el, append(at, cty.IndexStep{Key: i}))
			if err != nil {
				return nil, err
			}
			out = append(out, j)
		}
		return out, nil
	case TypeMap:
		out := map[string]any{}
		for it := v.ElementIterator(); it.Next(); {
			k, el := it.Element()
			j, err := e.element(a, el, append(at, cty.IndexStep{Key: k}))
			if err != nil {
				return nil, err
			}
			out[k.AsString()] = j
		}
		return out, nil
	case TypePairs:
		return e.pairs(v, at)
	case TypeJSON:
		if e.naming == ByAPI && a.Embedded {
			return json.RawMessage(v.AsString()), nil
		}
	}
	return scalar(v), nil
}

func (e encoder) element(a *Attribute, v cty.Value, at cty.Path) (any, error) {
	if a.Nested != nil {
		return e.object(a.Nested, v, at)
	}
	if err := plain(v, at); err != nil {
		return nil, err
	}
	if v.IsNull() {
		return nil, nil
	}
	return scalar(v), nil
}

func (e encoder) pairs(v cty.Value, at cty.Path) (any, error) {
	asMap := map[string]any{}
	list := make([]any, 0, v.LengthInt())
	for it := v.ElementIterator(); it.Next(); {
		k, el := it.Element()
		if err := plain(el, append(at, cty.IndexStep{Key: k})); err != nil {
			return nil, err
		}
		if el.IsNull() {
			continue
		}
		asMap[k.AsString()] = el.AsString()
		list = append(list, map[string]any{"key": k.AsString(), "value": el.AsString()})
	}
	if e.naming == ByName {
		return asMap, nil
	}
	return list, nil
}

func scalar(v cty.Value) any {
	switch v.Type() {
	case cty.Bool:
		return v.True()
	case cty.Number:
		return jsonNumber{v.AsBigFloat()}
	default:
		return v.AsString()
	}
}

// jsonNumber writes whole numbers without exponent and others with the fewest digits that read back the same.
type jsonNumber struct{ f *big.Float }

// MarshalJSON implements json.Marshaler.
func (n jsonNumber) MarshalJSON() ([]byte, error) { return []byte(NumberText(n.f)), nil }

// NumberText returns a number as JSON and the text output write it.
func NumberText(f *big.Float) string {
	const written = 1 << 10 // bits: longer numbers are written with an exponent
	if f.IsInt() && f.MantExp(nil) <= written {
		return f.Text('f', 0)
	}
	if f.IsInt() {
		return f.Text('g', 40)
	}
	x, _ := f.Float64()
	return strconv.FormatFloat(x, 'f', -1, 64)
}

// Decode turns decoded JSON (map[string]any, []any, string, float64 or json.Number, bool, nil) into a value of
// the attributes' object type. It never fails: it is for what Atlas and our own files hold. A field of an
// unexpected type is left null and, like every field that attrs do not describe, named in unknown by its JSON
// path (".replicationSpecs[].newField"). Fields are matched by the chosen naming. Write-only attributes are null when
// they are decoded by API names, since what Atlas answers of a secret must never be taken for it.
func Decode(attrs []Attribute, j map[string]any, naming Naming) (v cty.Value, unknown []string) {
	return decode(ObjectType(attrs), attrs, j, naming)
}

// Decode turns decoded JSON into a value of the kind's type, like the function of that name.
func (k *Kind) Decode(j map[string]any, naming Naming) (v cty.Value, unknown []string) {
	return decode(k.Type(), k.Attributes, j, naming)
}

func decode(ty cty.Type, attrs []Attribute, j map[string]any, naming Naming) (v cty.Value, unknown []string) {
	d := decoder{naming: naming, unknown: map[string]bool{}}
	v = d.object(ty, attrs, j)
	for path := range d.unknown {
		unknown = append(unknown, path)
	}
	sort.Strings(unknown)
	return v, unknown
}

type decoder struct {
	naming  Naming
	path    []string // where the value under way stands: "replicationSpecs", "[]"
	unknown map[string]bool
}

// stranger notes that nothing describes what stands at a step inside the value under way.
func (d *decoder) stranger(step string) {
	d.unknown[strings.Join(d.path, "")+step] = true
}

func (d *decoder) object(ty cty.Type, attrs []Attribute, j map[string]any) cty.Value {
	if len(attrs) == 0 {
		return cty.EmptyObjectVal
	}
	values := make(map[string]cty.Value, len(attrs))
	seen := 0
	for i := range attrs {
		a := &attrs[i]
		name := d.naming.of(a)
		if d.naming == ByAPI && (a.Forms != nil || a.Answers != nil) {
			var n int
			name, n = a.fieldIn(j)
			seen += n
		} else if _, ok := j[name]; ok {
			seen++
		}
		values[a.Name] = d.value(a, j[name], name)
	}
	if seen < len(j) {
		d.strangers(attrs, j)
	}
	return ObjectVal(ty, values)
}

func (d *decoder) strangers(attrs []Attribute, j map[string]any) {
	known := make(map[string]bool, len(attrs))
	for i := range attrs {
		for _, name := range attrs[i].fields(d.naming) {
			known[name] = true
		}
	}
	for name := range j {
		if !known[name] {
			d.stranger("." + name)
		}
	}
}

func (d *decoder) value(a *Attribute, j any, name string) cty.Value {
	if j == nil || d.naming == ByAPI && a.WriteOnly { // Atlas answers a secret redacted, if at all (R14)
		return cty.NullVal(a.CtyType())
	}
	d.path = append(d.path, "."+name)
	v := d.known(a, j)
	d.path = d.path[:len(d.path)-1]
	return v
}

// known decodes what is there.
func (d *decoder) known(a *Attribute, j any) cty.Value {
	ty := a.CtyType()
	switch a.Type {
	case TypeObject:
		if m, ok := j.(map[string]any); ok {
			return d.object(ty, a.Nested, m)
		}
	case TypeList:
		if l, ok := j.([]any); ok {
			return d.list(a, l)
		}
	case TypeMap, TypePairs:
		if m, ok := d.entries(a, j); ok {
			if len(m) == 0 {
				return cty.MapValEmpty(ty.ElementType())
			}
			return cty.MapVal(m)
		}
	case TypeJSON:
		if d.naming == ByAPI && a.Embedded {
			return cty.StringVal(documentText(j))
		}
		fallthrough
	default:
		if v, ok := decodeScalar(a.Type, j); ok {
			return v
		}
	}
	d.stranger("")
	return cty.NullVal(ty)
}

func (d *decoder) list(a *Attribute, l []any) cty.Value {
	values := make([]cty.Value, 0, len(l))
	for _, el := range l {
		if a.Nested != nil {
			m, ok := el.(map[string]any)
			if !ok {
				d.stranger("[]")
				continue
			}
			d.path = append(d.path, "[]")
			values = append(values, d.object(a.CtyType().ElementType(), a.Nested, m))
			d.path = d.path[:len(d.path)-1]
			continue
		}
		v, ok := decodeScalar(a.Of, el)
		if !ok {
			d.stranger("[]")
			continue
		}
		values = append(values, v)
	}
	if len(values) == 0 {
		return cty.ListValEmpty(a.CtyType().ElementType())
	}
	return cty.ListVal(values)
}

func (d *decoder) entries(a *Attribute, j any) (map[string]cty.Value, bool) {
	out := map[string]cty.Value{}
	of := a.Of
	if a.Type == TypePairs {
		of = TypeString
	}
	switch j := j.(type) {
	case map[string]any:
		for k, el := range j {
			v, ok := decodeScalar(of, el)
			if !ok {
				d.stranger("[]")
				continue
			}
			out[k] = v
		}
		return out, true
	case []any:
		if a.Type != TypePairs {
			return nil, false
		}
		for _, el := range j {
			m, _ := el.(map[string]any)
			k, ok1 := m["key"].(string)
			v, ok2 := m["value"].(string)
			if !ok1 || !ok2 {
				d.stranger("[]")
				continue
			}
			out[k] = cty.StringVal(v)
		}
		return out, true
	}
	return nil, false
}

func decodeScalar(t Type, j any) (cty.Value, bool) {
	var v cty.Value
	switch j := j.(type) {
	case string:
		v = cty.StringVal(j)
	case bool:
		v = cty.BoolVal(j)
	case float64:
		v = cty.NumberFloatVal(j)
	case fmt.Stringer: // json.Number
		n, err := cty.ParseNumberVal(j.String())
		if err != nil {
			return cty.NilVal, false
		}
		v = n
	default:
		return cty.NilVal, false
	}
	if want := primitive(t); v.Type() != want {
		converted, err := convert.Convert(v, want)
		if err != nil {
			return cty.NilVal, false
		}
		v = converted
	}
	return v, true
}

// NullObject returns the object with every attribute null.
func NullObject(attrs []Attribute) cty.Value {
	v, _ := Decode(attrs, nil, ByName)
	return v
}

// PathString writes a path as users see it: replication_specs[0].region_configs[1].priority, tags["team"].
func PathString(p cty.Path) string {
	var b strings.Builder
	for _, step := range p {
		switch s := step.(type) {
		case cty.GetAttrStep:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.Name)
		case cty.IndexStep:
			switch {
			case !s.Key.IsKnown() || s.Key.IsNull():
				b.WriteString("[*]")
			case s.Key.Type() == cty.Number:
				b.WriteString("[" + NumberText(s.Key.AsBigFloat()) + "]")
			default:
				b.WriteString("[" + quote(s.Key.AsString()) + "]")
			}
		}
	}
	return b.String()
}

// AttributePath writes a path without indices, as descriptors name attributes: replication_specs.region_configs.priority.
func AttributePath(p cty.Path) string {
	var names []string
	for _, step := range p {
		if s, ok := step.(cty.GetAttrStep); ok {
			names = append(names, s.Name)
		}
	}
	return strings.Join(names, ".")
}

// NaturalKey returns the canonical natural key of a value of the kind, its parts joined by "/" with "/" and "%"
// inside them percent-encoded. Attributes that are null take their default. known is false where a part is
// unknown or has no value; err says what is wrong with a part's spelling.
func (k *Kind) NaturalKey(v cty.Value) (key string, known bool, err error) {
	if len(k.Identity.Key) == 0 || v.IsNull() || !v.IsKnown() {
		return "", false, nil
	}
	parts := make([]string, 0, len(k.Identity.Key))
	for _, name := range k.Identity.Key {
		part, _ := k.Effective(v, name).Unmark()
		if part.IsKnown() && part.IsNull() && slices.Contains(k.Identity.Optional, name) {
			parts = append(parts, "")
			continue
		}
		if part.IsNull() || !part.IsKnown() {
			return "", false, nil
		}
		text := k.Attribute(name).spelt(part.AsString())
		if k.Identity.Canonical != nil {
			if text, err = k.Identity.Canonical(text); err != nil {
				return "", false, err
			}
		}
		parts = append(parts, keyEscaper.Replace(text))
	}
	return strings.Join(parts, "/"), true, nil
}

var keyEscaper = strings.NewReplacer("%", "%25", "/", "%2F")

// Effective returns an attribute's value, or where it is null the default that Atlas takes (Default, DefaultBy).
func (k *Kind) Effective(v cty.Value, name string) cty.Value {
	a := k.Attribute(name)
	if a == nil {
		return cty.NullVal(cty.DynamicPseudoType)
	}
	return effective(k.Attributes, v, a)
}

func effective(attrs []Attribute, v cty.Value, a *Attribute) cty.Value {
	value := v.GetAttr(a.Name)
	if raw, _ := value.Unmark(); !raw.IsKnown() || !raw.IsNull() {
		return value
	}
	if a.DefaultBy != nil {
		return a.DefaultBy.value(v, a.CtyType())
	}
	if a.Default != cty.NilVal {
		return a.Default
	}
	return value
}

// value returns the default that the siblings in v give, converted to the attribute's type.
func (d *DefaultBy) value(v cty.Value, ty cty.Type) cty.Value {
	given := func(text string) cty.Value {
		if out, err := convert.Convert(cty.StringVal(text), ty); err == nil {
			return out
		}
		return cty.NullVal(ty)
	}
	for _, c := range d.Cases {
		if text, ok := textOf(v.GetAttr(c[0])); ok && strings.EqualFold(text, c[1]) {
			return given(c[2])
		}
	}
	for _, name := range d.Attributes {
		got, _ := v.GetAttr(name).Unmark()
		if !got.IsKnown() {
			return cty.UnknownVal(ty)
		}
		if text, ok := textOf(got); ok && !strings.EqualFold(text, d.Unset) {
			return given(d.Then)
		}
	}
	return given(d.Else)
}

// textOf returns a known primitive value as text.
func textOf(v cty.Value) (string, bool) {
	v, _ = v.Unmark()
	if !v.IsKnown() || v.IsNull() || !v.Type().IsPrimitiveType() {
		return "", false
	}
	text, err := convert.Convert(v, cty.String)
	if err != nil {
		return "", false
	}
	return text.AsString(), true
}

// Instant parses a time attribute's text (RFC 3339, as Atlas writes and takes it).
func Instant(text string) (time.Time, error) { return time.Parse(time.RFC3339, text) }
