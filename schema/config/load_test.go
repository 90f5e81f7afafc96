package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mercator/schema/config"
	"mercator/schema/diag"
)

func codes(l diag.List) string {
	var out []string
	for _, d := range l {
		out = append(out, d.Code)
	}
	return strings.Join(out, " ")
}

func validate(tb testing.TB, files map[string]string) diag.List {
	tb.Helper()
	_, _, diags := config.Validate(write(tb, files), options(tb, nil))
	return diags
}

func TestLimits(t *testing.T) {
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"no files":       {map[string]string{"readme.txt": ""}, "no_files"},
		"hidden only":    {map[string]string{".a.hcl": "project \"p\" {}", "x.vars.hcl": ""}, "no_files"},
		"large file":     {map[string]string{"a.hcl": strings.Repeat("# comment\n", config.MaxFile/10+1)}, "too_large"},
		"brackets":       {map[string]string{"a.hcl": "locals { a = " + strings.Repeat("[", 100000) + "\n}"}, "too_deep"},
		"braces":         {map[string]string{"a.hcl": strings.Repeat("a {\n", 100000)}, "too_deep"},
		"operators":      {map[string]string{"a.hcl": "locals { a = 1" + strings.Repeat("+1", 100000) + "\n}"}, "too_deep"},
		"newlines":       {map[string]string{"a.hcl": "locals {\na = (1" + strings.Repeat("+\n1", 100000) + ")\n}"}, "too_deep"},
		"unary":          {map[string]string{"a.hcl": "locals { a = " + strings.Repeat("!", 100000) + "true\n}"}, "too_deep"},
		"conditionals":   {map[string]string{"a.hcl": "locals { a = " + strings.Repeat("true ? 1 : ", 100000) + "2\n}"}, "too_deep"},
		"directives":     {map[string]string{"a.hcl": "locals { a = \"" + strings.Repeat("%{if true}", 100000) + "\"\n}"}, "too_deep"},
		"templates":      {map[string]string{"a.hcl": "locals { a = " + strings.Repeat("\"${", 100000) + "\n}"}, "too_deep"},
		"json":           {map[string]string{"a.hcl.json": strings.Repeat(`{"a":`, 100000)}, "too_deep"},
		"json templates": {map[string]string{"a.hcl.json": `{"locals": {"a": "${` + strings.Repeat("(", 100000) + `}"}}`}, "too_deep"},
		"count":          {map[string]string{"a.hcl": "team \"t\" {\n count = 1000000\n}"}, "too_many_instances"},
		"huge count":     {map[string]string{"a.hcl": "team \"t\" {\n count = 1e30\n}"}, "too_many_instances"},
		"nested count":   {map[string]string{"a.hcl": "project \"p\" {\n count = 2\n name = count.index\n user \"u\" {\n count = 199999\n username = count.index\n}\n}"}, "too_many_instances"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := codes(validate(t, tc.files)); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestChainOfLocals(t *testing.T) {
	var b strings.Builder
	b.WriteString("locals {\n  l0 = 1\n")
	for i := 1; i <= config.MaxChain+10; i++ {
		fmt.Fprintf(&b, "  l%d = local.l%d\n", i, i-1)
	}
	b.WriteString("}\noutput \"o\" { value = local.l" + fmt.Sprint(config.MaxChain+10) + " }\n")
	if got := codes(validate(t, map[string]string{"a.hcl": b.String()})); got != "" {
		t.Errorf("evaluated from the start a chain is not deep: %q", got)
	}
	backwards := strings.ReplaceAll(b.String(), "locals {\n  l0 = 1\n", "locals {\n  aaa = local.l"+fmt.Sprint(config.MaxChain+10)+"\n  l0 = 1\n") +
		"output \"p\" { value = local.aaa }\n"
	if got := codes(validate(t, map[string]string{"a.hcl": backwards})); got != "too_deep" {
		t.Errorf("got %q, want too_deep", got)
	}
}

func TestUnreadable(t *testing.T) {
	_, diags := config.Load(filepath.Join(t.TempDir(), "missing"), options(t, nil))
	if codes(diags) != "unreadable_file" {
		t.Errorf("got %v", diags)
	}
	o := options(t, nil)
	o.Inputs = []config.Input{{File: filepath.Join(t.TempDir(), "missing.vars.hcl")}}
	if _, diags := config.Load(write(t, map[string]string{"a.hcl": ""}), o); codes(diags) != "unreadable_file" {
		t.Errorf("got %v", diags)
	}
}

// TestConfinedFiles shows that no symbolic link leads file functions out of the folder.
func TestConfinedFiles(t *testing.T) {
	outside := write(t, map[string]string{"secret.txt": "hunter2"})
	dir := write(t, map[string]string{"main.hcl": `
output "a" { value = try(file("link/secret.txt"), "confined") }
output "b" { value = try(file("file.txt"), "confined") }
output "c" { value = try(tolist(fileset("link", "*"))[0], "confined") }
output "d" { value = try(templatefile("file.txt", {}), "confined") }
output "e" { value = try(fileexists("link/secret.txt"), "confined") }
output "f" { value = file("inner.txt") }
`, "real.txt": "inside"})
	for link, target := range map[string]string{"link": outside, "file.txt": filepath.Join(outside, "secret.txt"), "inner.txt": "real.txt"} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Skip("no symbolic links here: ", err)
		}
	}
	c, diags := config.Load(dir, options(t, nil))
	e, more := c.Evaluate(nil)
	if err := append(diags, more...).Err(); err != nil {
		t.Fatal(err)
	}
	for _, o := range e.Desired.Outputs {
		want := `"confined"`
		if o.Name == "f" {
			want = `"inside"`
		}
		if got := show(o.Value); got != want {
			t.Errorf("output %s = %s, want %s", o.Name, got, want)
		}
	}
}

func TestSettings(t *testing.T) {
	dir := write(t, map[string]string{"main.hcl": `
mercator {
  required_version = ">= 0.1, < 2"
  state "http" {
    address  = "https://example.com/${var.name}"
    password = env("PASSWORD")
    retries  = 3
  }
}
variable "name" { default = "payments" }
`})
	c, diags := config.Load(dir, options(t, map[string]string{"PASSWORD": "hunter2"}))
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	s := c.Settings()
	if s.RequiredVersion != ">= 0.1, < 2" || s.State.Type != "http" {
		t.Errorf("got %+v", s)
	}
	for name, want := range map[string]config.StateArgument{
		"address":  {Value: "https://example.com/payments"},
		"password": {Value: "hunter2", Sensitive: true},
		"retries":  {Value: "3"},
	} {
		got := s.State.Arguments[name]
		if got.Range.Start.Line == 0 {
			t.Errorf("%s has no place", name)
		}
		got.Range = diag.Range{}
		if got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
	if v := c.Variables()["name"]; show(v) != `"payments"` || len(c.Variables()) != 1 {
		t.Errorf("got variables %v", c.Variables())
	}
	if sources := c.Sources(); len(sources) != 1 || len(sources[filepath.Join(dir, "main.hcl")]) == 0 {
		t.Errorf("got sources %v", sources)
	}
	empty, _ := config.Load(write(t, map[string]string{"a.hcl": ""}), options(t, nil))
	if empty.Settings().State.Type != "local" || len(empty.Connections()) != 1 {
		t.Errorf("without blocks: %+v, %+v", empty.Settings(), empty.Connections())
	}
}

func TestRequiredVersion(t *testing.T) {
	for _, tc := range []struct {
		constraint, version string
		want                string
	}{
		{">= 0.1", "0.1.0", ""}, {">= 0.1", "0.0.9", "unsupported_version"}, {"< 1", "0.9.9", ""}, {"< 1", "1.0.0", "unsupported_version"},
		{"~> 1.2", "1.9.0", ""}, {"~> 1.2", "2.0.0", "unsupported_version"}, {"~> 1.2.3", "1.2.9", ""}, {"~> 1.2.3", "1.3.0", "unsupported_version"},
		{"1.2.3", "1.2.3", ""}, {"= 1.2.3", "1.2.4", "unsupported_version"}, {"!= 1.2.3", "1.2.3", "unsupported_version"}, {"> 1, <= 2", "2.0.0", ""},
		{">= 1.0", "1.0.0-rc.1", ""}, {"x", "1.0.0", "invalid_setting"}, {">= ", "1.0.0", "invalid_setting"}, {">= 1", "dev", ""}, {">= 9", "", ""},
	} {
		o := options(t, nil)
		o.Version = tc.version
		_, diags := config.Load(write(t, map[string]string{"a.hcl": fmt.Sprintf("mercator { required_version = %q }", tc.constraint)}), o)
		if got := codes(diags); got != tc.want {
			t.Errorf("%q with %q gives %q, want %q", tc.constraint, tc.version, got, tc.want)
		}
	}
}

func TestExcerpts(t *testing.T) {
	const text = `
variable "key" {
  sensitive = true
  default   = "hunter2"
}
project "p" {
  user "u" {
    username = "visible"
    password = join("-", ["hunter2", env("NAME")])
  }
  alert "a" {
    event   = "e"
    targets = [{ kind = "k", key = <<-EOT
      hunter2
      EOT
    }]
  }
}
output "o" { value = sensitive("hunter2") }
`
	dir := write(t, map[string]string{"main.hcl": text, "mercator.vars.hcl": "key = \"hunter2\"\n",
		"more.hcl.json": `{"user": {"v": {"project": "visible", "password": "hunter2", "roles": [{"role": "r"}]}},
			"alert": {"b": {"project": "x", "targets": [{"key": ["hunter2", {"a": "hunter2"}], "kind": "visible"}], "event": "visible"}}}`,
		"broken.hcl": "project \"q\" {\n  user \"u\" {\n    password = \"hunter2\"\n"})
	c, _ := config.Load(dir, options(t, nil))
	for name, src := range c.Excerpts() {
		if strings.Contains(string(src), "hunter2") {
			t.Errorf("%s shows the secret:\n%s", name, src)
		}
		if len(src) != len(c.Sources()[name]) {
			t.Errorf("%s has another length", name)
		}
	}
	if n := strings.Count(string(c.Excerpts()[filepath.Join(dir, "more.hcl.json")]), `"visible"`); n != 3 {
		t.Errorf("of 3 visible texts %d are", n)
	}
	main := string(c.Excerpts()[filepath.Join(dir, "main.hcl")])
	for _, visible := range []string{`"visible"`, `env("NAME")`, `kind = "k"`} {
		if !strings.Contains(main, visible) {
			t.Errorf("%s is hidden:\n%s", visible, main)
		}
	}
}

// TestConnectionsInJSON: a connection has a label there as in HCL's own syntax, or none.
func TestConnectionsInJSON(t *testing.T) {
	for name, src := range map[string]string{
		"both": `{"atlas": [{"org_id": "65f000000000000000000001"}, {"emea": {"org_id": "65f000000000000000000002", "credentials_prefix": "EMEA"}}]}`,
		"two":  `{"atlas": {"emea": {"org_id": "65f000000000000000000002", "credentials_prefix": "EMEA"}, "us": {"org_id": "65f000000000000000000003"}}}`,
		"one":  `{"atlas": {"org_id": "65f000000000000000000001"}}`,
	} {
		c, diags := config.Load(write(t, map[string]string{"main.hcl.json": src}), options(t, nil))
		if diags.HasErrors() {
			t.Errorf("%s: %v", name, diags)
			continue
		}
		var got []string
		for _, connection := range c.Connections() {
			got = append(got, connection.Name+"="+connection.OrgID[23:]+connection.CredentialsPrefix)
		}
		slices.Sort(got)
		want := map[string][]string{"both": {"=1", "emea=2EMEA"}, "two": {"emea=2EMEA", "us=3"}, "one": {"=1"}}[name]
		if !slices.Equal(got, want) {
			t.Errorf("%s: connections %q, want %q", name, got, want)
		}
	}
	_, diags := config.Load(write(t, map[string]string{"main.hcl.json": `{"atlas": {"emea": {"org": "x"}}}`}), options(t, nil))
	if !diags.HasErrors() || codes(diags) != "unknown_argument" {
		t.Errorf("an unknown argument: %v", diags)
	}
}
