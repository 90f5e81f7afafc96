package render

import (
	_ "embed"
	"html/template"
	"io"
	"strings"

	"mercator/plan"
)

// HTML returns the renderer for browsers: one page that needs nothing else, with the plan and a picture of what depends on
// what. It has no script and loads nothing, and its policy forbids both, so that it can be opened wherever it was found.
func HTML(o Options) Renderer { return html{newReviewer(o, htmlWidth)} }

// htmlWidth is how many characters stand beside each other on a page of usual width.
const htmlWidth = 110

type html struct{ reviewer reviewer }

//go:embed page.html
var pageSource string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

// htmlPage is what the template shows. Everything in it is plain text, which the template escapes.
type htmlPage struct {
	Title, Heading string
	Conditions     string
	Strong         []string
	Roles          []htmlRole
	Sections       []htmlSection
	Picture        *picturePage
	Time           string
}

type htmlRole struct{ Name, Count string }

type htmlSection struct {
	Title   string
	Count   int
	Folds   bool
	Open    bool
	Entries [][]htmlLine
}

// htmlLine is a line and the class that colours it.
type htmlLine struct{ Class, Text string }

// Plan implements Renderer.
func (h html) Plan(w io.Writer, p *plan.Plan) error {
	return h.write(w, p, "Plan", h.reviewer.ofPlan(p), pictureOf(p))
}

// Drift implements Renderer. There is no picture: nothing is going to happen in an order.
func (h html) Drift(w io.Writer, p *plan.Plan) error {
	return h.write(w, p, "Drift", h.reviewer.ofDrift(p), nil)
}

func (h html) write(w io.Writer, p *plan.Plan, title string, r *review, picture *picturePage) error {
	page := htmlPage{Title: title, Heading: r.heading, Strong: r.strong, Conditions: r.conditions, Picture: picture, Time: p.Now.UTC().Format("2 January 2006, 15:04 UTC")}
	for _, role := range r.roles {
		page.Roles = append(page.Roles, htmlRole{role, count(r.roleCounts[role], "change")})
	}
	unfolded := r.unfolded()
	for i := range r.sections {
		page.Sections = append(page.Sections, htmlSectionOf(&r.sections[i], unfolded[i]))
	}
	return pageTemplate.Execute(w, page)
}

func htmlSectionOf(s *section, open bool) htmlSection {
	out := htmlSection{Title: s.title, Count: len(s.entries), Folds: s.folds, Open: open}
	if s.lead != "" { // a command in several lines is one entry
		lines := []htmlLine{{Text: strings.TrimSuffix(s.lead, "\n")}}
		for i := range s.entries {
			text := strings.Join(s.entries[i].lines, "\n")
			if i < len(s.entries)-1 {
				text += s.sep
			}
			lines = append(lines, htmlLine{Text: text})
		}
		out.Entries = [][]htmlLine{lines}
		return out
	}
	for i := range s.entries {
		var lines []htmlLine
		for _, line := range s.entries[i].lines {
			class := ""
			if s.syntax == "diff" && line != "" {
				class = lineClasses[line[0]]
			}
			lines = append(lines, htmlLine{class, line})
		}
		out.Entries = append(out.Entries, lines)
	}
	return out
}

// lineClasses are the classes of lines by their sign.
var lineClasses = map[byte]string{'+': "add", '-': "remove", '!': "mark", '#': "note", '~': "change", '>': "change", '.': "change"}
