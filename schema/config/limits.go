package config

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"mercator/schema/diag"
)

// The limits keep a run's time and memory bounded whatever the files hold.
const (
	// MaxFile is the largest file that is read, in bytes.
	MaxFile = 8 << 20
	// MaxInstances is how many resources a configuration may describe, entries of a fan included.
	MaxInstances = 200_000
	// MaxNesting is how deep brackets and templates may be nested.
	MaxNesting = 250
	// MaxOperators is how many operators and template directives may stand in one element of an expression.
	MaxOperators = 1000
	// MaxChain is how many definitions may build on each other.
	MaxChain = 5000
)

// guardNative looks at the tokens before they are parsed: the parser and the evaluator recurse, and a stack that
// overflows cannot be caught. It returns a finding where the text is nested too deeply.
func guardNative(src []byte, file string, lex func([]byte, string, hcl.Pos) (hclsyntax.Tokens, hcl.Diagnostics)) *diag.Diagnostic {
	tokens, _ := lex(src, file, hcl.InitialPos)
	g := guard{levels: make([]level, 1, 16)}
	for _, t := range tokens {
		if what := g.take(t.Type); what != "" {
			d := diag.Errorf(codeTooDeep, "The expression is nested too deeply",
				"There are more than %s; move parts of it into locals.", what).At(rangeOf(t.Range))
			return &d
		}
	}
	return nil
}

type level struct {
	open      hclsyntax.TokenType
	operators int
}

type guard struct{ levels []level }

// take follows one token and says which limit it passes, if any.
func (g *guard) take(t hclsyntax.TokenType) string {
	top := &g.levels[len(g.levels)-1]
	switch t {
	case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote,
		hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		if t == hclsyntax.TokenTemplateControl {
			top.operators++
		}
		g.levels = append(g.levels, level{open: t})
		if len(g.levels) > MaxNesting {
			return fmt.Sprintf("%d levels of brackets and templates", MaxNesting)
		}
		top = &g.levels[len(g.levels)-2]
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote,
		hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
		if len(g.levels) > 1 {
			g.levels = g.levels[:len(g.levels)-1]
		}
		return ""
	case hclsyntax.TokenComma:
		top.operators = 0
	case hclsyntax.TokenNewline:
		if top.open == hclsyntax.TokenOBrace || len(g.levels) == 1 {
			top.operators = 0
		}
	case hclsyntax.TokenIdent, hclsyntax.TokenNumberLit, hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit,
		hclsyntax.TokenComment, hclsyntax.TokenDot, hclsyntax.TokenEOF:
	default:
		top.operators++
	}
	if top.operators > MaxOperators {
		return fmt.Sprintf("%d operators in one place", MaxOperators)
	}
	return ""
}

// guardJSON does the same for the brackets of JSON.
func guardJSON(src []byte, file string) *diag.Diagnostic {
	depth, quoted := 0, false
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if depth > MaxNesting {
			d := diag.Errorf(codeTooDeep, "The JSON is nested too deeply",
				"There are more than %d levels of brackets.", MaxNesting).At(diag.Range{File: file})
			return &d
		}
	}
	return nil
}

func rangeOf(r hcl.Range) diag.Range {
	return diag.Range{
		File:  r.Filename,
		Start: diag.Pos{Line: r.Start.Line, Column: r.Start.Column, Byte: r.Start.Byte},
		End:   diag.Pos{Line: r.End.Line, Column: r.End.Column, Byte: r.End.Byte},
	}
}
