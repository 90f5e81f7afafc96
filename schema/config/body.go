package config

import (
	"fmt"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"mercator/schema/diag"
)

// shape says what a body may hold.
type shape struct {
	// what names the body in messages: "a cluster block".
	what string
	args []string
	// blocks maps a block type to how many labels it has at least and at most.
	blocks map[string]labels
	// unknownArgument and unknownBlock may explain a name that is not in the shape, "" for the usual text.
	unknownArgument, unknownBlock func(name string) (code, text string)
}

type labels struct{ min, max int }

// content is a body taken apart.
type content struct {
	args   map[string]*hcl.Attribute
	blocks []*hcl.Block
}

// take takes a body apart and reports what the shape does not have.
func (l *loader) take(body hcl.Body, s shape) content {
	if native, ok := body.(*hclsyntax.Body); ok {
		return l.takeNative(native, s)
	}
	return l.takeOther(body, s)
}

func (l *loader) takeNative(body *hclsyntax.Body, s shape) content {
	out := content{args: make(map[string]*hcl.Attribute, len(body.Attributes))}
	known := map[string]bool{}
	for _, name := range s.args {
		known[name] = true
	}
	for name, a := range body.Attributes {
		if known[name] {
			out.args[name] = a.AsHCLAttribute()
			continue
		}
		l.add(s.argument(name).At(rangeOf(a.NameRange)))
	}
	for _, b := range body.Blocks {
		want, ok := s.blocks[b.Type]
		if !ok {
			l.add(s.block(b.Type).At(rangeOf(b.TypeRange)))
			continue
		}
		if l.labelsFit(b, want) {
			out.blocks = append(out.blocks, b.AsHCLBlock())
		}
	}
	return out
}

func (l *loader) labelsFit(b *hclsyntax.Block, want labels) bool {
	n := len(b.Labels)
	switch {
	case n < want.min:
		example := `"name"`
		if want.min > 1 {
			example = `"KIND" "name"`
		}
		l.add(diag.Errorf(codeBlockLabels, fmt.Sprintf("A label is missing after %q", b.Type),
			"Write %s %s { ... }: the label is how the rest of the configuration refers to the block.", b.Type, example).
			At(rangeOf(b.TypeRange)))
		return false
	case n > want.max:
		takes := "no label"
		if want.max > 0 {
			takes = map[int]string{1: "one label", 2: "two labels"}[want.max]
		}
		l.add(diag.Errorf(codeBlockLabels, fmt.Sprintf("The %q block has too many labels", b.Type),
			"It takes %s and has %d.", takes, n).At(rangeOf(b.LabelRanges[want.max])))
		return false
	}
	for i, label := range b.Labels {
		if !l.identifier(label, b.LabelRanges[i]) {
			return false
		}
	}
	return true
}

// identifier reports whether a label can be used in references and addresses.
func (l *loader) identifier(label string, at hcl.Range) bool {
	if hclsyntax.ValidIdentifier(label) {
		return true
	}
	l.add(diag.Errorf(codeInvalidLabel, fmt.Sprintf("%q is not a valid label", label),
		"A label starts with a letter and holds letters, digits, hyphens and underscores only, since references use it. "+
			"Where Atlas knows a resource by another name, set that as its argument.").At(rangeOf(at)))
	return false
}

// takeOther takes apart a body in another syntax than HCL's own, which tells a label from an argument only where it is
// told how many labels there are. Where one is optional, its block is known by holding nothing but objects.
func (l *loader) takeOther(body hcl.Body, s shape) content {
	schema := &hcl.BodySchema{}
	for _, name := range s.args {
		schema.Attributes = append(schema.Attributes, hcl.AttributeSchema{Name: name})
	}
	for _, name := range sortedKeys(s.blocks) {
		b := hcl.BlockHeaderSchema{Type: name}
		for i := range s.blocks[name].min {
			b.LabelNames = append(b.LabelNames, fmt.Sprintf("label %d", i+1))
		}
		schema.Blocks = append(schema.Blocks, b)
	}
	got, rest, hd := body.PartialContent(schema)
	for _, d := range hd {
		l.add(syntaxError(d))
	}
	strangers, hd := rest.JustAttributes()
	for _, d := range hd {
		l.add(syntaxError(d))
	}
	for name, a := range strangers {
		if name != "//" {
			l.add(s.argument(name).At(rangeOf(a.NameRange)))
		}
	}
	out := content{args: got.Attributes}
	for _, b := range labelled(body, got.Blocks, s) {
		fits := true
		for i, label := range b.Labels {
			fits = fits && l.identifier(label, b.LabelRanges[i])
		}
		if fits {
			out.blocks = append(out.blocks, b)
		}
	}
	return out
}

// labelled returns the blocks of a body, those with an optional label as such.
func labelled(body hcl.Body, blocks hcl.Blocks, s shape) hcl.Blocks {
	var out hcl.Blocks
	names := map[string]map[string]bool{} // labels, by block type
	for _, b := range blocks {
		found := objectsIn(b.Body)
		if want := s.blocks[b.Type]; want.min == want.max || len(found) == 0 {
			out = append(out, b)
			continue
		}
		if names[b.Type] == nil {
			names[b.Type] = map[string]bool{}
		}
		for _, name := range found {
			names[b.Type][name] = true
		}
	}
	for _, name := range sortedKeys(names) {
		// What is wrong with the blocks that have no label is found where these are taken apart.
		got, _, _ := body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: name, LabelNames: []string{"label"}}}})
		for _, b := range got.Blocks {
			if names[name][b.Labels[0]] {
				out = append(out, b)
			}
		}
	}
	return out
}

// objectsIn returns the names of what a body holds if all of it are objects.
func objectsIn(body hcl.Body) []string {
	attributes, hd := body.JustAttributes()
	if hd.HasErrors() {
		return nil
	}
	var names []string
	for name, a := range attributes {
		if _, hd := hcl.ExprMap(a.Expr); hd.HasErrors() {
			return nil
		}
		names = append(names, name)
	}
	return names
}

func (s shape) argument(name string) diag.Diagnostic {
	if _, ok := s.blocks[name]; ok {
		return diag.Errorf(codeUnknownArgument, fmt.Sprintf("%q is a block, not an argument", name),
			"Write %s { ... } without an equals sign.", name)
	}
	if s.unknownArgument != nil {
		if code, text := s.unknownArgument(name); text != "" {
			return diag.Errorf(code, fmt.Sprintf("%q cannot be set here", name), "%s", text)
		}
	}
	return diag.Errorf(codeUnknownArgument, fmt.Sprintf("There is no argument %q", name),
		"%s has no argument of that name.%s", capital(s.what), didYouMean(name, s.args))
}

func (s shape) block(name string) diag.Diagnostic {
	if s.unknownBlock != nil {
		if code, text := s.unknownBlock(name); text != "" {
			return diag.Errorf(code, fmt.Sprintf("The block %q does not belong here", name), "%s", text)
		}
	}
	for _, a := range s.args {
		if a == name {
			return diag.Errorf(codeUnknownBlock, fmt.Sprintf("%q is an argument, not a block", name),
				"Write %s = ... with an equals sign; a block is for what has an identity of its own.", name)
		}
	}
	return diag.Errorf(codeUnknownBlock, fmt.Sprintf("There is no block %q", name),
		"%s has no block of that type.%s", capital(s.what), didYouMean(name, sortedKeys(s.blocks)))
}

func capital(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
