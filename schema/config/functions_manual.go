package config

import (
	"strings"

	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// Manual is what the reference says of a function.
type Manual struct {
	Function
	// Signature names the function's parameters, with their types where not any will do: "index(list, value)",
	// "split(separator string, text string)".
	Signature string
	// Example is a call, and Result what it gives, as an expression writes it; "(sensitive)" stands for a value that is
	// never shown. Examples of file functions read greeting.txt, which holds "hello" and a newline, and hello.tpl, which
	// holds "Hello, ${name}!".
	Example, Result string
}

// Manuals returns the reference of all functions, in the order of [Functions].
func Manuals() []Manual {
	set := newFunctions("", Options{})
	out := make([]Manual, len(set.list))
	for i, f := range set.list {
		example := functionExamples[f.Name]
		out[i] = Manual{f.Function, signature(f.Name, f.impl), example[0], example[1]}
	}
	return out
}

// parameterNames are names for the parameters of functions whose own do not say enough.
var parameterNames = map[string][]string{
	"abs": {"number"}, "ceil": {"number"}, "floor": {"number"}, "log": {"number", "base"}, "max": {"number"}, "min": {"number"},
	"parseint": {"text", "base"}, "pow": {"number", "power"}, "signum": {"number"},
	"chomp": {"text"}, "format": {"format", "value"}, "formatlist": {"format", "list"}, "indent": {"spaces", "text"},
	"join": {"separator", "list"}, "lower": {"text"}, "regex": {"pattern", "text"}, "regexall": {"pattern", "text"},
	"split": {"separator", "text"}, "strrev": {"text"}, "substr": {"text", "offset", "length"}, "title": {"text"},
	"trim": {"text", "characters"}, "trimprefix": {"text", "prefix"}, "trimspace": {"text"}, "trimsuffix": {"text", "suffix"},
	"upper":    {"text"},
	"coalesce": {"value"}, "coalescelist": {"list"}, "concat": {"list"}, "keys": {"map"}, "merge": {"map"}, "range": {"number"},
	"setintersection": {"set", "other"}, "setproduct": {"set"}, "setunion": {"set", "other"}, "slice": {"list", "start", "end"},
	"values":    {"map"},
	"csvdecode": {"text"}, "jsondecode": {"text"}, "jsonencode": {"value"}, "yamldecode": {"text"}, "yamlencode": {"value"},
	"basename": {"path"}, "dirname": {"path"}, "file": {"path"}, "filebase64": {"path"}, "filemd5": {"path"}, "filesha1": {"path"},
	"filesha256": {"path"}, "filesha512": {"path"}, "filebase64sha256": {"path"}, "filebase64sha512": {"path"},
	"formatdate": {"format", "time"}, "timeadd": {"time", "duration"},
	"cidrnetmask": {"network"},
	"tobool":      {"value"}, "tolist": {"value"}, "tomap": {"value"}, "tonumber": {"value"}, "toset": {"value"}, "tostring": {"value"},
	"try": {"expression"},
}

func signature(name string, f function.Function) string {
	params := f.Params()
	last := f.VarParam()
	if last != nil {
		params = append(params[:len(params):len(params)], *last)
	}
	var parts []string
	for i, p := range params {
		called := p.Name
		if better := parameterNames[name]; i < len(better) {
			called = better[i]
		}
		part := called + typeText(p.Type)
		if last != nil && i == len(params)-1 {
			part += "..."
		}
		parts = append(parts, part)
	}
	return name + "(" + strings.Join(parts, ", ") + ")"
}

// typeText writes a parameter's type behind its name, nothing where it takes any.
func typeText(ty cty.Type) string {
	if ty == cty.DynamicPseudoType || ty.IsCapsuleType() {
		return ""
	}
	return " " + typeexpr.TypeString(ty)
}
