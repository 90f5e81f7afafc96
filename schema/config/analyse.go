package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// analyseAll resolves the references of every expression and looks for what can be known to be wrong already.
func (l *loader) analyseAll() {
	for _, x := range l.pending {
		l.analyse(x)
	}
	l.adviseUnused(l.pending)
	l.pending = nil
	for _, b := range l.root.roots {
		l.settleBlock(b)
	}
}

// settleBlock joins the usages of a block's expressions and looks at its place among the others.
func (l *loader) settleBlock(b *block) {
	b.uses = &usage{}
	for _, x := range b.expressions() {
		b.uses.add(&x.uses)
	}
	b.uses.settle()
	l.warnShadowed(b)
	for _, c := range b.children {
		l.settleBlock(c)
	}
	if b.content != nil {
		for _, c := range b.content.roots {
			l.settleBlock(c)
		}
	}
}

// expressions returns what is evaluated in the context that an instance's expressions share.
func (b *block) expressions() []*expr {
	var out []*expr
	for _, a := range b.args {
		out = append(out, a.x)
	}
	for _, x := range []*expr{b.entries, b.lifecycle.preventDestroy, b.lifecycle.destroy, b.lifecycle.snapshotBefore} {
		if x != nil {
			out = append(out, x)
		}
	}
	for _, t := range b.timeouts {
		out = append(out, t.x)
	}
	return out
}

func (l *loader) warnShadowed(b *block) {
	if b.parent == nil || b.label == "" {
		return
	}
	name := blockName{b.kind.Name, b.label}
	for up := b.parent.parent; ; up = up.parent {
		byName := b.in.byName
		if up != nil {
			byName = up.byName
		}
		if other := byName[name]; other != nil {
			l.add(diag.Warningf(codeShadowed, fmt.Sprintf("%s hides another block of that name", b.name()),
				"Inside %s the name %s means this block, not the one at %s. Give one of them another label, and set its name as an argument.",
				b.parent.path(), b.name(), other.header).At(b.header))
			return
		}
		if up == nil {
			return
		}
	}
}

// analyse resolves one expression's references.
func (l *loader) analyse(x *expr) {
	a := &analysis{loader: l, x: x, scope: x.scope, uses: &x.uses}
	if x.traversal != nil {
		a.reference(x.traversal, nil)
	} else if native, ok := x.Expression.(hclsyntax.Expression); ok {
		hclsyntax.Walk(native, &walker{analysis: a}) //nolint:errcheck // the walker collects findings itself
	} else {
		a.generic(x.Expression)
	}
	x.uses.settle()
}

// analysis is the state of one expression's analysis.
type analysis struct {
	*loader
	x     *expr
	scope scope
	uses  *usage
}

func (a *analysis) wrong(d diag.Diagnostic, at hcl.Range) {
	a.x.bad = true
	a.add(d.At(rangeOf(at)))
}

// generic analyses an expression of another syntax: its references are known, its inside is not, so that every
// nested block is needed whose kind its text mentions.
func (a *analysis) generic(x hcl.Expression) {
	for _, t := range x.Variables() {
		if len(t) > 1 || !slices.Contains(plainTypes, t.RootName()) { // may be the argument of convert
			a.reference(t, nil)
		}
	}
	rng := x.Range()
	src := a.files[rng.Filename]
	if rng.End.Byte > len(src) || rng.Start.Byte > rng.End.Byte {
		return
	}
	text := string(src[rng.Start.Byte:rng.End.Byte])
	var visit func(bs []*block)
	visit = func(bs []*block) {
		for _, b := range bs {
			if b.parent != nil && strings.Contains(text, b.kind.Name) && strings.Contains(text, b.label) {
				a.uses.require(need{b.kind.Name, b.label})
			}
			visit(b.children)
			if b.content != nil {
				visit(b.content.roots)
			}
		}
	}
	visit(a.scope.module.roots)
}

// walker visits HCL's own expressions and knows which names a for expression defines itself.
type walker struct {
	*analysis
	names []map[string]struct{}
	keys  map[*hclsyntax.ScopeTraversalExpr]*bracket
	// rests are the traversals that follow brackets.
	rests map[*hclsyntax.IndexExpr]hcl.Traversal
	// types are arguments that are types, in one of which the walker may be.
	types  []hclsyntax.Expression
	inType hclsyntax.Expression
}

// Enter implements hclsyntax.Walker.
func (w *walker) Enter(n hclsyntax.Node) hcl.Diagnostics {
	if x, ok := n.(hclsyntax.Expression); ok && slices.Contains(w.types, x) {
		w.inType = x
	}
	switch n := n.(type) {
	case hclsyntax.ChildScope:
		w.names = append(w.names, n.LocalNames)
	case hclsyntax.Expression:
		if w.inType == nil {
			w.expression(n)
		}
	}
	return nil
}

// Exit implements hclsyntax.Walker.
func (w *walker) Exit(n hclsyntax.Node) hcl.Diagnostics {
	switch n := n.(type) {
	case hclsyntax.ChildScope:
		w.names = w.names[:len(w.names)-1]
	case hclsyntax.Expression:
		if n == w.inType {
			w.inType = nil
		}
	}
	return nil
}

func (w *walker) expression(x hclsyntax.Expression) {
	switch n := x.(type) {
	case *hclsyntax.IndexExpr:
		if t, ok := n.Collection.(*hclsyntax.ScopeTraversalExpr); ok && !w.usesOwnNames(n.Key) {
			if w.keys == nil {
				w.keys = map[*hclsyntax.ScopeTraversalExpr]*bracket{}
			}
			w.keys[t] = &bracket{n.Key, w.rests[n]}
		}
	case *hclsyntax.ScopeTraversalExpr:
		own := w.own(n.Traversal.RootName())
		if !own {
			w.reference(n.Traversal, w.keys[n])
		}
		w.mention(n.Traversal, own)
	case *hclsyntax.RelativeTraversalExpr:
		if index, ok := n.Source.(*hclsyntax.IndexExpr); ok {
			if w.rests == nil {
				w.rests = map[*hclsyntax.IndexExpr]hcl.Traversal{}
			}
			w.rests[index] = n.Traversal
		}
		w.mention(n.Traversal, true)
	case *hclsyntax.FunctionCallExpr:
		w.call(n)
	case *hclsyntax.ObjectConsExpr:
		w.object(n)
	}
}

func (w *walker) own(name string) bool {
	return slices.ContainsFunc(w.names, func(names map[string]struct{}) bool {
		_, ok := names[name]
		return ok
	})
}

func (w *walker) usesOwnNames(x hclsyntax.Expression) bool {
	return slices.ContainsFunc(x.Variables(), func(t hcl.Traversal) bool { return w.own(t.RootName()) })
}

// mention notes the nested blocks that a traversal may lead to. Unless it starts at an instance (a for variable,
// parent), its first two names are a root and the name or label under it, which are inside nothing.
func (a *analysis) mention(t hcl.Traversal, instance bool) {
	if !t.IsRelative() {
		switch t.RootName() {
		case "parent", "self", "each":
			instance = true
		}
		t = t[1:]
	}
	if !instance && len(t) > 0 {
		t = t[1:]
	}
	a.mentionNames(attrNames(t))
}

func attrNames(t hcl.Traversal) []string {
	var names []string
	for _, step := range t {
		if s, ok := step.(hcl.TraverseAttr); ok {
			names = append(names, s.Name)
		}
	}
	return names
}

func (a *analysis) mentionNames(names []string) {
	for i, name := range names {
		k := a.options.Catalog.Kind(name)
		switch {
		case k == nil || k.Parent == "":
		case k.Singleton:
			a.uses.require(need{kind: name})
		case i+1 < len(names):
			a.uses.require(need{name, names[i+1]})
		}
	}
}

func (w *walker) call(n *hclsyntax.FunctionCallExpr) {
	if _, ok := w.funcs.table[n.Name]; ok {
		if n.Name == "convert" && len(n.Args) == 2 {
			w.types = append(w.types, n.Args[1])
		}
		return
	}
	text := "See the list of functions in the documentation."
	if i := slices.IndexFunc(absent, func(f Function) bool { return f.Name == n.Name }); i >= 0 {
		text = absent[i].Description
	} else if near := didYouMean(n.Name, sortedKeys(w.funcs.table)); near != "" {
		text = strings.TrimSpace(near)
	}
	w.wrong(diag.Errorf(codeUnknownFunction, fmt.Sprintf("There is no function %q", n.Name), "%s", text), n.NameRange)
}

// object looks for keys that stand twice, of which HCL would silently take the last.
func (w *walker) object(n *hclsyntax.ObjectConsExpr) {
	if len(n.Items) < 2 {
		return
	}
	seen := make(map[string]hcl.Range, len(n.Items))
	for _, item := range n.Items {
		key, ok := literalKey(item.KeyExpr)
		if !ok {
			continue
		}
		if first, twice := seen[key]; twice {
			w.wrong(diag.Errorf(codeDuplicateKey, fmt.Sprintf("The key %q stands twice", key),
				"It is set at %s already; only one of the values could count.", rangeOf(first)), item.KeyExpr.Range())
			continue
		}
		seen[key] = item.KeyExpr.Range()
	}
}

// literalKey returns an object key that does not have to be computed.
func literalKey(x hcl.Expression) (string, bool) {
	if word := hcl.ExprAsKeyword(x); word != "" {
		return word, true
	}
	if k, ok := x.(*hclsyntax.ObjectConsKeyExpr); ok {
		x = k.Wrapped
	}
	switch t := x.(type) {
	case *hclsyntax.TemplateExpr:
		if !t.IsStringLiteral() {
			return "", false
		}
	case *hclsyntax.LiteralValueExpr:
	default:
		if _, native := x.(hclsyntax.Expression); native || len(x.Variables()) > 0 {
			return "", false
		}
	}
	v, hd := x.Value(nil)
	switch {
	case hd.HasErrors() || v.IsNull() || !v.IsKnown():
		return "", false
	case v.Type() == cty.Number:
		return schema.NumberText(v.AsBigFloat()), true
	case v.Type() == cty.String:
		return v.AsString(), true
	default:
		return "", false
	}
}
