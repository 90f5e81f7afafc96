package config_test

import (
	"slices"
	"strings"
	"testing"

	"mercator/schema/config"
)

func TestIncomplete(t *testing.T) {
	for text, want := range map[string]bool{
		``: false, `1 + 2`: false, `[1,`: true, "[1,\n2": true, "[1,\n2]": false, `{`: true, `{ a = [1 }`: true, `f(`: true,
		`]`: false, `f(]`: false, `"${`: false, `"a`: false, "\"a\n": false, `"a"`: false, `"${[1]}"`: false,
		"<<EOT": true, "<<EOT\nhello": true, "<<EOT\nhello\nEOT": false, "<<-EOT\n  a ${\n": true, "[<<EOT\na\nEOT": true,
		"# comment (": false, "1 +": false, "(1 +": true, "(1 + # (\n2)": false, "\xff(": false,
	} {
		if got := config.Incomplete(text); got != want {
			t.Errorf("%q goes on: %t, want %t", text, got, want)
		}
	}
}

// interactive is a configuration that a console is opened on.
const interactive = `
variable "region" { default = "EU_WEST_1" }
variable "regions" { default = { "eu-1" = { size = "M10" }, us = { size = "M30" } } }
variable "token" {
  default   = "hunter2"
  sensitive = true
}
variable "tokens" {
  default   = { slack = "hush-hush", lines = "two\nlines", port = 4711, empty = "", deep = ["in here"] }
  sensitive = true
}
locals {
  list   = ["a"]
  nested = { inner = { leaf = 1 } }
}
data "project" "shared" {}
project "payments" {
  for_each = toset(["dev", "prod"])
  name     = "payments-${each.key}"
  cluster "orders" {}
  cluster "other" {}
}
project "single" {
  user "u" {
    count    = 2
    username = "u-${count.index}"
  }
}
module "team" { source = "./team" }
`

func consoleEvaluation(t testing.TB) (*config.Config, *config.Evaluation) {
	t.Helper()
	dir := write(t, map[string]string{"main.hcl": interactive, "team/main.hcl": "output \"lead\" { value = { name = 1 } }\nproject \"inside\" {}\n"})
	c, diags := config.Load(dir, options(t, nil))
	e, more := c.Evaluate(nil)
	if err := append(diags, more...).Err(); err != nil {
		t.Fatal(err)
	}
	return c, e
}

func TestComplete(t *testing.T) {
	_, e := consoleEvaluation(t)
	for _, tc := range []struct {
		text  string
		start int
		want  string
	}{
		{"va", 0, "values( var."},
		{"var.", 0, "var.region var.regions var.token var.tokens"},
		{"upper(var.reg", 6, "var.region var.regions"},
		{"[cidrsub", 1, "cidrsubnet( cidrsubnets("},
		{"1 + local.", 4, "local.list local.nested"},
		{"local.nested.", 0, "local.nested.inner"},
		{"local.nested.inner.l", 0, "local.nested.inner.leaf"},
		{`var.regions.`, 0, `var.regions.eu-1 var.regions.us`},
		{`var.regions[`, 0, `var.regions["eu-1"] var.regions["us"]`},
		{`var.regions["eu-1"].`, 0, `var.regions["eu-1"].size`},
		{"var.tokens.", 0, ""},
		{"dat", 0, "data."},
		{"data.", 0, "data.project."},
		{"data.project.", 0, "data.project.shared"},
		{"path.", 0, "path.module"},
		{"proj", 0, "project."},
		{"project.", 0, "project.payments project.single"},
		{"project.payments", 0, `project.payments["dev"] project.payments["prod"]`},
		{`project.payments["`, 0, `project.payments["dev"] project.payments["prod"]`},
		{`project.payments["pr`, 0, `project.payments["prod"]`},
		{`project.payments["prod"].clu`, 0, `project.payments["prod"].cluster.`},
		{`project.payments["prod"].cluster.`, 0, `project.payments["prod"].cluster.orders project.payments["prod"].cluster.other`},
		{`upper(project.payments["prod"].cluster.orders.na`, 6, `project.payments["prod"].cluster.orders.name`},
		{"project.single.user.u", 0, "project.single.user.u[0] project.single.user.u[1]"},
		{"module.", 0, "module.team"},
		{"module.team.", 0, "module.team.lead"},
		{"module.team.lead.", 0, "module.team.lead.name"},
		{`"`, 1, "*"},
		{"nothing.", 0, ""},
		{"1 ", 2, "*"},
		{"", 0, "*"},
	} {
		start, got := e.Complete(tc.text, nil)
		if tc.want == "*" {
			if start != tc.start || len(got) < 100 || !slices.Contains(got, "var.") {
				t.Errorf("%q: %d %q", tc.text, start, got)
			}
			continue
		}
		if text := strings.Join(got, " "); text != tc.want || start != tc.start && tc.want != "" {
			t.Errorf("%q is completed from %d with %s, want from %d with %s", tc.text, start, text, tc.start, tc.want)
		}
	}
}

// TestCompleteLeadsToWhatThereIs goes on from every candidate to the next, and holds that what cannot be completed any
// further has a value.
func TestCompleteLeadsToWhatThereIs(t *testing.T) {
	_, e := consoleEvaluation(t)
	seen := map[string]bool{}
	var walk func(text string)
	walk = func(text string) {
		if seen[text] || strings.HasSuffix(text, "(") {
			return
		}
		seen[text] = true
		_, next := e.Complete(text, nil)
		if len(next) == 0 && text != "" {
			_, next = e.Complete(text+".", nil)
		}
		if len(next) == 0 {
			if _, diags := e.Eval(text, nil); diags.HasErrors() {
				t.Errorf("%s leads nowhere: %v", text, diags)
			}
		}
		for _, n := range next {
			walk(n)
		}
	}
	walk("")
	if len(seen) < 40 {
		t.Errorf("only %d texts were seen", len(seen))
	}
}

func TestConfides(t *testing.T) {
	c, _ := consoleEvaluation(t)
	for text, want := range map[string]bool{
		`1 + 1`: false, `var.token`: false, `upper("x")`: false, `"environment"`: false, `local.environ`: false,
		`env("HOME")`: true, `upper(env( "X", 1))`: true, `sensitive("x")`: true, `nonsensitive(var.token)`: true,
		`"hunter2"`: true, `sha256("a hunter2 b")`: true, `["hush-hush"]`: true, `"two\nlines"`: true, `4711 + 1`: true,
		`"in here"`: true, `"hunter"`: false, `"${env("X")}"`: true, `"env(x)"`: false,
	} {
		if got := c.Confides(text); got != want {
			t.Errorf("%s confides: %t, want %t", text, got, want)
		}
	}
}

func FuzzConsole(f *testing.F) {
	for _, text := range []string{"", "va", `project.payments["`, "[1,", "<<EOT\nx", "\"${", "var.regions[\"eu", "é.ü[", "\xff", "a.b[0].c["} {
		f.Add(text)
	}
	c, e := consoleEvaluation(f)
	f.Fuzz(func(t *testing.T, text string) {
		config.Incomplete(text)
		c.Confides(text)
		start, candidates := e.Complete(text, nil)
		if start < 0 || start > len(text) {
			t.Fatalf("%q is completed from %d", text, start)
		}
		for _, candidate := range candidates {
			if !strings.HasPrefix(candidate, text[start:]) || len(candidate) <= len(text)-start {
				t.Errorf("%q does not go on from %q", candidate, text[start:])
			}
		}
	})
}
