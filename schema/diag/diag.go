// Package diag holds what Mercator says about a mistake or a danger: one Diagnostic per finding, with a
// stable code for scripts, the place in the files, and words that a newcomer can act on.
//
// Every room may import it. A function that can find several mistakes returns a List and goes on looking;
// the first mistake never hides the second.
package diag

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Severity says whether a finding stops the run.
type Severity int

const (
	// Error stops the run before anything is written to Atlas.
	Error Severity = iota + 1
	// Warning is shown and counted, and stops nothing.
	Warning
)

// String returns the word that output and JSON use: "error" or "warning".
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Pos is a place in a file. Line and Column count from 1, columns in grapheme clusters; Byte counts from 0.
type Pos struct {
	Line, Column, Byte int
}

// Range is a stretch of a file, End exclusive. The zero Range means that no file is concerned.
type Range struct {
	File       string
	Start, End Pos
}

// IsZero reports whether the range names no file.
func (r Range) IsZero() bool { return r.File == "" }

// String returns "file:line,column", "file" where no line is concerned, or "" for the zero Range.
func (r Range) String() string {
	if r.IsZero() {
		return ""
	}
	if r.Start.Line == 0 { // the file as a whole
		return r.File
	}
	return fmt.Sprintf("%s:%d,%d", r.File, r.Start.Line, r.Start.Column)
}

// Diagnostic is one finding.
type Diagnostic struct {
	Severity Severity
	// Code is stable, in snake_case ("rename_destroys"): scripts and suppressions rely on it.
	Code string
	// Summary says in one line what is wrong, without a full stop.
	Summary string
	// Detail says what was found, what would be right, and the remedy. It never holds a secret.
	Detail string
	// Address is the resource concerned, as the user writes it, or "".
	Address string
	// Argument is the argument of it that is concerned, as a path ("replication_specs[0].zone_name"), or "". Who
	// knows the files finds the Range by it.
	Argument string `json:",omitempty"`
	// Range is the place in the files. Findings of the plan carry their resource's range where it has one.
	Range Range
}

// Errorf makes an error with a formatted detail.
func Errorf(code, summary, detail string, args ...any) Diagnostic {
	return Diagnostic{Severity: Error, Code: code, Summary: summary, Detail: format(detail, args)}
}

// Warningf makes a warning with a formatted detail.
func Warningf(code, summary, detail string, args ...any) Diagnostic {
	return Diagnostic{Severity: Warning, Code: code, Summary: summary, Detail: format(detail, args)}
}

// Internalf makes the finding of what no files, no state and no answer of Atlas should lead to: a guard that saw a
// mistake of the program itself. All of them have the code "internal".
func Internalf(summary, detail string, args ...any) Diagnostic {
	return Diagnostic{Severity: Error, Code: "internal", Summary: summary,
		Detail: format(detail, args) + "\n\nThis is a mistake in Mercator, not in your files. Please report it, with what you ran."}
}

func format(detail string, args []any) string {
	if len(args) == 0 {
		return detail
	}
	return fmt.Sprintf(detail, args...)
}

// At returns the diagnostic with its place in the files set.
func (d Diagnostic) At(r Range) Diagnostic {
	d.Range = r
	return d
}

// On returns the diagnostic with its resource address set.
func (d Diagnostic) On(address string) Diagnostic {
	d.Address = address
	return d
}

// About returns the diagnostic with the argument that it is about.
func (d Diagnostic) About(argument string) Diagnostic {
	d.Argument = argument
	return d
}

// Error makes a Diagnostic an error, for the layers that return one: summary and detail on one line.
func (d Diagnostic) Error() string {
	text := d.Summary
	if d.Address != "" {
		text = d.Address + ": " + text
	}
	if d.Detail != "" {
		text += ": " + d.Detail
	}
	return text
}

// Sentence gives a text a capital, unless it begins with a name: a path, an address, something quoted.
func Sentence(text string) string {
	word, _, _ := strings.Cut(text, " ")
	if word == "" || strings.IndexFunc(word, func(r rune) bool { return r < 'a' || r > 'z' }) >= 0 {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// Stop ends a text with a full stop, unless it ends with a mark already.
func Stop(text string) string {
	if text == "" || strings.ContainsAny(text[len(text)-1:], ".!?") {
		return text
	}
	return text + "."
}

// FromError returns the diagnostic that err is or wraps, or one with the given code made of its text.
func FromError(err error, code, summary string) Diagnostic {
	var d Diagnostic
	if errors.As(err, &d) {
		return d
	}
	return Diagnostic{Severity: Error, Code: code, Summary: summary, Detail: Stop(Sentence(err.Error()))}
}

// List is the findings of a run, in the order in which they were found.
type List []Diagnostic

// Add appends findings.
func (l *List) Add(ds ...Diagnostic) { *l = append(*l, ds...) }

// HasErrors reports whether any finding stops the run.
func (l List) HasErrors() bool {
	return slices.ContainsFunc(l, func(d Diagnostic) bool { return d.Severity == Error })
}

// Errors returns the findings that stop the run.
func (l List) Errors() List { return l.only(Error) }

// Warnings returns the findings that do not.
func (l List) Warnings() List { return l.only(Warning) }

func (l List) only(s Severity) List {
	var out List
	for _, d := range l {
		if d.Severity == s {
			out = append(out, d)
		}
	}
	return out
}

// Sort orders the findings by file, place, severity, address and code, so that output is the same in every
// run, and drops exact repetitions.
func (l List) Sort() List {
	slices.SortStableFunc(l, func(a, b Diagnostic) int {
		return cmp.Or(
			cmp.Compare(a.Range.File, b.Range.File),
			cmp.Compare(a.Range.Start.Byte, b.Range.Start.Byte),
			cmp.Compare(a.Severity, b.Severity),
			cmp.Compare(a.Address, b.Address),
			cmp.Compare(a.Code, b.Code),
			cmp.Compare(a.Summary, b.Summary),
			cmp.Compare(a.Detail, b.Detail),
		)
	})
	return slices.Compact(l)
}

// Err returns nil where there is no error, else an error that joins them.
func (l List) Err() error {
	var texts []string
	for _, d := range l.Errors() {
		texts = append(texts, d.Error())
	}
	if len(texts) == 0 {
		return nil
	}
	return errors.New(strings.Join(texts, "\n"))
}
