package config_test

import (
	"fmt"
	"strings"
	"testing"
)

// answer is an expression and its value as show writes it, or "error CODE".
type answer struct{ expression, want string }

// The answers below are facts of HCL's specification and of the documentation of the functions.

var operatorAnswers = []answer{
	{`1 + 2 * 3`, `7`},
	{`(1 + 2) * 3`, `9`},
	{`7 % 3`, `1`},
	{`7 / 2`, `3.5`},
	{`-(2 + 3)`, `-5`},
	{`1e3`, `1000`},
	{`1.5e-2`, `0.015`},
	{`12345678901234567890 + 1`, `12345678901234567891`},
	{`"5" + 1`, `6`},
	{`!"true"`, `false`},
	{`1 == 1.0`, `true`},
	{`1 == "1"`, `false`},
	{`"a" != "b"`, `true`},
	{`null == null`, `true`},
	{`"a" == null`, `false`},
	{`[1, 2] == [1, 2]`, `true`},
	{`{ a = 1 } == { a = 2 }`, `false`},
	{`3 > 2 && 2 >= 2`, `true`},
	{`1 < 0 || 1 <= 0`, `false`},
	{`true || false && false`, `true`},
	{`1 / 0`, `+Inf`},
	{`1 + "a"`, `error invalid_expression`},
	{`1 + null`, `error invalid_expression`},
	{`"a" > "b"`, `error invalid_expression`},
	{`true && "x"`, `error invalid_expression`},
	{`!5`, `error invalid_expression`},
	{`-[1]`, `error invalid_expression`},
}

var templateAnswers = []answer{
	{`"a${1}b"`, `"a1b"`},
	{`"${1.50}"`, `1.5`},
	{`"${true}!"`, `"true!"`},
	{`"${[1]}"`, `[1]`},
	{`"$${a} %%{b}"`, `"${a} %{b}"`},
	{`"\t\"\\\u00e9\U0001F600"`, `"\t\"\\é😀"`},
	{`"${"${"deep"}"}er"`, `"deeper"`},
	{`"%{ if true }a%{ else }b%{ endif }"`, `"a"`},
	{`"%{ if false }a%{ endif }"`, `""`},
	{`"%{ for x in [1, 2] }${x},%{ endfor }"`, `"1,2,"`},
	{`"%{ for i, x in ["a", "b"] }${i}=${x};%{ endfor }"`, `"0=a;1=b;"`},
	{`"%{ for k, v in { b = 2, a = 1 } }${k}${v}%{ endfor }"`, `"a1b2"`},
	{`"a ${~ 1 ~} b"`, `"a1b"`},
	{`"a %{~ if true ~} x %{~ endif ~} b"`, `"axb"`},
	{"<<EOT\nhello\n  there\nEOT\n", `"hello\n  there\n"`},
	{"<<-EOT\n    a\n      b\n    EOT\n", `"a\n  b\n"`},
	{"<<EOT\n%{ for x in [1, 2] ~}\n${x}\n%{ endfor ~}\nEOT\n", `"1\n2\n"`},
	{`"x${null}"`, `error invalid_expression`},
	{`"x${[1]}"`, `error invalid_expression`},
	{`"%{ for x in 5 }${x}%{ endfor }"`, `error invalid_expression`},
	{`"${a"`, `error syntax`},
	{`"%{ if true }a"`, `error syntax`},
}

var conditionalAnswers = []answer{
	{`true ? 1 : 2`, `1`},
	{`1 > 2 ? "a" : "b"`, `"b"`},
	{`true ? 1 : "a"`, `"1"`},
	{`"true" ? 1 : 2`, `1`},
	{`true ? null : 1`, `null`},
	{`false ? null : 1`, `1`},
	{`true ? 1 : [][0]`, `1`},
	{`true ? false ? 1 : 2 : 3`, `2`},
	{`false ? 1 : false ? 2 : 3`, `3`},
	{`true ? { a = 1 } : null`, `{a = 1}`},
	{`false ? [] : ["a"]`, `["a"]`},
	{`"x" ? 1 : 2`, `error invalid_expression`},
	{`null ? 1 : 2`, `error invalid_expression`},
	{`true ? [1] : { a = 1 }`, `error invalid_expression`},
}

var forAnswers = []answer{
	{`[for x in [1, 2]: x * 2]`, `[2, 4]`},
	{`[for i, x in ["a", "b"]: "${i}${x}"]`, `["0a", "1b"]`},
	{`[for k, v in { b = 2, a = 1 }: "${k}=${v}"]`, `["a=1", "b=2"]`},
	{`[for x in toset(["b", "a"]): x]`, `["a", "b"]`},
	{`[for x in [1, 2, 3]: x if x != 2]`, `[1, 3]`},
	{`[for x in []: x]`, `[]`},
	{`[for x in [[1, 2], [3]]: [for y in x: y + 1]]`, `[[2, 3], [4]]`},
	{`{ for k, v in { a = "x" }: v => k }`, `{x = "a"}`},
	{`{ for x in ["a", "b"]: x => upper(x) if x != "a" }`, `{b = "B"}`},
	{`{ for x in ["a", "ab", "b"]: length(x) => x... }`, `{1 = ["a", "b"], 2 = ["ab"]}`},
	{`{ for i, x in ["a"]: x => i }`, `{a = 0}`},
	{`[for x in [{ a = 1 }]: x.a]`, `[1]`},
	{`{ for x in ["a", "a"]: x => 1 }`, `error duplicate_key`},
	{`[for x in null: x]`, `error invalid_expression`},
	{`[for x in "abc": x]`, `error invalid_expression`},
	{`{ for x in [null]: x => 1 }`, `error invalid_expression`},
	{`[for x in [1]: x if "maybe"]`, `error invalid_expression`},
	{`[for x in [1]: y]`, `error unknown_reference`},
}

var splatAnswers = []answer{
	{`[{ a = 1 }, { a = 2 }][*].a`, `[1, 2]`},
	{`[{ a = 1 }, { a = 2 }].*.a`, `[1, 2]`},
	{`[{ a = { b = 1 } }][*].a.b`, `[1]`},
	{`[{ a = [1, 2] }, { a = [3] }][*].a[0]`, `[1, 3]`},
	{`[{ a = [1, 2] }, { a = [3] }].*.a[0]`, `[1, 2]`},
	{`[][*].a`, `[]`},
	{`null[*]`, `[]`},
	{`"x"[*]`, `["x"]`},
	{`{ a = 1 }[*].a`, `[1]`},
	{`toset(["b", "a"])[*]`, `["a", "b"]`},
	{`local.list[*]`, `["a", "b", "c"]`},
	{`[{ a = 1 }, {}][*].a`, `error unknown_attribute`},
}

var accessAnswers = []answer{
	{`[1, 2][0]`, `1`},
	{`[1, 2].1`, `2`},
	{`["a", "b"]["1"]`, `"b"`},
	{`{ a = 1 }.a`, `1`},
	{`{ a = 1 }["a"]`, `1`},
	{`{ "a b" = 1 }["a b"]`, `1`},
	{`{ (upper("a")) = 1, "b" = 2 }`, `{A = 1, b = 2}`},
	{`{ a = 1, b : 2 }`, `{a = 1, b = 2}`},
	{`{ 1 = "x" }["1"]`, `"x"`},
	{`tomap({ a = "x" })["a"]`, `"x"`},
	{`[[1, [2]], 3][0][1][0]`, `2`},
	{`local.list[length(local.list) - 1]`, `"c"`},
	{`[1][5]`, `error invalid_expression`},
	{`[1][-1]`, `error invalid_expression`},
	{`[1, 2][0.5]`, `error invalid_expression`},
	{`[1]["x"]`, `error invalid_expression`},
	{`{ a = 1 }.b`, `error unknown_attribute`},
	{`{ a = 1 }["b"]`, `error invalid_expression`},
	{`tomap({ a = "x" })["b"]`, `error invalid_expression`},
	{`null.a`, `error invalid_expression`},
	{`"abc"[0]`, `error invalid_expression`},
	{`toset(["a"])[0]`, `error invalid_expression`},
	{`{ a = 1, a = 2 }`, `error duplicate_key`},
	{`{ (null) = 1 }`, `error invalid_expression`},
}

// team.t.id is what only Atlas can tell.
var unknownAnswers = []answer{
	{`team.t.id`, `(unknown)`},
	{`"x${team.t.id}"`, `(unknown)`},
	{`team.t.id == "x"`, `(unknown)`},
	{`team.t.id == "x" ? 1 : 2`, `(unknown)`},
	{`true ? "a" : team.t.id`, `"a"`},
	{`true || team.t.id == "x"`, `true`},
	{`false && team.t.id == "x"`, `false`},
	{`false || team.t.id == "x"`, `(unknown)`},
	{`[team.t.id, 1]`, `[(unknown), 1]`},
	{`{ a = team.t.id, b = 1 }.b`, `1`},
	{`{ (team.t.id) = 1 }`, `(unknown)`},
	{`length([team.t.id])`, `1`},
	{`length(team.t.id)`, `(unknown)`},
	{`length(toset([team.t.id, "a"]))`, `(unknown)`},
	{`upper(team.t.id)`, `(unknown)`},
	{`[for x in [team.t.id, "a"]: upper(x)]`, `[(unknown), "A"]`},
	{`[for x in [1]: x if team.t.id == "x"]`, `(unknown)`},
	{`{ for x in [team.t.id]: x => 1 }`, `(unknown)`},
	{`"%{ if team.t.id == "x" }a%{ endif }"`, `(unknown)`},
	{`keys({ a = team.t.id })`, `["a"]`},
	{`values({ a = team.t.id })`, `[(unknown)]`},
	{`merge({ a = 1 }, { b = team.t.id })`, `{a = 1, b = (unknown)}`},
	{`jsonencode({ a = team.t.id })`, `(unknown)`},
	{`yamlencode([team.t.id])`, `(unknown)`},
	{`contains(["a"], team.t.id)`, `(unknown)`},
	{`lookup({ a = 1 }, team.t.id, 2)`, `(unknown)`},
	{`lookup({ a = team.t.id }, "a")`, `(unknown)`},
	{`coalesce(team.t.id, "x")`, `(unknown)`},
	{`try(team.t.id, "x")`, `(unknown)`},
	{`try(team.t.nope, "x")`, `error unknown_attribute`},
	{`can(upper(team.t.id))`, `(unknown)`},
	{`type(team.t.id)`, `"string"`},
	{`type([team.t.id])`, `"tuple([string])"`},
	{`convert(team.t.id, string)`, `(unknown)`},
	{`format("%s-%s", "a", team.t.id)`, `(unknown)`},
	{`templatestring("$${a}", { a = team.t.id })`, `(unknown)`},
	{`element([team.t.id, "b"], 1)`, `"b"`},
	{`concat([team.t.id], ["b"])[1]`, `"b"`},
	{`one([team.t.id])`, `(unknown)`},
	{`anytrue([team.t.id == "x", true])`, `true`},
	{`alltrue([team.t.id == "x", false])`, `false`},
	{`alltrue([team.t.id == "x"])`, `(unknown)`},
	{`sum([1, length(team.t.id)])`, `(unknown)`},
	{`index(["a", team.t.id], "a")`, `0`},
	{`index([team.t.id, "a"], "a")`, `(unknown)`},
	{`sort([team.t.id, "a"])`, `[(unknown), (unknown)]`},
	{`file(team.t.id)`, `(unknown)`},
	{`env(team.t.id)`, `(sensitive)`},
	{`cidrhost(team.t.id, 1)`, `(unknown)`},
	{`parseint(team.t.id, 10)`, `(unknown)`},
	{`team.t.id.a`, `error unknown_attribute`},
	{`team.t.id + 1`, `(unknown)`},
	{`parseint("x", 10) + length(team.t.id)`, `error invalid_call`},
}

// var.key is sensitive.
var sensitiveAnswers = []answer{
	{`var.key`, `(sensitive)`},
	{`"x${var.key}"`, `(sensitive)`},
	{`var.key == "x"`, `(sensitive)`},
	{`var.key == "x" ? 1 : 2`, `(sensitive)`},
	{`true ? "a" : var.key`, `(sensitive)`},
	{`[var.key, 1]`, `[(sensitive), 1]`},
	{`[var.key, 1][1]`, `1`},
	{`{ a = var.key, b = 1 }`, `{a = (sensitive), b = 1}`},
	{`{ a = var.key, b = 1 }.b`, `1`},
	{`{ (var.key) = 1 }`, `(sensitive)`},
	{`length([var.key])`, `1`},
	{`length(var.key)`, `(sensitive)`},
	{`[for x in [var.key, "a"]: upper(x)]`, `[(sensitive), "A"]`},
	{`[for x in [1]: x if var.key == "x"]`, `(sensitive)`},
	{`[{ a = var.key }, { a = "b" }][*].a`, `[(sensitive), "b"]`},
	{`"%{ for x in [var.key] }${x}%{ endfor }"`, `(sensitive)`},
	{`"%{ if var.key == "x" }a%{ endif }"`, `(sensitive)`},
	{`keys({ a = var.key })`, `["a"]`},
	{`values({ a = var.key })[0]`, `(sensitive)`},
	{`merge({ a = var.key }, { b = 1 }).b`, `1`},
	{`concat([var.key], ["b"])[1]`, `"b"`},
	{`lookup({ a = var.key, b = 1 }, "b")`, `1`},
	{`tolist([var.key, "b"])[1]`, `(sensitive)`},
	{`convert({ a = var.key, b = 1 }, object({ a = string, b = string })).b`, `"1"`},
	{`convert({ a = var.key }, map(string)).a`, `(sensitive)`},
	{`type(var.key)`, `(sensitive)`},
	{`type({ (var.key) = 1 })`, `(sensitive)`},
	{`can(regex("^h", var.key))`, `(sensitive)`},
	{`can(parseint(var.key, 10))`, `(sensitive)`},
	{`try(parseint(var.key, 10), "x")`, `(sensitive)`},
	{`try(upper("a"), var.key)`, `"A"`},
	{`issensitive(var.key)`, `true`},
	{`issensitive("x")`, `false`},
	{`issensitive(sensitive("x"))`, `true`},
	{`nonsensitive(length(var.key))`, `7`},
	{`nonsensitive(sensitive("x"))`, `"x"`},
	{`sensitive(team.t.id)`, `(sensitive)`},
	{`"${var.key}${team.t.id}"`, `(sensitive)`},
	{`env("HOME_REGION") == "EU"`, `(sensitive)`},
	{`jsondecode("[\"${var.key}\"]")`, `(sensitive)`},
	{`var.key && true`, `error invalid_expression`},
}

// errorAnswers are calls that no function accepts, whatever its arguments.
var errorAnswers = []answer{
	{`upper()`, `error invalid_call`},
	{`upper("a", "b")`, `error invalid_call`},
	{`upper(null)`, `error invalid_call`},
	{`upper([])`, `error invalid_call`},
	{`max()`, `error invalid_call`},
	{`max("a")`, `error invalid_call`},
	{`max("x"...)`, `error invalid_call`},
	{`nope()`, `error unknown_function`},
	{`timestamp()`, `error unknown_function`},
	{`uuid()`, `error unknown_function`},
	{`bcrypt("x")`, `error unknown_function`},
	{`rsadecrypt("x", "y")`, `error unknown_function`},
	{`abspath(".")`, `error unknown_function`},
	{`convert("a", number)`, `error invalid_call`},
	{`convert("a", nothing)`, `error invalid_call`},
	{`convert("a", list)`, `error invalid_call`},
	{`string`, `error unknown_reference`},
	{`1 +`, `error syntax`},
	{`[1, 2`, `error syntax`},
	{`{ a = }`, `error syntax`},
	{`a b`, `error syntax`},
	{`'a'`, `error syntax`},
	{`var.nope`, `error unknown_reference`},
	{`local`, `error unknown_reference`},
	{`cluster.nope.name`, `error unknown_reference`},
}

func TestExpressions(t *testing.T) {
	e := evaluation(t)
	total := 0
	for name, answers := range map[string][]answer{
		"operators": operatorAnswers, "templates": templateAnswers, "conditionals": conditionalAnswers, "for": forAnswers,
		"splats": splatAnswers, "access": accessAnswers, "unknown": unknownAnswers, "sensitive": sensitiveAnswers, "errors": errorAnswers,
		"numbers and texts": textAnswers, "collections": collectionAnswers, "encodings": encodingAnswers, "the rest": otherAnswers,
	} {
		total += len(answers)
		t.Run(name, func(t *testing.T) {
			for _, a := range answers {
				v, diags := e.Eval(a.expression, nil)
				got := show(v)
				if diags.HasErrors() {
					got = "error " + diags.Errors()[0].Code
				}
				if got != a.want {
					t.Errorf("%s = %s, want %s %v", a.expression, got, a.want, diags)
				}
				if strings.Contains(fmt.Sprint(diags), "hunter2") {
					t.Errorf("%s shows a secret: %v", a.expression, diags)
				}
			}
		})
	}
	if total < 300 {
		t.Errorf("there are only %d answers", total)
	}
}
