package jsonschema_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mercator/schema/config"
	"mercator/schema/jsonschema"
)

// TestSchemasAreValid holds every schema against the meta-schema of its draft.
func TestSchemasAreValid(t *testing.T) {
	c := catalog(t)
	if s := configuration(t); s.DraftVersion != 2020 {
		t.Errorf("the draft is %d", s.DraftVersion)
	}
	for _, name := range c.Names() {
		document := jsonschema.Kind(c, c.Kind(name))
		compiled(t, document, "")
		if document["description"] != c.Kind(name).Doc {
			t.Errorf("%s is described by %q", name, document["description"])
		}
	}
}

// examples are the folders of the examples that come with the project.
func examples(t *testing.T) []string {
	t.Helper()
	var dirs []string
	for _, pattern := range []string{"../../examples/*/*.hcl", "../../examples/*/*/*.hcl"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if dir := filepath.Dir(file); len(dirs) == 0 || dirs[len(dirs)-1] != dir {
				dirs = append(dirs, dir)
			}
		}
	}
	if len(dirs) < 2 {
		t.Fatalf("only %q are examples", dirs)
	}
	return dirs
}

// TestExamplesFit writes every example in JSON syntax, which asks for the same as the original and fits the schema.
func TestExamplesFit(t *testing.T) {
	s := configuration(t)
	for _, dir := range examples(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			names, err := filepath.Glob(filepath.Join(dir, "*.hcl"))
			if err != nil {
				t.Fatal(err)
			}
			var files []any
			for _, name := range names {
				if strings.HasSuffix(name, ".vars.hcl") {
					continue
				}
				src, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				form := jsonForm(t, src, name)
				if err := s.Validate(plain(t, form)); err != nil {
					t.Errorf("%s does not fit: %v", name, err)
				}
				files = append(files, form)
			}
			same(t, dir, files)
		})
	}
}

func same(t *testing.T, dir string, files []any) {
	t.Helper()
	original, diags := config.Load(dir, options(t))
	want, more := original.Evaluate(nil)
	if err := append(diags, more...).Err(); err != nil {
		t.Skipf("it needs more than its folder: %v", err)
	}
	got, found := load(t, files...)
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	a, b := map[string]string{}, map[string]string{}
	for _, r := range want.Desired.Resources {
		a[string(r.Address)] = fmt.Sprintf("%#v needs %v", r.Value, r.DependsOn)
	}
	for _, r := range got.Desired.Resources {
		b[string(r.Address)] = fmt.Sprintf("%#v needs %v", r.Value, r.DependsOn)
	}
	for address := range a {
		if a[address] != b[address] {
			t.Errorf("%s is\n%s\nin JSON, and otherwise\n%s", address, b[address], a[address])
		}
	}
	if len(a) != len(b) || len(a) == 0 {
		t.Errorf("in JSON there are %d resources, otherwise %d", len(b), len(a))
	}
}

// TestFits holds what else a file may be.
func TestFits(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":         `{}`,
		"a comment":       `{"//": "x", "project": {"a": {"//": ["y"]}}}`,
		"lists of blocks": `{"project": [{"a": {}}, {"b": [{"name": "b"}], "c": {"cluster": [{"d": []}]}}], "locals": [{"x": 1}, {"y": [2]}]}`,
		"meta-arguments": `{"project": {"a": {"for_each": {"k": 1}, "atlas": "emea", "depends_on": ["project.b"], "exclusive": ["cluster"],
			"lifecycle": {"prevent_destroy": "${var.x}", "ignore_changes": ["tags"],
				"precondition": {"condition": "${each.key != \"\"}", "error_message": "no"}},
			"timeouts": {"create": "90m"}}, "b": {"count": 2, "lifecycle": {"ignore_changes": "all"}}}}`,
		"templates for numbers, truth values, objects and lists": `{"cluster": {"c": {"project": "${project.a}", "node_count": "${var.n}",
			"disk_size_gb": "%{ if true }10%{ endif }", "backup_enabled": "${true}", "auto_scaling": "${local.a}", "tags": "${local.t}",
			"replication_specs": "${local.r}", "instance_size": "${var.size}"}}}`,
		"templates as keys": `{"access_list": {"l": {"project": "65f0", "entries": {"${var.office}": "Office"}}}}`,
		"converted":         `{"cluster": {"c": {"project": "65f0", "mongo_db_major_version": 8.0, "node_count": "3", "backup_enabled": "true"}}}`,
		"null":              `{"project": {"a": {"name": null, "tags": null, "settings": {"is_data_explorer_enabled": null}}}}`,
		"the rest": `{"mercator": {"required_version": ">= 0.1", "state": {"local": {"path": "x"}},
				"advice": {"unused_local": "off", "open_to_the_world": "error"}}, "atlas": {"org_id": "${var.o}"},
			"variable": {"v": {"type": "list(string)", "default": [], "sensitive": true, "nullable": false, "description": "x",
				"validation": [{"condition": true, "error_message": "x"}]}},
			"output": {"o": {"value": {"a": 1}, "sensitive": true}}, "module": {"m": {"source": "./m", "count": 1, "anything": [1]}},
			"data": {"project": {"p": {"name": "x"}}, "cluster": {"c": {"project": "${data.project.p}", "id": "x"}}},
			"moved": {"from": "project.a", "to": "project.b"}, "removed": [{"from": "project.a", "destroy": false}],
			"import": {"to": "project.a", "id": {"name": "x"}}, "check": {"c": {"assert": {"condition": true, "error_message": "x"}}}}`,
	} {
		document := parse(t, text)
		if err := configuration(t).Validate(document); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWrongOnesFail holds that mistakes are found, each at its place.
func TestWrongOnesFail(t *testing.T) {
	s := configuration(t)
	for text, where := range map[string]string{
		`{"projct": {"a": {}}}`:                                                                                  "",
		`{"project": {"a b": {}}}`:                                                                               "/project",
		`{"project": {"a": {"nmae": "x"}}}`:                                                                      "/project/a",
		`{"project": {"a": {"name": ["x"]}}}`:                                                                    "/project/a/name",
		`{"project": {"a": {"id": "x"}}}`:                                                                        "/project/a",
		`{"project": {"a": {"tags": {"k": ["v"]}}}}`:                                                             "/project/a/tags/k",
		`{"project": {"a": {"limits": {"atlas.project.deployment.clusters": "many"}}}}`:                          "/project/a/limits/atlas.project.deployment.clusters",
		`{"project": {"a": {"limits": {"atlas.project.deployment.clusters": -1}}}}`:                              "/project/a/limits/atlas.project.deployment.clusters",
		`{"project": {"a": {"exclusive": ["project"]}}}`:                                                         "/project/a/exclusive/0",
		`{"project": {"a": {"lifecycle": {"prevent_destroy": "yes"}}}}`:                                          "/project/a/lifecycle/prevent_destroy",
		`{"project": {"a": {"lifecycle": {"precondition": {"condition": true}}}}}`:                               "/project/a/lifecycle/precondition",
		`{"project": {"a": {"depends_on": ["${project.b}"]}}}`:                                                   "/project/a/depends_on/0",
		`{"project": {"a": {"cluster": {"c": {"project": "x"}}}}}`:                                               "/project/a/cluster/c",
		`{"project": {"a": {"cluster": {"c": {"node_count": 2}}}}}`:                                              "/project/a/cluster/c/node_count",
		`{"project": {"a": {"cluster": {"c": {"node_count": 3.5}}}}}`:                                            "/project/a/cluster/c/node_count",
		`{"project": {"a": {"cluster": {"c": {"provider_name": "AWSS"}}}}}`:                                      "/project/a/cluster/c/provider_name",
		`{"project": {"a": {"cluster": {"c": {"replication_specs": [{"region_configs": 1}]}}}}}`:                 "/project/a/cluster/c/replication_specs/0/region_configs",
		`{"project": {"a": {"cluster": {"c": {"replication_specs": [{}]}}}}}`:                                    "/project/a/cluster/c/replication_specs/0",
		`{"cluster": {"c": {}}}`:                                                                                 "/cluster/c",
		`{"cluster": {"c": {"project": null}}}`:                                                                  "/cluster/c/project",
		`{"project": {"a": {"database_user": {"u": {"password": "x"}}}}}`:                                        "/project/a/database_user/u",
		`{"project": {"a": {"access_list": {"l": {"entries": {"10.0.0.0/8": {"coment": "x"}}}}}}}`:               "/project/a/access_list/l/entries/10.0.0.0~18",
		`{"project": {"a": {"access_list": {"l": {"entries": {"10.0.0.0/8": {"delete_after_date": "soon"}}}}}}}`: "/project/a/access_list/l/entries/10.0.0.0~18/delete_after_date",
		`{"variable": {"v": {"type": ["string"]}}}`:                                                              "/variable/v/type",
		`{"output": {"o": {"description": "x"}}}`:                                                                "/output/o",
		`{"module": {"m": {"source": "hashicorp/x"}}}`:                                                           "/module/m/source",
		`{"data": {"cloud": {"x": {}}}}`:                                                                         "/data",
		`{"data": {"project": {"x": {"tags": {}}}}}`:                                                             "/data/project/x",
		`{"moved": {"from": "project.a"}}`:                                                                       "/moved",
		`{"import": {"to": "project.a", "id": ["x"]}}`:                                                           "/import/id",
		`{"check": {"c": {}}}`:                                                                                   "/check/c",
		`{"mercator": {"advice": {"open_to_the_world": "loud"}}}`:                                                "/mercator/advice/open_to_the_world",
		`{"mercator": {"advice": {"open_to_all": "off"}}}`:                                                       "/mercator/advice",
		`{"project": {"a": {"access_list": {"l": {"entries": {}, "accept": {"open_to_the_world": " "}}}}}}`:      "/project/a/access_list/l/accept/open_to_the_world",
		`{"project": {"a": {"accept": {"open_to_the_world": "trial"}}}}`:                                         "/project/a/accept",
		`{"mercator": {"required_version": 1}}`:                                                                  "/mercator/required_version",
	} {
		err := s.Validate(parse(t, text))
		if err == nil {
			t.Errorf("%s fits", text)
			continue
		}
		if !strings.Contains(err.Error(), "'"+where+"'") {
			t.Errorf("%s is wrong elsewhere than at %q: %v", text, where, err)
		}
	}
}
