package render

import (
	"fmt"
	"strings"

	"mercator/plan"
	"mercator/schema"
)

// checksLine counts what the conditions of the files came to, "" where there are none.
func checksLine(p *plan.Plan) string {
	counts := map[schema.CheckStatus]int{}
	for i := range p.Checks {
		counts[p.Checks[i].Status]++
	}
	var parts []string
	for _, s := range []struct {
		status schema.CheckStatus
		text   string
	}{{schema.CheckPasses, "%d hold"}, {schema.CheckUnknown, "%d not known before the apply"}, {schema.CheckFails, "%d fail"},
		{schema.CheckErrors, "%d cannot be computed"}} {
		if n := counts[s.status]; n > 0 {
			parts = append(parts, fmt.Sprintf(s.text, n))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "Conditions: " + strings.Join(parts, ", ") + "."
}

func (s *sheet) checks(p *plan.Plan) {
	if line := checksLine(p); line != "" {
		s.add(line)
	}
}
