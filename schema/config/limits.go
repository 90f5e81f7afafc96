package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

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
	// MaxElements is how many elements one function may make of a few.
	MaxElements = 1_000_000
	// MaxNesting is how deep brackets and templates may be nested.
	MaxNesting = 250
	// MaxOperators is how many operators and template directives may stand in the elements that enclose one place.
	MaxOperators = 1000
	// MaxModuleDepth is how many modules may stand inside each other, and MaxModules how many module blocks there may
	// be, those of a module that is called repeatedly counted each time.
	MaxModuleDepth = 20
	MaxModules     = 2000
	// MaxChain is how many definitions may build on each other.
	MaxChain = 5000
)

// Limit is one of the limits, for the documentation.
type Limit struct {
	Name string
	Most int
}

// Limits returns what bounds a configuration, in the order of the documentation.
func Limits() []Limit {
	return []Limit{
		{"instances of all blocks, entries of access lists included", MaxInstances},
		{"bytes in a file, also one that a function reads", MaxFile},
		{"elements that setproduct and the aliases of yamldecode make", MaxElements},
		{"brackets, braces and templates inside each other", MaxNesting},
		{"operators and directives around one place", MaxOperators},
		{"definitions that build on each other in a chain", MaxChain},
		{"modules inside each other", MaxModuleDepth},
		{"module blocks, those of a module that is called repeatedly counted each time", MaxModules},
	}
}

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

// level is one bracket that is open, and how many operators stand in the element under way there.
type level struct {
	open      hclsyntax.TokenType
	operators int
}

// guard counts what the parser recurses on: open brackets, and the operators of the elements that are open.
type guard struct {
	levels    []level
	operators int
}

// take follows one token and says which limit it passes, if any.
func (g *guard) take(t hclsyntax.TokenType) string {
	top := &g.levels[len(g.levels)-1]
	switch t {
	case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote,
		hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		if t == hclsyntax.TokenTemplateControl {
			g.count(top, 1)
		}
		g.levels = append(g.levels, level{open: t})
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote,
		hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
		if len(g.levels) > 1 {
			g.count(top, -top.operators)
			g.levels = g.levels[:len(g.levels)-1]
		}
	case hclsyntax.TokenComma:
		g.count(top, -top.operators)
	case hclsyntax.TokenNewline:
		if top.open == hclsyntax.TokenOBrace || len(g.levels) == 1 {
			g.count(top, -top.operators)
		}
	case hclsyntax.TokenIdent, hclsyntax.TokenNumberLit, hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit,
		hclsyntax.TokenComment, hclsyntax.TokenDot, hclsyntax.TokenEOF:
	default:
		g.count(top, 1)
	}
	switch {
	case len(g.levels) > MaxNesting:
		return fmt.Sprintf("%d levels of brackets and templates", MaxNesting)
	case g.operators > MaxOperators:
		return fmt.Sprintf("%d operators in one place", MaxOperators)
	}
	return ""
}

func (g *guard) count(l *level, n int) {
	l.operators += n
	g.operators += n
}

// guardJSON does the same for JSON: for its brackets, and for the templates in its texts.
func guardJSON(src []byte, file string) *diag.Diagnostic {
	deep := func(at int) *diag.Diagnostic {
		line := 1 + bytes.Count(src[:at], []byte("\n"))
		start := diag.Pos{Line: line, Column: at - bytes.LastIndexByte(src[:at], '\n'), Byte: at}
		d := diag.Errorf(codeTooDeep, "The JSON is nested too deeply",
			"There are more than %d levels of brackets, or an expression in it is nested too deeply. Divide it, or move parts of it into locals.", MaxNesting).
			At(diag.Range{File: file, Start: start, End: diag.Pos{Line: line, Column: start.Column + 1, Byte: at + 1}})
		return &d
	}
	if at := tooNested(src); at >= 0 {
		return deep(at)
	}
	tokens := json.NewDecoder(bytes.NewReader(src))
	for {
		t, err := tokens.Token()
		if err != nil {
			return nil // the end, or a mistake that the parser reports
		}
		if text, ok := t.(string); ok && strings.Contains(text, "{") && guardNative([]byte(text), file, hclsyntax.LexTemplate) != nil {
			return deep(int(tokens.InputOffset()) - 1)
		}
	}
}

func rangeOf(r hcl.Range) diag.Range {
	return diag.Range{
		File:  r.Filename,
		Start: diag.Pos{Line: r.Start.Line, Column: r.Start.Column, Byte: r.Start.Byte},
		End:   diag.Pos{Line: r.End.Line, Column: r.End.Column, Byte: r.End.Byte},
	}
}
