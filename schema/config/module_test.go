package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mercator/schema"
	"mercator/schema/config"
	"mercator/schema/diag"
)

// load loads and evaluates several files without errors.
func load(tb testing.TB, files map[string]string, known config.Known) (*config.Config, *config.Evaluation) {
	tb.Helper()
	c, diags := config.Load(write(tb, files), options(tb, map[string]string{"SECRET": "hunter2"}))
	e, more := c.Evaluate(known)
	if err := append(diags, more...).Err(); err != nil {
		tb.Fatal(err)
	}
	return c, e
}

// TestModuleLimits shows that neither the depth nor the number of modules can be made to grow without end.
func TestModuleLimits(t *testing.T) {
	deep := map[string]string{}
	dir := ""
	for range config.MaxModuleDepth + 1 {
		deep[dir+"main.hcl"] = "module \"m\" { source = \"./m\" }\n"
		dir += "m/"
	}
	deep[dir+"main.hcl"] = ""
	doubling := map[string]string{"main.hcl": "module \"a\" { source = \"./m1\" }\nmodule \"b\" { source = \"./m1\" }\n"}
	for i := 1; i < 15; i++ {
		doubling[fmt.Sprintf("m%d/main.hcl", i)] = fmt.Sprintf("module \"a\" { source = \"../m%d\" }\nmodule \"b\" { source = \"../m%d\" }\n", i+1, i+1)
	}
	doubling["m15/main.hcl"] = ""
	instances := map[string]string{"main.hcl": "module \"m\" {\n source = \"./m\"\n count = 1000\n n = count.index\n}\n",
		"m/main.hcl": "variable \"n\" {}\nteam \"t\" {\n count = 1000\n name = \"${var.n}-${count.index}\"\n}\n"}
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"deep":      {deep, "too_deep"},
		"doubling":  {doubling, "too_many_instances"},
		"instances": {instances, "too_many_instances"},
	} {
		diags := validate(t, tc.files)
		if len(diags) == 0 || slices.ContainsFunc(diags, func(d diag.Diagnostic) bool { return d.Code != tc.want }) {
			t.Errorf("%s: got %q, want %s", name, codes(diags), tc.want)
		}
	}
	delete(deep, strings.TrimSuffix(dir, "m/")+"main.hcl")
	delete(deep, dir+"main.hcl")
	deep[strings.TrimSuffix(dir, "m/")+"main.hcl"] = ""
	if diags := validate(t, deep); len(diags) > 0 {
		t.Errorf("at the limit: %v", diags)
	}
}

// TestModulesStayInside shows that no symbolic link leads a module's source out of the configuration's folder.
func TestModulesStayInside(t *testing.T) {
	outside := write(t, map[string]string{"main.hcl": "team \"stranger\" {}"})
	dir := write(t, map[string]string{
		"main.hcl":      "module \"a\" { source = \"./link\" }\nmodule \"b\" { source = \"./m\" }\nmodule \"c\" { source = \"./inner\" }\n",
		"m/main.hcl":    "",
		"real/main.hcl": "team \"inside\" {}",
	})
	for link, target := range map[string]string{"link": outside, "m/other.hcl": filepath.Join(outside, "main.hcl"), "inner": "real"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Skip("no symbolic links here: ", err)
		}
	}
	c, diags := config.Load(dir, options(t, nil))
	if got := codes(diags); got != "unreadable_file unreadable_file" {
		t.Errorf("got %q: %v", got, diags)
	}
	e, _ := c.Evaluate(nil)
	if len(e.Desired.Resources) != 1 || e.Desired.Resources[0].Address != "module.c.team.inside" {
		t.Errorf("got %v", e.Desired.Resources)
	}
}

// TestModuleSources shows that a saved plan rests on the modules' files too, and that what is secret in a call is
// not shown.
func TestModuleSources(t *testing.T) {
	c, _ := load(t, map[string]string{
		"main.hcl":              "module \"a\" {\n source = \"./m\"\n key = \"hunter2\"\n}\nmodule \"b\" {\n source = \"./m\"\n key = \"x\"\n}\n",
		"m/main.hcl":            "variable \"key\" { sensitive = true }\n",
		"m/mercator.vars.hcl":   "key = 1",
		"m/sub/unused/main.hcl": "",
	}, nil)
	var names []string
	for name := range c.Sources() {
		names = append(names, filepath.ToSlash(name))
	}
	slices.Sort(names)
	if len(names) != 2 || !strings.HasSuffix(names[0], "/m/main.hcl") || !strings.HasSuffix(names[1], "/main.hcl") {
		t.Errorf("got %q", names)
	}
	for name, text := range c.Excerpts() {
		if strings.Contains(string(text), "hunter2") {
			t.Errorf("%s shows the secret", name)
		}
	}
}

// tree is a configuration with n instances of a module with a project, ten users and a module inside.
func tree(n int) map[string]string {
	return map[string]string{
		"main.hcl": fmt.Sprintf(`
module "team" {
  source   = "./team"
  for_each = { for i in range(%d) : "t${i}" => { name = "team-${i}" } }
  name     = each.value.name
}
user "outside" {
  for_each = toset([for i in range(%d) : "t${i}"])
  project  = module.team[each.key].project
  username = "outside-${module.team[each.key].first}"
}
`, n/10, n/10),
		"team/main.hcl": `
variable "name" {}
locals { tags = { id = project.main.id } }
project "main" { name = var.name }
module "users" {
  source  = "../users"
  project = project.main
  tags    = local.tags
}
output "project" { value = project.main }
output "first" { value = module.users.names[0] }
`,
		"users/main.hcl": `
variable "project" {}
variable "tags" { type = map(string) }
user "u" {
  count    = 8
  project  = var.project
  username = "${var.project.name}-${count.index}"
  roles    = [{ role = var.tags.id }]
}
output "names" { value = user.u[*].username }
`,
	}
}

// TestModulesLinear shows that the cost of an instance does not grow with the number of modules.
func TestModulesLinear(t *testing.T) {
	cost := func(n int) float64 {
		c, diags := config.Load(write(t, tree(n)), options(t, nil))
		if err := diags.Err(); err != nil {
			t.Fatal(err)
		}
		return testing.AllocsPerRun(1, func() {
			e, diags := c.Evaluate(nil)
			if got := len(e.Desired.Resources); got != n || len(diags) > 0 {
				t.Fatalf("%d resources, want %d; %v", got, n, diags)
			}
		})
	}
	small, large := cost(1000), cost(10000)
	if large > 11*small {
		t.Errorf("ten times the instances cost %.1f times the allocations (%.0f, %.0f)", large/small, small, large)
	}
}

func BenchmarkModules(b *testing.B) {
	c, diags := config.Load(write(b, tree(10000)), options(b, nil))
	if err := diags.Err(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if e, _ := c.Evaluate(nil); len(e.Desired.Resources) != 10000 {
			b.Fatal(len(e.Desired.Resources))
		}
	}
}

// TestResolveInModules computes resources again when more is known, through variables and outputs.
func TestResolveInModules(t *testing.T) {
	_, e := load(t, tree(20), nil)
	known := world{`module.team["t1"].project.main`: live(t, "project", map[string]any{"id": "65f1", "name": "team-1"})}
	r, diags := e.Resolve(`module.team["t1"].module.users.user.u[7]`, known)
	if len(diags) > 0 || show(r.Value) != `{roles = [{role = "65f1"}], username = "team-1-7"}` {
		t.Errorf("got %s, %v", show(r.Value), diags)
	}
	if want := (schema.ParentRef{Address: `module.team["t1"].project.main`}); r.Parent != want {
		t.Errorf("lives in %+v, want %+v", r.Parent, want)
	}
	if v, diags := e.Eval(`module.team["t1"].project.id`, known); len(diags) > 0 || show(v) != `"65f1"` {
		t.Errorf("got %s, %v", show(v), diags)
	}
	if _, diags := e.Resolve("module.team[\"t1\"]", known); !diags.HasErrors() {
		t.Error("a module was resolved like a resource")
	}
}

func TestRule_R37_ModuleOutputsHoldResources(t *testing.T) {
	_, e := load(t, map[string]string{
		"main.hcl": `
module "m" { source = "./m" }
cluster "value" { project = module.m.project }
cluster "id" { project = module.m.project.id }
cluster "inside" { project = module.m.all.first }
cluster "nested" {
  project = module.m.project
  tags    = { c = module.m.project.cluster.c.name }
}
`,
		"m/main.hcl": `
project "p" {
  cluster "c" {}
}
output "project" { value = project.p }
output "all" { value = { first = project.p } }
`}, nil)
	want := schema.ParentRef{Address: "module.m.project.p"}
	for _, addr := range []schema.Address{"cluster.value", "cluster.id", "cluster.inside"} {
		if got := find(t, e, addr).Parent; got != want {
			t.Errorf("%s lives in %+v, want %+v", addr, got, want)
		}
	}
	if got := find(t, e, "cluster.nested").DependsOn; !slices.Equal(got, []schema.Address{"module.m.project.p.cluster.c"}) {
		t.Errorf("cluster.nested needs %q", got)
	}
}

func TestRule_R37_LookupsAreParents(t *testing.T) {
	files := map[string]string{
		"main.hcl": `
data "project" "shared" {}
module "m" {
  source  = "./m"
  project = data.project.shared
}
cluster "c" { project = module.m.project }
`,
		"m/main.hcl": "variable \"project\" {}\noutput \"project\" { value = var.project }\n",
	}
	_, e := load(t, files, nil)
	if got := find(t, e, "cluster.c").Parent; got != (schema.ParentRef{Unknown: true, Lookup: "data.project.shared"}) {
		t.Errorf("before it is read it lives in %+v", got)
	}
	known := world{"data.project.shared": live(t, "project", map[string]any{"id": "65f0", "name": "shared"})}
	if r, diags := e.Resolve("cluster.c", known); len(diags) > 0 || r.Parent != (schema.ParentRef{ID: "65f0", Lookup: "data.project.shared"}) || len(r.DependsOn) > 0 {
		t.Errorf("it lives in %+v and needs %q; %v", r.Parent, r.DependsOn, diags)
	}
}

// TestResolveCostInModules shows that resolving one resource does not look at the other instances of its module.
func TestResolveCostInModules(t *testing.T) {
	cost := func(n int) float64 {
		_, e := load(t, tree(n), nil)
		return testing.AllocsPerRun(10, func() {
			if _, diags := e.Resolve(`module.team["t1"].module.users.user.u[3]`, world{}); len(diags) > 0 {
				t.Fatal(diags)
			}
			if _, diags := e.Resolve(`user.outside["t1"]`, world{}); len(diags) > 0 {
				t.Fatal(diags)
			}
		})
	}
	if small, large := cost(100), cost(2000); large > 1.5*small {
		t.Errorf("with twenty times the instances a step costs %.1f times the allocations (%.0f, %.0f)", large/small, small, large)
	}
}
