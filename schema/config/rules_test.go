package config_test

import (
	"strings"
	"testing"

	"mercator/schema"
)

// inProject wraps blocks in a project.
func inProject(body string) string { return "project \"p\" {\n" + body + "\n}\n" }

// attribute evaluates blocks inside a project and shows one attribute of one resource.
func attribute(t *testing.T, body string, addr schema.Address, name string) string {
	t.Helper()
	return show(find(t, evaluate(t, inProject(body), nil), addr).Value.GetAttr(name))
}

func TestRule_R10_NullIsNotManaged(t *testing.T) {
	if got := attribute(t, `cluster "c" { specs = [{ region = "EU", nodes = null }, null] }`, "project.p.cluster.c", "specs"); got != `[{region = "EU"}]` {
		t.Errorf("got %s", got)
	}
	if got := attribute(t, `cluster "c" { tags = null }`, "project.p.cluster.c", "tags"); got != "null" {
		t.Errorf("got %s", got)
	}
}

func TestRule_R11_AnEmptyMapIsSet(t *testing.T) {
	if got := attribute(t, `cluster "c" { tags = {} }`, "project.p.cluster.c", "tags"); got != "{}" {
		t.Errorf("got %s", got)
	}
}

func TestRule_R15_EntryKeysAreCanonical(t *testing.T) {
	e := evaluate(t, inProject(`access "a" { entries = { "203.0.113.7/32" = "", "2001:DB8:0::1/128" = "", "10.0.0.0/8" = "" } }`), nil)
	for _, key := range []string{"203.0.113.7", "2001:db8::1", "10.0.0.0/8"} {
		find(t, e, schema.Address("project.p.access.a").Key(key))
	}
	for body, want := range map[string]string{
		`access "a" { entries = { "10.0.0.1/8" = "" } }`:                          "invalid_entry",
		`access "a" { entries = { "10.0.0.1" = "", "10.0.0.1/32" = "" } }`:        "duplicate_entry",
		`access "a" { entries = { "10.0.0.1" = "", (format("10.0.0.1")) = "" } }`: "",
	} {
		if got := codes(validate(t, map[string]string{"a.hcl": inProject(body)})); got != want {
			t.Errorf("%s gives %q, want %q", body, got, want)
		}
	}
}

func TestRule_R19_DecodingIsPerElement(t *testing.T) {
	for body, want := range map[string]string{
		`cluster "c" { nodes = "15" }`: "15",
		`cluster "c" { nodes = null }`: "null",
	} {
		if got := attribute(t, body, "project.p.cluster.c", "nodes"); got != want {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
	diags := validate(t, map[string]string{"a.hcl": inProject(`cluster "c" { specs = [{ region = "EU", nodez = 1 }] }`)})
	if codes(diags) != "unknown_argument" || !strings.Contains(diags[0].Detail, `"nodes"`) {
		t.Errorf("got %v", diags)
	}
	if diags := validate(t, map[string]string{"a.hcl": inProject(`cluster "c" { size = "M99" }`)}); codes(diags) != "unknown_enum_value" || diags.HasErrors() {
		t.Errorf("got %v", diags)
	}
	e := evaluate(t, inProject(`access "a" { entries = { "10.0.0.1" = "text", "10.0.0.2" = null } }`), nil)
	if got := show(find(t, e, `project.p.access.a["10.0.0.1"]`).Value); got != `{address = "10.0.0.1", comment = "text"}` || len(e.Desired.Resources) != 2 {
		t.Errorf("got %s among %d", got, len(e.Desired.Resources))
	}
}

func TestRule_R20_NoSecretWhereItWouldBeShown(t *testing.T) {
	for _, text := range []string{
		inProject(`cluster "c" { name = sensitive("x") }`),
		inProject(`access "a" { entries = { (sensitive("10.0.0.1")) = "" } }`),
		"team \"t\" {\n for_each = toset([sensitive(\"x\")])\n name = each.key\n}\n",
		"team \"t\" {\n count = sensitive(1)\n}\n",
	} {
		if got := codes(validate(t, map[string]string{"a.hcl": text})); got != "sensitive_key" {
			t.Errorf("%s gives %q", text, got)
		}
	}
	if got := attribute(t, `cluster "c" { version = sensitive("8") }`, "project.p.cluster.c", "version"); got != "(sensitive)" {
		t.Errorf("in an ordinary place: %s", got)
	}
}

func TestRule_R36_InnermostFirst(t *testing.T) {
	text := `
project "p" {
  cluster "c" { size = "M10" }
  user "u" { username = cluster.c.size }
}
project "q" {
  user "u" { username = cluster.c.size }
}
cluster "c" {
  project = project.q
  size    = "M20"
}
`
	e := evaluate(t, text, nil)
	for addr, want := range map[schema.Address]string{"project.p.user.u": `"M10"`, "project.q.user.u": `"M20"`} {
		if got := show(find(t, e, addr).Value.GetAttr("username")); got != want {
			t.Errorf("%s sees %s, want %s", addr, got, want)
		}
	}
	if got := codes(validate(t, map[string]string{"a.hcl": text})); got != "shadowed" {
		t.Errorf("got %q, want a warning", got)
	}
}

func TestRule_R37_ParentsByValue(t *testing.T) {
	e := evaluate(t, `
locals { where = { here = project.p } }
project "p" {}
cluster "a" { project = local.where["here"] }
cluster "b" { project = local.where.here.id }
cluster "c" { project = "65f0" }
`, nil)
	for addr, want := range map[schema.Address]schema.ParentRef{
		"cluster.a": {Address: "project.p"}, "cluster.b": {Address: "project.p"}, "cluster.c": {ID: "65f0"},
	} {
		if got := find(t, e, addr).Parent; got != want {
			t.Errorf("%s lives in %+v, want %+v", addr, got, want)
		}
	}
	twice := "project \"p\" {\n cluster \"a\" { name = \"x\" }\n}\ncluster \"b\" {\n project = project.p.id\n name = \"x\"\n}\n"
	if got := codes(validate(t, map[string]string{"a.hcl": twice})); got != "duplicate_object" {
		t.Errorf("got %q", got)
	}
}

func TestRule_R39_ExpiriesLieAhead(t *testing.T) {
	for expires, want := range map[string]string{
		`timeadd(plantimestamp(), "4m")`:   "", // whether it will be sent is for the plan to see
		`timeadd(plantimestamp(), "168h")`: "",
		`timeadd(plantimestamp(), "169h")`: "expiry_out_of_range",
		`timeadd(plantimestamp(), "-1h")`:  "", // whether it is gone is for the plan to see
	} {
		text := inProject(`access "a" { entries = { "10.0.0.1" = { expires = ` + expires + ` } } }`)
		if got := codes(validate(t, map[string]string{"a.hcl": text})); got != want {
			t.Errorf("%s gives %q, want %q", expires, got, want)
		}
	}
}

func TestRule_R40_ComputedValuesAreKnownWhereTheObjectExists(t *testing.T) {
	text := inProject("") + "output \"id\" { value = project.p.id }\n"
	if e := evaluate(t, text, nil); e.Desired.Outputs[0].Value.IsKnown() {
		t.Errorf("got %s", show(e.Desired.Outputs[0].Value))
	}
	known := world{"project.p": live(t, "project", map[string]any{"id": "65f0", "name": "p"})}
	if e := evaluate(t, text, known); show(e.Desired.Outputs[0].Value) != `"65f0"` {
		t.Errorf("got %s", show(e.Desired.Outputs[0].Value))
	}
}
