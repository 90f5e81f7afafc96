package config_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/config"
	"mercator/schema/diag"
)

// supposed is a world in which an address has an object or not by its name: most lookups find something, many
// resources are there already.
type supposed struct {
	seed    string
	objects map[string]cty.Value
	// all says that every address has one.
	all bool
}

// examples are live objects by their kind.
func examples(tb testing.TB) map[string]cty.Value {
	out := map[string]cty.Value{}
	for kind, attrs := range map[string]map[string]any{
		"project":  {"created": "2024-01-01T00:00:00Z", "tags": map[string]any{"a": "one", "b": "two"}},
		"cluster":  {"state": "IDLE", "size": "M20", "tags": map[string]any{"a": "one"}},
		"schedule": {"hour": json.Number("3")},
		"user":     {"username": "somebody"},
		"access":   {"comment": "Office"},
		"team":     {"members": []any{"x", "y"}},
		"alert":    {"event": "E"},
	} {
		out[kind] = live(tb, kind, attrs)
	}
	return out
}

// Object implements config.Known.
func (s supposed) Object(addr schema.Address) (cty.Value, bool) {
	kind := addr.Kind()
	lookup := false
	words := strings.Split(string(addr), ".")
	for i := range words {
		if words[i] == "data" && i+1 < len(words) {
			kind, lookup = words[i+1], true
		}
	}
	h := fnv.New32a()
	fmt.Fprint(h, s.seed, addr)
	n := h.Sum32()
	v, ok := s.objects[kind]
	if !ok || !s.all && (lookup && n%8 == 0 || !lookup && n%2 == 0) {
		return cty.NilVal, false
	}
	values := v.AsValueMap()
	for _, name := range []string{"id", "name"} {
		if _, ok := values[name]; ok {
			values[name] = cty.StringVal(fmt.Sprintf("%s-%d", name, n%1000))
		}
	}
	return cty.ObjectVal(values), true
}

// tell writes down everything that an evaluation came to.
func tell(e *config.Evaluation, diags diag.List) []string {
	var out []string
	for _, r := range e.Desired.Resources {
		out = append(out, fmt.Sprintf("%#v", r))
	}
	for _, l := range e.Desired.Lookups {
		out = append(out, fmt.Sprintf("%#v", l))
	}
	rest := e.Desired
	rest.Resources, rest.Lookups = nil, nil
	out = append(out, fmt.Sprintf("%#v", rest))
	failed, open := e.Checks()
	for _, d := range slices.Concat(diags, failed, open) {
		out = append(out, fmt.Sprintf("%+v", d))
	}
	return out
}

// sameAsFresh holds what is computed again against what is computed from nothing, and what an apply resolves with
// both. It reports whether the files could be computed at all.
func sameAsFresh(t *testing.T, o config.Options, objects map[string]cty.Value, files map[string]string) bool {
	t.Helper()
	c, diags := config.Load(write(t, files), o)
	base, more := c.Evaluate(nil)
	if diags.HasErrors() || more.HasErrors() {
		return false
	}
	for _, seed := range []string{"x", "y"} {
		world := supposed{seed: seed, objects: objects}
		got, gotDiags := base.With(world)
		want, wantDiags := c.Evaluate(world)
		compareTold(t, files, "With", tell(got, gotDiags), tell(want, wantDiags))
		if wantDiags.HasErrors() {
			continue
		}
		world.all = true
		for _, r := range want.Desired.Resources {
			a, aDiags := got.Resolve(r.Address, world)
			b, bDiags := want.Resolve(r.Address, world)
			compareTold(t, files, "Resolve "+string(r.Address), []string{fmt.Sprintf("%#v %v", a, aDiags)}, []string{fmt.Sprintf("%#v %v", b, bDiags)})
		}
	}
	return true
}

func compareTold(t *testing.T, files map[string]string, what string, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	var text strings.Builder
	for name, src := range files {
		fmt.Fprintf(&text, "-- %s --\n%s", name, src)
	}
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			fmt.Fprintf(&text, "missing %s\n", want[i])
		case i >= len(want):
			fmt.Fprintf(&text, "more    %s\n", got[i])
		case got[i] != want[i]:
			fmt.Fprintf(&text, "got     %.600s\nwant    %.600s\n", got[i], want[i])
		}
	}
	t.Fatalf("%s differs from a fresh evaluation:\n%s", what, text.String())
}

// TestWithIsEvaluate computes the stories again with what is known of Atlas, as a plan does.
func TestWithIsEvaluate(t *testing.T) {
	objects := examples(t)
	for _, s := range stories(t, "testdata/good/*.txtar") {
		files := map[string]string{}
		for _, f := range s.archive.Files {
			if f.Name != "want" {
				files[f.Name] = string(f.Data)
			}
		}
		t.Run(s.path, func(t *testing.T) { sameAsFresh(t, options(t, s.env), objects, files) })
	}
}

// TestWithIsEvaluateGenerated does the same with configurations that are put together by chance.
func TestWithIsEvaluateGenerated(t *testing.T) {
	sound, o, objects := 0, options(t, map[string]string{"SECRET": "hunter2"}), examples(t)
	for seed := range uint64(60) {
		g := generator{rand.New(rand.NewPCG(seed, 1))}
		if sameAsFresh(t, o, objects, g.files()) {
			sound++
		}
	}
	if sound < 30 {
		t.Errorf("only %d configurations can be computed", sound)
	}
}

// generator puts configurations together.
type generator struct{ *rand.Rand }

func (g generator) one(of ...string) string { return of[g.IntN(len(of))] }

func (g generator) some(of ...string) string {
	if g.IntN(3) > 0 {
		return ""
	}
	return "  " + g.one(of...) + "\n"
}

// text is an expression for a text, text that follows from the files or from Atlas.
func (g generator) text() string {
	return g.one(`"fixed"`, `local.known`, `local.asked`, `data.project.one.id`, `data.project.one.created`, `project.first.id`,
		`project.first.name`, `team.solo.id`, `try(data.project.one.tags.a, "none")`, `one([for p in [data.project.one] : p.tags.b])`, `module.inner.echo`, `module.inner.made.id`,
		`(data.project.one.id == "x" ? "yes" : "no")`, `join(",", keys(project.many))`, `(length(team.counted) > 1 ? "many" : "few")`, `project.first.cluster.nested.state`)
}

// keys is an expression for for_each.
func (g generator) keys() string {
	return g.one(`toset(["a", "b"])`, `data.project.one.tags`, `{ for k, v in data.project.one.tags : v => k }`, `local.keys`,
		`{ a = data.project.one.id, b = local.known }`, `{ a = project.first.id }`, `project.many`, `toset(keys(project.many))`,
		`{ for k, p in data.project.each : k => p.name }`, `module.inner.keys`, `data.cluster.in_one.tags == null ? {} : data.cluster.in_one.tags`)
}

func (g generator) repeat() string {
	return g.some("for_each = "+g.keys(), "for_each = "+g.keys(), "count = length(data.project.one.tags)", "count = 2", "count = length(project.many)")
}

// which names the instance of a block that is repeated so.
func which(repeat string) string {
	switch {
	case strings.Contains(repeat, "for_each"):
		return "-${each.key}"
	case strings.Contains(repeat, "count"):
		return "-${count.index}"
	default:
		return ""
	}
}

func (g generator) depends() string {
	return g.some("depends_on = [project.many]", "depends_on = [team.counted]", "depends_on = [module.inner]", "depends_on = [project.first]")
}

func (g generator) lifecycle() string {
	return g.some("lifecycle {\n prevent_destroy = length(local.known) > 2\n }",
		"lifecycle {\n precondition {\n condition = "+g.text()+" != \"fixed\"\n error_message = \"pre "+"${"+g.text()+"}\"\n }\n }",
		"lifecycle {\n postcondition {\n condition = self.name != "+g.text()+"\n error_message = \"post\"\n }\n }")
}

func (g generator) files() map[string]string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	p("locals {\n known = \"known\"\n asked = %s\n keys = %s\n}\n", g.one(`data.project.one.id`, `"${data.project.one.created}-x"`, `team.solo.id`, `"plain"`),
		g.one(`{ a = 1 }`, `data.project.one.tags`, `{ for k, p in data.project.each : k => p.id }`))
	users := g.repeat()
	p("atlas {}\natlas \"emea\" {}\n")
	p("data \"project\" \"one\" {}\n")
	p("data \"project\" \"each\" {\n for_each = %s\n name = each.key\n}\n", g.one(`toset(["a"])`, `data.project.one.tags`, `{}`))
	p("data \"cluster\" \"in_one\" {\n project = %s\n}\n", g.one("data.project.one", "project.first", `"65f0"`, "data.project.one.id"))
	p("project \"first\" {\n tags = { t = %s }\n%s%s cluster \"nested\" {\n  tags = { t = %s, p = parent.%s }\n%s  schedule {\n   hour = 3\n  }\n }\n user \"u\" {\n%s  username = \"u%s\"\n }\n access \"a\" {\n%s  entries = { \"10.0.0.%d\" = %s }\n }\n}\n",
		g.one(`"x"`, `local.known`, `data.project.one.id`, `local.asked`), g.one("", "", "depends_on = [team.solo]\n"), g.lifecycle(), g.one(`"x"`, `local.asked`, `"${team.solo.id}"`), g.one("id", "name", "created"), "",
		users, which(users), g.one("", "", "", "count = 1\n"), g.IntN(9), g.text())
	p("project \"many\" {\n for_each = %s\n name = \"many-${each.key}\"\n%s%s user \"inner\" {\n  username = %s\n }\n cluster \"c\" {\n size = %s\n%s }\n}\n",
		g.one(`toset(["a", "b"])`, `data.project.one.tags`, `local.keys`), g.some("tags = { v = \"${each.key}\" }", "tags = { v = data.project.one.id }"), g.lifecycle(),
		g.one(`"u"`, `each.key`, `parent.name`, `parent.each.key`, `local.known`), g.one(`"M10"`, `"M99"`, `local.known`), g.some("for_each = toset([parent.each.key])\n name = each.key", "count = 2\n name = \"c${count.index}\""))
	p("team \"solo\" {\n members = [%s]\n%s}\n", g.one(`"m"`, `data.project.one.id`, `join("", [for p in data.project.each : p.id])`), g.some("depends_on = [project.many]"))
	p("team \"counted\" {\n count = %s\n name = \"t${count.index}\"\n members = [%s]\n}\n", g.one("2", "length(data.project.one.tags)", "length(local.keys)"), g.one(`"m"`, `local.asked`, `team.solo.id`))
	p("module \"inner\" {\n source = \"./m\"\n%s input = %s\n host = %s\n%s}\n", g.one("", "depends_on = [team.solo]\n", "depends_on = [project.many]\n", "depends_on = [team.counted]\n"),
		g.one(`"in"`, `local.known`, `local.asked`, `data.project.one.id`), g.one("project.first", "data.project.one"), g.some("atlas = \"emea\"", "atlas = length(project.many) > 1 ? \"emea\" : \"\""))
	for i := range 1 + g.IntN(4) {
		repeat := g.repeat()
		key := which(repeat)
		switch g.IntN(4) {
		case 0:
			p("cluster \"x%d\" {\n project = %s\n%s%s%s tags = { v = %s, w = parent.name }\n name = \"x%d%s\"\n}\n", i,
				g.one("project.first", "data.project.one", `"65f0"`, "module.inner.made", "project.first.id", `project.many["a"]`, "data.project.one.id"), repeat, g.depends(), g.lifecycle(), g.text(), i, key)
		case 1:
			p("module \"x%d\" {\n source = \"./m\"\n%s%s input = %s\n host = %s\n where = \"x%d%s\"\n}\n", i, repeat, g.depends(), g.text(), g.one("project.first", "data.project.one"), i, key)
		case 2:
			p("user \"x%d\" {\n project = %s\n%s%s%s password = env(\"SECRET\")\n username = \"x%d%s\"\n roles = [{ role = %s }]\n}\n", i,
				g.one("project.first", "data.project.one", `"65f0"`, `data.project.each["a"]`), repeat, g.depends(), "", i, key, g.text())
		default:
			p("access \"x%d\" {\n project = %s\n%s%s entries = { \"10.1.%d.%s\" = %s }\n}\n", i, g.one("project.first", "data.project.one", `"65f0"`), g.one("", "count = 2\n"), g.depends(), i, g.one("0", "1"), g.text())
		}
	}
	p("output \"o\" { value = [%s, %s] }\n", g.text(), g.text())
	p("output \"all\" { value = %s }\n", g.one("project.many", "keys(project.many)", "[for t in team.counted : t.id]", "module.inner", "local.keys"))
	p("check \"c\" {\n assert {\n condition = %s == %s\n error_message = \"not ${%s}\"\n }\n}\n", g.text(), g.text(), g.text())
	p("%s", g.one("", "moved {\n from = team.old\n to = team.solo\n}\n", "import {\n to = project.many[\"a\"]\n id = \"65\"\n}\n", "removed { from = team.gone }\n"))
	var m strings.Builder
	fmt.Fprintf(&m, "variable \"input\" {\n validation {\n  condition = var.input != \"bad\"\n  error_message = \"bad\"\n }\n}\nvariable \"where\" { default = \"inner\" }\nvariable \"host\" { type = object({ id = string, name = string }) }\n")
	fmt.Fprintf(&m, "locals {\n l = %s\n}\n", g.one("var.input", `"l"`, "project.made.id", "data.project.here.id"))
	fmt.Fprintf(&m, "data \"project\" \"here\" { name = %s }\n", g.one(`"here"`, "var.host.name", "var.input"))
	fmt.Fprintf(&m, "project \"made\" {\n name = \"made-${var.input}\"\n tags = { l = %s }\n user \"static\" {}\n%s}\n", g.one(`"x"`, "var.host.id", "data.project.here.id"), g.lifecycle0())
	fmt.Fprintf(&m, "project \"other\" {\n name = \"other-${path.module}-${var.where}\"\n}\nteam \"flat\" {\n name = \"flat-${var.where}\"\n members = [\"a\"]\n}\nuser \"plain\" {\n username = \"plain-${var.where}\"\n project = %s\n}\n", g.one(`"65f0"`, "var.host", "var.host.id", "project.made"))
	fmt.Fprintf(&m, "output \"echo\" { value = %s }\noutput \"made\" { value = project.made }\noutput \"keys\" { value = %s }\n", g.one("var.input", "local.l", `"e"`, "data.project.here.created"), g.one(`{ k = var.input }`, "{ k = local.l }", "data.project.here.tags"))
	return map[string]string{"main.hcl": b.String(), "m/main.hcl": m.String()}
}

func (g generator) lifecycle0() string {
	return g.some("lifecycle {\n postcondition {\n condition = self.name != var.input\n error_message = \"post\"\n }\n }")
}

// TestWithLimit counts what was computed before towards the limit of instances.
func TestWithLimit(t *testing.T) {
	c, diags := config.Load(write(t, map[string]string{"main.hcl": `
data "project" "one" {}
project "p" {
  access "a" {
    entries = { "10.0.0.1" = "", "10.0.0.2" = "", "10.0.0.3" = "" }
  }
}
team "t" {
  for_each = data.project.one.tags
  name     = each.key
}
`}), options(t, nil))
	c.Limit(7)
	base, more := c.Evaluate(nil)
	if err := append(diags, more...).Err(); err != nil {
		t.Fatal(err)
	}
	world := supposed{objects: examples(t), all: true} // two teams beside the lookup, the project, its list and three entries
	_, got := base.With(world)
	if len(got) != 1 || got[0].Code != "too_many_instances" {
		t.Errorf("got %v", got)
	}
}

// TestWithConnection lets what is looked up choose the connection of all that a module holds.
func TestWithConnection(t *testing.T) {
	files := map[string]string{"main.hcl": `
atlas {}
atlas "emea" {}
data "project" "one" {}
team "many" {
  for_each = data.project.one.tags
  name     = each.key
}
module "m" {
  source     = "./m"
  atlas      = length(team.many) > 1 ? "emea" : ""
  depends_on = [team.many]
}
`, "m/main.hcl": "project \"a\" {}\nproject \"b\" {}\n"}
	c, base := load(t, files, nil)
	world := supposed{objects: examples(t), all: true}
	got, diags := base.With(world)
	want, wanted := c.Evaluate(world)
	compareTold(t, files, "With", tell(got, diags), tell(want, wanted))
	for _, addr := range []schema.Address{"module.m.project.a", "module.m.project.b"} {
		if r := find(t, got, addr); r.Connection != "emea" || !slices.Equal(r.DependsOn, []schema.Address{"team.many"}) {
			t.Errorf("%s belongs to %q and needs %q", addr, r.Connection, r.DependsOn)
		}
	}
}

// TestEntriesWait says nothing of entries that rest on lookups, before these are read.
func TestEntriesWait(t *testing.T) {
	c, base := load(t, map[string]string{"main.hcl": `
data "project" "one" {}
project "p" {
  access "all" {
    entries = { for k, v in data.project.one.tags : "10.0.0.${length(v)}" => k if k == "a" }
  }
  access "one" {
    entries = { "10.0.0.9" = try(data.project.one.tags.a, "none") }
  }
}
`}, nil)
	e, diags := base.With(supposed{objects: examples(t), all: true})
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	if v := find(t, e, `project.p.access.all["10.0.0.3"]`).Value.GetAttr("comment"); v.AsString() != "a" {
		t.Errorf("the comment is %s", v.AsString())
	}
	if v := find(t, e, `project.p.access.one["10.0.0.9"]`).Value.GetAttr("comment"); v.AsString() != "one" {
		t.Errorf("the comment is %s", v.AsString())
	}
	nothing := supposed{objects: map[string]cty.Value{}}
	if _, diags := base.With(nothing); !slices.ContainsFunc(diags, func(d diag.Diagnostic) bool { return d.Code == config.UnknownForEach }) {
		t.Errorf("what is not found either is told of by %v", diags)
	}
	if _, diags := c.Evaluate(nothing); !diags.HasErrors() {
		t.Error("nor is it told by a fresh evaluation")
	}
}
