package config_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/config"
)

const chain = `
variable "key" {
  default   = "hunter2"
  sensitive = true
}
locals {
  ids  = { for k, p in project.p : k => p.id }
  text = "id of a is ${project.p["a"].id}"
}
project "p" {
  for_each = toset(["a", "b"])
  name     = each.key
  cluster "c" { tags = { parent = parent.id } }
}
team "t" { members = [local.text, local.ids["b"], "fixed"] }
team "each" {
  for_each = { x = project.p["a"].id }
  name     = "n"
  members  = [each.value]
}
user "u" {
  project  = project.p["a"].id
  password = var.key
  roles    = [{ role = project.p["a"].cluster.c.state }]
  lifecycle {
    postcondition {
      condition     = project.p["a"].cluster.c.state == "IDLE"
      error_message = "The cluster is ${project.p["a"].cluster.c.state}."
    }
    precondition {
      condition     = project.p["a"].id != "bad"
      error_message = "A bad id."
    }
  }
}
access "a" {
  project = project.p["b"]
  entries = { "10.0.0.1" = { comment = project.p["a"].id }, "10.0.0.2" = "plain" }
}
`

func TestResolve(t *testing.T) {
	e := evaluate(t, chain, nil)
	for _, r := range e.Desired.Resources {
		if r.Kind == "team" && r.Value.GetAttr("members").IsWhollyKnown() {
			t.Errorf("%s is known before its projects exist", r.Address)
		}
	}
	known := world{
		`project.p["a"]`:           live(t, "project", map[string]any{"id": "1", "name": "a"}),
		`project.p["b"]`:           live(t, "project", map[string]any{"id": "2", "name": "b"}),
		`project.p["a"].cluster.c`: live(t, "cluster", map[string]any{"id": "3", "name": "c", "state": "IDLE"}),
	}
	for addr, want := range map[schema.Address]string{
		"team.t":                   `{members = ["id of a is 1", "2", "fixed"], name = "t"}`,
		`team.each["x"]`:           `{members = ["1"], name = "n"}`,
		`project.p["b"].cluster.c`: `{name = "c", tags = {parent = "2"}}`,
		`access.a["10.0.0.1"]`:     `{address = "10.0.0.1", comment = "1"}`,
		`access.a["10.0.0.2"]`:     `{address = "10.0.0.2", comment = "plain"}`,
		"user.u":                   `{password = (sensitive), roles = [{role = "IDLE"}], username = "u"}`,
	} {
		r, diags := e.Resolve(addr, known)
		if len(diags) > 0 {
			t.Errorf("%s: %v", addr, diags)
			continue
		}
		if got := show(r.Value); got != want {
			t.Errorf("%s = %s, want %s", addr, got, want)
		}
		if r.Address != addr {
			t.Errorf("asked for %s, got %s", addr, r.Address)
		}
	}
	u, _ := e.Resolve("user.u", known)
	if password, marks := u.Value.GetAttr("password").Unmark(); password.AsString() != "hunter2" || len(marks) != 1 {
		t.Errorf("the password is %#v %#v", password, marks)
	}
	if u.Parent != (schema.ParentRef{Address: `project.p["a"]`}) {
		t.Errorf("the user's parent is %+v", u.Parent)
	}
	if _, diags := e.Resolve("team.nope", known); !diags.HasErrors() {
		t.Error("what is not declared was resolved")
	}
}

func TestConditionsLater(t *testing.T) {
	e := evaluate(t, chain, nil)
	known := world{
		`project.p["a"]`:           live(t, "project", map[string]any{"id": "bad", "name": "a"}),
		`project.p["a"].cluster.c`: live(t, "cluster", map[string]any{"id": "3", "name": "c", "state": "REPAIRING"}),
	}
	if _, diags := e.Resolve("user.u", known); len(diags) != 1 || diags[0].Code != "precondition_failed" {
		t.Errorf("got %v", diags)
	}
	if diags := e.Postconditions("user.u", known); len(diags) != 1 || diags[0].Detail != "The cluster is REPAIRING." {
		t.Errorf("got %v", diags)
	}
	if diags := e.Postconditions("team.t", known); len(diags) != 0 {
		t.Errorf("got %v", diags)
	}
}

// TestResolveConcurrently is for the race detector.
func TestResolveConcurrently(t *testing.T) {
	e := evaluate(t, chain, nil)
	known := world{`project.p["a"]`: live(t, "project", map[string]any{"id": "1", "name": "a"})}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, r := range e.Desired.Resources {
				if _, diags := e.Resolve(r.Address, known); diags.HasErrors() {
					t.Error(diags)
				}
			}
			if _, diags := e.Eval("local.text", known); diags.HasErrors() {
				t.Error(diags)
			}
		})
	}
	wg.Wait()
}

// TestKnownMerge shows how live values fill what the files leave out, also inside of objects and lists.
func TestKnownMerge(t *testing.T) {
	e := evaluate(t, `
project "p" {
  cluster "c" {
    scaling = { enabled = true }
    specs   = [{ region = "EU", nodes = 3 }, { region = "US" }]
  }
  user "u" {}
}
`, nil)
	known := world{
		"project.p": live(t, "project", map[string]any{"id": "1", "name": "p"}),
		"project.p.cluster.c": live(t, "cluster", map[string]any{"id": "2", "name": "c", "version": "8.0",
			"scaling": map[string]any{"enabled": false, "max_size": "M30"},
			"specs": []any{
				map[string]any{"region": "US", "nodes": 5.0, "host": "us", "id": "x"},
				map[string]any{"region": "EU", "nodes": 3.0, "host": "eu", "id": "y"},
			}}),
	}
	for expression, want := range map[string]string{
		`project.p.cluster.c.version`:                    `"8.0"`,
		`project.p.cluster.c.scaling`:                    `{enabled = true, max_size = "M30"}`,
		`[for s in project.p.cluster.c.specs : s.host]`:  `["eu", "us"]`,
		`[for s in project.p.cluster.c.specs : s.nodes]`: `[3, 5]`,
		`project.p.cluster.c.backup`:                     `null`,
		`project.p.user.u.database`:                      `"admin"`,
		`project.p.user.u.password`:                      `(sensitive)`,
		`keys(project.p)`:                                `["created", "id", "limits", "name", "tags"]`,
	} {
		v, diags := e.Eval(expression, known)
		if err := diags.Err(); err != nil {
			t.Errorf("%s: %v", expression, err)
		} else if got := show(v); got != want {
			t.Errorf("%s = %s, want %s", expression, got, want)
		}
	}
}

// TestKnownForEach expands over what is live, and keeps the instances for the whole run.
func TestKnownForEach(t *testing.T) {
	text := `
project "p" {}
team "t" {
  for_each = toset([project.p.id])
  name     = each.key
  members  = [each.value, project.p.created]
}
`
	at := func(created string) world {
		return world{"project.p": live(t, "project", map[string]any{"id": "1", "name": "p", "created": created})}
	}
	e := evaluate(t, text, at("2024-01-01T00:00:00Z"))
	r, diags := e.Resolve(`team.t["1"]`, at("2025-01-01T00:00:00Z"))
	if len(diags) > 0 || show(r.Value.GetAttr("members")) != `["1", "2025-01-01T00:00:00Z"]` {
		t.Errorf("got %s, %v", show(r.Value), diags)
	}
}

func TestPrivateMarksStayInside(t *testing.T) {
	e := evaluate(t, chain, nil)
	for _, r := range e.Desired.Resources {
		if err := cty.Walk(r.Value, func(p cty.Path, v cty.Value) (bool, error) {
			for m := range v.Marks() {
				if m != schema.Sensitive {
					t.Errorf("%s: %s carries %#v", r.Address, schema.PathString(p), m)
				}
			}
			return true, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if v, _ := e.Eval("project.p", nil); v.HasMarkDeep(schema.Sensitive) || strings.Contains(v.GoString(), "Mark(") {
		t.Errorf("the console shows private marks: %#v", v)
	}
}

var _ config.Known = world{}
