package render

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"mercator/plan"
)

// driftReport is what changed outside Mercator, sorted by what it means.
type driftReport struct {
	changed, deleted []*plan.Drift
	// exclusive are objects that nobody declared, of kinds of which nothing else may live there (R32).
	exclusive []*plan.Change
	unmanaged []strangers
	strangers int
}

func driftOf(p *plan.Plan) driftReport {
	var r driftReport
	for i := range p.Drift {
		if d := &p.Drift[i]; d.Deleted {
			r.deleted = append(r.deleted, d)
		} else {
			r.changed = append(r.changed, d)
		}
	}
	for i := range p.Changes {
		if p.Changes[i].Exclusive {
			r.exclusive = append(r.exclusive, &p.Changes[i])
		}
	}
	r.unmanaged = strangersOf(p)
	r.strangers = len(p.Unmanaged) + len(r.exclusive)
	return r
}

// Drifted reports whether the drift command finds a difference (exit code 2): changed and deleted objects,
// unmanaged ones of exclusive kinds, and with unmanaged every unmanaged one (R35).
func Drifted(p *plan.Plan, unmanaged bool) bool {
	return len(p.Drift) > 0 || unmanaged && len(p.Unmanaged) > 0 ||
		slices.ContainsFunc(p.Changes, func(c plan.Change) bool { return c.Exclusive })
}

// drift writes the drift at the head of a plan.
func (t text) drift(s *sheet, p *plan.Plan) {
	if len(p.Drift) == 0 {
		return
	}
	s.title("Changed outside Mercator since the last apply:")
	for i := range p.Drift {
		t.plannedDrift(s, &p.Drift[i])
	}
}

// plannedDrift writes a drift and what the plan does about it.
func (t text) plannedDrift(s *sheet, d *plan.Drift) {
	t.driftEntry(s, d)
	switch {
	case d.Reverts && d.Deleted:
		s.prose(bodyIndent, "# ", "this plan makes it again", s.paint.faint)
	case d.Reverts:
		s.prose(bodyIndent, "# ", "this plan undoes it", s.paint.faint)
	default:
		s.prose(bodyIndent, "# ", "this plan leaves it so", s.paint.faint)
	}
}

func (t text) driftEntry(s *sheet, d *plan.Drift) {
	symbol, ink := "~", s.paint.change
	if d.Deleted {
		symbol, ink = "-", s.paint.remove
	}
	s.add(s.before(symbol, ink) + s.paint.strong(visible(string(d.Address))))
	if d.Deleted {
		s.prose(bodyIndent, "# ", "is gone from Atlas", s.paint.faint)
	}
	if d.Note != "" {
		s.prose(bodyIndent, "# ", d.Note, s.paint.faint)
	}
	s.rowsOf(diffRows(t.options.attributes(d.Kind), d.Diffs), bodyIndent)
}

// Drift implements Renderer.
func (t text) Drift(w io.Writer, p *plan.Plan) error {
	s := newSheet(t.options)
	r := driftOf(p)
	for _, section := range []struct {
		title  string
		drifts []*plan.Drift
	}{
		{"Changed outside Mercator since the last apply:", r.changed},
		{"Deleted outside Mercator:", r.deleted},
	} {
		if len(section.drifts) > 0 {
			s.title(section.title)
		}
		for _, d := range section.drifts {
			t.driftEntry(s, d)
		}
	}
	if len(r.exclusive) > 0 {
		s.title("Live and not declared, of kinds that are exclusive:")
		for _, c := range r.exclusive {
			s.prose(2, s.paint.add("+")+" ", exclusiveText(c), nil)
		}
	}
	s.unmanaged(p)
	s.blank()
	s.add(s.paint.strong(r.summaryLine(Drifted(p, t.options.Unmanaged))))
	t.diagnostics(s, p)
	return s.write(w)
}

func exclusiveText(c *plan.Change) string {
	return strings.TrimSpace(string(c.Address) + " " + identityOf(c.Key, c.ID))
}

// summaryLine counts the drift in the words that scripts look for.
func (r *driftReport) summaryLine(drifted bool) string {
	if !drifted {
		return "No drift. What is live is as it was last applied."
	}
	return fmt.Sprintf("Drift: %d changed, %d deleted, %d unmanaged.", len(r.changed), len(r.deleted), r.strangers)
}
