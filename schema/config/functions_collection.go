package config

import (
	"errors"
	"slices"
	"sort"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
)

func anyParam(name string) function.Parameter {
	return function.Parameter{Name: name, Type: cty.DynamicPseudoType}
}

// elements returns the elements of a list, tuple or set.
func elements(v cty.Value) ([]cty.Value, error) {
	ty := v.Type()
	if !ty.IsTupleType() && !ty.IsListType() && !ty.IsSetType() {
		return nil, errors.New("a list or a set is expected")
	}
	return v.AsValueSlice(), nil
}

var sumFunc = function.New(&function.Spec{
	Params: []function.Parameter{anyParam("numbers")},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		list, err := elements(args[0])
		if err != nil || len(list) == 0 {
			return cty.UnknownVal(cty.Number), errors.Join(err, errorIf(len(list) == 0 && err == nil, "the list is empty"))
		}
		total := cty.Zero
		for _, v := range list {
			n, err := convert.Convert(v, cty.Number)
			if err != nil || n.IsNull() {
				return cty.UnknownVal(cty.Number), errors.New("every element must be a number")
			}
			total = total.Add(n)
		}
		return total, nil
	},
})

func errorIf(is bool, text string) error {
	if is {
		return errors.New(text)
	}
	return nil
}

// truthOf makes alltrue, which is true unless an element is false, and anytrue, its counterpart.
func truthOf(all bool) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{anyParam("list")},
		Type:   function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			list, err := elements(args[0])
			if err != nil {
				return cty.UnknownVal(cty.Bool), err
			}
			unknown := false
			for _, v := range list {
				b, err := convert.Convert(v, cty.Bool)
				switch {
				case err != nil:
					return cty.UnknownVal(cty.Bool), errors.New("every element must be true or false")
				case !b.IsKnown():
					unknown = true
				case (!b.IsNull() && b.True()) != all:
					return cty.BoolVal(!all), nil
				}
			}
			if unknown {
				return cty.UnknownVal(cty.Bool), nil
			}
			return cty.BoolVal(all), nil
		},
	})
}

var indexFunc = function.New(&function.Spec{
	Params: []function.Parameter{anyParam("list"), anyParam("value")},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		list, err := elements(args[0])
		if err != nil || args[0].Type().IsSetType() {
			return cty.UnknownVal(cty.Number), errors.New("a list is expected")
		}
		for i, v := range list {
			same := v.Equals(args[1])
			if !same.IsKnown() {
				return cty.UnknownVal(cty.Number), nil
			}
			if same.True() {
				return cty.NumberIntVal(int64(i)), nil
			}
		}
		return cty.UnknownVal(cty.Number), errors.New("the list does not hold the value")
	},
})

// lookupFunc is the standard one with an optional default.
var lookupFunc = function.New(&function.Spec{
	Params: []function.Parameter{
		{Name: "map", Type: cty.DynamicPseudoType, AllowMarked: true, AllowUnknown: true, AllowDynamicType: true},
		{Name: "key", Type: cty.String, AllowMarked: true, AllowUnknown: true},
	},
	VarParam: &function.Parameter{Name: "default", Type: cty.DynamicPseudoType, AllowMarked: true, AllowNull: true, AllowUnknown: true, AllowDynamicType: true},
	Type: func(args []cty.Value) (cty.Type, error) {
		v, err := lookup(args)
		return v.Type(), err
	},
	Impl: func(args []cty.Value, ty cty.Type) (cty.Value, error) {
		v, err := lookup(args)
		if err != nil {
			return cty.UnknownVal(ty), err
		}
		return v, nil
	},
})

func lookup(args []cty.Value) (cty.Value, error) {
	if len(args) > 3 {
		return cty.DynamicVal, errors.New("a map, a key and at most one default are expected")
	}
	m, marks := args[0].Unmark()
	key, keyMarks := args[1].Unmark()
	if !m.IsKnown() || !key.IsKnown() {
		return cty.DynamicVal.WithMarks(marks, keyMarks), nil
	}
	ty := m.Type()
	switch name := key.AsString(); {
	case ty.IsObjectType() && ty.HasAttribute(name):
		return m.GetAttr(name).WithMarks(marks, keyMarks), nil
	case ty.IsMapType() && m.HasIndex(key).True():
		return m.Index(key).WithMarks(marks, keyMarks), nil
	case !ty.IsObjectType() && !ty.IsMapType():
		return cty.DynamicVal, errors.New("the first argument is a map or an object")
	case len(args) < 3:
		return cty.DynamicVal, errors.New("the map has no such key, and there is no default")
	}
	fallback := args[2]
	if ty.IsMapType() {
		converted, err := convert.Convert(fallback, ty.ElementType())
		if err != nil {
			return cty.DynamicVal, errors.New("the default does not have the type of the map's values")
		}
		fallback = converted
	}
	return fallback.WithMarks(marks, keyMarks), nil
}

var matchkeysFunc = function.New(&function.Spec{
	Params: []function.Parameter{
		{Name: "values", Type: cty.List(cty.DynamicPseudoType)},
		{Name: "keys", Type: cty.List(cty.DynamicPseudoType)},
		{Name: "search", Type: cty.List(cty.DynamicPseudoType)},
	},
	Type: func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
	Impl: func(args []cty.Value, ty cty.Type) (cty.Value, error) {
		values, keys, search := args[0].AsValueSlice(), args[1].AsValueSlice(), args[2].AsValueSlice()
		if len(values) != len(keys) {
			return cty.UnknownVal(ty), errors.New("the lists of values and of keys must have the same length")
		}
		var out []cty.Value
		for i, key := range keys {
			if slices.ContainsFunc(search, func(s cty.Value) bool { return s.RawEquals(key) }) {
				out = append(out, values[i])
			}
		}
		if len(out) == 0 {
			return cty.ListValEmpty(ty.ElementType()), nil
		}
		return cty.ListVal(out), nil
	},
})

var oneFunc = function.New(&function.Spec{
	Params: []function.Parameter{anyParam("list")},
	Type: func(args []cty.Value) (cty.Type, error) {
		ty := args[0].Type()
		switch {
		case ty.IsListType() || ty.IsSetType():
			return ty.ElementType(), nil
		case ty.IsTupleType() && ty.Length() == 1:
			return ty.TupleElementType(0), nil
		case ty.IsTupleType() && ty.Length() == 0:
			return cty.DynamicPseudoType, nil
		}
		return cty.DynamicPseudoType, errors.New("a list or a set with at most one element is expected")
	},
	Impl: func(args []cty.Value, ty cty.Type) (cty.Value, error) {
		switch list := args[0].AsValueSlice(); len(list) {
		case 0:
			return cty.NullVal(ty), nil
		case 1:
			return list[0], nil
		}
		return cty.UnknownVal(ty), errors.New("a list or a set with at most one element is expected")
	},
})

var transposeFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "map", Type: cty.Map(cty.List(cty.String))}},
	Type:   function.StaticReturnType(cty.Map(cty.List(cty.String))),
	Impl: func(args []cty.Value, ty cty.Type) (cty.Value, error) {
		if !args[0].IsWhollyKnown() {
			return cty.UnknownVal(ty), nil
		}
		keys := map[string][]string{}
		for it := args[0].ElementIterator(); it.Next(); {
			k, list := it.Element()
			if list.IsNull() {
				return cty.UnknownVal(ty), errors.New("the map holds null in place of a list")
			}
			for _, v := range list.AsValueSlice() {
				if v.IsNull() {
					return cty.UnknownVal(ty), errors.New("a list holds null in place of a text")
				}
				keys[v.AsString()] = append(keys[v.AsString()], k.AsString())
			}
		}
		out := map[string]cty.Value{}
		for k, names := range keys {
			sort.Strings(names)
			values := make([]cty.Value, len(names))
			for i, n := range names {
				values[i] = cty.StringVal(n)
			}
			out[k] = cty.ListVal(values)
		}
		if len(out) == 0 {
			return cty.MapValEmpty(cty.List(cty.String)), nil
		}
		return cty.MapVal(out), nil
	},
})
