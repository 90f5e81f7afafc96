package workflow

import (
	"errors"

	"mercator/provider"
	"mercator/schema/diag"
)

// Finding makes a finding of an error of a session: the one that it is or wraps, one with the stable code of its
// class for a call to Atlas, and one without a code for anything else.
func Finding(err error) diag.Diagnostic {
	var found diag.Diagnostic
	var call *provider.Error
	switch {
	case errors.As(err, &found):
		return found
	case errors.As(err, &call):
		return provider.Diagnostic(err)
	default:
		return diag.Diagnostic{Severity: diag.Error, Summary: diag.Sentence(err.Error())}
	}
}

// Findings makes a finding of each error that err joins, none where it is nil.
func Findings(err error) diag.List {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return diag.List{Finding(err)}
	}
	var list diag.List
	for _, e := range joined.Unwrap() {
		list.Add(Findings(e)...)
	}
	return list
}
