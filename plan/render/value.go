package render

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// The words that stand for values which cannot be shown.
const (
	sensitiveText = "(sensitive)"
	unknownText   = "(known after apply)"
)

// typed is a value and what its descriptor says about it. The zero typed is no value at all.
type typed struct {
	value cty.Value
	// attrs describe the value if it is an object, else the objects inside it; nil where nothing describes them.
	attrs []schema.Attribute
	// secret says that the value, or one around it, is marked or write-only.
	secret bool
}

// describe returns the value with its mark taken off and remembered.
func describe(attrs []schema.Attribute, v cty.Value, secret bool) typed {
	if v == cty.NilVal {
		return typed{}
	}
	if v.IsMarked() {
		v, _ = v.Unmark()
		secret = true
	}
	return typed{v, attrs, secret}
}

// attribute returns the value of one attribute.
func attribute(a *schema.Attribute, v cty.Value, secret bool) typed {
	if a == nil {
		return describe(nil, v, secret)
	}
	return describe(a.Nested, v, secret || a.WriteOnly || a.OnceShown)
}

func (t typed) exists() bool { return t.value != cty.NilVal }

func (t typed) isNull() bool { return t.value.IsKnown() && t.value.IsNull() }

// opaque reports whether nothing of the value's inside may or can be shown.
func (t typed) opaque() bool { return t.secret || !t.value.IsKnown() || t.value.IsNull() }

func (t typed) isObject() bool {
	return t.value.Type().IsObjectType() || t.value.Type().IsMapType()
}

func (t typed) isList() bool {
	ty := t.value.Type()
	return ty.IsListType() || ty.IsSetType() || ty.IsTupleType()
}

func (t typed) isComposite() bool { return t.isObject() || t.isList() }

func (t typed) isText() bool { return t.value.Type() == cty.String }

// part is an attribute of an object, an entry of a map or an element of a list.
type part struct {
	name string
	typed
}

// parts returns what a value consists of: attributes in the order of the descriptor, entries by key,
// elements by position with empty names. Scalars and what is not known have none.
func (t typed) parts() []part {
	switch {
	case !t.value.IsKnown():
		return nil
	case t.value.Type().IsObjectType():
		return t.attributes()
	case t.value.Type().IsMapType():
		out := make([]part, 0, t.value.LengthInt())
		for it := t.value.ElementIterator(); it.Next(); {
			k, v := it.Element()
			out = append(out, part{k.AsString(), describe(t.attrs, v, t.secret)})
		}
		return out
	case t.isList():
		out := make([]part, 0, t.value.LengthInt())
		for it := t.value.ElementIterator(); it.Next(); {
			_, v := it.Element()
			out = append(out, part{"", describe(t.attrs, v, t.secret)})
		}
		return out
	}
	return nil
}

func (t typed) attributes() []part {
	types := t.value.Type().AttributeTypes()
	out := make([]part, 0, len(types))
	for i := range t.attrs {
		if a := &t.attrs[i]; types[a.Name] != cty.NilType {
			out = append(out, part{a.Name, attribute(a, t.value.GetAttr(a.Name), t.secret)})
		}
	}
	if len(out) == len(types) {
		return out
	}
	var rest []string
	for name := range types {
		if schema.Find(t.attrs, name) == nil {
			rest = append(rest, name)
		}
	}
	sort.Strings(rest)
	for _, name := range rest {
		out = append(out, part{name, describe(nil, t.value.GetAttr(name), t.secret)})
	}
	return out
}

// inline returns the value on one line as a user would write it, and false where it needs more than limit
// characters or holds a line break.
func (t typed) inline(limit int) (string, bool) {
	w := inliner{left: limit}
	w.value(t)
	return w.text.String(), w.left >= 0
}

type inliner struct {
	text strings.Builder
	left int // characters that still fit; negative ends the writing
}

func (w *inliner) put(s string) {
	if w.left -= utf8.RuneCountInString(s); w.left >= 0 {
		w.text.WriteString(s)
	}
}

func (w *inliner) value(t typed) {
	switch {
	case w.left < 0:
	case t.secret:
		w.put(sensitiveText)
	case !t.value.IsKnown():
		w.put(unknownText)
	case t.value.IsNull():
		w.put("null")
	case t.isObject():
		w.composite(t, "{ ", " }", "{}")
	case t.isList():
		w.composite(t, "[", "]", "[]")
	case t.isText() && strings.Contains(t.value.AsString(), "\n"):
		w.left = -1
	default:
		w.put(scalar(t.value))
	}
}

func (w *inliner) composite(t typed, open, shut, empty string) {
	n := 0
	for _, p := range t.parts() {
		if t.isObject() && p.isNull() {
			continue
		}
		if n++; n == 1 {
			w.put(open)
		} else {
			w.put(", ")
		}
		if t.isObject() {
			w.put(keyText(p.name) + " = ")
		}
		w.value(p.typed)
		if w.left < 0 {
			return
		}
	}
	if n == 0 {
		w.put(empty)
		return
	}
	w.put(shut)
}

// scalar returns a known, unmarked primitive value as a user would write it.
func scalar(v cty.Value) string {
	switch v.Type() {
	case cty.String:
		return quote(v.AsString())
	case cty.Number:
		return schema.NumberText(v.AsBigFloat())
	case cty.Bool:
		return strconv.FormatBool(v.True())
	default:
		return "(" + v.Type().FriendlyName() + ")"
	}
}

// quote writes text as a literal of the language. Control characters are escaped, so that a value cannot
// command the terminal.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case (r == '$' || r == '%') && strings.HasPrefix(s[i+1:], "{"):
			b.WriteRune(r)
			b.WriteRune(r)
		case invisible(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// invisible reports whether a character changes how others look instead of showing itself.
func invisible(r rune) bool { return unicode.Is(unicode.C, r) || r == '\u2028' || r == '\u2029' }

// visible replaces characters that could command the terminal, in texts that are shown without quotes.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		if invisible(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// keyText writes an attribute's or an entry's name: bare where the language allows that.
func keyText(name string) string {
	for i, r := range name {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || r != '-' && !unicode.IsDigit(r)) {
			return quote(name)
		}
	}
	if name == "" {
		return `""`
	}
	return name
}
