package cli

import (
	"fmt"

	"github.com/fatih/color"

	"mercator/schema/diag"
)

// findings writes diagnostics with excerpts of their sources: warnings first, since what is nearest to the prompt
// is read first.
func (s screen) findings(list diag.List, sources map[string][]byte) {
	sorted := append(list.Warnings(), list.Errors()...)
	// Errors of the stream are not reported: there is nowhere to tell them.
	_ = diag.WriteText(s.w, sorted, diag.TextOptions{Sources: sources, Width: s.width, Color: s.color})
	if n := len(list.Errors()); n > 1 {
		s.printf("%s\n", s.paint(fmt.Sprintf("%d errors.", n), color.FgRed, color.Bold))
	}
}
