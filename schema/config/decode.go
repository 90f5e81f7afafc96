package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"mercator/schema"
	"mercator/schema/diag"
)

// decoder turns what expressions gave into values of the descriptor's types, element by element (R19): the
// language never unifies the elements of a list, so that one object may leave out what another one sets.
type decoder struct {
	e     *Evaluation
	addr  schema.Address
	edges *edges

	arg  *argument  // whose source gives the ranges; nil for an entry
	rng  diag.Range // used where arg is nil
	path cty.Path   // where the value stands, from the argument on
	hide bool       // the value is secret and not to be shown in messages
	each bool       // fields of the object under way are each secret
}

// argument decodes one argument of a block.
func (d *decoder) argument(arg *argument, v cty.Value) cty.Value {
	d.arg = arg
	d.path = append(d.path[:0], cty.GetAttrStep{Name: arg.attr.Name})
	return d.value(arg.attr, v)
}

// value decodes v for the attribute at the decoder's path. Secrets carry their mark on texts, numbers, lists and
// maps; an object that is secret as a whole has every field marked.
func (d *decoder) value(a *schema.Attribute, v cty.Value) cty.Value {
	hidden, each := d.hide, d.each
	defer func() { d.hide, d.each = hidden, each }()
	v, secret := d.unmark(v)
	secret = secret || a.WriteOnly || a.OnceShown || d.each
	d.hide = d.hide || secret
	d.each = false
	if !v.IsKnown() {
		return concealIf(secret, cty.UnknownVal(a.CtyType()))
	}
	if v.IsNull() {
		return cty.NullVal(a.CtyType())
	}
	if a.Type == schema.TypeObject {
		d.each = secret
		return d.object(a, a.Nested, v)
	}
	return concealIf(secret, d.plain(a, v))
}

func concealIf(secret bool, v cty.Value) cty.Value {
	if secret {
		return v.Mark(schema.Sensitive)
	}
	return v
}

// unmark takes the marks off, notes which resources they name and reports whether the value is secret.
func (d *decoder) unmark(v cty.Value) (cty.Value, bool) {
	if !v.IsMarked() {
		return v, false
	}
	v, marks := v.Unmark()
	d.edges.collect(marks)
	_, secret := marks[schema.Sensitive]
	return v, secret
}

func (d *decoder) plain(a *schema.Attribute, v cty.Value) cty.Value {
	switch a.Type {
	case schema.TypeList:
		return d.list(a, v)
	case schema.TypeMap:
		return d.pairs(a, a.Of, v)
	case schema.TypePairs:
		return d.pairs(a, schema.TypeString, v)
	case schema.TypeJSON:
		return d.json(v)
	default:
		return d.scalar(a, a.Type, v)
	}
}

// wrong reports a value of another type than what is wanted and returns an unknown one in its place.
func (d *decoder) wrong(v cty.Value, want string, result cty.Type) cty.Value {
	d.report(diag.Errorf(codeWrongType, fmt.Sprintf("%s has the wrong type", schema.PathString(d.path)),
		"Found %s; %s is expected.%s", describe(v, d.hide), want, typeHint(v, want)))
	return cty.UnknownVal(result)
}

func typeHint(v cty.Value, want string) string {
	if v.Type().IsObjectType() && strings.HasPrefix(want, "a list of objects") {
		return " Put square brackets around it."
	}
	return ""
}

func (d *decoder) report(diagnostic diag.Diagnostic) {
	at := d.rng
	if d.arg != nil {
		at = rangeAt(d.arg.x.Expression, d.path[1:])
	}
	d.e.add(diagnostic.At(at).On(string(d.addr)))
}

// reportKey reports a finding about the name at the path, not its value.
func (d *decoder) reportKey(diagnostic diag.Diagnostic) {
	at := d.rng
	if d.arg != nil {
		at = keyRangeAt(d.arg.x.Expression, d.path[1:])
	}
	d.e.add(diagnostic.At(at).On(string(d.addr)))
}

// in decodes one step further inside.
func (d *decoder) in(step cty.PathStep, decode func() cty.Value) cty.Value {
	d.path = append(d.path, step)
	v := decode()
	d.path = d.path[:len(d.path)-1]
	return v
}

func (d *decoder) object(a *schema.Attribute, attrs []schema.Attribute, v cty.Value) cty.Value {
	out, ok := d.fields(a, attrs, v)
	switch {
	case !ok:
		return cty.UnknownVal(schema.ObjectType(attrs))
	case len(out) == 0:
		return cty.EmptyObjectVal
	default:
		return cty.ObjectVal(out)
	}
}

// fields decodes an object into the values of the attributes, by name; ok is false where it is none, which is reported.
func (d *decoder) fields(a *schema.Attribute, attrs []schema.Attribute, v cty.Value) (out map[string]cty.Value, ok bool) {
	ty := v.Type()
	if !ty.IsObjectType() && !ty.IsMapType() {
		d.wrong(v, "an object { ... }", cty.DynamicPseudoType)
		return nil, false
	}
	out = make(map[string]cty.Value, len(attrs))
	for it := v.ElementIterator(); it.Next(); {
		k, el := it.Element()
		name := k.AsString()
		d.in(cty.GetAttrStep{Name: name}, func() cty.Value {
			field := schema.Find(attrs, name)
			if field == nil || !field.Argument() {
				d.stranger(a, attrs, name, el)
				return cty.NilVal
			}
			out[name] = d.value(field, el)
			return cty.NilVal
		})
	}
	for i := range attrs {
		field := &attrs[i]
		if _, ok := out[field.Name]; !ok {
			out[field.Name] = cty.NullVal(field.CtyType())
		}
		if field.Required && isNull(out[field.Name]) {
			d.report(diag.Errorf(codeMissingArgument, fmt.Sprintf("%s.%s is missing", schema.PathString(d.path), field.Name),
				"Each such object needs %s = ...", field.Name))
		}
	}
	return out, true
}

// stranger reports a field that the file cannot set.
func (d *decoder) stranger(a *schema.Attribute, attrs []schema.Attribute, name string, v cty.Value) {
	if isNull(v) {
		return
	}
	if schema.Find(attrs, name) != nil {
		d.reportKey(diag.Errorf(codeServerOwned, fmt.Sprintf("%q cannot be set here", schema.PathString(d.path)),
			"Atlas decides about %q; remove it.", name))
		return
	}
	where := "the object"
	if a != nil {
		where = a.Name
	}
	var names []string
	for i := range attrs {
		if attrs[i].Argument() {
			names = append(names, attrs[i].Name)
		}
	}
	if d.hide {
		whole := d.path
		d.path = whole[:len(whole)-1]
		d.report(diag.Errorf(codeUnknownArgument, fmt.Sprintf("There is no such argument in %s", schema.PathString(d.path)),
			"The name stands in a sensitive value, and is not shown therefore. There is no such field in %s.%s", where, among("", names)))
		d.path = whole
		return
	}
	d.reportKey(diag.Errorf(codeUnknownArgument, fmt.Sprintf("There is no argument %q", schema.PathString(d.path)),
		"There is no such field in %s.%s", where, among(name, names)))
}

func (d *decoder) list(a *schema.Attribute, v cty.Value) cty.Value {
	ty := v.Type()
	if !ty.IsTupleType() && !ty.IsListType() && !ty.IsSetType() {
		return d.wrong(v, wanted(a), a.CtyType())
	}
	out := make([]cty.Value, 0, v.LengthInt())
	i := int64(0)
	for it := v.ElementIterator(); it.Next(); i++ {
		_, el := it.Element()
		el = d.in(cty.IndexStep{Key: cty.NumberIntVal(i)}, func() cty.Value { return d.element(a, el) })
		if !isNull(el) {
			out = append(out, el)
		}
	}
	if len(out) < a.MinItems {
		d.report(diag.Errorf(codeOutOfRange, fmt.Sprintf("%s has too few elements", schema.PathString(d.path)),
			"It has %d; Atlas takes at least %d.", len(out), a.MinItems))
	}
	if len(out) == 0 {
		return cty.ListValEmpty(a.CtyType().ElementType())
	}
	return cty.ListVal(out)
}

func (d *decoder) element(a *schema.Attribute, v cty.Value) cty.Value {
	ty := a.CtyType().ElementType()
	hidden, each := d.hide, d.each
	defer func() { d.hide, d.each = hidden, each }()
	v, secret := d.unmark(v)
	d.hide = d.hide || secret
	switch {
	case !v.IsKnown():
		return concealIf(secret, cty.UnknownVal(ty))
	case v.IsNull():
		return cty.NullVal(ty)
	case a.Nested != nil:
		d.each = secret
		return d.object(a, a.Nested, v)
	default:
		return concealIf(secret, d.scalar(a, a.Of, v))
	}
}

func (d *decoder) pairs(a *schema.Attribute, of schema.Type, v cty.Value) cty.Value {
	ty := v.Type()
	if !ty.IsObjectType() && !ty.IsMapType() {
		return d.wrong(v, wanted(a), a.CtyType())
	}
	out := make(map[string]cty.Value, v.LengthInt())
	for it := v.ElementIterator(); it.Next(); {
		k, el := it.Element()
		key := k
		if d.hide {
			key = cty.UnknownVal(cty.String) // which is shown as [*]
		}
		el = d.in(cty.IndexStep{Key: key}, func() cty.Value {
			el, secret := d.unmark(el)
			switch {
			case !el.IsKnown():
				return concealIf(secret, cty.UnknownVal(a.CtyType().ElementType()))
			case el.IsNull():
				return el
			default:
				hidden := d.hide
				d.hide = hidden || secret
				el = concealIf(secret, d.scalar(a, of, el))
				d.hide = hidden
				return el
			}
		})
		if !isNull(el) {
			out[k.AsString()] = el
		}
	}
	if len(out) == 0 {
		return cty.MapValEmpty(a.CtyType().ElementType())
	}
	return cty.MapVal(out)
}

// json takes a text as the JSON document that it is, and writes any other value as one.
func (d *decoder) json(v cty.Value) cty.Value {
	v, marks := v.UnmarkDeep()
	d.edges.collect(marks)
	if _, secret := marks[schema.Sensitive]; secret {
		d.hide = true
		return d.json(v).Mark(schema.Sensitive)
	}
	switch {
	case !v.IsWhollyKnown():
		return cty.UnknownVal(cty.String)
	case v.Type() == cty.String:
		if _, err := schema.CanonicalJSON(v.AsString()); err != nil {
			found := describe(v, d.hide)
			if !d.hide {
				found += ": " + err.Error()
			}
			d.report(diag.Errorf(codeWrongType, fmt.Sprintf("%s is no JSON document", schema.PathString(d.path)),
				"Found %s. Correct it, or write it without quotes, as { key = value }.", found))
			return cty.UnknownVal(cty.String)
		}
		return v
	}
	text, err := ctyjson.Marshal(v, v.Type())
	if err != nil { // an infinite number
		return d.wrong(v, scalarWords(schema.TypeJSON), cty.String)
	}
	return cty.StringVal(string(text))
}

// scalar converts a value to a primitive type and checks its bounds.
func (d *decoder) scalar(a *schema.Attribute, t schema.Type, v cty.Value) cty.Value {
	want := scalarType(t)
	infinite := v.Type() == cty.Number && v.AsBigFloat().IsInf()
	if !v.Type().IsPrimitiveType() || infinite {
		return d.wrong(v, scalarWords(t), want)
	}
	converted, err := convert.Convert(v, want)
	if err != nil {
		return d.wrong(v, scalarWords(t), want)
	}
	switch t {
	case schema.TypeInteger, schema.TypeNumber:
		if t == schema.TypeInteger && !converted.AsBigFloat().IsInt() {
			return d.wrong(v, scalarWords(t), want)
		}
		d.checkNumber(a, converted)
	case schema.TypeTime:
		d.checkTime(a, converted)
	case schema.TypeString:
		return d.checkText(a, converted)
	}
	return converted
}

func scalarType(t schema.Type) cty.Type {
	switch t {
	case schema.TypeNumber, schema.TypeInteger:
		return cty.Number
	case schema.TypeBool:
		return cty.Bool
	default:
		return cty.String
	}
}

func (d *decoder) checkNumber(a *schema.Attribute, v cty.Value) {
	x, _ := v.AsBigFloat().Float64()
	bound := ""
	switch {
	case a.Min != nil && x < *a.Min:
		bound = fmt.Sprintf("at least %v", *a.Min)
	case a.Max != nil && x > *a.Max:
		bound = fmt.Sprintf("at most %v", *a.Max)
	default:
		return
	}
	d.report(diag.Errorf(codeOutOfRange, fmt.Sprintf("%s is out of range", schema.PathString(d.path)),
		"Found %s; Atlas takes %s.", describe(v, d.hide), bound))
}

// checkText checks length and known values, and gives a known value its usual spelling.
func (d *decoder) checkText(a *schema.Attribute, v cty.Value) cty.Value {
	text := v.AsString()
	if n := len([]rune(text)); a.MaxLen > 0 && n > a.MaxLen {
		d.report(diag.Errorf(codeOutOfRange, fmt.Sprintf("%s is too long", schema.PathString(d.path)),
			"It has %d characters; Atlas takes at most %d.", n, a.MaxLen))
	}
	if len(a.Enum) == 0 {
		return v
	}
	for _, known := range a.Enum {
		if strings.EqualFold(known, text) {
			return cty.StringVal(known)
		}
	}
	d.report(diag.Warningf(codeUnknownEnum, fmt.Sprintf("%s has an unknown value", schema.PathString(d.path)),
		"Found %s.%s Atlas may know it nevertheless, so that it is sent as it stands.", describe(v, d.hide), among(text, a.Enum)))
	return v
}

// checkTime checks the form of a time, and that it lies not further ahead than Atlas takes. Whether it is too near
// depends on whether it will be sent, which is for the plan to see (R39).
func (d *decoder) checkTime(a *schema.Attribute, v cty.Value) {
	t, err := schema.Instant(v.AsString())
	if err != nil {
		d.report(diag.Errorf(codeInvalidTime, fmt.Sprintf("%s is not a time", schema.PathString(d.path)),
			"Found %s; write it in RFC 3339, for example \"2030-01-31T12:00:00Z\".", describe(v, d.hide)))
		return
	}
	now := d.e.cfg.options.Now
	if a.Within == nil {
		return
	}
	if latest, err := time.ParseDuration(a.Within.Latest); err == nil && t.After(now.Add(latest)) {
		d.report(diag.Errorf(codeExpiry, fmt.Sprintf("%s is too far ahead", schema.PathString(d.path)),
			"Found %s; Atlas takes at most %s from now, which is %s.", describe(v, d.hide), words(latest), now.UTC().Format(time.RFC3339)))
	}
}

// words writes a duration without parts that are zero.
func words(d time.Duration) string {
	switch {
	case d >= 48*time.Hour && d%(24*time.Hour) == 0:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= 2*time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%d hours", d/time.Hour)
	case d >= 2*time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	default:
		return d.String()
	}
}
