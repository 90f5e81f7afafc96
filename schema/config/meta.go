package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// declareMeta declares the arguments that every resource has.
func (l *loader) declareMeta(b *block, got content, inside scope) {
	expanding := scope{block: b.parent, expanding: b.parent != nil}
	if a := got.args["for_each"]; a != nil {
		b.forEach = l.expr(a.Expr, expanding)
	}
	if a := got.args["count"]; a != nil {
		b.count = l.expr(a.Expr, expanding)
		if b.forEach != nil {
			l.add(diag.Errorf(codeCount, "for_each and count stand together",
				"A block is repeated by one of them. for_each gives each instance a name of its own and is mostly the better choice.").
				At(rangeOf(a.Range)))
			b.count = nil
		}
	}
	if b.kind.Singleton && b.repeated() {
		a := got.args["for_each"]
		if a == nil {
			a = got.args["count"]
		}
		l.add(diag.Errorf(codeForEach, "There is only one of it",
			"%s exists once in its %s, so that it cannot be repeated. Repeat the block around it instead.",
			capital(article(b.kind.Name)), orWord(b.kind.Parent, "organization")).At(rangeOf(a.Range)))
		b.forEach, b.count = nil, nil
	}
	if a := got.args["atlas"]; a != nil {
		b.atlas = l.expr(a.Expr, inside)
	}
	if a := got.args[b.kind.Parent]; a != nil && b.parent == nil && b.kind.Parent != "" {
		b.within = l.expr(a.Expr, scope{block: b, noParent: true})
	}
	if a := got.args["depends_on"]; a != nil {
		l.declareDependsOn(b, a, inside)
	}
	if a := got.args["exclusive"]; a != nil {
		l.declareExclusive(b, a)
	}
	if a := got.args["accept"]; a != nil {
		l.declareAccept(b, a)
	}
}

func orWord(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func (l *loader) declareDependsOn(b *block, a *hcl.Attribute, inside scope) {
	items, hd := hcl.ExprList(a.Expr)
	if hd.HasErrors() {
		l.add(diag.Errorf(codeDependsOn, "depends_on is not a list",
			"Write a list of references: depends_on = [cluster.orders].").At(rangeOf(a.Expr.Range())))
		return
	}
	for _, item := range items {
		traversal, hd := hcl.AbsTraversalForExpr(item)
		if hd.HasErrors() || traversal.RootName() != callKind.Name && l.options.Catalog.Kind(traversal.RootName()) == nil {
			l.add(diag.Errorf(codeDependsOn, "This is no reference to a resource",
				"depends_on lists resources and modules as references without quotes: cluster.orders or project.payments[\"prod\"].").
				At(rangeOf(item.Range())))
			continue
		}
		x := l.expr(item, inside)
		x.traversal = traversal
		b.dependsOn = append(b.dependsOn, x)
	}
}

// declareExclusive reads the list of kinds; it takes no variables, since what is deleted has to stand in the file.
func (l *loader) declareExclusive(b *block, a *hcl.Attribute) {
	v, ok := l.constant(a)
	if !ok {
		return
	}
	var kinds []string
	for _, c := range l.options.Catalog.Collections(b.kind.Name) {
		kinds = append(kinds, c.Name)
	}
	if !v.CanIterateElements() || v.Type().IsObjectType() || v.Type().IsMapType() {
		l.add(diag.Errorf(codeExclusive, "exclusive is not a list",
			"Write the kinds as texts: exclusive = [%s].", quoted(kinds[:1])).At(rangeOf(a.Expr.Range())))
		return
	}
	for it := v.ElementIterator(); it.Next(); {
		i, el := it.Element()
		at := rangeAt(a.Expr, cty.Path{cty.IndexStep{Key: i}})
		if el.Type() != cty.String || el.IsNull() || !slices.Contains(kinds, el.AsString()) {
			name := ""
			if el.Type() == cty.String && !el.IsNull() {
				name = el.AsString()
			}
			summary := "This is no kind that lives here"
			if k := l.options.Catalog.Kind(name); k != nil && k.Singleton && k.Parent == b.kind.Name {
				summary = fmt.Sprintf("Every %s has one of these", b.kind.Name)
			}
			l.add(diag.Errorf(codeExclusive, summary,
				"Found %s; exclusive lists kinds of which %s can have any number.%s", describe(el, false), article(b.kind.Name), among(name, kinds)).At(at))
			continue
		}
		if !slices.Contains(b.exclusive, el.AsString()) {
			b.exclusive = append(b.exclusive, el.AsString())
		}
	}
}

func (l *loader) declareLifecycle(b *block, hb *hcl.Block) {
	got := l.take(hb.Body, shape{what: "a lifecycle block", args: []string{"prevent_destroy", "destroy", "ignore_changes", "snapshot_before"},
		blocks: map[string]labels{"precondition": {}, "postcondition": {}}})
	inside := scope{block: b}
	if a := got.args["prevent_destroy"]; a != nil {
		b.lifecycle.preventDestroy = l.expr(a.Expr, inside)
	}
	if a := got.args["destroy"]; a != nil {
		b.lifecycle.destroy = l.expr(a.Expr, inside)
	}
	if a := got.args["snapshot_before"]; a != nil {
		b.lifecycle.snapshotBefore = l.expr(a.Expr, inside)
		if b.kind.Safeguard == nil {
			l.add(diag.Errorf(codeLifecycle, fmt.Sprintf("Of %s no snapshot can be taken", article(b.kind.Name)),
				"snapshot_before is for what Atlas takes snapshots of: %s. Remove it.", quoted(l.guarded())).At(rangeOf(a.Range)))
		}
	}
	if a := got.args["ignore_changes"]; a != nil {
		l.declareIgnore(b, a)
	}
	for _, c := range got.blocks {
		if c.Type == "precondition" {
			b.lifecycle.pre = append(b.lifecycle.pre, l.declareCondition(c, inside))
		} else {
			b.lifecycle.post = append(b.lifecycle.post, l.declareCondition(c, scope{block: b, self: true}))
		}
	}
}

// guarded returns the kinds of which a snapshot can be taken.
func (l *loader) guarded() []string {
	return slices.DeleteFunc(l.options.Catalog.Names(), func(name string) bool { return l.options.Catalog.Kind(name).Safeguard == nil })
}

func (l *loader) declareIgnore(b *block, a *hcl.Attribute) {
	if hcl.ExprAsKeyword(a.Expr) == "all" {
		for i := range b.kind.Attributes {
			if attr := &b.kind.Attributes[i]; attr.Argument() {
				b.lifecycle.ignore = append(b.lifecycle.ignore, attr.Name)
			}
		}
		return
	}
	items, hd := hcl.ExprList(a.Expr)
	if hd.HasErrors() {
		l.add(diag.Errorf(codeLifecycle, "ignore_changes is not a list",
			"Write a list of arguments, ignore_changes = [tags], or the word all.").At(rangeOf(a.Expr.Range())))
		return
	}
	for _, item := range items {
		path := ignoredPath(item)
		if path == "" || schema.FindPath(b.kind.Attributes, path) == nil {
			l.add(diag.Errorf(codeLifecycle, "There is no such argument to ignore",
				"ignore_changes lists arguments of %s.%s", article(b.kind.Name), didYouMean(path, argumentNames(b.kind))).
				At(rangeOf(item.Range())))
			continue
		}
		b.lifecycle.ignore = append(b.lifecycle.ignore, path)
	}
}

// ignoredPath returns the argument path that an element of ignore_changes names, as a reference or as a text.
func ignoredPath(x hcl.Expression) string {
	if v, hd := x.Value(nil); !hd.HasErrors() && v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
		return v.AsString()
	}
	traversal, hd := hcl.AbsTraversalForExpr(x)
	if hd.HasErrors() {
		return ""
	}
	names := []string{traversal.RootName()}
	for _, step := range traversal[1:] {
		attr, ok := step.(hcl.TraverseAttr)
		if !ok {
			return ""
		}
		names = append(names, attr.Name)
	}
	return strings.Join(names, ".")
}

func argumentNames(k *schema.Kind) []string {
	var names []string
	for i := range k.Attributes {
		if a := &k.Attributes[i]; a.Argument() {
			names = append(names, a.Name)
		}
	}
	return names
}

func (l *loader) declareTimeouts(b *block, hb *hcl.Block) {
	names := []string{"create", "update", "delete"}
	got := l.take(hb.Body, shape{what: "a timeouts block", args: names})
	for _, name := range names {
		if a := got.args[name]; a != nil {
			b.timeouts = append(b.timeouts, timeout{name: name, x: l.expr(a.Expr, scope{block: b})})
		}
	}
}
