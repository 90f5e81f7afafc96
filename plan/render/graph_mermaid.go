package render

import (
	"fmt"
	"strings"
	"unicode"
)

// writeMermaid writes a picture as a flowchart of Mermaid, which GitHub and GitLab draw where it stands in a fenced
// block. Nodes have short names, since an address cannot be one.
func writeMermaid(b *strings.Builder, p *picture) {
	b.WriteString("flowchart LR\n")
	frames := 0
	mermaidFrame(b, p, &p.root, "  ", &frames)
	for _, a := range p.arrows {
		line := "-->"
		if a.parent {
			line = "==>"
		}
		fmt.Fprintf(b, "  %s %s %s\n", p.names[a.from], line, p.names[a.to])
	}
	b.WriteString("  classDef lookup stroke-dasharray: 5 5\n")
}

func mermaidFrame(b *strings.Builder, p *picture, f *frame, lead string, frames *int) {
	for _, n := range f.nodes {
		class := ""
		if n.lookup {
			class = ":::lookup"
		}
		fmt.Fprintf(b, "%s%s(%s)%s\n", lead, p.names[n.address], mermaidText(n.label(f)), class)
	}
	for _, inner := range f.inner {
		*frames++
		fmt.Fprintf(b, "%ssubgraph m%d[%s]\n", lead, *frames, mermaidText(inner.label()))
		mermaidFrame(b, p, inner, lead+"  ", frames)
		fmt.Fprintf(b, "%send\n", lead)
	}
}

// mermaidText writes a text in quotes. What is neither a letter nor a digit nor plainly harmless stands as the number
// of its character: Mermaid looks for comments, directives, styles and Markdown before it looks for quotes.
func mermaidText(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '"':
			b.WriteString("#quot;")
		case unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" _.-/[]()", r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	return `"` + b.String() + `"`
}
