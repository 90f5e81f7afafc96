package config

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"
)

func textParam(name string) function.Parameter {
	return function.Parameter{Name: name, Type: cty.String}
}

// textFunc makes a function of one text out of a Go function.
func textFunc(f func(string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{textParam("text")},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			text, err := f(args[0].AsString())
			if err != nil {
				return cty.UnknownVal(cty.String), err
			}
			return cty.StringVal(text), nil
		},
	})
}

// textTest makes a function that compares two texts.
func textTest(f func(text, part string) bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{textParam("text"), textParam("part")},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.BoolVal(f(args[0].AsString(), args[1].AsString())), nil
		},
	})
}

func hasPrefix(text, part string) bool { return strings.HasPrefix(text, part) }
func hasSuffix(text, part string) bool { return strings.HasSuffix(text, part) }
func contains(text, part string) bool  { return strings.Contains(text, part) }

var replaceFunc = function.New(&function.Spec{
	Params: []function.Parameter{textParam("text"), textParam("what"), textParam("with")},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		text, what, with := args[0].AsString(), args[1].AsString(), args[2].AsString()
		if len(what) < 2 || what[0] != '/' || what[len(what)-1] != '/' {
			return cty.StringVal(strings.ReplaceAll(text, what, with)), nil
		}
		re, err := regexp.Compile(what[1 : len(what)-1])
		if err != nil {
			return cty.UnknownVal(cty.String), err
		}
		return cty.StringVal(re.ReplaceAllString(text, with)), nil
	},
})

func base64Encode(text string) (string, error) {
	return base64.StdEncoding.EncodeToString([]byte(text)), nil
}

func base64Decode(text string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", errors.New("the text is not valid Base64")
	}
	if !utf8.Valid(raw) {
		return "", errors.New("what the Base64 stands for is not a text in UTF-8")
	}
	return string(raw), nil
}

func base64Gzip(text string) (string, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

func base64Gunzip(text string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", errors.New("the text is not valid Base64")
	}
	r, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return "", errors.New("what the Base64 stands for is not compressed with gzip")
	}
	out, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	switch {
	case err != nil:
		return "", errors.New("what the Base64 stands for is not compressed with gzip")
	case len(out) > MaxFile:
		return "", fmt.Errorf("the text has more than %d bytes", MaxFile)
	case !utf8.Valid(out):
		return "", errors.New("the content is not a text in UTF-8")
	}
	return string(out), nil
}

func urlEncode(text string) (string, error) { return url.QueryEscape(text), nil }

func urlDecode(text string) (string, error) {
	out, err := url.QueryUnescape(text)
	if err != nil {
		return "", errors.New("the text holds a wrong escape")
	}
	return out, nil
}

var textEncodeFunc = charsetFunc(func(e encoding.Encoding, text string) (string, error) {
	raw, err := e.NewEncoder().Bytes([]byte(text))
	if err != nil {
		return "", errors.New("the text has characters that the encoding lacks")
	}
	return base64.StdEncoding.EncodeToString(raw), nil
})

var textDecodeFunc = charsetFunc(func(e encoding.Encoding, text string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "", errors.New("the text is not valid Base64")
	}
	out, err := e.NewDecoder().Bytes(raw)
	if err != nil || bytes.ContainsRune(out, utf8.RuneError) {
		return "", errors.New("the bytes are not a text in that encoding")
	}
	return string(out), nil
})

func charsetFunc(f func(encoding.Encoding, string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{textParam("text"), textParam("encoding")},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			e, err := ianaindex.IANA.Encoding(args[1].AsString())
			if err != nil || e == nil {
				return cty.UnknownVal(cty.String), errors.New("there is no such character encoding; use an IANA name such as UTF-16LE")
			}
			text, err := f(e, args[0].AsString())
			if err != nil {
				return cty.UnknownVal(cty.String), err
			}
			return cty.StringVal(text), nil
		},
	})
}

// guarded refuses texts that are nested so deeply that decoding them would exhaust the stack.
func guarded(f function.Function) function.Function {
	return bounded(f, func(args []cty.Value) error {
		if args[0].IsKnown() && tooNested([]byte(args[0].AsString())) >= 0 {
			return fmt.Errorf("the text is nested more than %d levels deep", MaxNesting)
		}
		return nil
	})
}

// tooNested returns where brackets are nested too deeply, whatever they stand in; -1 where they are not.
func tooNested(text []byte) int {
	depth := 0
	for i, c := range text {
		switch c {
		case '{', '[':
			if depth++; depth > MaxNesting {
				return i
			}
		case '}', ']':
			depth--
		}
	}
	return -1
}

// templateString renders a template that is given as a text.
func templateString(functions map[string]function.Function) function.Function {
	return templateFunction("template", functions, func(text string) (string, string, error) {
		return "<template>", text, nil
	})
}

// templateFunction makes a function that renders what source finds under its first argument.
func templateFunction(param string, functions map[string]function.Function, source func(string) (name, text string, err error)) function.Function {
	render := func(args []cty.Value) (cty.Value, error) {
		name, text, err := source(args[0].AsString())
		if err != nil {
			return cty.DynamicVal, err
		}
		return renderTemplate(name, text, args[1], functions)
	}
	return function.New(&function.Spec{
		Params: []function.Parameter{textParam(param), {Name: "variables", Type: cty.DynamicPseudoType}},
		Type: func(args []cty.Value) (cty.Type, error) {
			if !args[0].IsKnown() || !args[1].IsKnown() {
				return cty.DynamicPseudoType, nil
			}
			v, err := render(args)
			return v.Type(), err
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return render(args) },
	})
}

func renderTemplate(name, text string, variables cty.Value, functions map[string]function.Function) (cty.Value, error) {
	ty := variables.Type()
	if variables.IsNull() || !ty.IsObjectType() && !ty.IsMapType() {
		return cty.DynamicVal, errors.New("the variables of a template are an object { name = value }")
	}
	if d := guardNative([]byte(text), name, hclsyntax.LexTemplate); d != nil {
		return cty.DynamicVal, errors.New("the template is nested too deeply")
	}
	x, hd := hclsyntax.ParseTemplate([]byte(text), name, hcl.InitialPos)
	if hd.HasErrors() {
		return cty.DynamicVal, templateError(hd)
	}
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{}, Functions: functions}
	for it := variables.ElementIterator(); it.Next(); {
		k, v := it.Element()
		ctx.Variables[k.AsString()] = v
	}
	for _, t := range x.Variables() {
		if _, ok := ctx.Variables[t.RootName()]; !ok && !slices.Contains(plainTypes, t.RootName()) {
			return cty.DynamicVal, fmt.Errorf("%s uses %q, which is not among its variables", position(t.SourceRange()), t.RootName())
		}
	}
	v, hd := x.Value(ctx)
	switch {
	case !hd.HasErrors():
		return v, nil
	case expressionTakesSecret(x, ctx):
		return cty.DynamicVal, fmt.Errorf("%s cannot be computed; the reason is not shown, since a sensitive value takes part", position(x.Range()))
	default:
		return cty.DynamicVal, templateError(hd)
	}
}

func templateError(hd hcl.Diagnostics) error {
	d := hd[0]
	where := ""
	if d.Subject != nil {
		where = position(*d.Subject) + ": "
	}
	return fmt.Errorf("%s%s; %s", where, d.Summary, strings.TrimSuffix(d.Detail, "."))
}

func position(r hcl.Range) string {
	return fmt.Sprintf("%s:%d,%d", r.Filename, r.Start.Line, r.Start.Column)
}

var lengthFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowUnknown: true, AllowMarked: true}},
	Type: func(args []cty.Value) (cty.Type, error) {
		ty := args[0].Type()
		if ty == cty.String || ty == cty.DynamicPseudoType || ty.IsTupleType() || ty.IsObjectType() || ty.IsCollectionType() {
			return cty.Number, nil
		}
		return cty.Number, errors.New("a list, a map, an object, a set or a text is expected")
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v, marks := args[0].Unmark()
		switch ty := v.Type(); {
		case !v.IsKnown() && !ty.IsTupleType() && !ty.IsObjectType():
			return cty.UnknownVal(cty.Number).WithMarks(marks), nil
		case ty == cty.String:
			n, err := stdlib.Strlen(v)
			return n.WithMarks(marks), err
		case ty.IsTupleType():
			return cty.NumberIntVal(int64(ty.Length())).WithMarks(marks), nil
		case ty.IsObjectType():
			return cty.NumberIntVal(int64(len(ty.AttributeTypes()))).WithMarks(marks), nil
		default:
			return v.Length().WithMarks(marks), nil
		}
	},
})

// coalesceFunc is like the standard one, but takes an empty text as no value.
var coalesceFunc = function.New(&function.Spec{
	VarParam: &function.Parameter{Name: "values", Type: cty.DynamicPseudoType, AllowUnknown: true, AllowDynamicType: true, AllowNull: true},
	Type: func(args []cty.Value) (cty.Type, error) {
		types := make([]cty.Type, len(args))
		for i, v := range args {
			types[i] = v.Type()
		}
		ty, _ := convert.UnifyUnsafe(types)
		if len(args) == 0 || ty == cty.NilType {
			return cty.DynamicPseudoType, errors.New("all arguments must have the same type")
		}
		return ty, nil
	},
	Impl: func(args []cty.Value, ty cty.Type) (cty.Value, error) {
		for _, v := range args {
			v, err := convert.Convert(v, ty)
			switch {
			case err != nil:
				return cty.UnknownVal(ty), err
			case !v.IsKnown():
				return cty.UnknownVal(ty), nil
			case v.IsNull() || v.Type() == cty.String && v.AsString() == "":
				continue
			}
			return v, nil
		}
		return cty.UnknownVal(ty), errors.New("every argument is null or an empty text")
	},
})
