package workflow_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/apply/state"
	"mercator/apply/state/local"
	"mercator/cmd/mercator/internal/workflow"
	"mercator/plan"
	"mercator/provider"
	"mercator/provider/atlas"
	"mercator/provider/sandbox"
	"mercator/schema"
	"mercator/schema/config"
	"mercator/schema/kinds"
)

// rig is a folder with a configuration, an embedded Atlas and a clock that moves only when it is asked to. What
// runs in it is what a user runs: real files, the real client over HTTP, the real state.
type rig struct {
	t      testing.TB
	dir    string
	box    *sandbox.Server
	server *httptest.Server
	url    string
	clock  *clock
	env    map[string]string
	inputs []config.Input
	log    *slog.Logger
	// cache is where tokens outlast a run; "" keeps them in memory.
	cache string
	// secrets takes all that the sandbox shows once, and lets no command run; "" leaves it to the files.
	secrets string
}

// clock is one time for Atlas, the state and the applier; sleeping moves it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Elapsed() time.Duration { return c.Now().Sub(start) }

// Sleep implements state.Clock and sandbox.Clock. Nobody waits, and time moves by next to nothing: many sleep at
// once, and moving it by what each asks for would run everybody's lease out. Atlas's own pace is in its Polls.
func (c *clock) Sleep(ctx context.Context, _ time.Duration) error {
	c.mu.Lock()
	c.now = c.now.Add(time.Microsecond)
	c.mu.Unlock()
	return ctx.Err()
}

// advance moves the time.
func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	c.mu.Unlock()
}

var catalog = func() *schema.Catalog {
	c, err := kinds.Catalog()
	if err != nil {
		panic(err)
	}
	return c
}()

func newRig(t testing.TB, options sandbox.Options) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), clock: &clock{now: start}, env: map[string]string{}}
	options.Clock, options.NoRateLimits = r.clock, options.RateLimits == nil
	box, err := sandbox.New(options)
	if err != nil {
		t.Fatal(err)
	}
	r.box, r.server = box, httptest.NewServer(box.Handler())
	t.Cleanup(r.close)
	r.url = r.server.URL
	r.env["MONGODB_ATLAS_BASE_URL"] = r.url
	r.env["MONGODB_ATLAS_ORG_ID"] = sandbox.DefaultOrgID
	r.env["MONGODB_ATLAS_CLIENT_ID"] = sandbox.DefaultClientID
	r.env["MONGODB_ATLAS_CLIENT_SECRET"] = sandbox.DefaultClientSecret
	return r
}

// close ends the embedded Atlas and gives up all that it holds.
func (r *rig) close() {
	if r.box != nil {
		r.server.Close()
		_ = r.box.Close()
		r.box, r.server = nil, nil
	}
}

// write replaces the configuration by one file.
func (r *rig) write(text string) *rig {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, "main.hcl"), []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return r
}

// open opens the configuration as a new process would.
func (r *rig) open() *workflow.Session {
	r.t.Helper()
	s, diags := workflow.Open(r.options())
	if diags.HasErrors() {
		r.t.Fatalf("the configuration does not open: %v", diags)
	}
	return s
}

func (r *rig) options() workflow.Options {
	return workflow.Options{
		Catalog: catalog, Dir: r.dir, Now: r.clock.Now(), Version: "0.1.0", Clock: beatless{r.clock}, Inputs: r.inputs, Logger: r.log,
		SandboxSecrets: r.secrets,
		Getenv:         func(name string) string { return r.env[name] },
		LookupEnv:      func(name string) (string, bool) { v, ok := r.env[name]; return v, ok },
		Store: func(config.State) (state.Store, error) {
			return local.New(filepath.Join(r.dir, "mercator.state.json"), catalog, r.clock), nil
		},
		Connect: func(c workflow.Connection) (provider.Provider, error) {
			return atlas.New(atlas.Config{BaseURL: c.Environment.BaseURL, Credentials: c.Environment.Credentials, Version: "0.1.0",
				Logger: r.log, CacheDir: r.cache, Clock: patient{r.clock}})
		},
	}
}

// patient is the clock of the client: what it waits passes.
type patient struct{ *clock }

func (p patient) Sleep(ctx context.Context, d time.Duration) error {
	p.advance(d)
	return ctx.Err()
}

// beatless is the clock of an apply whose heartbeat never comes due: time stands still between its own steps, so
// a heart would only turn it.
type beatless struct{ *clock }

func (b beatless) Sleep(ctx context.Context, d time.Duration) error {
	if d == state.RenewEvery {
		<-ctx.Done()
		return ctx.Err()
	}
	return b.clock.Sleep(ctx, d)
}

func (r *rig) plan(options plan.Options) *plan.Plan {
	r.t.Helper()
	p, err := r.open().Plan(context.Background(), options)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// apply plans and applies, everything allowed.
func (r *rig) apply(options plan.Options) workflow.Applied {
	r.t.Helper()
	options.AllowDestroy, options.AllowAdopt = []string{"all"}, []string{"all"}
	a, err := r.open().Apply(context.Background(), workflow.ApplyOptions{Plan: options, Operation: "apply"})
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// converge applies and makes sure that everything was done and that a second plan is empty.
func (r *rig) converge() workflow.Applied {
	r.t.Helper()
	a := r.apply(plan.Options{})
	if list := append(slices.Clone(a.Plan.Diagnostics.Errors()), a.Result.All().Errors()...); len(list) > 0 || !a.Ran {
		r.t.Fatalf("the apply did not go through (refused %v): %v", a.Refused, list)
	}
	r.expectEmpty()
	return a
}

func (r *rig) expectEmpty() {
	r.t.Helper()
	p := r.plan(plan.Options{})
	if !p.Empty() || p.Diagnostics.HasErrors() {
		r.t.Errorf("the plan after an apply is not empty:\n%s", describe(p))
	}
}

// describe writes what a plan would do, for failures.
func describe(p *plan.Plan) string {
	var b strings.Builder
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.Action == plan.NoOp && !c.Writes() {
			continue
		}
		b.WriteString(string(c.Action) + " " + string(c.Address) + "\n")
		for _, d := range c.Diffs {
			b.WriteString("    " + string(d.Op) + " " + d.Path + " " + goString(d.Old) + " -> " + goString(d.New) + "\n")
		}
	}
	for _, s := range p.StateOnly {
		b.WriteString("state: " + s.Kind + " " + string(s.Address) + " " + s.Text + "\n")
	}
	for _, o := range p.Outputs {
		if o.Action != plan.NoOp {
			b.WriteString("output " + string(o.Action) + " " + o.Name + "\n")
		}
	}
	for _, d := range p.Diagnostics {
		b.WriteString(d.Error() + "\n")
	}
	return b.String()
}

func goString(v cty.Value) string {
	if v == cty.NilVal {
		return "nothing"
	}
	return v.GoString()
}
