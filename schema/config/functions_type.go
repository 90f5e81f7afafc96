package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/customdecode"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"

	"mercator/schema"
)

// openParam takes any value as it is, marks included.
func openParam(name string) function.Parameter {
	return function.Parameter{
		Name: name, Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true, AllowMarked: true,
	}
}

func sameType(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil }

var sensitiveFunc = function.New(&function.Spec{
	Params: []function.Parameter{openParam("value")},
	Type:   sameType,
	Impl:   func(args []cty.Value, _ cty.Type) (cty.Value, error) { return args[0].Mark(schema.Sensitive), nil },
})

var nonsensitiveFunc = function.New(&function.Spec{
	Params: []function.Parameter{openParam("value")},
	Type:   sameType,
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v, paths := args[0].UnmarkDeepWithPaths()
		for _, p := range paths {
			delete(p.Marks, schema.Sensitive)
		}
		return v.MarkWithPaths(slices.DeleteFunc(paths, func(p cty.PathValueMarks) bool { return len(p.Marks) == 0 })), nil
	},
})

var isSensitiveFunc = function.New(&function.Spec{
	Params: []function.Parameter{openParam("value")},
	Type:   function.StaticReturnType(cty.Bool),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		return cty.BoolVal(args[0].HasMark(schema.Sensitive)), nil
	},
})

// typeFunc keeps the marks of the whole value, since the names of attributes are part of a type.
var typeFunc = function.New(&function.Spec{
	Params: []function.Parameter{openParam("value")},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v, marks := args[0].UnmarkDeep()
		return cty.StringVal(typeexpr.TypeString(v.Type())).WithMarks(marks), nil
	},
})

// typeConstraint is a type as it is written, with the defaults of optional attributes.
type typeConstraint struct {
	ty       cty.Type
	defaults *typeexpr.Defaults
}

var convertFunc = newConvertFunc()

// newConvertFunc makes the function convert, whose second argument is a type and not a value.
func newConvertFunc() function.Function {
	var written cty.Type
	written = cty.CapsuleWithOps("type", reflect.TypeFor[typeConstraint](), &cty.CapsuleOps{
		ExtensionData: func(key any) any {
			if key != customdecode.CustomExpressionDecoder {
				return nil
			}
			return customdecode.CustomExpressionDecoderFunc(func(x hcl.Expression, _ *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
				ty, defaults, hd := typeexpr.TypeConstraintWithDefaults(x)
				return cty.CapsuleVal(written, &typeConstraint{ty, defaults}), hd
			})
		},
	})
	converted := func(args []cty.Value) (cty.Value, error) {
		to := args[1].EncapsulatedValue().(*typeConstraint)
		v := args[0]
		if to.defaults != nil && !isNull(v) {
			v = to.defaults.Apply(v)
		}
		v, err := convert.Convert(v, to.ty)
		if err != nil {
			return cty.DynamicVal, fmt.Errorf("%w; the type is %s", err, typeexpr.TypeString(to.ty))
		}
		return v, nil
	}
	return function.New(&function.Spec{
		Params: []function.Parameter{openParam("value"), {Name: "type", Type: written}},
		Type: func(args []cty.Value) (cty.Type, error) {
			v, err := converted(args)
			return v.Type(), err
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return converted(args) },
	})
}

// plainTypes are the types that are written as one word.
var plainTypes = []string{"string", "number", "bool", "any"}

// attempt evaluates an expression that may fail. What is not known may still turn out to be a failure. The marks say
// what the outcome rests on: where it failed, that is a secret if one takes part.
func attempt(arg cty.Value) (v cty.Value, marks cty.ValueMarks, hd hcl.Diagnostics) {
	closure := customdecode.ExpressionClosureFromVal(arg)
	v, hd = closure.Value()
	if !hd.HasErrors() {
		_, marks = v.UnmarkDeep()
		return v, marks, hd
	}
	if expressionTakesSecret(closure.Expression, closure.EvalContext) {
		marks = cty.NewValueMarks(schema.Sensitive)
	}
	return cty.DynamicVal, marks, hd
}

var canFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "expression", Type: customdecode.ExpressionClosureType}},
	Type:   function.StaticReturnType(cty.Bool),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		v, marks, hd := attempt(args[0])
		switch {
		case hd.HasErrors():
			return cty.False.WithMarks(marks), nil
		case !v.IsWhollyKnown():
			return cty.UnknownVal(cty.Bool).WithMarks(marks), nil
		default:
			return cty.True.WithMarks(marks), nil
		}
	},
})

var tryFunc = function.New(&function.Spec{
	VarParam: &function.Parameter{Name: "expressions", Type: customdecode.ExpressionClosureType},
	Type: func(args []cty.Value) (cty.Type, error) {
		v, err := try(args)
		return v.Type(), err
	},
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return try(args) },
})

// try returns the value of the first expression that does not fail. One that is not wholly known may yet fail, so that
// nothing is known of the result but what it rests on.
func try(args []cty.Value) (cty.Value, error) {
	if len(args) == 0 {
		return cty.DynamicVal, errors.New("at least one expression is expected")
	}
	var failures []string
	var before []cty.ValueMarks
	for _, arg := range args {
		v, marks, hd := attempt(arg)
		switch {
		case hd.HasErrors():
			before = append(before, marks)
			for _, d := range hd {
				failures = append(failures, d.Summary+": "+strings.TrimSuffix(d.Detail, "."))
			}
		case !v.IsWhollyKnown():
			return cty.DynamicVal.WithMarks(append(before, marks)...), nil
		default:
			return v.WithMarks(before...), nil
		}
	}
	return cty.DynamicVal, fmt.Errorf("every expression fails; %s", strings.Join(failures, "; "))
}
