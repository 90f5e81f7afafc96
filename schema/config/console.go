package config

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"mercator/schema"
)

// What a console needs to know of an expression before it is one: whether it goes on in the next line, how it can be
// completed, and whether its text may be kept.

// Incomplete reports whether an expression goes on in the next line, because a bracket, a template in a heredoc or a
// heredoc is open. A mistake that no further line mends is complete.
func Incomplete(text string) bool {
	tokens, _ := hclsyntax.LexExpression([]byte(text+"\n"), ConsoleFile, hcl.InitialPos)
	var open []hclsyntax.TokenType
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOHeredoc, hclsyntax.TokenOQuote,
			hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			open = append(open, t.Type)
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCHeredoc, hclsyntax.TokenCQuote,
			hclsyntax.TokenTemplateSeqEnd:
			if len(open) == 0 {
				return false
			}
			open = open[:len(open)-1]
		case hclsyntax.TokenInvalid, hclsyntax.TokenBadUTF8, hclsyntax.TokenQuotedNewline:
			return false
		}
	}
	return len(open) > 0 && !slices.Contains(open, hclsyntax.TokenOQuote) // a text in quotes ends on its line
}

// Confides reports whether the text of an expression may tell a secret: it holds a value of a sensitive variable, or
// calls a function that is about what is sensitive.
func (c *Config) Confides(text string) bool {
	tokens, _ := hclsyntax.LexExpression([]byte(text), ConsoleFile, hcl.InitialPos)
	for _, t := range tokens {
		if t.Type == hclsyntax.TokenIdent && slices.Contains([]string{"env", "sensitive", "nonsensitive", "issensitive"}, string(t.Bytes)) {
			return true
		}
	}
	return slices.ContainsFunc(c.secretTexts(), func(secret string) bool {
		quoted := strconv.Quote(secret)
		return strings.Contains(text, secret) || strings.Contains(text, quoted[1:len(quoted)-1])
	})
}

// secretTexts returns the texts and numbers in the values of sensitive variables.
func (c *Config) secretTexts() []string {
	var out []string
	for _, v := range c.Variables() {
		if !v.ContainsMarked() {
			continue
		}
		v, _ = v.UnmarkDeep()
		_ = cty.Walk(v, func(_ cty.Path, v cty.Value) (bool, error) {
			if !v.IsKnown() || v.IsNull() || v.Type() != cty.String && v.Type() != cty.Number {
				return true, nil
			}
			if text, err := convert.Convert(v, cty.String); err == nil && text.AsString() != "" {
				out = append(out, text.AsString())
			}
			return true, nil
		})
	}
	return out
}

// Complete returns with what the reference or the function that stands at the end of text can be replaced, each time up
// to where there is something to choose again, in alphabetical order; start is where it begins. Names that are sensitive
// themselves, such as the keys of a sensitive map, are not offered.
func (e *Evaluation) Complete(text string, known Known) (start int, candidates []string) {
	typed := unfinished(text)
	found := map[string]bool{}
	offer := func(name string) {
		if strings.HasPrefix(name, typed) && name != typed {
			found[e.upToChoice(name, len(typed))] = true
		}
	}
	e.names(offer)
	if around := aroundLast(typed); around != "" {
		if v, diags := e.Eval(around, known); !diags.HasErrors() {
			members(v, typed[len(around)] == '[', func(step string) { offer(around + step) })
		}
	}
	return len(text) - len(typed), slices.Sorted(maps.Keys(found))
}

// names offers every name that a reference or a call can begin with at the top level, and the address of every instance
// that can be seen there. A name that is nothing without what follows it ends in a dot, a function in a bracket.
func (e *Evaluation) names(offer func(string)) {
	for name := range e.cfg.funcs.table {
		offer(name + "(")
	}
	for name := range e.cfg.root.variables {
		offer("var." + name)
	}
	for name := range e.cfg.root.locals {
		offer("local." + name)
	}
	offer("path.module")
	for _, b := range e.cfg.root.roots {
		for _, inst := range e.group(b, nil, nil).instances {
			offer(string(inst.addr))
		}
	}
	for addr := range e.resources {
		if addr.Steps()[0].Kind != callKind.Name {
			offer(string(addr))
		}
	}
}

// members offers the steps into a value: attributes, in brackets where that is wanted or needed, and keys of maps that
// are known.
func members(v cty.Value, brackets bool, offer func(string)) {
	if v.IsMarked() {
		return
	}
	switch ty := v.Type(); {
	case ty.IsObjectType():
		for name := range ty.AttributeTypes() {
			if hclsyntax.ValidIdentifier(name) && !brackets {
				offer("." + name)
			} else {
				offer(string(schema.Address("").Key(name)))
			}
		}
	case ty.IsMapType() && v.IsKnown() && !v.IsNull():
		for key := range v.AsValueMap() {
			offer(string(schema.Address("").Key(key)))
		}
	}
}

var referenceEnd = regexp.MustCompile(`[\pL_](?:[\pL\pN_-]|\.|\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\])*(?:\[(?:[0-9]*|"(?:[^"\\]|\\.)*"?))?$`)

// unfinished returns the reference or the name at the end of a text, "" where there is none.
func unfinished(text string) string { return referenceEnd.FindString(text) }

// steps are where the steps of a reference begin: its dots and brackets outside of keys.
func steps(name string) []int {
	var at []int
	quoted := false
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '.' || c == '['):
			at = append(at, i)
		}
	}
	return at
}

// aroundLast returns a reference without its last step, which may be unfinished, "" where it has one only.
func aroundLast(name string) string {
	at := steps(name)
	if len(at) == 0 {
		return ""
	}
	return name[:at[len(at)-1]]
}

// upToChoice returns a name up to the end of the step in which typed ends, and the dot behind it where the name is
// nothing without what follows.
func (e *Evaluation) upToChoice(name string, typed int) string {
	last := 0
	for _, at := range steps(name) {
		if at > typed {
			if name[at] == '.' && e.opens(name[last:at]) {
				at++
			}
			return name[:at]
		}
		last = at + 1
	}
	return name
}

// opens reports whether a step is no value without the one that follows: a kind, or what variables and others are behind.
func (e *Evaluation) opens(step string) bool {
	k := e.cfg.options.Catalog.Kind(step)
	return k != nil && !k.Singleton || slices.Contains([]string{"var", "local", "path", callKind.Name, lookupRoot}, step)
}
