package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/config"
)

// console is a configuration whose expressions the tables below use.
const console = `
variable "key" {
  default   = "hunter2"
  sensitive = true
}
locals {
  list = ["a", "b", "c"]
}
team "t" {}
`

func evaluation(tb testing.TB) *config.Evaluation {
	tb.Helper()
	dir := write(tb, map[string]string{"main.hcl": console, "greeting.txt": "hello\n", "sub/a.json": "{}", "sub/b.json": "{}",
		"t.tpl": "%{ for n in names }<${upper(n)}>%{ endfor }"})
	c, diags := config.Load(dir, options(tb, map[string]string{"HOME_REGION": "EU", "EMPTY": "", "SECRET": "hunter2"}))
	e, more := c.Evaluate(nil)
	if err := append(diags, more...).Err(); err != nil {
		tb.Fatal(err)
	}
	return e
}

// calls is at least one call of every function, with its result as show writes it.
var calls = []struct{ expression, want string }{
	{`abs(-3)`, `3`},
	{`ceil(1.2)`, `2`},
	{`floor(-1.2)`, `-2`},
	{`log(8, 2)`, `3`},
	{`max(1, 3, 2)`, `3`},
	{`min(2, 1, 3)`, `1`},
	{`parseint("ff", 16)`, `255`},
	{`pow(2, 10)`, `1024`},
	{`signum(-7)`, `-1`},
	{`sum([1, "2", 3.5])`, `6.5`},
	{`chomp("a\n\n")`, `"a"`},
	{`endswith("abc", "bc")`, `true`},
	{`format("%s-%03d", "a", 7)`, `"a-007"`},
	{`formatlist("%s!", local.list)`, `["a!", "b!", "c!"]`},
	{`indent(2, "a\nb")`, `"a\n  b"`},
	{`join("-", local.list)`, `"a-b-c"`},
	{`lower("ÄB")`, `"äb"`},
	{`regex("([a-z]+)([0-9]+)", "ab12")`, `["ab", "12"]`},
	{`regexall("[0-9]", "a1b2")`, `["1", "2"]`},
	{`replace("a.b.c", ".", "-")`, `"a-b-c"`},
	{`replace("a1b22", "/[0-9]+/", "#")`, `"a#b#"`},
	{`replace("abc", "/(a)(b)/", "$2$1")`, `"bac"`},
	{`split(",", "a,b")`, `["a", "b"]`},
	{`startswith("abc", "ab")`, `true`},
	{`strcontains("abc", "x")`, `false`},
	{`strrev("añb")`, `"bña"`},
	{`substr("abcdef", 1, 3)`, `"bcd"`},
	{`title("hello world")`, `"Hello World"`},
	{`trim("xxaxx", "x")`, `"a"`},
	{`trimprefix("abc", "a")`, `"bc"`},
	{`trimspace("  a ")`, `"a"`},
	{`trimsuffix("abc", "c")`, `"ab"`},
	{`upper("ab")`, `"AB"`},
	{`alltrue([true, "true"])`, `true`},
	{`alltrue([])`, `true`},
	{`alltrue([true, null])`, `false`},
	{`anytrue([false, true])`, `true`},
	{`anytrue([])`, `false`},
	{`chunklist(local.list, 2)`, `[["a", "b"], ["c"]]`},
	{`coalesce("", null, "x")`, `"x"`},
	{`coalescelist([], ["x"])`, `["x"]`},
	{`compact(["a", "", null])`, `["a"]`},
	{`concat(["a"], ["b"])`, `["a", "b"]`},
	{`contains(local.list, "b")`, `true`},
	{`distinct(["a", "b", "a"])`, `["a", "b"]`},
	{`element(local.list, 4)`, `"b"`},
	{`flatten([["a"], [["b"]], []])`, `["a", "b"]`},
	{`index(local.list, "c")`, `2`},
	{`keys({ b = 1, a = 2 })`, `["a", "b"]`},
	{`length(local.list)`, `3`},
	{`length("日本")`, `2`},
	{`length({ a = 1 })`, `1`},
	{`lookup({ a = 1 }, "a")`, `1`},
	{`lookup({ a = 1 }, "b", 2)`, `2`},
	{`lookup(tomap({ a = "x" }), "b", "y")`, `"y"`},
	{`matchkeys(["i1", "i2"], ["a", "b"], ["b"])`, `["i2"]`},
	{`merge({ a = 1 }, { a = 2, b = 3 })`, `{a = 2, b = 3}`},
	{`one([])`, `null`},
	{`one(toset(["x"]))`, `"x"`},
	{`range(3)`, `[0, 1, 2]`},
	{`reverse(local.list)`, `["c", "b", "a"]`},
	{`setintersection(["a", "b"], ["b"])`, `["b"]`},
	{`setproduct(["a"], ["x", "y"])`, `[["a", "x"], ["a", "y"]]`},
	{`setsubtract(["a", "b"], ["b"])`, `["a"]`},
	{`setunion(["a"], ["b"])`, `["a", "b"]`},
	{`slice(local.list, 1, 3)`, `["b", "c"]`},
	{`sort(["b", "a"])`, `["a", "b"]`},
	{`transpose({ a = ["x"], b = ["x", "y"] })`, `{x = ["a", "b"], y = ["b"]}`},
	{`values({ b = 1, a = 2 })`, `[2, 1]`},
	{`zipmap(["a", "b"], [1, 2])`, `{a = 1, b = 2}`},
	{`base64decode("aGk=")`, `"hi"`},
	{`base64encode("hi")`, `"aGk="`},
	{`base64gunzip(base64gzip("hi"))`, `"hi"`},
	{`length(base64gzip("hi")) > 0`, `true`},
	{`csvdecode("a,b\n1,2\n")`, `[{a = "1", b = "2"}]`},
	{`jsondecode("{\"a\": [1, null]}").a[0]`, `1`},
	{`jsonencode({ a = [1, true] })`, `"{\"a\":[1,true]}"`},
	{`textencodebase64("hi", "UTF-16LE")`, `"aABpAA=="`},
	{`textdecodebase64("aABpAA==", "UTF-16LE")`, `"hi"`},
	{`urldecode("a%20b%26")`, `"a b&"`},
	{`urlencode("a b&")`, `"a+b%26"`},
	{`yamldecode("a: [1, 2]").a[1]`, `2`},
	{`yamlencode({ a = 1 })`, `"\"a\": 1\n"`},
	{`basename("a/b.txt")`, `"b.txt"`},
	{`dirname("a/b.txt")`, `"a"`},
	{`file("greeting.txt")`, `"hello\n"`},
	{`file("./sub/../greeting.txt")`, `"hello\n"`},
	{`filebase64("greeting.txt")`, `"aGVsbG8K"`},
	{`fileexists("greeting.txt")`, `true`},
	{`fileexists("sub")`, `false`},
	{`fileset("sub", "*.json")`, `["a.json", "b.json"]`},
	{`fileset(".", "**/a.*")`, `["sub/a.json"]`},
	{`filemd5("greeting.txt")`, `"b1946ac92492d2347c6235b4d2611184"`},
	{`filesha1("greeting.txt") == sha1(file("greeting.txt"))`, `true`},
	{`filesha256("greeting.txt") == sha256(file("greeting.txt"))`, `true`},
	{`filesha512("greeting.txt") == sha512(file("greeting.txt"))`, `true`},
	{`filebase64sha256("greeting.txt") == base64sha256(file("greeting.txt"))`, `true`},
	{`filebase64sha512("greeting.txt") == base64sha512(file("greeting.txt"))`, `true`},
	{`templatefile("t.tpl", { names = local.list })`, `"<A><B><C>"`},
	{`templatestring("$${a}!", { a = 1 })`, `"1!"`},
	{`md5("hi")`, `"49f68a5c8493ec2c0bf489821c21fc3b"`},
	{`sha1("hi")`, `"c22b5f9178342609428d6f51b2c5af4c0bde6a42"`},
	{`sha256("hi")`, `"8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"`},
	{`substr(sha512("hi"), 0, 8)`, `"150a14ed"`},
	{`base64sha256("hi")`, `"j0NDRmSPa5bfid2pAcUXaxCm2Dlh3TwayItZstwyeqQ="`},
	{`length(base64sha512("hi"))`, `88`},
	{`uuidv5("dns", "example.com")`, `"cfbff0d1-9375-5685-968c-48ce8b15ae17"`},
	{`uuidv5("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "example.com")`, `"cfbff0d1-9375-5685-968c-48ce8b15ae17"`},
	{`formatdate("YYYY-MM-DD", plantimestamp())`, `"2030-01-31"`},
	{`plantimestamp()`, `"2030-01-31T12:00:00Z"`},
	{`timeadd("2030-01-31T12:00:00Z", "36h")`, `"2030-02-02T00:00:00Z"`},
	{`timecmp("2030-01-31T12:00:00Z", "2030-01-31T13:00:00+01:00")`, `0`},
	{`cidrcontains("10.0.0.0/8", "10.1.0.0/16")`, `true`},
	{`cidrcontains("10.0.0.0/16", "10.1.2.3")`, `false`},
	{`cidrhost("10.0.0.0/16", 258)`, `"10.0.1.2"`},
	{`cidrnetmask("10.0.0.0/12")`, `"255.240.0.0"`},
	{`cidrsubnet("10.0.0.0/16", 8, 3)`, `"10.0.3.0/24"`},
	{`cidrsubnets("10.0.0.0/16", 8, 8, 4)`, `["10.0.0.0/24", "10.0.1.0/24", "10.0.16.0/20"]`},
	{`can(local.list[5])`, `false`},
	{`convert([1], list(string))`, `["1"]`},
	{`issensitive(var.key)`, `true`},
	{`nonsensitive(var.key)`, `"hunter2"`},
	{`nonsensitive([var.key])`, `["hunter2"]`},
	{`sensitive("x")`, `(sensitive)`},
	{`tobool("true")`, `true`},
	{`tolist(["a", 1])`, `["a", "1"]`},
	{`tomap({ a = 1 })`, `{a = 1}`},
	{`tonumber("5")`, `5`},
	{`toset(["a", "a"])`, `["a"]`},
	{`tostring(5)`, `"5"`},
	{`try(local.list[5], "x")`, `"x"`},
	{`type({ a = [1] })`, `"object({a=tuple([number])})"`},
	{`env("HOME_REGION")`, `(sensitive)`},
	{`nonsensitive(env("HOME_REGION"))`, `"EU"`},
	{`nonsensitive(env("EMPTY", "x"))`, `""`},
	{`nonsensitive(env("MISSING", "x"))`, `"x"`},
	{`env("MISSING", null) == null`, `(sensitive)`},
}

func TestFunctions(t *testing.T) {
	e := evaluation(t)
	called := map[string]bool{}
	for _, tc := range calls {
		v, diags := e.Eval(tc.expression, nil)
		if err := diags.Err(); err != nil {
			t.Errorf("%s: %v", tc.expression, err)
			continue
		}
		if got := show(v); got != tc.want {
			t.Errorf("%s = %s, want %s", tc.expression, got, tc.want)
		}
		for _, f := range config.Functions() {
			if strings.Contains(tc.expression, f.Name+"(") {
				called[f.Name] = true
			}
		}
	}
	seen := map[string]bool{}
	for _, f := range config.Functions() {
		if seen[f.Name] {
			t.Errorf("the function %s stands twice in the table", f.Name)
		}
		seen[f.Name] = true
		if !called[f.Name] {
			t.Errorf("the function %s is not called by any row", f.Name)
		}
		if f.Description == "" || f.Group == "" {
			t.Errorf("the function %s has no description or group", f.Name)
		}
	}
}

func TestFunctionErrors(t *testing.T) {
	e := evaluation(t)
	for _, tc := range []struct{ expression, code, detail string }{
		{`file("../x")`, "invalid_call", "out of the configuration's folder"},
		{`file("/etc/passwd")`, "invalid_call", "out of the configuration's folder"},
		{`fileexists("../x")`, "invalid_call", "out of the configuration's folder"},
		{`fileset("..", "*")`, "invalid_call", "out of the configuration's folder"},
		{`file("none")`, "invalid_call", "no such file"},
		{`filesha256("none")`, "invalid_call", "no such file"},
		{`templatestring("$${x}", {})`, "invalid_call", `uses "x"`},
		{`templatestring("$${templatestring(\"a\", {})}", {})`, "invalid_call", "no function named"},
		{`templatestring("a", [1])`, "invalid_call", "an object"},
		{`base64decode("?")`, "invalid_call", "not valid Base64"},
		{`base64gunzip("aGk=")`, "invalid_call", "not compressed with gzip"},
		{`base64decode("/w==")`, "invalid_call", "not a text in UTF-8"},
		{`textencodebase64("a", "NOPE")`, "invalid_call", "no such character encoding"},
		{`urldecode("%zz")`, "invalid_call", "wrong escape"},
		{`uuidv5("x", "y")`, "invalid_call", "namespace"},
		{`timecmp("x", "y")`, "invalid_call", "RFC 3339"},
		{`cidrsubnets("10.0.0.0/31", 1, 1, 1)`, "invalid_call", "no room"},
		{`cidrsubnet("10.0.0.0/8", 2, 9)`, "invalid_call", "no such part"},
		{`cidrhost("10.0.0.0/30", 9)`, "invalid_call", "no such host"},
		{`cidrhost("10.0.0.0/30", 0.5)`, "invalid_call", "whole number"},
		{`cidrnetmask("::/8")`, "invalid_call", "only IPv4"},
		{`cidrcontains("10.0.0.0/8", "x")`, "invalid_call", "an address or a network"},
		{`index(local.list, "z")`, "invalid_call", "does not hold"},
		{`sum(["x"])`, "invalid_call", "must be a number"},
		{`alltrue(["x"])`, "invalid_call", "true or false"},
		{`coalesce(null, "")`, "invalid_call", "every argument"},
		{`env("A", "b", "c")`, "invalid_call", "at most one default"},
		{`env("MISSING")`, "env_not_set", "MISSING is not in the environment"},
		{`indent(2000000000, "a\nb")`, "invalid_call", "more than 8388608 bytes"},
		{`indent(-1, "a")`, "invalid_call", "from 0"},
		{`setproduct(range(1000), range(1000), range(1000))`, "invalid_call", "more than 1000000 combinations"},
		{laughs(), "invalid_call", "more than 1000000 values"},
		{`jsondecode("` + strings.Repeat("[", 300) + `")`, "invalid_call", "nested"},
	} {
		v, diags := e.Eval(tc.expression, nil)
		if len(diags) != 1 || diags[0].Code != tc.code || !strings.Contains(diags[0].Detail, tc.detail) {
			t.Errorf("%s = %s with %v; want %s: %s", tc.expression, show(v), diags, tc.code, tc.detail)
		}
	}
}

// laughs is a YAML text of nine lines, each of which repeats the one before nine times.
func laughs() string {
	text := `a0: &a0 [x]\n`
	for i := range 9 {
		text += fmt.Sprintf(`a%d: &a%d [%s]\n`, i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), ", "))
	}
	return `yamldecode("` + text + `")`
}

// TestSecretsStay feeds every function a secret and looks for it where it must not be.
func TestSecretsStay(t *testing.T) {
	e := evaluation(t)
	for _, expression := range []string{
		`"x${var.key}"`, `[var.key]`, `{ (var.key) = 1 }`, `upper(var.key)`, `[for c in split("", var.key) : c]`,
		`var.key == "hunter2" ? "yes" : "no"`, `{ for k in [var.key] : k => 1 }`, `jsonencode({ a = var.key })`,
		`yamlencode([var.key])`, `base64encode(var.key)`, `sha256(var.key)`, `length(var.key)`, `format("%s", var.key)`,
		`templatestring("$${a}", { a = var.key })`, `templatefile("t.tpl", { names = [var.key] })`, `merge({ a = 1 }, { b = var.key })`,
		`lookup({ a = var.key }, "a")`, `lookup({ a = 1 }, "b", var.key)`, `lookup({ hunter2 = 1 }, var.key)`, `try(var.key, "x")`,
		`coalesce(var.key, "x")`, `toset([var.key])`, `one([var.key])`, `zipmap([var.key], [1])`, `flatten([[var.key]])`,
		`replace("a", "a", var.key)`, `setunion([var.key], ["x"])`, `regex("h.*", var.key)`, `var.key != null`, `sort([var.key, "a"])`,
		`concat([var.key], [])`, `contains(["a"], var.key)`, `matchkeys(["a"], [var.key], ["hunter2"])`, `csvdecode("a\n${var.key}")`,
		`env("HOME_REGION")`, `sensitive("hunter2")`, `transpose({ a = [var.key] })`, `values({ a = var.key })`, `strrev(var.key)`,
		`element([var.key], 0)`, `chunklist([var.key], 1)`, `distinct([var.key])`, `reverse([var.key])`, `slice([var.key], 0, 1)`,
		`anytrue([var.key == "x"])`, `index([var.key], "hunter2")`, `formatlist("%s", [var.key])`, `join(",", [var.key])`, `uuidv5("dns", var.key)`,
		`urlencode(var.key)`, `substr(var.key, 0, 3)`, `type(var.key) == "string" ? var.key : null`, `fileexists(var.key)`, `tolist([var.key])`,
	} {
		v, diags := e.Eval(expression, nil)
		if err := diags.Err(); err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if !v.HasMarkDeep(schema.Sensitive) {
			t.Errorf("%s lost its mark: %s", expression, show(v))
		}
		if text := show(v); strings.Contains(text, "hunter2") {
			t.Errorf("%s shows the secret: %s", expression, text)
		}
	}
}

// TestSecretsInErrors feeds secrets to what fails and reads every finding.
func TestSecretsInErrors(t *testing.T) {
	e := evaluation(t)
	for _, expression := range []string{
		`parseint(var.key, 10)`, `tonumber(var.key)`, `timeadd(var.key, "1h")`, `jsondecode(var.key)`, `yamldecode("{${var.key}")`,
		`base64decode(var.key)`, `cidrhost(var.key, 1)`, `file(var.key)`, `var.key + 1`, `{ a = 1 }[var.key]`, `local.list[var.key]`,
		`regex(var.key, "x")`, `regex("(${var.key}", "x")`, `formatdate(var.key, "x")`, `templatestring("$${${var.key}}", {})`, `lookup({}, var.key)`,
		`templatefile("t.tpl", { names = var.key })`, `index([], var.key)`, `format("%d", var.key)`, `env("X${var.key}")`, `tomap(var.key)`,
		`[for k in [var.key] : parseint(k, 10)]`, `{ for k in [var.key, var.key] : k => 1 }`, `csvdecode("a,b\n${var.key}")`,
		`parseint(sensitive("hunter2"), 10)`, `parseint(upper(var.key), 10)`, `var.key.x`, `textdecodebase64("x", var.key)`, `team.t[var.key]`,
		`uuidv5(var.key, "x")`, `substr(var.key, "x", 1)`, `one([var.key, var.key])`, `setproduct(var.key)`, `templatestring(var.key, [])`,
		`templatestring("$${parseint(env(\"SECRET\"), 10)}", {})`, `templatestring("$${parseint(sensitive(\"hunter2\"), 10)}", {})`,
		`try(parseint(sensitive("hunter2"), 10))`, `convert(var.key, number)`, `convert({ a = var.key }, object({ a = number }))`,
		`templatestring("$${jsondecode(a)}", { a = var.key })`, `try(parseint(var.key, 10))`, `!var.key`, `var.key ? 1 : 2`, `element(var.key, 0)`,
	} {
		v, diags := e.Eval(expression, nil)
		if !diags.HasErrors() && !v.HasMarkDeep(schema.Sensitive) {
			t.Errorf("%s = %s is no error and no secret", expression, show(v))
		}
		for _, d := range diags {
			if text := d.Error(); strings.Contains(strings.ToLower(text), "hunter2") {
				t.Errorf("%s shows the secret: %s", expression, text)
			}
		}
	}
}

func TestEval(t *testing.T) {
	e := evaluation(t)
	known := world{"team.t": live(t, "team", map[string]any{"id": "77", "name": "t"})}
	if v, diags := e.Eval("team.t.id", known); len(diags) > 0 || show(v) != `"77"` {
		t.Errorf("got %s, %v", show(v), diags)
	}
	if v, diags := e.Eval("team.t.id", nil); len(diags) > 0 || v.IsKnown() {
		t.Errorf("got %s, %v", show(v), diags)
	}
	for expression, code := range map[string]string{
		"1 +": "syntax", "var.nope": "unknown_reference", "each.key": "not_repeated", "nope()": "unknown_function", "": "syntax",
		strings.Repeat("(", 1000): "too_deep", strings.Repeat("!", 100000) + "true": "too_deep", strings.Repeat("1+", 100000) + "1": "too_deep",
	} {
		v, diags := e.Eval(expression, nil)
		if len(diags) == 0 || diags[0].Code != code {
			t.Errorf("%.20q gives %v, want %s", expression, diags, code)
		}
		if !v.RawEquals(cty.DynamicVal) {
			t.Errorf("%.20q has the value %#v", expression, v)
		}
	}
}
