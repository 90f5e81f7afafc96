package cli

import (
	"bytes"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"mercator/plan"
	"mercator/plan/render"
	"mercator/schema/config"
	"mercator/schema/diag"
)

// validating is what the validate command is asked for.
type validating struct {
	in      inputs
	formats formats
}

func validateCommand(w *World, g *globals) *cobra.Command {
	v := validating{formats: formats{known: []string{"text", "json", "sarif"}}}
	cmd := &cobra.Command{
		Use:   "validate [DIR]",
		Short: "Check the files without asking Atlas",
		Long: "Validate checks the configuration in DIR, or in the current folder: syntax, names, types, references and the rules of " +
			"each kind, and where all of that is right, what is advised (see \"mercator explain\"). It needs no credentials and no network. " +
			"JSON has the fields of \"terraform validate -json\"; SARIF is for code scanning.",
		Example: "  mercator validate\n  mercator validate environments/prod --var-file prod.vars.hcl\n" +
			"  mercator validate --format sarif=mercator.sarif",
		Args:        planArgs,
		Annotations: codes("0    the configuration is valid", codeFailed),
		RunE:        func(_ *cobra.Command, args []string) error { return v.run(w, g, args) },
	}
	v.formats.register(cmd)
	v.in.register(cmd)
	return cmd
}

func (v *validating) run(w *World, g *globals, args []string) error {
	outputs, err := v.formats.parse("")
	if err != nil {
		return err
	}
	f, err := folderOf(w, g, args, v.in)
	if err != nil {
		return err
	}
	c, evaluation, found := config.Validate(f.dir, f.configOptions())
	if !found.HasErrors() {
		found = append(found, plan.Review(f.catalog, evaluation.Desired, f.now)...).Sort()
	}
	o := reportOptions(f.catalog)
	o.Sources = c.Excerpts()
	stdout := newScreen(w, g, w.Stdout)
	var reports []output
	quiet := false // a program reads the screen
	for _, out := range outputs {
		if out != (output{format: "text"}) {
			reports = append(reports, out)
			quiet = quiet || out.file == ""
		}
	}
	if err := deliver(reports, stdout, func(out output, b *bytes.Buffer) error { return writeFindings(out.format, b, found, o) }); err != nil {
		return err
	}
	switch {
	case quiet && found.HasErrors():
		return exit(exitError)
	case quiet:
		return nil
	}
	if err := f.judge(found, c); err != nil {
		return err
	}
	stdout.line("%s", stdout.paint(valid, color.FgGreen))
	return nil
}

// valid is what is said of a configuration without errors.
const valid = "The configuration is valid."

// writeFindings writes what validation found, for a file or for a program.
func writeFindings(format string, b *bytes.Buffer, found diag.List, o render.Options) error {
	switch format {
	case "json":
		return diag.WriteJSON(b, found, o.Sources)
	case "sarif":
		return render.SARIF(o).Plan(b, &plan.Plan{Diagnostics: found})
	}
	if err := diag.WriteText(b, found, diag.TextOptions{Sources: o.Sources, Width: plainWidth}); err != nil {
		return err
	}
	if !found.HasErrors() {
		b.WriteString(valid + "\n")
	}
	return nil
}
