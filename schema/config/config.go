// Package config reads a configuration: HCL files in, [schema.Desired] out. It is the only room that knows HCL.
//
// Load parses the files, declares what they hold and resolves every reference without evaluating anything, so
// that mistakes are found all at once. Evaluate expands for_each and count and computes each resource from the
// few values that its expressions name; what only Atlas can tell stays unknown. Resolve computes one resource
// again during an apply, when more is known. Values that follow from the files alone are computed once and shared.
package config

import (
	"os"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/diag"
)

// Options are the inputs of a run beside the files.
type Options struct {
	// Catalog holds the kinds that may be declared.
	Catalog *schema.Catalog
	// Environ looks up an environment variable; nil means os.LookupEnv.
	Environ func(name string) (value string, set bool)
	// Inputs are the --var and --var-file flags in the order given.
	Inputs []Input
	// Now is the run's one notion of time (R39).
	Now time.Time
	// Version is the running version ("0.3.1"), held against required_version; "" skips that check.
	Version string
}

// Input is one --var-file (File is set) or one --var (Name and Value).
type Input struct {
	File        string
	Name, Value string
}

// Config is a loaded configuration. It does not change after Load and may be used from several goroutines.
type Config struct {
	dir     string
	options Options
	files   map[string][]byte
	base    *hcl.EvalContext
	most    int // instances

	root      *module
	varValues cty.Value // object of the root's variables
	imports   []*importDecl

	settings    Settings
	connections []schema.Connection

	advised   diag.List
	validated []schema.Check // what the root's variables came to
	funcs     functionSet
}

// Load reads the configuration in dir. The Config is never nil, so that Evaluate can add what else is wrong,
// but it is fit for use only where the list holds no error.
func Load(dir string, options Options) (*Config, diag.List) {
	if options.Environ == nil {
		options.Environ = os.LookupEnv
	}
	l := newLoader(dir, options)
	l.offerFunctions()
	l.declareBodies(l.readFiles())
	l.readVariables()
	l.analyseAll()
	l.evaluateSettings()
	return l.Config, once(l.diags.Sort())
}

// Validate loads and evaluates a configuration without any knowledge of Atlas, and returns every finding; where none is
// an error, what is advised about the files among them.
func Validate(dir string, options Options) (*Config, *Evaluation, diag.List) {
	c, diags := Load(dir, options)
	e, more := c.Evaluate(nil)
	if diags = append(diags, more...); !diags.HasErrors() {
		diags = append(diags, c.Advice()...)
	}
	return c, e, diags.Sort()
}

// Settings returns the mercator block.
func (c *Config) Settings() Settings { return c.settings }

// Connections returns the atlas blocks in the order of the files; where there is none, the default connection
// without settings of its own.
func (c *Config) Connections() []schema.Connection { return c.connections }

// Sources returns the files that were read, by the names that diagnostics use: the configuration's, its modules'
// and those of variables. It serves digests; excerpts come from [Config.Excerpts].
func (c *Config) Sources() map[string][]byte { return c.files }

// once leaves out findings that are told again: of a module that is called several times each call has its own.
func once(list diag.List) diag.List {
	return slices.CompactFunc(list, func(a, b diag.Diagnostic) bool { return a == b && !a.Range.IsZero() })
}
