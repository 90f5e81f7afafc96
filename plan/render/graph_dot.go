package render

import (
	"fmt"
	"strings"

	"mercator/schema"
)

// writeDOT writes a picture in the language of Graphviz. A node's name is its address, and so is that of a frame's
// subgraph, behind the word by which Graphviz knows that it is to be drawn.
func writeDOT(b *strings.Builder, p *picture) {
	b.WriteString("digraph mercator {\n" +
		"  rankdir = \"LR\"\n" +
		"  node [shape = \"box\", style = \"rounded\", fontname = \"sans-serif\"]\n" +
		"  graph [fontname = \"sans-serif\", style = \"rounded\"]\n")
	dotFrame(b, &p.root, "  ")
	for _, a := range p.arrows {
		style := ""
		if a.parent {
			style = " [style = \"bold\"]"
		}
		fmt.Fprintf(b, "  %s -> %s%s\n", dotName(a.from), dotName(a.to), style)
	}
	b.WriteString("}\n")
}

func dotFrame(b *strings.Builder, f *frame, lead string) {
	for _, n := range f.nodes {
		style := ""
		if n.lookup {
			style = ", style = \"rounded,dashed\""
		}
		fmt.Fprintf(b, "%s%s [label = %s%s]\n", lead, dotName(n.address), dotLabel(n.label(f)), style)
	}
	for _, inner := range f.inner {
		fmt.Fprintf(b, "%ssubgraph %s {\n%s  label = %s\n", lead, dotName("cluster "+inner.address), lead,
			dotLabel(inner.label()))
		dotFrame(b, inner, lead+"  ")
		fmt.Fprintf(b, "%s}\n", lead)
	}
}

func dotName(a schema.Address) string { return dotQuote(apparent(string(a))) }

// dotLabel writes a text that is shown: Graphviz reads escapes of HTML in it, so that "&" stands escaped.
func dotLabel(text string) string { return dotQuote(strings.ReplaceAll(text, "&", "&amp;")) }

// dotQuote writes a text in quotes. A backslash is doubled, so that it is one where escapes are read, in labels, and
// cannot hide the closing quote where they are not, in names.
func dotQuote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
