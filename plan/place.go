package plan

import (
	"slices"
	"strings"

	"mercator/schema"
	"mercator/schema/diag"
)

// Findings point at the argument that they are about, not at the block in which somebody would have to look for it.

// placeOf returns where the file says what stands at a path of the node's value: the argument itself, or the one of
// a short form that stands for it, or one that makes a difference inside of it; else the block's header.
func (n *node) placeOf(path string) diag.Range {
	if n.desired == nil {
		return diag.Range{}
	}
	paths := []string{path}
	if n.change != nil {
		for _, d := range n.change.Diffs {
			if related(d.Path, path) {
				paths = append(paths, d.Path)
			}
		}
	}
	for _, p := range paths {
		if r, ok := n.written(p); ok {
			return r
		}
	}
	return n.desired.Range
}

// written returns where an argument is written, by a path that leads to it or into it.
func (n *node) written(path string) (diag.Range, bool) {
	for p := path; p != ""; p = p[:max(0, strings.LastIndexAny(p, ".["))] {
		if r, ok := n.desired.Ranges[p]; ok {
			return r, true
		}
	}
	names := strings.Split(plainPath(path), ".")
	for _, name := range slices.Backward(names) {
		if a := schema.Find(n.kind.Attributes, name); a != nil && a.Virtual {
			if r, ok := n.desired.Ranges[name]; ok {
				return r, true
			}
		}
	}
	return diag.Range{}, false
}

// keyPlace returns where the node's natural name is written.
func (n *node) keyPlace() diag.Range {
	if n.desired != nil {
		for _, name := range n.kind.Identity.Key {
			if r, ok := n.desired.Ranges[name]; ok {
				return r
			}
		}
	}
	return n.placeOf("")
}

// forcePlace returns where the argument is written that forces the node's replacement.
func (n *node) forcePlace() diag.Range {
	for _, r := range n.change.Reasons {
		if r.Path != "" {
			return n.placeOf(r.Path)
		}
	}
	return n.placeOf("")
}

// finding makes an error about a node at a place in the files.
func (b *builder) finding(n *node, at diag.Range, code, summary, detail string, args ...any) {
	b.diags.Add(diag.Errorf(code, summary, detail, args...).On(string(n.address)).At(at))
}
