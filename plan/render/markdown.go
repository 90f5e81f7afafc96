package render

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"mercator/plan"
	"mercator/schema/diag"
)

// MarkdownLimit is how many bytes, and so at most how many characters, the Markdown of a plan has. A comment of a pull
// request holds 65,536 characters; the rest is for what a job writes around the plan.
const MarkdownLimit = 65_000

// Markdown returns the renderer for comments of pull requests: what has to be decided first, details folded, never
// longer than MarkdownLimit. What came from users or from Atlas stands in code only, in spans or fenced blocks, where
// nothing is markup, nobody is mentioned and no issue is referred to.
func Markdown(o Options) Renderer {
	o.Width, o.Color = markdownWidth, false
	return markdown{text{o}}
}

// markdownWidth is about what a comment shows without scrolling.
const markdownWidth = 100

type markdown struct{ text text }

// Plan implements Renderer.
func (m markdown) Plan(w io.Writer, p *plan.Plan) error {
	d := page{heading: summaryLine(p), strong: blastTexts(p), roles: rolesText(p)}
	if p.Diagnostics.HasErrors() {
		d.strong = append(d.strong, "This plan has errors and is not applied.")
	}
	d.add(m.findings("Errors", p.Diagnostics.Errors(), false))
	d.add(m.risks(p))
	d.add(m.flags(p))
	changes := "Changes"
	if p.Destroying {
		changes = "Everything that the state owns is removed"
	}
	m.folded(&d, "Changed outside Mercator since the last apply", len(p.Drift), func(s *sheet, i int) { m.text.plannedDrift(s, &p.Drift[i]) })
	d.add(m.changes(changes, p, func(c *plan.Change) bool { return shown(c) && !c.Exclusive }))
	d.add(m.changes("Deleted because their kind is exclusive here and they are not declared", p, func(c *plan.Change) bool { return shown(c) && c.Exclusive }))
	busy := inProgress(p)
	m.folded(&d, "In progress", len(busy), func(s *sheet, i int) { s.waitingEntry(busy[i]) })
	only := stateOnlyOf(p)
	m.folded(&d, "In the state only, without a call to Atlas", len(only), func(s *sheet, i int) { s.stateEntry(only[i]) })
	m.unmanaged(&d, p)
	outputs := outputRows(p)
	m.folded(&d, "Outputs", len(outputs), func(s *sheet, i int) { s.rowsOf(outputs[i:i+1], 2) })
	d.add(m.findings("Warnings", p.Diagnostics.Warnings(), true))
	return d.write(w)
}

// Drift implements Renderer.
func (m markdown) Drift(w io.Writer, p *plan.Plan) error {
	r := driftOf(p)
	d := page{heading: r.summaryLine(Drifted(p, m.text.options.Unmanaged))}
	d.add(m.findings("Errors", p.Diagnostics.Errors(), false))
	m.folded(&d, "Changed outside Mercator since the last apply", len(r.changed), func(s *sheet, i int) { m.text.driftEntry(s, r.changed[i]) })
	m.folded(&d, "Deleted outside Mercator", len(r.deleted), func(s *sheet, i int) { m.text.driftEntry(s, r.deleted[i]) })
	m.folded(&d, "Live and not declared, of kinds that are exclusive", len(r.exclusive), func(s *sheet, i int) { s.add("+ " + visible(exclusiveText(r.exclusive[i]))) })
	m.unmanaged(&d, p)
	d.add(m.findings("Warnings", p.Diagnostics.Warnings(), true))
	return d.write(w)
}

// sheet returns a sheet on which an entry is written as a diff.
func (m markdown) sheet() *sheet {
	s := newSheet(m.text.options)
	s.hoist = true
	return s
}

// folded adds a section of n entries, each written on a sheet of its own.
func (m markdown) folded(d *page, title string, n int, write func(s *sheet, i int)) {
	p := section{title: title, syntax: "diff", folds: true}
	for i := range n {
		s := m.sheet()
		write(s, i)
		p.entries = append(p.entries, newEntry(s.lines))
	}
	d.add(p)
}

func (m markdown) changes(title string, p *plan.Plan, want func(*plan.Change) bool) section {
	out := section{title: title, syntax: "diff", folds: true}
	for i := range p.Changes {
		c := &p.Changes[i]
		if !want(c) {
			continue
		}
		s := m.sheet()
		s.head(c)
		m.text.body(s, c)
		e := newEntry(s.lines)
		e.group, e.weight = "to "+string(c.Action), weightOf(c)
		out.entries = append(out.entries, e)
	}
	return out
}

// weightOf says how much a change has to be seen.
func weightOf(c *plan.Change) int {
	switch {
	case c.Action == plan.Delete || c.Action == plan.Replace:
		return 2
	case len(c.Risks) > 0 || c.NeedsAllow != "":
		return 1
	default:
		return 0
	}
}

func (m markdown) risks(p *plan.Plan) section {
	out := section{title: "Risks", syntax: "diff"}
	order, found := risksOf(p)
	for _, risk := range order {
		s := m.sheet()
		sign := "! "
		if severe(risk) {
			sign = "- "
		}
		s.add(sign + string(risk) + fmt.Sprintf(" (%s)", count(len(found[risk]), "change")))
		s.riskEntries(found[risk], "and %d more")
		out.entries = append(out.entries, newEntry(s.lines))
	}
	return out
}

// rolesText names the roles that a plan needs, most of them if there are very many.
func rolesText(p *plan.Plan) string {
	roles, counts := rolesOf(p)
	var texts []string
	for _, role := range roles[:min(len(roles), listed)] {
		texts = append(texts, fmt.Sprintf("%s (%s)", codeSpan(role), count(counts[role], "change")))
	}
	if more := len(roles) - len(texts); more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, ", ")
}

func (m markdown) flags(p *plan.Plan) section {
	out := section{title: "Flags needed where no human answers", syntax: "sh", lead: visible(m.text.options.command()) + " \\\n", sep: ` \`}
	for _, flag := range flagsOf(p).list() {
		out.entries = append(out.entries, newEntry([]string{"  " + visible(flag)}))
	}
	return out
}

func (m markdown) unmanaged(d *page, p *plan.Plan) {
	groups := strangersOf(p)
	m.folded(d, "Live, and not managed here", len(groups), func(s *sheet, i int) { s.add(visible(groups[i].line(s.width))) })
}

func (m markdown) findings(title string, list diag.List, folds bool) section {
	out := section{title: title, syntax: "text", folds: folds}
	for i := range list {
		var b bytes.Buffer
		// A buffer takes everything.
		_ = diag.WriteText(&b, list[i:i+1], diag.TextOptions{Sources: m.text.options.Sources, Width: markdownWidth})
		out.entries = append(out.entries, newEntry(strings.Split(strings.TrimRight(b.String(), "\n"), "\n")))
	}
	return out
}

// page is a text of limited length: some lines that always fit, then sections.
type page struct {
	heading  string
	strong   []string
	roles    string
	sections []section
}

// add appends a section, unless it is empty.
func (d *page) add(p section) {
	if len(p.entries) > 0 {
		d.sections = append(d.sections, p)
	}
}

// glance is how many bytes of details are unfolded from the start, before the biggest sections are folded.
const glance = 4000

func (d *page) write(w io.Writer) error {
	room := MarkdownLimit - len(d.head(true))
	sizes, frames := make([]int, len(d.sections)), make([]int, len(d.sections))
	for i := range d.sections {
		p := &d.sections[i]
		sizes[i], frames[i] = p.size(), len(p.markdown(p.least(), true))
	}
	level := share(sizes, room-sum(frames))
	var body strings.Builder
	whole := true
	unfolded := d.unfolded(sizes)
	for i := range d.sections {
		x := d.sections[i].fit(level)
		whole = whole && x.whole()
		body.WriteString(d.sections[i].markdown(x, unfolded[i]))
	}
	_, err := io.WriteString(w, d.head(!whole)+body.String())
	return err
}

// head is what stands before the sections.
func (d *page) head(shortened bool) string {
	var b strings.Builder
	b.WriteString("### " + d.heading + "\n")
	if len(d.strong) > 0 {
		b.WriteString("\n**" + strings.Join(d.strong, " ") + "**\n")
	}
	if shortened {
		b.WriteString("\nThis is shortened to fit into a comment, and says where. The formats text and json have all of it.\n")
	}
	if d.roles != "" {
		b.WriteString("\n**Atlas roles needed:** " + d.roles + "\n")
	}
	return b.String()
}

// unfolded says which sections show their details at once: all but the biggest, as far as they can be taken in at a glance.
func (d *page) unfolded(sizes []int) []bool {
	order := make([]int, len(d.sections))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(sizes[a], sizes[b]) })
	out, room := make([]bool, len(d.sections)), glance
	for _, i := range order {
		if d.sections[i].folds {
			room -= sizes[i]
			out[i] = room >= 0
		}
	}
	return out
}

// markdown writes the section. A fence is longer than what looks like one in it.
func (p *section) markdown(x excerpt, unfolded bool) string {
	var b strings.Builder
	switch title := fmt.Sprintf("<summary>%s (%d)</summary>", p.title, len(p.entries)); {
	case !p.folds:
		b.WriteString("\n**" + p.title + "**\n\n")
	case unfolded:
		b.WriteString("\n<details open>\n" + title + "\n\n")
	default:
		b.WriteString("\n<details>\n" + title + "\n\n")
	}
	if note := p.note(x); note != "" {
		b.WriteString("**" + note + "**\n\n")
	}
	fence := strings.Repeat("`", p.fence())
	b.WriteString(fence + p.syntax + "\n" + p.lead)
	for i, text := range x.texts {
		if i > 0 {
			b.WriteString(p.sep + "\n")
			if strings.Contains(text, "\n") || strings.Contains(x.texts[i-1], "\n") {
				b.WriteByte('\n')
			}
		}
		b.WriteString(text)
	}
	b.WriteString("\n" + fence + "\n")
	if p.folds {
		b.WriteString("\n</details>\n")
	}
	return b.String()
}

// fence is how many backticks open and close the section's code.
func (p *section) fence() int {
	longest := backticks(p.lead)
	for i := range p.entries {
		for _, line := range p.entries[i].lines {
			longest = max(longest, backticks(line))
		}
	}
	return max(3, longest+1)
}

// backticks returns the length of the longest run of backticks.
func backticks(text string) int {
	longest, run := 0, 0
	for i := range len(text) {
		if text[i] != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// codeSpan writes text so that it shows as it is.
func codeSpan(text string) string {
	text = visible(text)
	fence := strings.Repeat("`", backticks(text)+1)
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") || strings.HasPrefix(text, " ") || text == "" {
		text = " " + text + " "
	}
	return fence + text + fence
}
