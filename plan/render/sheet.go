package render

import (
	"strings"
	"unicode/utf8"

	"github.com/fatih/color"

	"mercator/plan"
)

// paint colours words, or leaves them alone.
type paint struct {
	add, remove, change, strong, faint func(...any) string
}

func newPaint(on bool) paint {
	ink := func(attributes ...color.Attribute) func(...any) string {
		c := color.New(attributes...)
		if on {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
		return c.SprintFunc()
	}
	return paint{
		add: ink(color.FgGreen), remove: ink(color.FgRed), change: ink(color.FgYellow),
		strong: ink(color.Bold), faint: ink(color.Faint),
	}
}

func (p paint) of(op plan.DiffOp) func(...any) string {
	switch op {
	case plan.DiffAdd:
		return p.add
	case plan.DiffRemove:
		return p.remove
	default:
		return p.change
	}
}

// sheet collects lines that keep to a width. Colours are put on last, so that they never count as characters.
type sheet struct {
	width int
	paint paint
	// hoist puts signs into the first column, as a diff does, and both sides of a change on lines of their own.
	hoist bool
	// within is the sign of the row that lines without a sign of their own belong to; only hoisted ones repeat it.
	within string
	lines  []string
}

// narrowest is the smallest width that lines are fitted to.
const narrowest = 40

func newSheet(o Options) *sheet {
	width := o.Width
	if width == 0 {
		width = 80
	}
	return &sheet{width: max(width, narrowest), paint: newPaint(o.Color)}
}

// sub returns an empty sheet of the same make.
func (s *sheet) sub() *sheet { return &sheet{width: s.width, paint: s.paint, hoist: s.hoist} }

func (s *sheet) add(line string) { s.lines = append(s.lines, line) }

func (s *sheet) blank() {
	if n := len(s.lines); n > 0 && s.lines[n-1] != "" {
		s.add("")
	}
}

// title begins a section.
func (s *sheet) title(text string) {
	s.blank()
	for _, line := range fold(text, s.width) {
		s.add(s.paint.strong(line))
	}
	s.blank()
}

// prose writes text, folded, with every line behind the indent; first stands before the first line instead of
// as many spaces.
func (s *sheet) prose(indent int, first, text string, ink func(...any) string) {
	lead := strings.Repeat(" ", indent)
	hang := strings.Repeat(" ", utf8.RuneCountInString(first))
	folded := fold(visible(text), s.width-indent-len(hang))
	if s.hoist && indent > 0 {
		lead, first, hang = s.hoisted(indent, first)
	}
	for i, line := range folded {
		if i > 0 {
			first = hang
		}
		line = first + line
		if ink != nil {
			line = ink(line)
		}
		s.add(lead + line)
	}
}

// hoisted returns the parts of a line whose sign stands in the first column: all lines of a text share it.
func (s *sheet) hoisted(indent int, first string) (lead, begin, hang string) {
	sign := s.within
	switch {
	case first == "  ":
		first = ""
	case first != "" && strings.ContainsAny(first[:1], "+-!#"):
		sign, first = first[:1], strings.TrimPrefix(first[1:], " ")
	}
	return pad(sign, indent), first, strings.Repeat(" ", utf8.RuneCountInString(first))
}

// pad returns text followed by spaces, width columns in all.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}

// fold breaks text into lines of at most width characters: at spaces where there are some, else anywhere.
// Nothing but the spaces at the breaks is lost. An empty text is one empty line.
func fold(text string, width int) []string {
	width = max(width, 8)
	var out []string
	for {
		cut, space, n := len(text), -1, 0
		for i, r := range text {
			if n == width {
				cut = i
				break
			}
			if r == ' ' && i > 0 {
				space = i
			}
			n++
		}
		if cut == len(text) {
			return append(out, text)
		}
		switch {
		case text[cut] == ' ':
			out, text = append(out, text[:cut]), text[cut+1:]
		case space > cut/2:
			out, text = append(out, text[:space]), text[space+1:]
		default:
			out, text = append(out, text[:cut]), text[cut:]
		}
	}
}
