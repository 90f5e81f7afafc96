package provider

import (
	"errors"
	"strings"

	"mercator/schema/diag"
)

// diagnostics holds, per class, the stable code, what is wrong in a line, and what to do where nothing better is
// known.
var diagnostics = map[Class]struct{ code, summary, remedy string }{
	Unknown: {"atlas_error", "A call to Atlas failed",
		"Run it again; if it happens again, --log-level debug shows each request and answer."},
	NotFound: {"atlas_not_found", "Atlas does not have what was asked for",
		"It may have been deleted meanwhile: run it again. If it should be there, check the id, and that the credential may see it."},
	Conflict: {"atlas_conflict", "Something in Atlas stands in the way",
		"Look at the message, then plan again."},
	Throttled: {"atlas_throttled", "Atlas limits the rate of requests",
		"Wait a minute and run it again."},
	Denied: {"atlas_denied", "Atlas does not allow it",
		"Check the credential, its roles and its API access list."},
	Invalid: {"atlas_invalid", "Atlas refuses what was sent",
		"Correct what the message names."},
	Transient: {"atlas_unavailable", "Atlas could not be reached or failed",
		"Run it again, it goes on from here; if it happens again, look at the network and at status.mongodb.com."},
	Uncertain: {"atlas_uncertain", "The answer of Atlas was lost",
		"Run it again: what was done is looked up first, so nothing is made twice."},
}

// Diagnostic turns an error of a Reader or Writer into a finding whose code depends on its Class alone. What was
// asked and answered stands in the first paragraph of its detail, what to do in the second.
func Diagnostic(err error) diag.Diagnostic {
	var d diag.Diagnostic
	if errors.As(err, &d) {
		return d
	}
	known := diagnostics[ClassOf(err)]
	text, remedy := err.Error(), known.remedy
	var call *Error
	if errors.As(err, &call) && call.Remedy != "" {
		text, remedy = strings.TrimSuffix(text, call.aside()), call.Remedy
	}
	return diag.Errorf(known.code, known.summary, "%s\n\n%s", diag.Stop(diag.Sentence(text)), diag.Stop(diag.Sentence(remedy)))
}
