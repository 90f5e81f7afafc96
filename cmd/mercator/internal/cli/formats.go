package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"mercator/plan"
	"mercator/plan/render"
	"mercator/schema"
	"mercator/schema/config"
)

// formats are the --format flags: each a format, with the file that it goes to where it is not stdout.
type formats struct {
	// known are the command's formats; nil means those of plans.
	known []string
	given []string
}

func (f *formats) names() []string {
	if f.known == nil {
		return render.Formats()
	}
	return f.known
}

func (f *formats) register(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.given, "format", nil,
		strings.Join(f.names(), ", ")+", optionally `FORMAT[=FILE]`; repeatable")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(f.names(), cobra.ShellCompDirectiveNoFileComp))
}

// output is one rendering that is asked for; an empty file means stdout.
type output struct{ format, file string }

// parse reads the flags. Without any, text goes to stdout. saved is the file of a plan that the command writes or reads,
// which no format may replace, "" for none.
func (f *formats) parse(saved string) ([]output, error) {
	if len(f.given) == 0 {
		return []output{{format: "text"}}, nil
	}
	var out []output
	onScreen := 0
	files := map[string]string{}
	if saved != "" {
		files[filepath.Clean(saved)] = "the saved plan"
	}
	for _, text := range f.given {
		format, file, toFile := strings.Cut(text, "=")
		if !slices.Contains(f.names(), format) {
			return nil, usagef("--format %q: the formats are %s", format, list(f.names()))
		}
		if toFile && file == "" {
			return nil, usagef("--format %s: the name of the file is missing", text)
		}
		switch other := files[filepath.Clean(file)]; {
		case file == "":
			onScreen++
		case other != "":
			return nil, usagef("--format %s: %s goes to that file already; give each format a file of its own", text, other)
		default:
			files[filepath.Clean(file)] = format
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

// write renders what the outputs ask for.
func write(outputs []output, s screen, o render.Options, one func(render.Renderer, *bytes.Buffer) error) error {
	return deliver(outputs, s, func(out output, b *bytes.Buffer) error {
		options := o
		if out.file == "" {
			options.Width, options.Color = s.width, s.color
		}
		r, err := render.New(out.format, options)
		if err != nil {
			return err
		}
		return one(r, b)
	})
}

// deliver makes each output and brings it to its place. Files are replaced whole or not at all.
func deliver(outputs []output, s screen, one func(output, *bytes.Buffer) error) error {
	for _, out := range outputs {
		var b bytes.Buffer
		err := one(out, &b)
		switch {
		case err != nil:
		case out.file == "":
			_, err = s.w.Write(b.Bytes())
		default:
			if err = renameio.WriteFile(out.file, b.Bytes(), 0o644); err != nil {
				err = fmt.Errorf("--format %s=%s: the file cannot be written: %s", out.format, out.file, reason(err))
			}
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

// reportOptions are how findings are reported, whatever the configuration.
func reportOptions(catalog *schema.Catalog) render.Options {
	o := render.Options{Catalog: catalog, Meanings: map[string]string{}}
	for _, c := range config.Codes() {
		o.Meanings[c.Code] = c.Meaning
	}
	o.Root, _ = os.Getwd() // without it, files are named as they are
	return o
}
