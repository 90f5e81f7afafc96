package render

import (
	"bytes"
	"strings"

	"mercator/plan"
	"mercator/schema/diag"
)

// diagnostics writes the warnings, then the errors, which are read first when they are next to the prompt.
func (t text) diagnostics(s *sheet, p *plan.Plan) {
	list := append(p.Diagnostics.Warnings(), p.Diagnostics.Errors()...)
	if len(list) == 0 {
		return
	}
	var b bytes.Buffer
	// A buffer takes everything.
	_ = diag.WriteText(&b, list, diag.TextOptions{Sources: t.options.Sources, Width: s.width, Color: t.options.Color})
	s.blank()
	s.lines = append(s.lines, strings.Split(strings.TrimRight(b.String(), "\n"), "\n")...)
	if list.HasErrors() {
		s.blank()
		s.prose(0, "", "This plan has errors and is not applied.", s.paint.remove)
	}
}

// findings are the diagnostics in their JSON form.
func (f jsonFormat) findings(p *plan.Plan) []diag.JSONDiagnostic {
	out := make([]diag.JSONDiagnostic, 0, len(p.Diagnostics))
	for _, d := range p.Diagnostics {
		out = append(out, d.JSON(f.options.Sources))
	}
	return out
}
