package config

import (
	"fmt"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// nearest returns the candidate that a misspelt name most likely means, or "".
func nearest(name string, candidates []string) string {
	best, bestDistance := "", 3
	if len(name) <= 4 {
		bestDistance = 2
	}
	for _, c := range candidates {
		if d := levenshtein.Distance(strings.ToLower(name), strings.ToLower(c), nil); d <= bestDistance && (best == "" || d < bestDistance) {
			best, bestDistance = c, d
		}
	}
	return best
}

// didYouMean returns a sentence that suggests the nearest name, with a space before it, or "".
func didYouMean(name string, candidates []string) string {
	if c := nearest(name, candidates); c != "" {
		return fmt.Sprintf(" Did you mean %q?", c)
	}
	return ""
}

// among returns didYouMean's sentence, or where nothing is near a list of what there is.
func among(name string, candidates []string) string {
	if text := didYouMean(name, candidates); text != "" || len(candidates) == 0 {
		return text
	}
	const most = 8
	listed := candidates
	more := ""
	if len(listed) > most {
		more = fmt.Sprintf(" and %d more", len(listed)-most)
		listed = listed[:most]
	}
	return fmt.Sprintf(" There are: %s%s.", quoted(listed), more)
}

func quoted(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(out, ", ")
}

// describe names a value's type, and for a primitive that is not secret the value, for messages.
func describe(v cty.Value, hide bool) string {
	v, _ = v.Unmark()
	switch ty := v.Type(); {
	case v.IsKnown() && v.IsNull():
		return "null"
	case ty.IsObjectType() || ty.IsMapType():
		return "an object"
	case ty.IsTupleType() || ty.IsListType() || ty.IsSetType():
		return "a list"
	case !ty.IsPrimitiveType():
		return "a value of type " + typeexpr.TypeString(ty)
	case hide || !v.IsKnown():
		return typeWords[ty.FriendlyName()]
	case ty == cty.String:
		return fmt.Sprintf("the text %q", shorten(v.AsString()))
	case ty == cty.Number:
		return "the number " + schema.NumberText(v.AsBigFloat())
	default:
		return fmt.Sprintf("the truth value %t", v.True())
	}
}

var typeWords = map[string]string{"string": "a text", "number": "a number", "bool": "a truth value"}

func shorten(text string) string {
	const most = 60
	if r := []rune(text); len(r) > most {
		return string(r[:most]) + "…"
	}
	return text
}

// trueOrFalse is what to do about a value that should be a truth value.
const trueOrFalse = "Write true or false, or an expression that gives one of them, such as var.environment == \"prod\"."

// wanted says in words what an attribute takes.
func wanted(a *schema.Attribute) string {
	switch a.Type {
	case schema.TypeObject:
		return "an object { ... }"
	case schema.TypeList:
		if a.Nested != nil {
			return "a list of objects [{ ... }]"
		}
		return "a list of " + plural(a.Of)
	case schema.TypeMap:
		return "a map of " + plural(a.Of)
	case schema.TypePairs:
		return "a map of texts"
	default:
		return scalarWords(a.Type)
	}
}

func scalarWords(t schema.Type) string {
	switch t {
	case schema.TypeNumber:
		return "a number"
	case schema.TypeInteger:
		return "a whole number"
	case schema.TypeBool:
		return "true or false"
	case schema.TypeJSON:
		return "a JSON document, as a text or as a value"
	case schema.TypeTime:
		return "a time like \"2030-01-31T12:00:00Z\""
	default:
		return "a text"
	}
}

func plural(t schema.Type) string {
	switch t {
	case schema.TypeNumber, schema.TypeInteger:
		return "numbers"
	case schema.TypeBool:
		return "truth values"
	default:
		return "texts"
	}
}
