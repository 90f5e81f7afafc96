package sandbox

import (
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// specification is the part of the official document that the tests look at.
type specification struct {
	Paths      map[string]map[string]any `yaml:"paths"`
	Components struct {
		Schemas map[string]map[string]any `yaml:"schemas"`
	} `yaml:"components"`
}

func readSpecification(t *testing.T) specification {
	t.Helper()
	f, err := os.Open(filepath.Join(dataFolder(t), "atlas-admin-api-multiversion.yaml.gz"))
	if err != nil {
		t.Skipf("no official document: %v", err)
	}
	defer f.Close()
	unpacked, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var spec specification
	if err := yaml.NewDecoder(unpacked).Decode(&spec); err != nil {
		t.Fatal(err)
	}
	return spec
}

// contentVersions collects the dates of the media types below a node.
func contentVersions(node any, found map[string]any) {
	m, ok := node.(map[string]any)
	if !ok {
		return
	}
	for key, value := range m {
		if d := mediaType.FindStringSubmatch(key); d != nil {
			found[d[1]] = value
			continue
		}
		contentVersions(value, found)
	}
}

func TestSpecificationHasEveryOperation(t *testing.T) {
	spec := readSpecification(t)
	served := map[string]bool{}
	for _, op := range allOperations().operations {
		if call := op.method + " " + op.path; served[call] {
			t.Errorf("%s is served twice", call)
		} else {
			served[call] = true
		}
		node, ok := spec.Paths[op.path][strings.ToLower(op.method)].(map[string]any)
		if !ok {
			t.Errorf("%s %s is not in the specification", op.method, op.path)
			continue
		}
		if node["operationId"] != op.id {
			t.Errorf("%s %s is called %v there, not %s", op.method, op.path, node["operationId"], op.id)
		}
		found := map[string]any{}
		contentVersions(node["responses"], found)
		var mine []string
		for _, v := range op.versions {
			mine = append(mine, v.date)
		}
		if want := sortedKeys(found); !slices.Equal(mine, want) {
			t.Errorf("%s has the versions %v, the specification %v", op.id, mine, want)
		}
		if (op.body != nil) != (node["requestBody"] != nil) {
			t.Errorf("%s: a body is %t here and %t in the specification", op.id, op.body != nil, node["requestBody"] != nil)
		}
		if _, ok := buckets[op.limits]; !ok {
			t.Errorf("%s has no rate limit", op.id)
		}
	}
}

// unspecified are fields that requests may have here though the specification does not list them.
var unspecified = map[string]string{
	"isAtlasHomePageAiAssistantEnabled": "recorded in settings",
	"predictiveEnabled":                 "recorded in answers",
}

// TestSpecificationHasEveryField holds the fields of request bodies, both ways, against the newest version of
// the official ones.
func TestSpecificationHasEveryField(t *testing.T) {
	spec := readSpecification(t)
	for _, op := range allOperations().operations {
		if op.body == nil {
			continue
		}
		found := map[string]any{}
		node, _ := spec.Paths[op.path][strings.ToLower(op.method)].(map[string]any)
		contentVersions(node["requestBody"], found)
		dates := sortedKeys(found)
		content, _ := found[dates[len(dates)-1]].(map[string]any)
		spec.compareFields(t, op.id, content["schema"], *op.body, 0)
	}
}

// properties collects the properties of a schema through references and alternatives.
func (s specification) properties(node any, into map[string]any, seen map[string]bool) {
	m, ok := node.(map[string]any)
	if !ok {
		return
	}
	if ref, ok := m["$ref"].(string); ok {
		if !seen[ref] { // a base schema names its variants, and they name it
			seen[ref] = true
			s.properties(s.Components.Schemas[ref[strings.LastIndex(ref, "/")+1:]], into, seen)
		}
	}
	for _, key := range []string{"allOf", "oneOf", "anyOf"} {
		alternatives, _ := m[key].([]any)
		for _, a := range alternatives {
			s.properties(a, into, seen)
		}
	}
	if discriminator, _ := m["discriminator"].(map[string]any); m["oneOf"] == nil {
		mapping, _ := discriminator["mapping"].(map[string]any)
		for _, ref := range mapping {
			s.properties(map[string]any{"$ref": ref}, into, seen)
		}
	}
	if items, ok := m["items"]; ok {
		s.properties(items, into, seen)
	}
	own, _ := m["properties"].(map[string]any)
	for name, p := range own {
		if before, ok := into[name]; ok {
			into[name] = map[string]any{"allOf": []any{before, p}}
		} else {
			into[name] = p
		}
	}
}

func (s specification) compareFields(t *testing.T, place string, schema any, r rule, depth int) {
	for r.kind == kindList {
		r = *r.element
	}
	if r.kind != kindObject || depth > 8 {
		return
	}
	theirs := map[string]any{}
	s.properties(schema, theirs, map[string]bool{})
	for name, field := range r.fields {
		if theirs[name] == nil {
			if unspecified[name] == "" && !field.readOnly {
				t.Errorf("%s: the specification has no field %s", place, name)
			}
			continue
		}
		s.compareFields(t, place+"."+name, theirs[name], field, depth+1)
	}
	for name := range theirs {
		if _, ok := r.fields[name]; !ok {
			t.Errorf("%s: the field %s of the specification is refused here", place, name)
		}
	}
}
