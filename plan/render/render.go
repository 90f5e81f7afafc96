// Package render shows a plan to people and to programs: one interface, a file for each format.
//
// Every format masks in the same way: a value is walked together with the descriptor of its kind, and what is
// marked, or write-only by its descriptor, never reaches the output. Renderers are pure: the same plan gives the
// same bytes, and the cost grows with the size of the plan.
package render

import (
	"fmt"
	"io"
	"strings"

	"mercator/plan"
	"mercator/schema"
)

// Renderer writes reports in one format.
type Renderer interface {
	// Plan writes what is going to happen and why. The only errors are those of w.
	Plan(w io.Writer, p *plan.Plan) error
	// Drift writes what changed outside Mercator, which is all that the drift command reports (R35).
	Drift(w io.Writer, p *plan.Plan) error
}

// Options are what renderers need to know besides the plan.
type Options struct {
	// Width is the number of columns to keep to; 0 means 80. Only formats for terminals heed it.
	Width int
	// Color allows terminal colours.
	Color bool
	// Catalog gives arguments their order and says which are secret. A kind that it lacks is shown by the types
	// of its values, in alphabetical order.
	Catalog *schema.Catalog
	// Sources are the configuration's files by name, for excerpts under diagnostics.
	Sources map[string][]byte
	// Command is the command line to which needed flags are added, "mercator apply" if empty.
	Command string
	// Meanings say in a few words what codes of findings mean, for formats that describe them.
	Meanings map[string]string
	// Root is the folder, as an absolute path, that files are named relative to, for formats that other tools read.
	Root string
	// Unmanaged makes every unmanaged object count as drift, not only those of exclusive kinds (R35).
	Unmanaged bool
}

func (o Options) attributes(kind string) []schema.Attribute {
	if o.Catalog != nil {
		if k := o.Catalog.Kind(kind); k != nil {
			return k.Attributes
		}
	}
	return nil
}

func (o Options) command() string {
	if o.Command != "" {
		return o.Command
	}
	return "mercator apply"
}

// constructors are the formats, in the order in which help lists them.
var constructors = []struct {
	name string
	make func(Options) Renderer
}{
	{"text", Text},
	{"json", JSON},
	{"markdown", Markdown},
	{"html", HTML},
	{"sarif", SARIF},
	{"junit", JUnit},
}

// Formats returns the names that New takes.
func Formats() []string {
	var names []string
	for _, c := range constructors {
		names = append(names, c.name)
	}
	return names
}

// New returns the renderer of the named format. An unknown name is an error that lists the known ones.
func New(format string, o Options) (Renderer, error) {
	for _, c := range constructors {
		if c.name == format {
			return c.make(o), nil
		}
	}
	return nil, fmt.Errorf("%q is not an output format; choose one of %s", format, strings.Join(Formats(), ", "))
}
