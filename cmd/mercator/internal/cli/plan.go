package cli

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"mercator/plan"
	"mercator/plan/planfile"
	"mercator/plan/render"
)

// planning is what the plan command is asked for beside the plan itself.
type planning struct {
	flags    planFlags
	in       inputs
	formats  formats
	out      string
	detailed bool
	// validate asks Atlas about the writes of the plan.
	validate bool
}

func planCommand(w *World, g *globals) *cobra.Command {
	var p planning
	cmd := &cobra.Command{
		Use:   "plan [DIR]",
		Short: "Show what would change",
		Long: "Plan reads the live state from Atlas, compares it with the files and with what was last applied, and prints what apply " +
			"would do, why, what it risks and which roles it needs. It changes nothing and takes no lock.",
		Example: `  mercator plan
  mercator plan environments/prod --out plan.bin
  mercator plan --format text --format json=plan.json
  mercator plan --detailed-exitcode
  mercator plan --validate-remote`,
		Args: planArgs,
		Annotations: codes(codeDone, codeFailed, "2    with --detailed-exitcode: there are changes",
			codeInterrupted),
		RunE: func(cmd *cobra.Command, args []string) error { return p.run(cmd.Context(), w, g, args) },
	}
	flags := cmd.Flags()
	flags.StringVar(&p.out, "out", "", "save the plan to `FILE`, for apply and show")
	flags.BoolVar(&p.detailed, "detailed-exitcode", false, "exit 2 if there are changes")
	flags.BoolVar(&p.validate, "validate-remote", false, "have Atlas say what it would refuse, without making it")
	p.formats.register(cmd)
	p.flags.register(cmd, false)
	p.in.registerState(cmd)
	return cmd
}

func (p *planning) run(ctx context.Context, w *World, g *globals, args []string) error {
	outputs, err := p.formats.parse(p.out)
	if err != nil {
		return err
	}
	f, s, err := sessionOf(w, g, args, p.in)
	if err != nil {
		return err
	}
	defer s.close()
	made, err := s.Plan(ctx, p.flags.options())
	if err != nil {
		return err
	}
	if p.validate {
		made.Diagnostics = append(made.Diagnostics, s.Validate(ctx, made)...)
	}
	s.warn(made)
	stdout := newScreen(w, g, w.Stdout)
	if err := writePlan(outputs, stdout, renderOptions(f, s, "apply"), made); err != nil {
		return err
	}
	if err := f.tell(s, outputs, made); err != nil {
		return err
	}
	if p.out != "" {
		if err := savePlan(f, s, made, p.out); err != nil {
			return err
		}
		if texts(outputs) {
			stdout.line("\nSaved to %s. To carry out exactly this:\n", p.out)
			stdout.printf("  %s\n", f.command("apply", shellQuote(p.out)))
		}
	}
	if p.detailed && !made.Empty() {
		return exit(exitDifference)
	}
	return nil
}

// renderOptions are how plans are shown; command is what carries them out.
func renderOptions(f *folder, s *opened, command string) render.Options {
	o := reportOptions(f.catalog)
	o.Sources, o.Command = s.Config.Excerpts(), f.command(command)
	return o
}

func savePlan(f *folder, s *opened, p *plan.Plan, path string) error {
	source, err := s.Source()
	if err != nil {
		return err
	}
	file, err := planfile.New(p, source, version, f.catalog)
	if err != nil {
		return err
	}
	return file.Write(path)
}

// tell tells the findings of a plan where no text has shown them, and returns an error if one of them is one.
func (f *folder) tell(s *opened, outputs []output, p *plan.Plan) error {
	n := len(p.Diagnostics.Errors())
	switch {
	case !texts(outputs) && n > 0:
		return &found{p.Diagnostics, s.Config.Excerpts()}
	case !texts(outputs):
		f.stderr.findings(p.Diagnostics, s.Config.Excerpts())
	case n > 0:
		return planHasErrors(p)
	}
	return nil
}

func planHasErrors(p *plan.Plan) error {
	return fmt.Errorf("the plan has %s and cannot be applied; nothing was changed", count(len(p.Diagnostics.Errors()), "error"))
}

// command returns a command line that does something with the same configuration, for people to copy.
func (f *folder) command(name string, args ...string) string {
	if len(args) == 0 && f.dir != "." {
		args = []string{shellQuote(f.dir)}
	}
	return f.commandIn(f.globals.chdir, name, args...)
}

// pushCommand returns the command line that pushes a file of the folder into its state. Commands that mend states work on
// the current folder's. The values of flags may be secrets, so that people add them.
func (f *folder) pushCommand(file string) string {
	var args []string
	for _, flag := range f.inputs.state {
		name, _, _ := strings.Cut(flag, "=")
		args = append(args, "--state-config "+name+"=...")
	}
	dir := f.dir
	if f.globals.chdir != "" && !filepath.IsAbs(dir) {
		dir = filepath.Join(f.globals.chdir, dir)
	}
	if dir == "." {
		dir = ""
	}
	return f.commandIn(dir, "state push", append(args, shellQuote(file))...)
}

// commandIn returns a command line with the global flags that count.
func (f *folder) commandIn(dir, name string, args ...string) string {
	line := "mercator " + name
	if dir != "" {
		line += " --chdir " + shellQuote(dir)
	}
	if f.globals.sandbox {
		line += " --sandbox"
	}
	for _, a := range args {
		line += " " + a
	}
	return line
}

// shellQuote writes an argument so that a POSIX shell takes it as it is.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return strings.ContainsRune("./_-+,:@%", r) || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
