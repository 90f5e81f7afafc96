package provider

import (
	"errors"

	"mercator/schema/diag"
)

// diagnostics names, per class, the stable code and what is wrong in a line.
var diagnostics = map[Class]struct{ code, summary string }{
	Unknown:   {"atlas_error", "A call to Atlas failed"},
	NotFound:  {"atlas_not_found", "Atlas does not have what was asked for"},
	Conflict:  {"atlas_conflict", "Something in Atlas stands in the way"},
	Throttled: {"atlas_throttled", "Atlas limits the rate of requests"},
	Denied:    {"atlas_denied", "Atlas does not allow it"},
	Invalid:   {"atlas_invalid", "Atlas refuses what was sent"},
	Transient: {"atlas_unavailable", "Atlas could not be reached or failed"},
	Uncertain: {"atlas_uncertain", "The answer of Atlas was lost"},
}

// Diagnostic turns an error of a Reader or Writer into a finding whose code depends on its Class alone.
func Diagnostic(err error) diag.Diagnostic {
	var d diag.Diagnostic
	if errors.As(err, &d) {
		return d
	}
	known, ok := diagnostics[ClassOf(err)]
	if !ok {
		known = diagnostics[Unknown]
	}
	return diag.Errorf(known.code, known.summary, "%v", err)
}
