package atlasdata

import (
	"compress/gzip"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// Spec is MongoDB's OpenAPI document with every dated version.
type Spec struct {
	schemas    map[string]*Schema
	operations map[string]Operation
}

// Operation is one operation of the API.
type Operation struct {
	Method, Path string
	// Tag is the area that the document files it under.
	Tag        string
	Roles      []string
	Parameters map[string]bool
	// Requests and Answers are the bodies by dated version; an answer without a body is the nil Schema.
	Requests, Answers map[string]*Schema
}

// Schema is the part of a JSON schema that tests look at.
type Schema struct {
	Ref        string             `yaml:"$ref"`
	Type       string             `yaml:"type"`
	Enum       []string           `yaml:"enum"`
	Required   []string           `yaml:"required"`
	Properties map[string]*Schema `yaml:"properties"`
	Items      *Schema            `yaml:"items"`
	AllOf      []*Schema          `yaml:"allOf"`
	OneOf      []*Schema          `yaml:"oneOf"`
	AnyOf      []*Schema          `yaml:"anyOf"`
	ReadOnly   bool               `yaml:"readOnly"`
	MaxLength  int                `yaml:"maxLength"`
	Minimum    *float64           `yaml:"minimum"`
	Maximum    *float64           `yaml:"maximum"`
	// Discriminator's mapping names the values of the property that tells variants apart.
	Discriminator struct {
		Property string            `yaml:"propertyName"`
		Mapping  map[string]string `yaml:"mapping"`
	} `yaml:"discriminator"`
}

type document struct {
	Paths      map[string]map[string]yaml.Node `yaml:"paths"`
	Components struct {
		Schemas map[string]*Schema `yaml:"schemas"`
	} `yaml:"components"`
}

type operation struct {
	ID         string          `yaml:"operationId"`
	Tags       []string        `yaml:"tags"`
	Roles      []string        `yaml:"x-rolesRequirements"`
	Parameters []parameter     `yaml:"parameters"`
	Request    body            `yaml:"requestBody"`
	Responses  map[string]body `yaml:"responses"`
}

type parameter struct {
	Name string `yaml:"name"`
	In   string `yaml:"in"`
}

type body struct {
	Content map[string]struct {
		Schema *Schema `yaml:"schema"`
	} `yaml:"content"`
}

// OpenAPI reads the document, or skips the test.
func OpenAPI(t testing.TB) *Spec {
	t.Helper()
	path := filepath.Join(Dir(t), "atlas-admin-api-multiversion.yaml.gz")
	file, err := os.Open(path)
	if err != nil {
		t.Skipf("no OpenAPI document: %v", err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var doc document
	if err := yaml.NewDecoder(unzipped).Decode(&doc); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	s := &Spec{schemas: doc.Components.Schemas, operations: map[string]Operation{}}
	for path, methods := range doc.Paths {
		for method, node := range methods {
			var o operation
			if err := node.Decode(&o); err != nil || o.ID == "" {
				continue // a path's own parameters
			}
			s.operations[o.ID] = o.plain(strings.ToUpper(method), path)
		}
	}
	return s
}

func (o operation) plain(method, path string) Operation {
	out := Operation{Method: method, Path: path, Tag: strings.Join(o.Tags, ", "), Roles: o.Roles, Parameters: map[string]bool{},
		Requests: o.Request.byVersion(), Answers: map[string]*Schema{}}
	for _, p := range o.Parameters {
		out.Parameters[p.Name] = true
	}
	for status, answer := range o.Responses {
		if strings.HasPrefix(status, "2") {
			for version, schema := range answer.byVersion() {
				out.Answers[version] = schema
			}
		}
	}
	return out
}

func (b body) byVersion() map[string]*Schema {
	out := map[string]*Schema{}
	for media, content := range b.Content {
		version, ok := strings.CutPrefix(strings.TrimSuffix(media, "+json"), "application/vnd.atlas.")
		if ok {
			out[version] = content.Schema
		}
	}
	return out
}

// Operations returns the ids of all operations, sorted.
func (s *Spec) Operations() []string { return slices.Sorted(maps.Keys(s.operations)) }

// Operation returns the operation with the given id.
func (s *Spec) Operation(id string) (Operation, bool) {
	o, ok := s.operations[id]
	return o, ok
}

// Fields are the properties of a schema, all of its variants together.
type Fields struct {
	// Variants are the schemas that a property may have.
	Variants map[string][]*Schema
	// Required are the properties that every variant requires.
	Required []string
}

// Fields returns the properties of a schema, with those of its allOf parts and all its variants.
func (s *Spec) Fields(schema *Schema) Fields { return s.fields(schema, nil) }

// fields is Fields for a schema that the ones on the way refer to: variants refer back to what they are variants of.
func (s *Spec) fields(schema *Schema, way []*Schema) Fields {
	schema = s.resolve(schema)
	out := Fields{Variants: map[string][]*Schema{}}
	if schema == nil || slices.Contains(way, schema) {
		return out
	}
	way = append(slices.Clone(way), schema)
	for name, p := range schema.Properties {
		out.Variants[name] = append(out.Variants[name], p)
	}
	out.Required = slices.Clone(schema.Required)
	for _, part := range schema.AllOf {
		f := s.fields(part, way)
		out.add(f)
		out.Required = append(out.Required, f.Required...)
	}
	var always []string
	for i, variant := range schema.variants() {
		f := s.fields(variant, way)
		out.add(f)
		if i == 0 {
			always = f.Required
		}
		always = slices.DeleteFunc(slices.Clone(always), func(name string) bool { return !slices.Contains(f.Required, name) })
	}
	out.Required = append(out.Required, always...)
	if d := schema.Discriminator; len(d.Mapping) > 0 {
		values := &Schema{Type: "string"}
		for value := range d.Mapping {
			values.Enum = append(values.Enum, value)
		}
		out.Variants[d.Property] = append(out.Variants[d.Property], values)
	}
	return out
}

// variants are the schemas of which one holds: those that are listed, else those that the discriminator tells apart.
func (schema *Schema) variants() []*Schema {
	if listed := slices.Concat(schema.OneOf, schema.AnyOf); len(listed) > 0 {
		return listed
	}
	var out []*Schema
	for _, value := range slices.Sorted(maps.Keys(schema.Discriminator.Mapping)) {
		out = append(out, &Schema{Ref: schema.Discriminator.Mapping[value]})
	}
	return out
}

func (f Fields) add(more Fields) {
	for name, schemas := range more.Variants {
		f.Variants[name] = append(f.Variants[name], schemas...)
	}
}

func (s *Spec) resolve(schema *Schema) *Schema {
	for schema != nil && schema.Ref != "" {
		schema = s.schemas[schema.Ref[strings.LastIndexByte(schema.Ref, '/')+1:]]
	}
	return schema
}

// Flat returns the schemas without references that a property may have: variants of variants too.
func (s *Spec) Flat(variants []*Schema) []*Schema { return s.flat(variants, nil) }

func (s *Spec) flat(variants, found []*Schema) []*Schema {
	for _, v := range variants {
		if v = s.resolve(v); v == nil || slices.Contains(found, v) {
			continue
		}
		found = append(found, v)
		found = s.flat(slices.Concat(v.OneOf, v.AnyOf, v.AllOf), found)
	}
	return found
}

// Enum returns the union of the enums of the variants, sorted.
func (s *Spec) Enum(variants []*Schema) []string {
	var out []string
	for _, v := range s.Flat(variants) {
		out = append(out, v.Enum...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Inside returns the one schema whose variants are those of a property, or of its items where it is a list.
func (s *Spec) Inside(variants []*Schema) *Schema {
	all := &Schema{}
	for _, v := range variants {
		if v = s.resolve(v); v != nil && v.Items != nil {
			v = v.Items
		}
		if v != nil {
			all.OneOf = append(all.OneOf, v)
		}
	}
	return all
}
