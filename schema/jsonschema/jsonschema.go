// Package jsonschema describes the language to editors: a JSON Schema of configurations in HCL's JSON syntax
// (*.hcl.json), made from the catalogue of kinds. Every argument takes, beside the values of its type, a template:
// a text in which ${ } or %{ } stands for a value. What the schema says and what the language accepts are written
// apart, and held against each other by tests.
package jsonschema

import (
	"maps"
	"slices"

	"mercator/schema"
)

// object is a JSON object.
type object = map[string]any

// draft is the dialect that the schemas are written in.
const draft = "https://json-schema.org/draft/2020-12/schema"

// Configuration returns a JSON Schema (draft 2020-12) of a configuration's files, ready to be encoded.
func Configuration(catalog *schema.Catalog) map[string]any {
	w := writer{catalog: catalog, defs: object{}}
	w.values()
	file := body(w.topLevel())
	maps.Copy(file, object{"$schema": draft, "$defs": w.defs, "title": "Mercator configuration",
		"description": "A file of a Mercator configuration in HCL's JSON syntax (*.hcl.json)."})
	return file
}

// Kind returns a JSON Schema (draft 2020-12) of the body of one kind's block, as it stands inside its parent's.
func Kind(catalog *schema.Catalog, k *schema.Kind) map[string]any {
	w := writer{catalog: catalog, defs: object{}}
	w.values()
	inside := w.kind(k)
	return object{"$schema": draft, "$defs": w.defs, "title": k.Name, "description": k.Doc, "$ref": inside["$ref"]}
}

// writer writes one schema, whose definitions it collects.
type writer struct {
	catalog *schema.Catalog
	defs    object
}

// define gives a schema a name and returns the reference to it.
func (w *writer) define(name string, s object) object {
	w.defs[name] = s
	return ref(name)
}

func ref(name string) object { return object{"$ref": "#/$defs/" + name} }

func anyOf(alternatives ...object) object { return object{"anyOf": alternatives} }

func ofType(names ...string) object {
	if len(names) == 1 {
		return object{"type": names[0]}
	}
	return object{"type": names}
}

// member is an argument of a body or an object, or a block in a body.
type member struct {
	schema   object
	doc      string
	required bool
}

type members map[string]member

// body is a block's body: its members, and comments.
func body(m members) object {
	out := objectOf(m)
	out["properties"].(object)["//"] = object{"description": "A comment."}
	return out
}

func objectOf(m members) object {
	properties, required := object{}, []string{}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		p := maps.Clone(m[name].schema)
		if m[name].doc != "" {
			p["description"] = m[name].doc
		}
		if m[name].required {
			required = append(required, name)
			p["not"] = ofType("null")
		}
		properties[name] = p
	}
	out := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

// blocks are one or several blocks with that body.
func blocks(body object) object { return anyOf(body, object{"type": "array", "items": body}) }

// labelled are blocks with a label, by that.
func labelled(body object) object { return blocks(byLabel(body)) }

func byLabel(body object) object {
	return object{"type": "object", "propertyNames": object{"pattern": `^[\p{L}_][\p{L}\p{N}_-]*$`},
		"additionalProperties": blocks(body)}
}

// optional are blocks with a label, by that, or without one.
func optional(body object) object { return blocks(anyOf(body, byLabel(body))) }
