package render

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"

	"mercator/plan"
	"mercator/schema/diag"
)

// JUnit returns the renderer for the test views of CI systems, in the structure that Jenkins' junit-10.xsd describes and
// GitLab, GitHub's report actions and others read: a test case for every change, drift and finding. A case fails where
// the command would not exit with 0: an error of the plan is an error, and what the drift command finds is a failure.
// What a plan is going to do, and drift that a plan merely mentions, passes.
func JUnit(o Options) Renderer {
	o.Width, o.Color = 0, false
	return junit{text{o}}
}

type junit struct{ text text }

type junitReport struct {
	XMLName xml.Name `xml:"testsuites"`
	Name    string   `xml:"name,attr"`
	junitCounts
	Suites []*junitSuite `xml:"testsuite"`
}

type junitCounts struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Errors   int `xml:"errors,attr"`
}

func (c *junitCounts) count(t junitCase) {
	c.Tests++
	if t.Failure != nil {
		c.Failures++
	}
	if t.Error != nil {
		c.Errors++
	}
}

type junitSuite struct {
	Name string `xml:"name,attr"`
	junitCounts
	Timestamp string      `xml:"timestamp,attr"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string      `xml:"name,attr"`
	Class   string      `xml:"classname,attr"`
	Error   *junitFault `xml:"error"`
	Failure *junitFault `xml:"failure"`
	Out     string      `xml:"system-out,omitempty"`
}

type junitFault struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// Plan implements Renderer.
func (j junit) Plan(w io.Writer, p *plan.Plan) error {
	report := junitReport{Name: "mercator plan"}
	var changes, drift []junitCase
	for i := range p.Changes {
		if c := &p.Changes[i]; shown(c) {
			changes = append(changes, junitCase{Name: string(c.Action) + " " + string(c.Address), Class: c.Kind,
				Out: j.write(func(s *sheet) { s.head(c); j.text.body(s, c) })})
		}
	}
	for i := range p.Drift {
		d := &p.Drift[i]
		drift = append(drift, junitCase{Name: string(d.Address), Class: d.Kind, Out: j.write(func(s *sheet) { j.text.plannedDrift(s, d) })})
	}
	report.add(p, "changes", changes)
	report.add(p, "drift", drift)
	report.add(p, "findings", j.findings(p))
	return report.write(w, p, "no changes")
}

// Drift implements Renderer.
func (j junit) Drift(w io.Writer, p *plan.Plan) error {
	report := junitReport{Name: "mercator drift"}
	r := driftOf(p)
	var drift []junitCase
	for _, d := range append(r.changed, r.deleted...) {
		message := "changed outside Mercator"
		if d.Deleted {
			message = "deleted outside Mercator"
		}
		drift = append(drift, junitCase{Name: string(d.Address), Class: d.Kind,
			Failure: &junitFault{Type: "drift", Message: message, Text: j.write(func(s *sheet) { j.text.driftEntry(s, d) })}})
	}
	for _, c := range r.exclusive {
		drift = append(drift, junitCase{Name: string(c.Address), Class: c.Kind,
			Failure: &junitFault{Type: "unmanaged", Message: "live and not declared, of a kind that is exclusive", Text: exclusiveText(c)}})
	}
	for _, g := range r.unmanaged {
		c := junitCase{Name: "unmanaged in " + g.Parent, Class: g.Kind}
		if text := j.write(func(s *sheet) { s.prose(0, "", g.line(s.width), nil) }); j.text.options.Unmanaged {
			c.Failure = &junitFault{Type: "unmanaged", Message: "live and not managed here", Text: text}
		} else {
			c.Out = text
		}
		drift = append(drift, c)
	}
	report.add(p, "drift", drift)
	report.add(p, "findings", j.findings(p))
	return report.write(w, p, "no drift")
}

// write returns what is written on a sheet.
func (j junit) write(on func(*sheet)) string {
	s := newSheet(j.text.options)
	on(s)
	return strings.Join(s.lines, "\n")
}

func (j junit) findings(p *plan.Plan) []junitCase {
	var out []junitCase
	for i, d := range p.Diagnostics {
		var b bytes.Buffer
		// A buffer takes everything.
		_ = diag.WriteText(&b, p.Diagnostics[i:i+1], diag.TextOptions{Sources: j.text.options.Sources, Width: newSheet(j.text.options).width})
		c := junitCase{Name: joinNote(d.Code, d.Address), Class: d.Severity.String()}
		if text := strings.TrimSpace(b.String()); d.Severity == diag.Error {
			c.Error = &junitFault{Type: d.Code, Message: d.Summary, Text: text}
		} else {
			c.Out = text
		}
		out = append(out, c)
	}
	return out
}

// add appends a suite, unless it has no cases.
func (r *junitReport) add(p *plan.Plan, name string, cases []junitCase) {
	if len(cases) == 0 {
		return
	}
	s := &junitSuite{Name: name, Timestamp: p.Now.UTC().Format("2006-01-02T15:04:05"), Cases: cases}
	for _, c := range cases {
		s.count(c)
		r.count(c)
	}
	r.Suites = append(r.Suites, s)
}

// write writes the report. Without any case there is one that passes: test views take an empty report for a mistake.
func (r *junitReport) write(w io.Writer, p *plan.Plan, nothing string) error {
	if len(r.Suites) == 0 {
		r.add(p, "changes", []junitCase{{Name: nothing, Class: "mercator"}})
	}
	// The encoder replaces the characters that XML forbids.
	text, err := xml.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append([]byte(xml.Header), append(text, '\n')...))
	return err
}
