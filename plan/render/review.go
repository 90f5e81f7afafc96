package render

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"mercator/plan"
	"mercator/schema/diag"
)

// review is a plan, or drift, as it is read by whoever has to decide about it, before it is written in some markup: what
// could be a reason to refuse comes first, details come last.
type review struct {
	heading string
	// strong are warnings about the whole.
	strong []string
	// conditions says what those of the files came to, "" where there are none.
	conditions string
	// roles are the Atlas roles that are needed, with the number of changes that need each.
	roles      []string
	roleCounts map[string]int
	sections   []section
}

// add appends a section, unless it is empty.
func (d *review) add(s section) {
	if len(s.entries) > 0 {
		d.sections = append(d.sections, s)
	}
}

// reviewer makes reviews.
type reviewer struct{ text text }

// newReviewer returns a reviewer that folds lines at a width, without terminal colours.
func newReviewer(o Options, width int) reviewer {
	o.Width, o.Color = width, false
	return reviewer{text{o}}
}

// ofPlan returns what is to be reviewed of a plan.
func (r reviewer) ofPlan(p *plan.Plan) *review {
	d := &review{heading: summaryLine(p), strong: blastTexts(p), conditions: checksLine(p)}
	d.roles, d.roleCounts = rolesOf(p)
	if p.Diagnostics.HasErrors() {
		d.strong = append(d.strong, "This plan has errors and is not applied.")
	}
	d.add(r.findings("Errors", p.Diagnostics.Errors(), false))
	d.add(r.risks(p))
	d.add(r.flags(p))
	changes := "Changes"
	if p.Destroying {
		changes = "Everything that the state owns is removed"
	}
	r.folded(d, "Changed outside Mercator since the last apply", len(p.Drift), func(s *sheet, i int) { r.text.plannedDrift(s, &p.Drift[i]) })
	d.add(r.changes(changes, p, func(c *plan.Change) bool { return shown(c) && !c.Exclusive }))
	d.add(r.changes("Deleted because their kind is exclusive here and they are not declared", p, func(c *plan.Change) bool { return shown(c) && c.Exclusive }))
	busy := inProgress(p)
	r.folded(d, "In progress", len(busy), func(s *sheet, i int) { s.waitingEntry(busy[i]) })
	only := stateOnlyOf(p)
	r.folded(d, "In the state only, without a call to Atlas", len(only), func(s *sheet, i int) { s.stateEntry(only[i]) })
	r.unmanaged(d, p)
	outputs := outputRows(p)
	r.folded(d, "Outputs", len(outputs), func(s *sheet, i int) { s.rowsOf(outputs[i:i+1], 2) })
	d.add(r.findings("Warnings", p.Diagnostics.Warnings(), true))
	return d
}

// ofDrift returns what is to be reviewed of what changed outside.
func (r reviewer) ofDrift(p *plan.Plan) *review {
	found := driftOf(p)
	d := &review{heading: found.summaryLine(Drifted(p, r.text.options.Unmanaged))}
	d.add(r.findings("Errors", p.Diagnostics.Errors(), false))
	r.folded(d, "Changed outside Mercator since the last apply", len(found.changed), func(s *sheet, i int) { r.text.driftEntry(s, found.changed[i]) })
	r.folded(d, "Deleted outside Mercator", len(found.deleted), func(s *sheet, i int) { r.text.driftEntry(s, found.deleted[i]) })
	r.folded(d, "Live and not declared, of kinds that are exclusive", len(found.exclusive), func(s *sheet, i int) { s.add("+ " + visible(exclusiveText(found.exclusive[i]))) })
	r.unmanaged(d, p)
	d.add(r.findings("Warnings", p.Diagnostics.Warnings(), true))
	return d
}

// sheet returns a sheet on which an entry is written as a diff.
func (r reviewer) sheet() *sheet {
	s := newSheet(r.text.options)
	s.hoist = true
	return s
}

// folded adds a section of n entries, each written on a sheet of its own.
func (r reviewer) folded(d *review, title string, n int, write func(s *sheet, i int)) {
	out := section{title: title, syntax: "diff", folds: true}
	for i := range n {
		s := r.sheet()
		write(s, i)
		out.entries = append(out.entries, newEntry(s.lines))
	}
	d.add(out)
}

func (r reviewer) changes(title string, p *plan.Plan, want func(*plan.Change) bool) section {
	out := section{title: title, syntax: "diff", folds: true}
	for i := range p.Changes {
		c := &p.Changes[i]
		if !want(c) {
			continue
		}
		s := r.sheet()
		s.head(c)
		r.text.body(s, c)
		e := newEntry(s.lines)
		e.group, e.weight = "to "+string(c.Action), weightOf(c)
		out.entries = append(out.entries, e)
	}
	return out
}

// weightOf says how much a change has to be seen.
func weightOf(c *plan.Change) int {
	switch {
	case slices.ContainsFunc(c.Risks, func(r plan.RiskNote) bool { return severe(r.Risk) }):
		return 3
	case c.Action == plan.Delete || c.Action == plan.Replace:
		return 2
	case len(c.Risks) > 0 || c.NeedsAllow != "":
		return 1
	default:
		return 0
	}
}

func (r reviewer) risks(p *plan.Plan) section {
	out := section{title: "Risks", syntax: "diff"}
	order, found := risksOf(p)
	for _, risk := range order {
		s := r.sheet()
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

func (r reviewer) flags(p *plan.Plan) section {
	out := section{title: "Flags needed where no human answers", syntax: "sh", lead: visible(r.text.options.command()) + " \\\n", sep: ` \`}
	for _, flag := range flagsOf(p).list() {
		out.entries = append(out.entries, newEntry([]string{"  " + visible(flag)}))
	}
	return out
}

func (r reviewer) unmanaged(d *review, p *plan.Plan) {
	groups := strangersOf(p)
	r.folded(d, "Live, and not managed here", len(groups), func(s *sheet, i int) { s.add(visible(groups[i].line(s.width))) })
}

func (r reviewer) findings(title string, list diag.List, folds bool) section {
	out := section{title: title, syntax: "text", folds: folds}
	for i := range list {
		var b bytes.Buffer
		// A buffer takes everything.
		_ = diag.WriteText(&b, list[i:i+1], diag.TextOptions{Sources: r.text.options.Sources, Width: r.text.options.Width})
		out.entries = append(out.entries, newEntry(strings.Split(strings.TrimRight(b.String(), "\n"), "\n")))
	}
	return out
}

// glance is how many bytes of details are unfolded from the start, before the biggest sections are folded.
const glance = 4000

// unfolded says which sections show their details at once: all but the biggest, as far as they can be taken in at a glance.
func (d *review) unfolded() []bool {
	sizes := make([]int, len(d.sections))
	for i := range d.sections {
		sizes[i] = d.sections[i].size()
	}
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
