package cli

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"mercator/cmd/mercator/internal/doctor"
	"mercator/cmd/mercator/internal/workflow"
	"mercator/provider/atlas"
)

// examining is what the doctor command is asked for.
type examining struct {
	in   inputs
	json bool
}

func doctorCommand(w *World, g *globals) *cobra.Command {
	var x examining
	cmd := &cobra.Command{
		Use:   "doctor [DIR]",
		Short: "Check what a run rests on",
		Long: "Doctor checks the files, the state and its lock, the credentials and where they come from, the way to Atlas, clocks, tokens, the " +
			"roles that the plan needs against those that the credential holds, and access lists. Each check is ok, a warning, a problem with " +
			"its remedy, or could not be made and says why. It changes nothing; a token is kept for the next run, as every run does.",
		Example:     "  mercator doctor\n  mercator doctor environments/prod\n  mercator doctor --json | jq '.checks[] | select(.status == \"problem\")'",
		Args:        planArgs,
		Annotations: codes("0    nothing is a problem", "1    something is a problem", codeInterrupted),
		RunE:        func(cmd *cobra.Command, args []string) error { return x.run(cmd.Context(), w, g, args) },
	}
	cmd.Flags().BoolVar(&x.json, "json", false, "print JSON")
	x.in.registerState(cmd)
	return cmd
}

func (x *examining) run(ctx context.Context, w *World, g *globals, args []string) error {
	f, err := folderOf(w, g, args, x.in)
	if err != nil {
		return err
	}
	p, err := f.prepare()
	if err != nil {
		return err
	}
	defer p.close()
	reach := func(ctx context.Context, c workflow.Connection) (atlas.Reached, error) {
		cfg := atlas.Config{BaseURL: c.Environment.BaseURL, Version: version}
		if p.box != nil {
			cfg.BaseURL, cfg.Transport = p.box.endpoint.URL, p.box.transport
		}
		return atlas.Reach(ctx, cfg)
	}
	report := doctor.Examine(ctx, doctor.Visit{Options: p.Options, Reach: reach, Embedded: p.box != nil})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s := newScreen(w, g, w.Stdout)
	if x.json {
		err = s.json(struct {
			Healthy bool `json:"healthy"`
			doctor.Report
		}{report.Healthy(), report})
	} else {
		s.report(report)
	}
	if err == nil && !report.Healthy() {
		err = exit(exitError)
	}
	return err
}

// inks are the colours of what checks come to.
var inks = map[doctor.Status]color.Attribute{doctor.OK: color.FgGreen, doctor.Warning: color.FgYellow, doctor.Problem: color.FgRed, doctor.Skipped: color.Faint}

// report prints a check a line, with what there is to list and to do below it.
func (s screen) report(r doctor.Report) {
	names := 0
	for _, c := range r.Checks {
		names = max(names, utf8.RuneCountInString(checkName(c)))
	}
	for _, c := range r.Checks {
		s.check(c, names)
	}
	problems, warnings := 0, 0
	for _, c := range r.Checks {
		switch c.Status {
		case doctor.Problem:
			problems++
		case doctor.Warning:
			warnings++
		}
	}
	sum := "Nothing is a problem."
	if problems > 0 {
		sum = count(problems, "problem") + "."
	}
	if warnings > 0 {
		sum += " " + count(warnings, "warning") + "."
	}
	s.printf("\n%s\n", s.paint(sum, color.Bold))
}

func checkName(c doctor.Check) string {
	if c.Connection != "" {
		return fmt.Sprintf("%s (%s)", c.Name, c.Connection)
	}
	return c.Name
}

// check prints one check. Where the screen is narrow, what was found stands below its name.
func (s screen) check(c doctor.Check, names int) {
	const least = 30 // columns that a sentence needs to be readable
	status := s.paint(string(c.Status), inks[c.Status]) + strings.Repeat(" ", len("problem")-len(c.Status))
	lead := strings.Repeat(" ", len("problem")+2+names+2)
	found := visible(c.Found)
	if s.width-len(lead) < least {
		lead = "    "
		s.printf("%s  %s\n%s\n", status, checkName(c), indent(found, lead, s.width))
	} else {
		text := indent(found, lead, s.width)
		s.printf("%s  %-*s  %s\n", status, names, checkName(c), strings.TrimPrefix(text, lead))
	}
	for _, d := range c.Details {
		s.printf("%s\n", indent("- "+visible(d), lead, s.width))
	}
	if c.Remedy != "" {
		s.printf("%s\n", indent("→ "+visible(c.Remedy), lead, s.width))
	}
}
