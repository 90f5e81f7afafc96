package cli

import (
	"bytes"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"mercator/plan"
	"mercator/plan/render"
)

// formats are the --format flags: each a format, with the file that it goes to where it is not stdout.
type formats struct{ given []string }

func (f *formats) register(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.given, "format", nil,
		strings.Join(render.Formats(), ", ")+", optionally `FORMAT[=FILE]`; repeatable")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(render.Formats(), cobra.ShellCompDirectiveNoFileComp))
}

// output is one rendering that is asked for; an empty file means stdout.
type output struct{ format, file string }

// parse reads the flags. Without any, text goes to stdout.
func (f *formats) parse() ([]output, error) {
	if len(f.given) == 0 {
		return []output{{format: "text"}}, nil
	}
	var out []output
	onScreen := 0
	files := map[string]string{}
	for _, text := range f.given {
		format, file, toFile := strings.Cut(text, "=")
		if !slices.Contains(render.Formats(), format) {
			return nil, usagef("--format %q: the formats are %s", format, list(render.Formats()))
		}
		if toFile && file == "" {
			return nil, usagef("--format %s: the name of the file is missing", text)
		}
		switch other := files[file]; {
		case file == "":
			onScreen++
		case other != "":
			return nil, usagef("--format %s: %s goes to that file already; give each format a file of its own", text, other)
		default:
			files[file] = format
		}
		out = append(out, output{format, file})
	}
	if onScreen > 1 {
		return nil, usagef("two formats would go to the screen; give all but one a file: --format json=plan.json")
	}
	return out, nil
}

// texts reports whether text goes to stdout, where it tells the plan's findings.
func texts(outputs []output) bool { return slices.Contains(outputs, output{format: "text"}) }

// write renders what the outputs ask for. Files are replaced whole or not at all.
func write(outputs []output, s screen, o render.Options, one func(render.Renderer, *bytes.Buffer) error) error {
	for _, out := range outputs {
		options := o
		if out.file == "" {
			options.Width, options.Color = s.width, s.color
		}
		r, err := render.New(out.format, options)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := one(r, &b); err != nil {
			return err
		}
		if out.file == "" {
			_, err = s.w.Write(b.Bytes())
		} else {
			err = renameio.WriteFile(out.file, b.Bytes(), 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func writePlan(outputs []output, s screen, o render.Options, p *plan.Plan) error {
	return write(outputs, s, o, func(r render.Renderer, b *bytes.Buffer) error { return r.Plan(b, p) })
}
