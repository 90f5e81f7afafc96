package jsonschema_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mercator/schema"
	"mercator/schema/diag"
	"mercator/schema/jsonschema"
)

// words returns every word that could be the name of an argument or of a block: those that the sources of the language
// hold, and those of the kinds.
func words(t *testing.T) []string {
	t.Helper()
	sources, err := filepath.Glob("../config/*.go")
	if err != nil || len(sources) < 20 {
		t.Fatalf("%d sources: %v", len(sources), err)
	}
	found := map[string]bool{}
	for _, path := range sources {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"([a-z][a-z_]*)"`).FindAllSubmatch(src, -1) {
			found[string(m[1])] = !strings.HasSuffix(path, "_test.go") || found[string(m[1])]
		}
	}
	c := catalog(t)
	for _, name := range c.Names() {
		found[name] = true
		if fan := c.Kind(name).Fan; fan != nil {
			found[fan.Argument] = true
		}
		for i := range c.Kind(name).Attributes {
			found[c.Kind(name).Attributes[i].Name] = true
		}
	}
	var out []string
	for word, counts := range found {
		if counts {
			out = append(out, word)
		}
	}
	slices.Sort(out)
	return out
}

// place is a body in a configuration, and the definition that describes it.
type place struct {
	path, definition string
	// singleton says that the language knows for_each and count there only to refuse them.
	singleton bool
}

func places(c *schema.Catalog) []place {
	var out []place
	add := func(path, definition string) { out = append(out, place{path: path, definition: definition}) }
	for _, name := range []string{"mercator", "atlas", "moved", "removed", "import"} {
		add(name, "-"+name)
	}
	for name, conditions := range map[string]string{"variable": "validation", "output": "precondition", "check": "assert"} {
		add(name+".x", "-"+name)
		add(name+".x."+conditions, "-condition")
	}
	var inside func(at string, k *schema.Kind)
	inside = func(at string, k *schema.Kind) {
		path := at + k.Name
		if !k.Singleton || at == "" {
			path += ".x"
		}
		out = append(out, place{path, k.Name, k.Singleton})
		add(path+".lifecycle", "-lifecycle")
		add(path+".lifecycle.postcondition", "-condition")
		add(path+".timeouts", "-timeouts")
		for _, child := range c.Children(k.Name) {
			inside(path+".", child)
		}
	}
	for _, name := range c.Names() {
		k := c.Kind(name)
		out = append(out, place{"data." + name + ".x", name + "-lookup", k.Singleton})
		if k.Parent == "" {
			inside("", k)
		} else {
			out = append(out, place{name + ".x", name + "-outside", k.Singleton})
		}
	}
	return out
}

// nested puts a body at a path.
func nested(path string, body any) any {
	steps := strings.Split(path, ".")
	for _, step := range slices.Backward(steps) {
		body = map[string]any{step: body}
	}
	return body
}

// TestKnowsTheSameNames writes every word into every body, and asks both the language and the schema which of them
// they know there.
func TestKnowsTheSameNames(t *testing.T) {
	c := catalog(t)
	all := words(t)
	body := map[string]any{}
	for _, word := range all {
		body[word] = "x"
	}
	definitions := jsonschema.Configuration(c)["$defs"].(map[string]any)
	for _, p := range places(c) {
		file := nested(p.path, body)
		text, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		strangers := map[string]bool{}
		_, diags := load(t, file)
		for _, d := range diags {
			if slices.Contains([]string{"unknown_argument", "unknown_block", "misplaced_block", "server_owned"}, d.Code) {
				strangers[strings.Trim(string(text[d.Range.Start.Byte:d.Range.End.Byte]), `"`)] = true
			}
		}
		if len(strangers) == 0 {
			t.Errorf("%s: the language knows everything: %v", p.path, diags)
		}
		definition, ok := definitions[p.definition].(map[string]any)
		if !ok {
			t.Fatalf("there is no definition %q", p.definition)
		}
		properties := definition["properties"].(map[string]any)
		for _, word := range all {
			_, known := properties[word]
			if p.singleton && (word == "for_each" || word == "count") {
				known = !known
			}
			if known == strangers[word] {
				t.Errorf("%s: the language knows %q: %t, the schema: %t", p.path, word, !strangers[word], known)
			}
		}
		for name := range properties {
			if name != "//" && !slices.Contains(all, name) {
				t.Errorf("%s: nothing is called %q", p.path, name)
			}
		}
	}
}

// probes are values of every type, as they are written in JSON.
var probes = []string{`"text"`, `""`, `5`, `1.5`, `true`, `null`, `[]`, `{}`, `["x"]`, `[null]`, `[{}]`, `[[]]`, `{"x": "y"}`, `{"x": []}`,
	`"${project.p.id}"`, `"%{ if true }${project.p.id}%{ endif }"`, `"15"`, `"true"`, `"2026-03-02T12:00:00Z"`, `[5]`, `["${project.p.id}"]`,
	`"` + strings.Repeat("x", 2000) + `"`}

// sample is a value that an attribute takes.
func sample(a *schema.Attribute) any {
	switch {
	case a.Type == schema.TypeObject:
		return samples(a.Nested)
	case a.Type == schema.TypeList && a.Nested != nil:
		return []any{samples(a.Nested)}
	case a.Type == schema.TypeList:
		return []any{sample(&schema.Attribute{Type: a.Of, Enum: a.Enum, Min: a.Min})}
	case a.Type == schema.TypeMap, a.Type == schema.TypePairs:
		return map[string]any{}
	case a.Type == schema.TypeBool:
		return true
	case a.Type == schema.TypeNumber, a.Type == schema.TypeInteger:
		if a.Min != nil {
			return *a.Min
		}
		return 1
	case a.Type == schema.TypeTime:
		return "2026-03-02T12:00:00Z"
	case a.Type == schema.TypeJSON:
		return map[string]any{}
	case a.Enum != nil:
		return a.Enum[0]
	default:
		return "x"
	}
}

// samples are the arguments that have to be there.
func samples(attrs []schema.Attribute) map[string]any {
	out := map[string]any{}
	for i := range attrs {
		if a := &attrs[i]; a.Required && a.Argument() {
			out[a.Name] = sample(a)
		}
	}
	return out
}

// TestTakesTheSameValues gives every argument at every depth values of every type, and asks both the language and the
// schema whether they are taken.
func TestTakesTheSameValues(t *testing.T) {
	c := catalog(t)
	document := jsonschema.Configuration(c)
	for _, name := range c.Names() {
		k := c.Kind(name)
		fragment := "#/$defs/" + name
		if k.Parent != "" {
			fragment += "-outside"
		}
		s := compiled(t, document, fragment)
		vary(k.Attributes, "", func(path string, a *schema.Attribute, around func(any) map[string]any) {
			if k.Fan != nil && path == k.Fan.Key {
				return // it stands in the entry's key
			}
			blocks := map[string]any{}
			for i, probe := range probes {
				body := around(parse(t, probe))
				if k.Fan != nil {
					body = map[string]any{k.Fan.Argument: map[string]any{fmt.Sprintf("10.0.0.%d", i): body}}
				}
				if k.Parent != "" {
					body[k.Parent] = "65f000000000000000000001"
				}
				blocks[fmt.Sprintf("r%d", i)] = body
			}
			refused := refusals(t, name, blocks)
			for i, probe := range probes {
				label := fmt.Sprintf("r%d", i)
				problem := s.Validate(plain(t, blocks[label]))
				if probe[0] == '"' && a.Max != nil && strings.Contains(refused[label], "out of range") {
					continue // a schema sets no bounds to a number that stands in a text
				}
				if probe[0] == '"' && a.Type == schema.TypeJSON && problem == nil {
					continue // nor does it look into a document that is a text
				}
				if (problem != nil) != (refused[label] != "") {
					t.Errorf("%s.%s = %.60s: the language says %q, the schema %v", name, path, probe, refused[label], problem)
				}
			}
		})
	}
}

// vary calls f for each argument, with a function that puts a value for it among what has to be there as well.
func vary(attrs []schema.Attribute, prefix string, f func(path string, a *schema.Attribute, around func(any) map[string]any)) {
	for i := range attrs {
		a := &attrs[i]
		if !a.Argument() {
			continue
		}
		around := func(v any) map[string]any {
			out := samples(attrs)
			out[a.Name] = v
			return out
		}
		f(prefix+a.Name, a, around)
		vary(a.Nested, prefix+a.Name+".", func(path string, inner *schema.Attribute, within func(any) map[string]any) {
			f(path, inner, func(v any) map[string]any {
				if a.Type == schema.TypeList {
					return around([]any{within(v)})
				}
				return around(within(v))
			})
		})
	}
}

// refusals returns what the language has against each of the blocks of a kind, by label, as far as types, bounds and
// names go.
func refusals(t *testing.T, kind string, blocks map[string]any) map[string]string {
	t.Helper()
	file := map[string]any{kind: blocks}
	if kind == "project" {
		blocks["p"] = map[string]any{}
	} else {
		file["project"] = map[string]any{"p": map[string]any{}}
	}
	_, diags := load(t, file)
	delete(blocks, "p")
	out := map[string]string{}
	for _, d := range diags {
		if slices.Contains([]string{"wrong_type", "out_of_range", "invalid_time", "unknown_enum_value", "missing_argument", "unknown_argument"}, d.Code) {
			out[labelOf(d)] = d.Error()
		}
	}
	return out
}

func labelOf(d diag.Diagnostic) string { return schema.Address(d.Address).Block().Last().Label }
