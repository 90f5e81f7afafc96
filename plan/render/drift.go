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
		d := &p.Drift[i]
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
}

func (t text) driftEntry(s *sheet, d *plan.Drift) {
	symbol, ink := "~", s.paint.change
	if d.Deleted {
		symbol, ink = "-", s.paint.remove
	}
	s.add("  " + ink(symbol) + " " + s.paint.strong(visible(string(d.Address))))
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
			s.prose(2, s.paint.add("+")+" ", strings.TrimSpace(string(c.Address)+" "+identityOf(c.Key, c.ID)), nil)
		}
	}
	s.unmanaged(p)
	s.blank()
	if !Drifted(p, t.options.Unmanaged) {
		s.add(s.paint.strong("No drift. What is live is as it was last applied."))
	} else {
		s.add(s.paint.strong(fmt.Sprintf("Drift: %d changed, %d deleted, %d unmanaged.", len(r.changed), len(r.deleted), r.strangers)))
	}
	t.diagnostics(s, p)
	return s.write(w)
}
