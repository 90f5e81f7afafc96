package render

import (
	"mercator/plan"
	"mercator/schema/diag"
)

// diagnostics writes the warnings, then the errors, which are read first when they are next to the prompt.
func (t text) diagnostics(s *sheet, p *plan.Plan) {
	for _, section := range []struct {
		title string
		list  diag.List
		ink   func(...any) string
	}{
		{"Warnings:", p.Diagnostics.Warnings(), s.paint.change},
		{"Errors, which keep this plan from being applied:", p.Diagnostics.Errors(), s.paint.remove},
	} {
		if len(section.list) == 0 {
			continue
		}
		s.title(section.title)
		for _, d := range section.list {
			s.finding(d, section.ink)
		}
	}
}

// finding writes one diagnostic: what, where, and what to do.
func (s *sheet) finding(d diag.Diagnostic, ink func(...any) string) {
	head := d.Summary
	if d.Code != "" {
		head += " [" + d.Code + "]"
	}
	s.prose(2, "", head, ink)
	if d.Address != "" {
		s.prose(4, "", d.Address, s.paint.strong)
	}
	if !d.Range.IsZero() {
		s.prose(4, "", "on "+d.Range.String(), s.paint.faint)
	}
	if d.Detail != "" {
		s.prose(4, "", d.Detail, nil)
	}
}
