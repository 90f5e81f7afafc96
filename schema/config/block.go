package config

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// block is a resource block as it stands in a file, before anything is evaluated; or a module block, whose instances
// hold a module's content.
type block struct {
	kind   *schema.Kind
	label  string  // "" for a singleton inside its parent
	lookup bool    // a data block
	in     *module // whose files it stands in
	parent *block  // the enclosing block; nil at the top level

	// content and inputs are what a module block calls and the arguments for its variables; nil for a resource.
	content *module
	inputs  map[string]*expr
	// parts are the Parts of a looked-up object that references may use.
	parts []string

	args    []*argument
	entries *expr // a fan's map
	forEach *expr
	count   *expr
	atlas   *expr
	within  *expr // the parent argument of a block outside of its parent's
	// exclusive are the kinds of the exclusive argument.
	exclusive []string
	accepted  []schema.Acceptance
	dependsOn []*expr
	lifecycle lifecycle
	timeouts  []timeout

	children []*block
	byName   map[blockName]*block

	header diag.Range
	ranges map[string]diag.Range
	// uses are the references of everything that is evaluated inside an instance, but for each, atlas and the parent.
	uses *usage
}

type blockName struct{ kind, label string }

// argument is an attribute that the block sets.
type argument struct {
	attr *schema.Attribute
	x    *expr
}

// timeout is one argument of a timeouts block.
type timeout struct {
	name string
	x    *expr
}

// lifecycle is a lifecycle block before it is evaluated.
type lifecycle struct {
	preventDestroy, destroy, snapshotBefore *expr
	ignore                                  []string
	pre, post                               []*condition
}

func (b *block) name() string {
	if b.label == "" {
		return b.kindName()
	}
	return b.kindName() + "." + b.label
}

// kindName is what precedes the label in references and addresses.
func (b *block) kindName() string {
	if b.lookup {
		return lookupName(b.kind.Name)
	}
	return b.kind.Name
}

func (b *block) repeated() bool { return b.forEach != nil || b.count != nil }

// path returns how the file's structure names the block, without instance keys.
func (b *block) path() string {
	if b.parent == nil {
		return b.name()
	}
	return b.parent.path() + "." + b.name()
}

// declareResource declares a resource block and what stands inside it.
func (l *loader) declareResource(hb *hcl.Block, parent *block) {
	k := l.options.Catalog.Kind(hb.Type)
	b := &block{kind: k, in: l.module, parent: parent, header: rangeOf(hb.DefRange), byName: map[blockName]*block{}, ranges: map[string]diag.Range{}}
	if len(hb.Labels) > 0 {
		b.label = hb.Labels[0]
	}
	if !l.enter(b) {
		return
	}
	got := l.take(hb.Body, l.resourceShape(k, parent))
	inside := scope{block: b}
	l.declareMeta(b, got, inside)
	for i := range k.Attributes {
		attr := &k.Attributes[i]
		if a := got.args[attr.Name]; a != nil && k.Fan == nil {
			b.args = append(b.args, &argument{attr: attr, x: l.expr(a.Expr, inside)})
		}
	}
	if k.Fan != nil {
		if a := got.args[k.Fan.Argument]; a != nil {
			b.entries = l.expr(a.Expr, inside)
		} else {
			l.add(missing(article(k.Name), k.Fan.Argument, b.header))
		}
	}
	for name, a := range got.args {
		b.ranges[name] = rangeOf(a.Range)
		if attr := k.Attribute(name); attr != nil && k.Fan == nil {
			placeInside(b.ranges, attr, cty.GetAttrPath(name), a.Expr)
		}
	}
	seen := map[string]diag.Range{}
	for _, inner := range got.blocks {
		switch inner.Type {
		case "lifecycle", "timeouts":
			if first, ok := seen[inner.Type]; ok {
				l.add(duplicate("block", inner.Type, rangeOf(inner.DefRange), first))
				continue
			}
			seen[inner.Type] = rangeOf(inner.DefRange)
			if inner.Type == "lifecycle" {
				l.declareLifecycle(b, inner)
			} else {
				l.declareTimeouts(b, inner)
			}
		default:
			l.declareResource(inner, b)
		}
	}
}

// enter puts a block where references find it and reports what else has its name.
func (l *loader) enter(b *block) bool {
	name := blockName{b.kindName(), b.label}
	siblings, byName := &b.in.roots, b.in.byName
	if b.parent != nil {
		siblings, byName = &b.parent.children, b.parent.byName
	}
	if old := byName[name]; old != nil {
		what, called := "resource", b.name()
		switch {
		case b.content != nil:
			what, called = "module", b.label
		case b.lookup:
			what = "lookup"
		}
		l.add(duplicate(what, called, b.header, old.header))
		return false
	}
	*siblings = append(*siblings, b)
	byName[name] = b
	return true
}

func (l *loader) resourceShape(k *schema.Kind, parent *block) shape {
	s := shape{what: article(k.Name), args: []string{"for_each", "count", "depends_on", "atlas", "accept"},
		blocks: map[string]labels{"lifecycle": {}, "timeouts": {}}}
	switch {
	case k.Fan != nil:
		s.args = append(s.args, k.Fan.Argument)
	default:
		for i := range k.Attributes {
			if a := &k.Attributes[i]; a.Argument() {
				s.args = append(s.args, a.Name)
			}
		}
	}
	if k.Parent != "" && parent == nil {
		s.args = append(s.args, k.Parent)
	}
	if len(l.options.Catalog.Collections(k.Name)) > 0 {
		s.args = append(s.args, "exclusive")
	}
	for _, c := range l.options.Catalog.Children(k.Name) {
		s.blocks[c.Name] = labels{1, 1}
		if c.Singleton {
			s.blocks[c.Name] = labels{}
		}
	}
	s.unknownArgument = func(name string) (string, string) { return whyNoArgument(k, parent, name) }
	s.unknownBlock = func(name string) (string, string) { return l.whyNoBlock(k, name) }
	return s
}

func whyNoArgument(k *schema.Kind, parent *block, name string) (code, text string) {
	a := k.Attribute(name)
	switch {
	case name == k.Parent && parent != nil:
		return codeUnknownArgument, fmt.Sprintf("The block stands inside %s already, which is its %s. "+
			"Write the block at the top level to choose another.", parent.path(), k.Parent)
	case a != nil && !a.Argument():
		return codeServerOwned, fmt.Sprintf("Atlas decides about %q; expressions can read it, a file cannot set it. Remove the line.", name)
	case a != nil && k.Fan != nil:
		return codeUnknownArgument, fmt.Sprintf("%q belongs to one entry: write it inside %s = { ... }.", name, k.Fan.Argument)
	}
	return "", ""
}

func (l *loader) whyNoBlock(k *schema.Kind, name string) (code, text string) {
	if attr := k.Attribute(name); attr != nil {
		return "", "" // the usual text says that it is an argument
	}
	other := l.options.Catalog.Kind(name)
	switch {
	case other == nil:
		return "", ""
	case other.Parent == "":
		return codeMisplacedBlock, fmt.Sprintf("%s lives in an organization: write it at the top level.", capital(article(name)))
	default:
		return codeMisplacedBlock, fmt.Sprintf("%s lives in %s: write it inside that block, or at the top level with %s = ....",
			capital(article(name)), article(other.Parent), other.Parent)
	}
}

// article puts "a" or "an" before a kind's name.
func article(kind string) string {
	if kind != "" && slices.Contains([]byte("aeiou"), kind[0]) {
		return "an " + kind
	}
	return "a " + kind
}
