package cli

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"mercator/apply/state"
	"mercator/cmd/mercator/internal/workflow"
	"mercator/plan"
	"mercator/provider/atlas"
	"mercator/schema"
	"mercator/schema/config"
	"mercator/schema/diag"
	"mercator/schema/kinds"
)

// folder is the configuration that a command works on, before any of it is read.
type folder struct {
	world   *World
	globals *globals
	dir     string
	inputs  inputs
	catalog *schema.Catalog
	// now is the run's one idea of the present (R39).
	now   time.Time
	clock state.Clock
	// stderr takes warnings and logs.
	stderr screen
}

func openFolder(w *World, g *globals, dir string, in inputs) (*folder, error) {
	catalog, err := kinds.Catalog()
	if err != nil {
		return nil, err
	}
	f := &folder{world: w, globals: g, dir: dir, inputs: in, catalog: catalog,
		now: w.Now().UTC(), clock: state.SystemClock(), stderr: newScreen(w, g, w.Stderr)}
	if g.sandbox {
		f.clock = hasty{f.clock}
	}
	return f, nil
}

// folderOf opens the folder that the arguments name, or the current one.
func folderOf(w *World, g *globals, args []string, in inputs) (*folder, error) {
	dir, err := dirOf(args)
	if err != nil {
		return nil, err
	}
	return openFolder(w, g, dir, in)
}

// sessionOf opens the folder that the arguments name with its connections and its state.
func sessionOf(w *World, g *globals, args []string, in inputs) (*folder, *opened, error) {
	f, err := folderOf(w, g, args, in)
	if err != nil {
		return nil, nil, err
	}
	s, err := f.session()
	return f, s, err
}

func (f *folder) configOptions() config.Options {
	return config.Options{Catalog: f.catalog, Environ: f.world.LookupEnv, Inputs: f.inputs.list, Now: f.now, Version: version}
}

// load reads the files and evaluates them without asking Atlas. Errors are all findings together; warnings have
// been shown.
func (f *folder) load() (*config.Config, error) {
	c, diags := config.Load(f.dir, f.configOptions())
	return c, f.judge(diags, c)
}

// judge returns an error if the findings hold one, and shows the warnings otherwise.
func (f *folder) judge(list diag.List, c *config.Config) error {
	var sources map[string][]byte
	if c != nil {
		sources = c.Excerpts()
	}
	if list.HasErrors() {
		return &found{list, sources}
	}
	f.stderr.findings(list, sources)
	return nil
}

// openStore opens the state alone, for commands that need no credentials. Where the files say nothing about the
// state, it is found without the values of variables too.
func (f *folder) openStore() (state.Store, error) {
	c, diags := config.Load(f.dir, f.configOptions())
	settings := c.Settings().State
	if settings.Range.IsZero() {
		diags = slices.DeleteFunc(diags, func(d diag.Diagnostic) bool { return d.Code == "missing_variable" })
	}
	if err := f.judge(diags, c); err != nil {
		return nil, err
	}
	store, diags := f.openState(settings)
	return store, f.judge(diags, c)
}

// opened is a configuration with its connections and its state.
type opened struct {
	*workflow.Session
	// warnings are about the files and the environment; a plan shows them among its own.
	warnings diag.List
	// close gives up what the session holds.
	close func()
}

// prepared is what a session is opened with.
type prepared struct {
	workflow.Options
	// box is the embedded Atlas of --sandbox, nil for the real one.
	box *embedded
	// warnings are about the state's settings.
	warnings diag.List
}

// close gives up what was prepared.
func (p *prepared) close() {
	if p.box != nil {
		p.box.close()
	}
}

// prepare gathers what a session is opened with, and starts the embedded Atlas where that is asked for.
func (f *folder) prepare() (*prepared, error) {
	p := &prepared{}
	p.Options = workflow.Options{
		Catalog: f.catalog, Dir: f.dir, Getenv: f.world.getenv, LookupEnv: f.world.LookupEnv, Inputs: f.inputs.list, Now: f.now,
		Version: version, Clock: f.clock, Logger: f.globals.logger(f.world.Stderr), PushCommand: f.pushCommand,
	}
	if f.globals.sandbox {
		c, diags := config.Load(f.dir, f.configOptions())
		if diags.HasErrors() {
			return nil, &found{diags, c.Excerpts()}
		}
		box, err := f.embed(c.Connections())
		if err != nil {
			return nil, err
		}
		p.box, p.Getenv, p.Connect = box, box.getenv, box.connect
		p.SandboxSecrets = filepath.Join(f.sandboxDir(), "secrets")
		p.RecoveryDir = f.sandboxDir()
	} else if dir, err := atlas.CacheDir(); err == nil {
		p.CacheDir = dir
	}
	p.Store = func(settings config.State) (state.Store, error) {
		store, diags := f.openState(settings)
		p.warnings.Add(diags.Warnings()...)
		return store, joined(diags.Errors())
	}
	return p, nil
}

// session opens configuration, connections and state.
func (f *folder) session() (*opened, error) {
	p, err := f.prepare()
	if err != nil {
		return nil, err
	}
	o := &opened{close: p.close}
	var diags diag.List
	o.Session, diags = workflow.Open(p.Options)
	o.warnings = append(p.warnings, diags...)
	if o.warnings.HasErrors() {
		o.close()
		c, _ := config.Load(f.dir, f.configOptions()) // for the excerpts: there is no session to ask
		return nil, &found{o.warnings, c.Excerpts()}
	}
	return o, nil
}

// warn adds what is known of files and environment to a plan's findings.
func (o *opened) warn(p *plan.Plan) {
	p.Diagnostics = append(slices.Clone(o.warnings), p.Diagnostics...).Sort()
}

// locked changes the state by hand, under the lock (R28).
func (f *folder) locked(ctx context.Context, store state.Store, operation string, change func(*state.State) (*state.State, error)) (err error) {
	lease, err := store.Lock(ctx, state.CurrentHolder(operation, version, f.world.getenv))
	if err != nil {
		return err
	}
	defer func() {
		if released := lease.Release(context.WithoutCancel(ctx)); err == nil {
			err = released
		}
	}()
	st, err := lease.Read(ctx)
	if err != nil {
		return err
	}
	next, err := change(st)
	if err != nil {
		return err
	}
	return lease.Write(ctx, next)
}

// planArgs takes at most one folder.
var planArgs = cobra.MaximumNArgs(1)

// sortedAddresses returns the addresses in the state, in order.
func sortedAddresses(st *state.State) []schema.Address { return slices.Sorted(maps.Keys(st.Resources)) }
