package config

import (
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/hashicorp/hcl/v2"
)

// A reference is resolved before anything is evaluated, by kind and label alone (R36), so that an expression's
// needs are known: which variables, locals and blocks, of a repeated block which instances, and of an instance
// which of the blocks inside it. Only those values are then computed, which keeps an instance's cost independent
// of the size of the configuration and makes a circle mean a real one.

// refTo says what a reference leads to.
type refTo int

const (
	toVariable refTo = iota + 1
	toLocal
	toEach
	toCount
	toParent
	toSelf
	toPath
	toResource
)

// ref is one reference in an expression.
type ref struct {
	to   refTo
	root string // the variable name in the expression
	name string // of a variable or local
	// local is the definition that a reference to a local leads to.
	local *local
	// block is the resource block, and owner the enclosing block in whose instance it is looked for; nil for one at
	// the top level.
	block, owner *block
	// key chooses one instance of a repeated block; nil means all of them.
	key *keyExpr
	// rest is what follows the instance in the reference.
	rest hcl.Traversal
	rng  hcl.Range
}

// keyExpr is the key between the brackets of a reference: a constant, or an expression over the same scope.
type keyExpr struct {
	constant cty.Value
	x        hcl.Expression
	uses     *usage
	rng      hcl.Range
}

// output returns which of a module's outputs the reference asks for, "" for all and for other references.
func (r *ref) output() string {
	if r.block == nil || r.block.content == nil {
		return ""
	}
	return step(r.rest, 0)
}

// moving reports whether the reference's value depends on the instance that looks.
func (r *ref) moving() bool {
	switch r.to {
	case toEach, toCount, toParent, toSelf:
		return true
	case toResource:
		return r.owner != nil || r.key != nil && r.key.x != nil
	default:
		return false
	}
}

// need is a block inside an instance that an expression asks for.
type need struct{ kind, label string }

// usage is what one or several expressions need to be evaluated.
type usage struct {
	refs  []*ref
	needs []need
	// fixed and moving are the refs by root name: those whose values are the same for every instance, and those
	// under whose root at least one is not.
	fixed, moving map[string][]*ref
}

// add joins another usage to u.
func (u *usage) add(other *usage) {
	for _, r := range other.refs {
		if !slices.ContainsFunc(u.refs, func(have *ref) bool { return have == r || have.same(r) }) {
			u.refs = append(u.refs, r)
		}
	}
	u.require(other.needs...)
}

func (r *ref) same(o *ref) bool {
	return r.to == o.to && r.root == o.root && r.name == o.name && r.block == o.block && r.owner == o.owner && r.key == nil && o.key == nil && r.output() == o.output()
}

func (u *usage) require(needs ...need) {
	for _, n := range needs {
		if !slices.Contains(u.needs, n) {
			u.needs = append(u.needs, n)
		}
	}
}

// settle divides the references once all are there.
func (u *usage) settle() {
	u.fixed, u.moving = map[string][]*ref{}, map[string][]*ref{}
	for _, r := range u.refs {
		u.fixed[r.root] = append(u.fixed[r.root], r)
	}
	for root, refs := range u.fixed {
		if slices.ContainsFunc(refs, (*ref).moving) {
			u.moving[root] = refs
			delete(u.fixed, root)
		}
	}
	slices.SortFunc(u.needs, func(a, b need) int {
		return strings.Compare(a.kind+"."+a.label, b.kind+"."+b.label)
	})
}

// needsKey names a set of needs, for memory of what was computed.
func needsKey(needs []need) string {
	if len(needs) == 0 {
		return ""
	}
	var b strings.Builder
	for _, n := range needs {
		b.WriteString(n.kind)
		b.WriteByte('.')
		b.WriteString(n.label)
		b.WriteByte(' ')
	}
	return b.String()
}
