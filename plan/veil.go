package plan

import (
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// Atlas shows a sensitive value that stands in an ordinary argument (R20), so what was read of it has to be marked
// like what is declared: else it would be told as the old value of a change, as drift, or in a saved plan. A field
// of an object is marked by itself; of a list or a free map, whose elements are paired only later, all is.

// veil marks what is sensitive in the live values of the nodes: where the file's value is, and where the state
// keeps a hash in its place.
func (b *builder) veil() {
	for _, n := range b.nodes {
		if n.live == nil {
			continue
		}
		if paths := n.sensitivePaths(); len(paths) > 0 {
			o := *n.live
			o.Value = veiled(n.kind.Attributes, o.Value, paths, "")
			n.live = &o
		}
	}
}

// sensitivePaths returns the paths, without indices, of ordinary arguments that hold something sensitive.
func (n *node) sensitivePaths() map[string]bool {
	if !n.sensitive && (n.bound == nil || len(n.bound.Secrets) == 0) {
		return nil
	}
	paths := map[string]bool{}
	add := func(path string) {
		plain := plainPath(path)
		if a := schema.FindPath(n.kind.Attributes, plain); a == nil || !a.WriteOnly {
			paths[plain] = true
		}
	}
	if n.desired != nil && n.sensitive {
		for _, leaf := range n.secretLeaves(n.full, cty.NullVal(n.kind.Type())) {
			add(leaf.path)
		}
	}
	if n.bound != nil {
		for path := range n.bound.Secrets {
			add(path)
		}
	}
	return paths
}

func veiled(attrs []schema.Attribute, v cty.Value, paths map[string]bool, prefix string) cty.Value {
	if v.IsNull() || !v.IsKnown() {
		return v
	}
	values := v.AsValueMap()
	for i := range attrs {
		a := &attrs[i]
		field, path := values[a.Name], prefix+a.Name
		switch {
		case field.IsNull() || !sensitiveAt(paths, path):
		case a.Type == schema.TypeObject && !paths[path]:
			values[a.Name] = veiled(a.Nested, field, paths, path+".")
		default:
			values[a.Name] = field.Mark(schema.Sensitive)
		}
	}
	return cty.ObjectVal(values)
}

// sensitiveAt reports whether a path or something inside it is among the paths.
func sensitiveAt(paths map[string]bool, path string) bool {
	if paths[path] {
		return true
	}
	for p := range paths {
		if strings.HasPrefix(p, path+".") {
			return true
		}
	}
	return false
}
