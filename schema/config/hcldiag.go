package config

import (
	"errors"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"mercator/schema"
	"mercator/schema/diag"
)

func lexExpression(src []byte, file string, start hcl.Pos) (hclsyntax.Tokens, hcl.Diagnostics) {
	return hclsyntax.LexExpression(src, file, start)
}

func parseNative(src []byte, file string) (hcl.Expression, hcl.Diagnostics) {
	return hclsyntax.ParseExpression(src, file, hcl.InitialPos)
}

// syntaxError turns a finding of the parser into one of ours.
func syntaxError(d *hcl.Diagnostic) diag.Diagnostic {
	out := diag.Errorf(codeSyntax, strings.TrimSuffix(d.Summary, "."), "%s", d.Detail)
	if d.Subject != nil {
		out.Range = rangeOf(*d.Subject)
	}
	return out
}

// expressionCodes gives the findings of evaluation stable codes, by HCL's summaries.
var expressionCodes = map[string]string{
	"Unsupported attribute":            codeUnknownAttribute,
	"Missing map element":              codeUnknownAttribute,
	"Call to unknown function":         codeUnknownFunction,
	"Error in function call":           codeInvalidCall,
	"Invalid function argument":        codeInvalidCall,
	"Not enough function arguments":    codeInvalidCall,
	"Too many function arguments":      codeInvalidCall,
	"Invalid expanding argument value": codeInvalidCall,
	"Invalid type specification":       codeInvalidCall,
	"Duplicate object key":             codeDuplicateKey,
}

// expressionError turns a finding of evaluation into one of ours. Where a secret takes part, the reason is left
// out: functions repeat their arguments in their errors.
func expressionError(d *hcl.Diagnostic, x *expr, ctx *hcl.EvalContext) diag.Diagnostic {
	code := expressionCodes[d.Summary]
	if code == "" {
		code = codeInvalidExpression
	}
	out := diag.Errorf(code, strings.TrimSuffix(d.Summary, "."), "%s", d.Detail)
	if d.Subject != nil {
		out.Range = rangeOf(*d.Subject)
	} else {
		out.Range = rangeOf(x.Range())
	}
	if extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d); ok {
		var own *functionError
		if errors.As(extra.FunctionCallError(), &own) {
			out.Code, out.Summary, out.Detail = own.code, own.summary, own.detail
			if own.public {
				return out
			}
		}
	}
	if takesSecret(x, ctx) || d.Expression != nil && expressionTakesSecret(d.Expression, d.EvalContext) {
		out.Detail = "The reason is not shown, since a sensitive value takes part in the expression."
	}
	return out
}

// takesSecret reports whether anything that an expression refers to or calls is secret.
func takesSecret(x *expr, ctx *hcl.EvalContext) bool {
	return expressionTakesSecret(x.Expression, ctx)
}

func expressionTakesSecret(x hcl.Expression, ctx *hcl.EvalContext) bool {
	native, ok := x.(hclsyntax.Expression)
	if !ok {
		return anySecret(x.Variables(), ctx) || ok
	}
	s := &secretFinder{}
	hclsyntax.Walk(native, s) //nolint:errcheck // the walker has no findings
	return s.calls || anySecret(native.Variables(), ctx)
}

func anySecret(refs []hcl.Traversal, ctx *hcl.EvalContext) bool {
	if ctx == nil {
		return false
	}
	return slices.ContainsFunc(refs, func(t hcl.Traversal) bool {
		v, ok := referred(t, ctx)
		return ok && v.HasMarkDeep(schema.Sensitive)
	})
}

// secretFinder looks for calls whose result is secret.
type secretFinder struct{ calls bool }

// Enter implements hclsyntax.Walker.
func (s *secretFinder) Enter(n hclsyntax.Node) hcl.Diagnostics {
	if call, ok := n.(*hclsyntax.FunctionCallExpr); ok && (call.Name == "env" || call.Name == "sensitive") {
		s.calls = true
	}
	return nil
}

// Exit implements hclsyntax.Walker.
func (s *secretFinder) Exit(hclsyntax.Node) hcl.Diagnostics { return nil }

// functionError is an error of one of our own functions, with words of its own.
type functionError struct {
	code, summary, detail string
	// public says that the detail holds nothing of the arguments' values.
	public bool
}

// Error implements error.
func (f *functionError) Error() string { return f.detail }
