package config

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"mercator/schema"
	"mercator/schema/diag"
)

// rootNames are the names that references start with, beside the kinds.
var rootNames = []string{"var", "local", "module", "data", "each", "count", "parent", "self", "path"}

// bracket is a computed key that follows a reference, and what follows the key.
type bracket struct {
	key  hclsyntax.Expression
	rest hcl.Traversal
}

// reference resolves one traversal. key is what stands in the brackets that follow it, nil for none.
func (a *analysis) reference(t hcl.Traversal, key *bracket) {
	root := t.RootName()
	r := &ref{root: root, rng: t.SourceRange()}
	if a.scope.early && !slices.Contains([]string{"var", "local", "path"}, root) && (root != "each" || a.scope.block == nil) {
		if slices.Contains(rootNames, root) || a.options.Catalog.Kind(root) != nil {
			a.wrong(diag.Errorf(codeNotAllowedHere, fmt.Sprintf("%q cannot be used here", root),
				"Its value is not known yet when this is evaluated; variables, locals and functions are."), r.rng)
			return
		}
	}
	switch root {
	case "var":
		_, ok := a.scope.module.variables[step(t, 1)]
		a.named(r, t, toVariable, "variable", ok, func() []string { return sortedKeys(a.scope.module.variables) })
	case "local":
		r.local = a.scope.module.locals[step(t, 1)]
		a.named(r, t, toLocal, "local value", r.local != nil, func() []string { return sortedKeys(a.scope.module.locals) })
	case "path":
		r.to = toPath
		a.oneOf(r, t, "module", "root", "cwd")
	case "each":
		r.to = toEach
		if repeats(a.scope.block, func(b *block) bool { return b.forEach != nil }) {
			a.oneOf(r, t, "key", "value")
		} else {
			a.wrong(diag.Errorf(codeNotRepeated, "each is used where nothing has a for_each",
				"each.key and each.value exist inside a block with for_each."), r.rng)
		}
	case "count":
		r.to = toCount
		if repeats(a.scope.block, func(b *block) bool { return b.count != nil }) {
			a.oneOf(r, t, "index")
		} else {
			a.wrong(diag.Errorf(codeNotRepeated, "count is used where nothing has a count",
				"count.index exists inside a block with count."), r.rng)
		}
	case "parent":
		a.parent(r, t)
	case "self":
		r.to = toSelf
		if a.scope.self {
			a.uses.refs = append(a.uses.refs, r)
		} else {
			a.wrong(diag.Errorf(codeNotAllowedHere, "self is used outside of a postcondition",
				"In an argument it would refer to itself; name the value through a local instead."), r.rng)
		}
	default:
		if root == lookupRoot {
			a.lookup(r, t, key)
		} else if root == callKind.Name || a.options.Catalog.Kind(root) != nil {
			a.resource(r, t, key)
		} else {
			a.stranger(r, t)
		}
	}
}

func repeats(b *block, has func(*block) bool) bool {
	for ; b != nil; b = b.parent {
		if has(b) {
			return true
		}
	}
	return false
}

// step returns the name of the traversal's step i, "" where it is no name.
func step(t hcl.Traversal, i int) string {
	if i < len(t) {
		if attr, ok := t[i].(hcl.TraverseAttr); ok {
			return attr.Name
		}
	}
	return ""
}

// named resolves a reference to a variable or a local; ok says that it is declared, names which are.
func (a *analysis) named(r *ref, t hcl.Traversal, to refTo, what string, ok bool, names func() []string) {
	r.to, r.name = to, step(t, 1)
	switch {
	case r.name == "":
		a.wrong(diag.Errorf(codeUnknownReference, fmt.Sprintf("The name of the %s is missing", what),
			"Write %s.NAME.%s", r.root, among("", names())), r.rng)
	case !ok:
		if a.broken {
			a.x.bad = true // what could not be parsed may declare it
			return
		}
		a.wrong(diag.Errorf(codeUnknownReference, fmt.Sprintf("There is no %s %q", what, r.name),
			"Nothing of that name is declared.%s", among(r.name, names())), r.rng)
	default:
		a.uses.refs = append(a.uses.refs, r)
	}
}

func (a *analysis) oneOf(r *ref, t hcl.Traversal, names ...string) {
	if name := step(t, 1); !slices.Contains(names, name) {
		a.wrong(diag.Errorf(codeUnknownAttribute, fmt.Sprintf("%s has no %q", r.root, name),
			"It has %s.", quoted(names)), r.rng)
		return
	}
	a.uses.refs = append(a.uses.refs, r)
}

func (a *analysis) parent(r *ref, t hcl.Traversal) {
	r.to = toParent
	b := a.scope.block
	inside := b
	if !a.scope.expanding && b != nil {
		inside = b.parent // the enclosing block, where the block is written inside
	}
	switch {
	case b == nil || a.scope.noParent || inside == nil && b.kind.Parent == "":
		a.wrong(diag.Errorf(codeNoParent, "There is no parent here",
			"parent is the resource in whose block this stands, or that the parent argument names."), r.rng)
	case step(t, 1) == "each" && inside == nil:
		a.wrong(diag.Errorf(codeNoParent, "parent.each exists only inside of the parent's block",
			"The block is written outside; pass what it needs through its own for_each."), r.rng)
	case step(t, 1) == "each" && inside.forEach == nil:
		a.wrong(diag.Errorf(codeNotRepeated, "parent.each is used and the parent has no for_each",
			"%s is not repeated by for_each.", inside.path()), r.rng)
	default:
		a.uses.refs = append(a.uses.refs, r)
	}
}

// stranger reports a root name that means nothing.
func (a *analysis) stranger(r *ref, t hcl.Traversal) {
	text := "References start with var, local, module, each, count, parent or the name of a kind."
	switch {
	case r.root == "terraform":
	case len(t) == 1 && a.scope.module.variables[r.root] != nil:
		text = fmt.Sprintf("Did you mean var.%s?", r.root)
	case len(t) == 1 && a.scope.module.locals[r.root] != nil:
		text = fmt.Sprintf("Did you mean local.%s?", r.root)
	default:
		if c := nearest(r.root, append(a.options.Catalog.Names(), rootNames...)); c != "" {
			text = fmt.Sprintf("Did you mean %q?", c)
		} else if len(t) == 1 {
			text = fmt.Sprintf("If a text is meant, put it in double quotes: %q.", r.root)
		}
	}
	a.wrong(diag.Errorf(codeUnknownReference, fmt.Sprintf("Nothing is called %q", r.root), "%s", text), r.rng)
}

// resource resolves KIND.LABEL by the innermost declaring block first.
func (a *analysis) resource(r *ref, t hcl.Traversal, key *bracket) {
	r.to = toResource
	label := step(t, 1)
	rest := t[1:]
	r.block, r.owner = a.find(r.root, "")
	if r.block == nil {
		if label == "" {
			a.wrong(diag.Errorf(codeWholeKind, fmt.Sprintf("%s alone is no reference", r.root),
				"Say which one: %s.LABEL. A label is written out, never computed; use for_each and a key where one of several is meant.", r.root), r.rng)
			return
		}
		if r.block, r.owner = a.find(r.root, label); r.block == nil {
			a.undeclared(r, r.root, label)
			return
		}
		rest = t[2:]
	}
	if a.instances(r, rest, key) {
		a.uses.refs = append(a.uses.refs, r)
	}
}

// lookup resolves data.KIND.LABEL.
func (a *analysis) lookup(r *ref, t hcl.Traversal, key *bracket) {
	r.to = toResource
	kind, label := step(t, 1), step(t, 2)
	switch {
	case a.options.Catalog.Kind(kind) == nil:
		a.wrong(diag.Errorf(codeUnknownReference, fmt.Sprintf("There is no kind %q", kind),
			"Write data.KIND.LABEL.%s", among(kind, a.options.Catalog.Names())), r.rng)
		return
	case label == "":
		a.wrong(diag.Errorf(codeWholeKind, fmt.Sprintf("data.%s alone is no reference", kind),
			"Say which one: data.%s.LABEL. A label is written out, never computed; use for_each and a key where one of several is meant.", kind), r.rng)
		return
	}
	if r.block, _ = a.find(lookupName(kind), label); r.block == nil {
		a.undeclared(r, kind, label)
		return
	}
	if a.instances(r, t[3:], key) {
		r.block.ask(step(r.rest, 0))
		a.uses.refs = append(a.uses.refs, r)
	}
}

// find looks for a block of that kind and label, innermost declaring block first, and says in which it is declared.
func (a *analysis) find(kind, label string) (found, owner *block) {
	name := blockName{kind, label}
	for b := a.scope.block; b != nil; b = b.parent {
		if found := b.byName[name]; found != nil {
			return found, b
		}
	}
	return a.scope.module.byName[name], nil
}

func (a *analysis) undeclared(r *ref, kind, label string) {
	if a.broken {
		a.x.bad = true
		return
	}
	var labels []string
	elsewhere := ""
	for b := a.scope.block; b != nil; b = b.parent {
		labels = appendLabels(labels, b.children, r.root, false)
	}
	labels = appendLabels(labels, a.scope.module.roots, kind, r.root == lookupRoot)
	var visit func(bs []*block)
	visit = func(bs []*block) {
		for _, b := range bs {
			if elsewhere == "" && b.parent != nil && b.kind.Name == r.root && b.label == label {
				elsewhere = fmt.Sprintf(" It is declared inside %s; from here it is %s.", b.parent.path(), b.path())
			}
			visit(b.children)
		}
	}
	visit(a.scope.module.roots)
	if elsewhere == "" {
		elsewhere = among(label, labels)
	}
	what := kind
	if r.root == lookupRoot {
		what = lookupRoot + "." + kind
	}
	a.wrong(diag.Errorf(codeUnknownReference, fmt.Sprintf("There is no %s %q", what, label),
		"No %s block of that label is visible here.%s", what, elsewhere), r.rng)
}

func appendLabels(labels []string, bs []*block, kind string, lookups bool) []string {
	for _, b := range bs {
		if b.kind.Name == kind && b.label != "" && b.lookup == lookups {
			labels = append(labels, b.label)
		}
	}
	return labels
}

// instances looks at the key that follows a reference to a block and at what is asked of the instance.
func (a *analysis) instances(r *ref, rest hcl.Traversal, key *bracket) bool {
	b := r.block
	if !b.repeated() {
		if len(rest) > 0 {
			if index, ok := rest[0].(hcl.TraverseIndex); ok && b.fan() == nil {
				return a.notRepeated(b, index.SrcRange)
			}
		} else if key != nil && b.fan() == nil {
			return a.notRepeated(b, key.key.Range())
		}
		r.rest = rest
		return a.steps(b, rest)
	}
	if len(rest) == 0 {
		if key != nil {
			k := &keyExpr{x: key.key, rng: key.key.Range(), uses: &usage{}}
			inner := *a
			inner.uses = k.uses
			for _, t := range key.key.Variables() {
				inner.reference(t, nil)
			}
			hadRefs := a.x.bad
			k.uses.settle()
			if !hadRefs {
				r.key = k
			}
			if r.rest = key.rest; b.content != nil || b.lookup {
				return a.steps(b, key.rest)
			}
		}
		return true
	}
	switch next := rest[0].(type) {
	case hcl.TraverseIndex:
		r.key, r.rest = &keyExpr{constant: next.Key, rng: next.SrcRange}, rest[1:]
		return a.steps(b, rest[1:])
	case hcl.TraverseAttr:
		if a.known(b, next.Name) {
			example := `["KEY"]`
			if b.count != nil {
				example = "[0]"
			}
			a.wrong(diag.Errorf(codeMissingKey, fmt.Sprintf("%s is repeated", b.path()),
				"Say which instance is meant: %s%s.%s, or all of them in a for expression.", b.name(), example, next.Name), r.rng)
			return false
		}
	}
	return true
}

func (a *analysis) notRepeated(b *block, at hcl.Range) bool {
	a.wrong(diag.Errorf(codeNotRepeated, fmt.Sprintf("%s is not repeated", b.path()),
		"It has neither for_each nor count, so that it takes no key; remove the brackets."), at)
	return false
}

// known reports whether an instance of b has an attribute or a nested block of that name.
func (a *analysis) known(b *block, name string) bool {
	if b.content != nil {
		return b.content.output(name) != nil
	}
	if name == "id" && b.kind.Identity.ID != "" || b.kind.Attribute(name) != nil {
		return true
	}
	k := a.options.Catalog.Kind(name)
	return k != nil && k.Parent == b.kind.Name && !b.lookup
}

// steps looks at what is asked of one instance of b.
func (a *analysis) steps(b *block, rest hcl.Traversal) bool {
	if len(rest) == 0 || b.fan() != nil {
		return true
	}
	name := step(rest, 0)
	if name == "" {
		return true // left to the evaluation
	}
	if b.content != nil {
		return a.outputs(b, name, rest)
	}
	child := a.options.Catalog.Kind(name)
	if child == nil || child.Parent != b.kind.Name || b.lookup {
		if !a.known(b, name) {
			names := append(attributeNames(b), "id")
			a.wrong(diag.Errorf(codeUnknownAttribute, fmt.Sprintf("%s has no attribute %q", b.path(), name),
				"There is none of that name.%s", didYouMean(name, names)), rest.SourceRange())
			return false
		}
		return a.fields(b.path()+"."+name, b.kind.Attribute(name), rest[1:])
	}
	label := ""
	if !child.Singleton {
		if label = step(rest, 1); label == "" {
			a.wrong(diag.Errorf(codeWholeKind, fmt.Sprintf("%s.%s alone is no reference", b.path(), name),
				"Say which one: %s.%s.LABEL.", b.path(), name), rest.SourceRange())
			return false
		}
	}
	inner := b.byName[blockName{name, label}]
	if inner == nil {
		labels := appendLabels(nil, b.children, name, false)
		a.wrong(diag.Errorf(codeUnknownReference, fmt.Sprintf("There is no %s %q inside %s", name, label, b.path()),
			"No such block is declared there.%s", among(label, labels)), rest.SourceRange())
		return false
	}
	if rest = rest[1:]; label != "" {
		rest = rest[1:]
	}
	if inner.repeated() && len(rest) > 0 {
		if _, ok := rest[0].(hcl.TraverseIndex); !ok {
			return true
		}
		rest = rest[1:]
	}
	return a.steps(inner, rest)
}

// outputs looks at what is asked of one instance of a module.
func (a *analysis) outputs(b *block, name string, rest hcl.Traversal) bool {
	if b.content.output(name) != nil {
		return true
	}
	if a.broken {
		a.x.bad = true
		return false
	}
	var names []string
	for _, o := range b.content.outputs {
		names = append(names, o.name)
	}
	text := "It has no output at all."
	if len(names) > 0 {
		text = fmt.Sprintf("Only its outputs can be seen from here.%s", among(name, names))
	}
	a.wrong(diag.Errorf(codeUnknownReference, fmt.Sprintf("%s has no output %q", b.path(), name), "%s", text), rest.SourceRange())
	return false
}

// fields looks at what is asked of an attribute that is an object.
func (a *analysis) fields(path string, attr *schema.Attribute, rest hcl.Traversal) bool {
	if attr == nil || attr.Type != schema.TypeObject || step(rest, 0) == "" {
		return true // left to the evaluation
	}
	name := step(rest, 0)
	field := schema.Find(attr.Nested, name)
	if field == nil {
		var names []string
		for i := range attr.Nested {
			names = append(names, attr.Nested[i].Name)
		}
		a.wrong(diag.Errorf(codeUnknownAttribute, fmt.Sprintf("%s has no attribute %q", path, name),
			"There is none of that name.%s", among(name, names)), rest.SourceRange())
		return false
	}
	return a.fields(path+"."+name, field, rest[1:])
}

func attributeNames(b *block) []string {
	var names []string
	for i := range b.kind.Attributes {
		names = append(names, b.kind.Attributes[i].Name)
	}
	return append(names, childKinds(b)...)
}

func childKinds(b *block) []string {
	var names []string
	for _, c := range b.children {
		names = append(names, c.kind.Name)
	}
	return names
}
