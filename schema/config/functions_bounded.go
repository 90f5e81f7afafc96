package config

import (
	"errors"
	"fmt"
	"strings"

	ctyyaml "github.com/zclconf/go-cty-yaml"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"github.com/zclconf/go-cty/cty/gocty"
	"gopkg.in/yaml.v3"
)

// A few functions make so much of so little that a line could take all memory. Memory that is gone cannot be caught, so
// they refuse before they begin.

var indentFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "spaces", Type: cty.Number}, textParam("text")},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		spaces, text := 0, args[1].AsString()
		if err := gocty.FromCtyValue(args[0], &spaces); err != nil || spaces < 0 {
			return cty.UnknownVal(cty.String), errors.New("the spaces are a whole number from 0")
		}
		if lines := strings.Count(text, "\n"); lines > 0 && spaces > (MaxFile-len(text))/lines {
			return cty.UnknownVal(cty.String), fmt.Errorf("the text would have more than %d bytes", MaxFile)
		}
		return stdlib.Indent(args[0], args[1])
	},
})

var setProductFunc = bounded(stdlib.SetProductFunc, func(args []cty.Value) error {
	n := 1
	for _, v := range args {
		v, _ = v.Unmark()
		if !v.IsKnown() || v.IsNull() || !v.CanIterateElements() {
			return nil // which the function itself sees to
		}
		if n *= v.LengthInt(); n > MaxElements {
			return fmt.Errorf("there are more than %d combinations", MaxElements)
		}
	}
	return nil
})

var yamlDecodeFunc = bounded(ctyyaml.YAMLDecodeFunc, func(args []cty.Value) error {
	text, _ := args[0].Unmark()
	var document yaml.Node
	if !text.IsKnown() || text.IsNull() || yaml.Unmarshal([]byte(text.AsString()), &document) != nil {
		return nil // which the function itself reports
	}
	if expanded(&document, map[*yaml.Node]int{}) > MaxElements {
		return fmt.Errorf("with its aliases the text stands for more than %d values", MaxElements)
	}
	return nil
})

// expanded counts the nodes of a document with each alias in place of what it stands for.
func expanded(n *yaml.Node, known map[*yaml.Node]int) int {
	if count, ok := known[n]; ok {
		return count
	}
	known[n] = 0 // an anchor inside of itself, which is a mistake
	count := 1
	if n.Alias != nil {
		count += expanded(n.Alias, known)
	}
	for _, inner := range n.Content {
		count = min(count+expanded(inner, known), MaxElements+1)
	}
	known[n] = count
	return count
}

// bounded asks a guard before a function is called.
func bounded(f function.Function, guard func(args []cty.Value) error) function.Function {
	return function.New(&function.Spec{
		Params:   f.Params(),
		VarParam: f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			if err := guard(args); err != nil {
				return cty.DynamicPseudoType, err
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.Call(args) },
	})
}
