package diag

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/apparentlymart/go-textseg/v15/textseg"
	"github.com/fatih/color"
	"github.com/mitchellh/go-wordwrap"
)

// TextOptions say how findings are written for people.
type TextOptions struct {
	// Sources are the files' contents by name, for excerpts; without a file its findings have none.
	Sources map[string][]byte
	// Width is the width to keep to, in characters; 0 means no wrapping.
	Width int
	// Color adds terminal colours.
	Color bool
}

// WriteText writes the findings with excerpts of their sources, each followed by an empty line:
//
//	Error: There is no argument "nmae" (unknown_argument)
//
//	  main.hcl:2,3, in project.payments
//	  2 │   nmae = "payments"
//	    │   ^^^^
//
//	  A project has no argument of that name. Did you mean "name"?
//
// Control characters in sources and texts are shown as escapes, so that a file cannot steer the terminal.
func WriteText(w io.Writer, l List, o TextOptions) error {
	p := printer{options: o, bold: paint(o.Color, color.Bold), dim: paint(o.Color, color.Faint)}
	for _, d := range l {
		p.finding(d)
	}
	_, err := w.Write(p.out.Bytes())
	return err
}

type printer struct {
	options   TextOptions
	out       bytes.Buffer
	bold, dim func(...any) string
}

// paint returns a function that colours text, or leaves it as it is.
func paint(on bool, attributes ...color.Attribute) func(...any) string {
	c := color.New(attributes...)
	if on {
		c.EnableColor()
	} else {
		c.DisableColor()
	}
	return c.SprintFunc()
}

func (p *printer) finding(d Diagnostic) {
	word, hue := "Error", color.FgRed
	if d.Severity == Warning {
		word, hue = "Warning", color.FgYellow
	}
	severity := paint(p.options.Color, hue, color.Bold)
	head := visible(d.Summary)
	if d.Code != "" {
		head += " (" + d.Code + ")"
	}
	lines := strings.Split(p.wrap(word+": "+head, 0), "\n")
	lines[0] = severity(word+":") + p.bold(strings.TrimPrefix(lines[0], word+":"))
	for i, line := range lines[1:] {
		lines[i+1] = p.bold(line)
	}
	p.out.WriteString(strings.Join(lines, "\n") + "\n\n")
	if p.where(d, severity) {
		p.out.WriteByte('\n')
	}
	if d.Detail != "" {
		for line := range strings.SplitSeq(p.wrap(visible(d.Detail), 2), "\n") {
			p.out.WriteString(strings.TrimRight("  "+line, " ") + "\n")
		}
		p.out.WriteByte('\n')
	}
}

// wrap breaks lines at words so that they fit beside an indent.
func (p *printer) wrap(text string, indent int) string {
	if width := p.options.Width - indent; p.options.Width > 0 && width > 0 {
		return wordwrap.WrapString(text, uint(width))
	}
	return text
}

// where writes the place of a finding and reports whether there was anything to write.
func (p *printer) where(d Diagnostic, mark func(...any) string) bool {
	place := visible(d.Range.String())
	switch {
	case place == "" && d.Address == "":
		return false
	case place == "":
		place = "in " + visible(d.Address)
	case d.Address != "":
		place += ", in " + visible(d.Address)
	}
	p.out.WriteString("  " + place + "\n")
	s, ok := excerpt(p.options.Sources[d.Range.File], d.Range)
	if !ok {
		return true
	}
	s.fit(p.options.Width - 2 - len(fmt.Sprint(d.Range.Start.Line)) - 3)
	number := fmt.Sprint(d.Range.Start.Line)
	fmt.Fprintf(&p.out, "  %s%s%s%s\n", p.dim(number+" │ "), s.before, mark(s.marked), s.after)
	if s.marked != "" {
		fmt.Fprintf(&p.out, "  %s%s%s\n", p.dim(strings.Repeat(" ", len(number))+" │ "),
			strings.Repeat(" ", length(s.before)), mark(strings.Repeat("^", length(s.marked))))
	}
	return true
}

// snippet is a source line around what a finding speaks of.
type snippet struct{ before, marked, after string }

// excerpt returns the first line of a range, with control characters made visible.
func excerpt(src []byte, r Range) (snippet, bool) {
	start, end := r.Start.Byte, r.End.Byte
	if r.IsZero() || r.Start.Line == 0 || start > len(src) || start < 0 || len(src) == 0 {
		return snippet{}, false
	}
	from := bytes.LastIndexByte(src[:start], '\n') + 1
	to := len(src)
	if i := bytes.IndexByte(src[start:], '\n'); i >= 0 {
		to = start + i
	}
	end = min(max(end, start), to)
	line := func(part []byte) string { return visible(strings.TrimSuffix(string(part), "\r")) }
	return snippet{line(src[from:start]), line(src[start:end]), line(src[end:to])}, true
}

// fit shortens a long line from both ends so that what is marked stays.
func (s *snippet) fit(width int) {
	const least = 20
	if width < least {
		return
	}
	if over := length(s.before) + length(s.marked) + length(s.after) - width; over > 0 && s.after != "" {
		s.after = cut(s.after, max(0, length(s.after)-over-1)) + "…"
	}
	if over := length(s.before) + length(s.marked) + length(s.after) - width; over > 0 && length(s.before) > 1 {
		runes := []rune(s.before)
		s.before = "…" + string(runes[min(len(runes), over+1):])
	}
	if over := length(s.before) + length(s.marked) + length(s.after) - width; over > 0 {
		s.marked = cut(s.marked, max(1, length(s.marked)-over-1)) + "…"
	}
}

func cut(text string, n int) string {
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n])
	}
	return text
}

// length counts what a reader sees as characters.
func length(text string) int {
	n, err := textseg.TokenCount([]byte(text), textseg.ScanGraphemeClusters)
	if err != nil {
		return utf8.RuneCountInString(text)
	}
	return n
}

// visible replaces control characters by escapes and tabs by a space; newlines stay.
func visible(text string) string {
	hidden := func(r rune) bool {
		return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError)
	}
	if strings.IndexFunc(text, hidden) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\t':
			b.WriteByte(' ')
		case hidden(r):
			fmt.Fprintf(&b, "<U+%04X>", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Document is the JSON form of the findings of a run. Its fields and those inside are the ones that tools which
// read Terraform's validation output know; code and address are ours.
type Document struct {
	FormatVersion string           `json:"format_version"`
	Valid         bool             `json:"valid"`
	ErrorCount    int              `json:"error_count"`
	WarningCount  int              `json:"warning_count"`
	Diagnostics   []JSONDiagnostic `json:"diagnostics"`
}

// JSONDiagnostic is one finding in JSON.
type JSONDiagnostic struct {
	Severity string       `json:"severity"`
	Code     string       `json:"code,omitempty"`
	Summary  string       `json:"summary"`
	Detail   string       `json:"detail"`
	Address  string       `json:"address,omitempty"`
	Range    *JSONRange   `json:"range,omitempty"`
	Snippet  *JSONSnippet `json:"snippet,omitempty"`
}

// JSONRange is a place in the files.
type JSONRange struct {
	Filename string  `json:"filename"`
	Start    JSONPos `json:"start"`
	End      JSONPos `json:"end"`
}

// JSONPos is one end of a range.
type JSONPos struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

// JSONSnippet is the first source line of a range. The offsets are in bytes of Code.
type JSONSnippet struct {
	Code                 string `json:"code"`
	StartLine            int    `json:"start_line"`
	HighlightStartOffset int    `json:"highlight_start_offset"`
	HighlightEndOffset   int    `json:"highlight_end_offset"`
}

// NewDocument returns the JSON form of the findings; sources are as in [TextOptions].
func NewDocument(l List, sources map[string][]byte) Document {
	doc := Document{
		FormatVersion: "1.0", Valid: !l.HasErrors(),
		ErrorCount: len(l.Errors()), WarningCount: len(l.Warnings()),
		Diagnostics: make([]JSONDiagnostic, len(l)),
	}
	for i, d := range l {
		doc.Diagnostics[i] = d.JSON(sources)
	}
	return doc
}

// JSON returns the finding's JSON form; sources are as in [TextOptions].
func (d Diagnostic) JSON(sources map[string][]byte) JSONDiagnostic {
	out := JSONDiagnostic{Severity: d.Severity.String(), Code: d.Code, Summary: d.Summary, Detail: d.Detail, Address: d.Address}
	if d.Range.IsZero() {
		return out
	}
	out.Range = &JSONRange{Filename: d.Range.File, Start: JSONPos(d.Range.Start), End: JSONPos(d.Range.End)}
	if s, ok := excerpt(sources[d.Range.File], d.Range); ok {
		out.Snippet = &JSONSnippet{
			Code: s.before + s.marked + s.after, StartLine: d.Range.Start.Line,
			HighlightStartOffset: len(s.before), HighlightEndOffset: len(s.before) + len(s.marked),
		}
	}
	return out
}

// WriteJSON writes the findings as one JSON document with a newline at its end.
func WriteJSON(w io.Writer, l List, sources map[string][]byte) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(NewDocument(l, sources))
}
