package render

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"mercator/schema"
)

// graphFormats are the languages in which a dependency picture can be written, in the order in which help lists them.
var graphFormats = []struct {
	name  string
	write func(*strings.Builder, *picture)
}{
	{"dot", writeDOT},
	{"mermaid", writeMermaid},
}

// GraphFormats returns the names that Graph takes.
func GraphFormats() []string {
	var names []string
	for _, f := range graphFormats {
		names = append(names, f.name)
	}
	return names
}

// Graph writes the dependency picture of what the files ask for: every resource and every lookup, those of a module
// inside a frame of its own, with an arrow to what each of them lives in, needs or reads. It shows addresses and no
// values, so that nothing in it is secret. An unknown format is an error; the others are those of w.
func Graph(w io.Writer, format string, d *schema.Desired) error {
	for _, f := range graphFormats {
		if f.name == format {
			var b strings.Builder
			f.write(&b, newPicture(d))
			_, err := io.WriteString(w, b.String())
			return err
		}
	}
	return fmt.Errorf("%q is not a format of graphs; choose one of %s", format, strings.Join(GraphFormats(), ", "))
}

// picture is a graph before it is written in some language.
type picture struct {
	root   frame
	arrows []arrow
	// names gives every node a short name, n1 and so on, for languages in which an address cannot be one.
	names map[schema.Address]string
}

// frame is what surrounds the nodes of the root or of one instance of a module, which is then what address names.
type frame struct {
	address schema.Address
	nodes   []node
	inner   []*frame
}

// node is a resource or a lookup.
type node struct {
	address schema.Address
	lookup  bool
}

// label is what the node is called inside its frame.
func (n node) label(f *frame) string {
	return apparent(strings.TrimPrefix(string(n.address[len(f.address):]), "."))
}

func (f *frame) label() string { return apparent(string(f.address)) }

// apparent writes invisible characters as escapes, so that they command nothing and two keys never look alike.
func apparent(text string) string {
	var b strings.Builder
	for _, r := range text {
		if invisible(r) || r == utf8.RuneError {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// arrow leads from a resource to what it lives in, or to what it needs.
type arrow struct {
	from, to schema.Address
	parent   bool
}

func newPicture(d *schema.Desired) *picture {
	p := &picture{names: map[schema.Address]string{}}
	var nodes []node
	for i := range d.Resources {
		nodes = append(nodes, node{address: d.Resources[i].Address})
	}
	for i := range d.Lookups {
		nodes = append(nodes, node{address: d.Lookups[i].Address, lookup: true})
	}
	slices.SortFunc(nodes, func(a, b node) int { return cmp.Compare(a.address, b.address) })
	instances := map[schema.Address][]schema.Address{}
	frames := map[schema.Address]*frame{"": &p.root}
	for i, n := range nodes {
		p.names[n.address] = fmt.Sprintf("n%d", i+1)
		f := frameOf(frames, n.address)
		f.nodes = append(f.nodes, n)
		for a, more := n.address, true; more; a, more = a.Unkeyed() {
			instances[a] = append(instances[a], n.address)
		}
	}
	for i := range d.Resources {
		r := &d.Resources[i]
		p.within(r.Address, r.Parent)
		p.needs(r.Address, slices.Concat(r.DependsOn, r.Reads), instances)
	}
	for i := range d.Lookups {
		l := &d.Lookups[i]
		p.within(l.Address, l.Parent)
		p.needs(l.Address, slices.Concat(l.DependsOn, l.Reads), instances)
	}
	// Two nodes have one arrow at most; sorting is stable, so that living in something goes before needing it.
	slices.SortStableFunc(p.arrows, func(a, b arrow) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	p.arrows = slices.CompactFunc(p.arrows, func(a, b arrow) bool { return a.from == b.from && a.to == b.to })
	return p
}

// within adds the arrow to what a node lives in, unless that is known by its id alone.
func (p *picture) within(from schema.Address, parent schema.ParentRef) {
	if to := cmp.Or(parent.Address, parent.Lookup); to != "" {
		p.arrows = append(p.arrows, arrow{from, to, true})
	}
}

// needs adds the arrows to what a resource needs; a block among that stands for all of its instances.
func (p *picture) needs(from schema.Address, needed []schema.Address, instances map[schema.Address][]schema.Address) {
	for _, a := range needed {
		for _, to := range instances[a] {
			p.arrows = append(p.arrows, arrow{from: from, to: to})
		}
	}
}

// frameOf returns the frame of the module instance that an address is in, made with all that surround it.
func frameOf(frames map[schema.Address]*frame, a schema.Address) *frame {
	module := moduleOf(a)
	if f := frames[module]; f != nil {
		return f
	}
	f := &frame{address: module}
	frames[module] = f
	around := frameOf(frames, module.Parent())
	around.inner = append(around.inner, f)
	return f
}

// moduleOf returns the innermost instance of a module that an address is in, "" for none.
func moduleOf(a schema.Address) schema.Address {
	var chain []schema.Address
	for ; a != ""; a = a.Parent() {
		chain = append(chain, a)
	}
	var module schema.Address
	for _, outer := range slices.Backward(chain) {
		if outer.Kind() != "module" {
			break
		}
		module = outer
	}
	return module
}
