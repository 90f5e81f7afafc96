package jsonschema

import (
	"mercator/schema"
)

// The names of definitions of values. They hold a character that no kind's name has.
const (
	template   = "-template"
	anything   = "-any"
	text       = "-text"
	number     = "-number"
	integer    = "-integer"
	truth      = "-bool"
	instant    = "-time"
	references = "-references"
)

// holdsTemplate is what a text with a template in it fits, and the key of an object with one.
const holdsTemplate = `[$%]\{`

// values defines the types of values. The language converts between texts, numbers and truth values, so that "3" is
// a number too.
func (w *writer) values() {
	null := ofType("null")
	written := func(pattern string) object { return object{"type": "string", "pattern": pattern} }
	w.defs[template] = object{"type": "string", "pattern": holdsTemplate, "description": "A text in which ${ } or %{ } stands for a value."}
	w.defs[anything] = object{"description": "A value of any type; texts are templates."}
	w.defs[text] = ofType("string", "number", "boolean", "null")
	w.defs[number] = anyOf(ofType("number", "null"), written(`^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$`), ref(template))
	w.defs[integer] = anyOf(ofType("integer", "null"), written(`^-?[0-9]+(\.0+)?$`), ref(template))
	w.defs[truth] = anyOf(ofType("boolean", "null"), object{"enum": []string{"true", "false"}}, ref(template))
	w.defs[instant] = anyOf(null, written(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T`), ref(template))
	w.defs[references] = object{"type": "array", "items": object{"type": "string", "not": object{"pattern": holdsTemplate}},
		"description": "A list of references, which stand as plain texts: \"cluster.orders\"."}
}

// value is what an attribute takes.
func value(a *schema.Attribute) object {
	switch a.Type {
	case schema.TypeObject:
		return orTemplate(fields(attributes(a.Nested)))
	case schema.TypeList:
		list := object{"type": "array"}
		if a.Nested != nil {
			list["items"] = orTemplate(fields(attributes(a.Nested)))
		} else {
			list["items"] = scalar(a, a.Of)
		}
		if a.MinItems > 0 {
			list["contains"], list["minContains"] = object{"not": ofType("null")}, a.MinItems // null is no element
		}
		return orTemplate(list)
	case schema.TypeMap:
		return orTemplate(object{"type": "object", "additionalProperties": scalar(a, a.Of)})
	case schema.TypePairs:
		return orTemplate(object{"type": "object", "additionalProperties": ref(text)})
	case schema.TypeJSON:
		return ref(anything)
	default:
		return scalar(a, a.Type)
	}
}

func orTemplate(s object) object { return anyOf(s, ofType("null"), ref(template)) }

// fields is an object in an argument, the keys of which may be templates.
func fields(m members) object {
	out := objectOf(m)
	out["patternProperties"] = object{holdsTemplate: ref(anything)}
	return out
}

// attributes are the arguments among a kind's or an object's attributes.
func attributes(attrs []schema.Attribute) members {
	m := members{}
	for i := range attrs {
		a := &attrs[i]
		if !a.Argument() {
			continue
		}
		v := value(a)
		if a.WriteOnly {
			v["writeOnly"] = true
		}
		m[a.Name] = member{v, a.Doc, a.Required}
	}
	return m
}

// scalar is a primitive value within an attribute's bounds.
func scalar(a *schema.Attribute, t schema.Type) object {
	switch t {
	case schema.TypeNumber:
		return bounded(a, ref(number))
	case schema.TypeInteger:
		return bounded(a, ref(integer))
	case schema.TypeBool:
		return ref(truth)
	case schema.TypeTime:
		return ref(instant)
	}
	switch {
	case a.Enum != nil:
		return orTemplate(object{"enum": a.Enum})
	case a.MaxLen > 0:
		return anyOf(object{"type": []string{"string", "number", "boolean", "null"}, "maxLength": a.MaxLen}, ref(template))
	default:
		return ref(text)
	}
}

func bounded(a *schema.Attribute, s object) object {
	if a.Min != nil {
		s["minimum"] = *a.Min
	}
	if a.Max != nil {
		s["maximum"] = *a.Max
	}
	return s
}
