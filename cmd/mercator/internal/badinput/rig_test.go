package badinput_test

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/apply/state/local"
	"mercator/cmd/mercator/internal/cli"
	"mercator/cmd/mercator/internal/workflow"
	"mercator/plan"
	"mercator/provider"
	"mercator/provider/atlas"
	"mercator/provider/sandbox"
	"mercator/schema"
	"mercator/schema/config"
	"mercator/schema/diag"
	"mercator/schema/kinds"
)

// rig is a folder with a configuration and a state, an embedded Atlas behind HTTP, and a clock that moves only
// when it is asked to.
type rig struct {
	t       *testing.T
	dir     string
	box     *sandbox.Server
	url     string
	catalog *schema.Catalog
	clock   *clock
	env     map[string]string
	full    atomic.Bool // nothing more can be written beside the state
	ctx     context.Context
	cancel  context.CancelFunc
}

// clock is one time for Atlas, the client, the state and the applier. Waiting makes it pass at once, and a worker
// that waits for others does not wait long, so that nobody's lease runs out by it.
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

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Sleep implements state.Clock for the applier: the heartbeat of its lease never comes due by itself.
func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	if d == state.RenewEvery {
		<-ctx.Done()
		return ctx.Err()
	}
	c.advance(time.Microsecond)
	return ctx.Err()
}

// patient is the clock of the client, by which what it waits passes.
type patient struct{ *clock }

func (p patient) Sleep(ctx context.Context, d time.Duration) error {
	p.advance(d)
	return ctx.Err()
}

func newRig(t *testing.T, options sandbox.Options) *rig {
	t.Helper()
	catalog, err := kinds.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, dir: t.TempDir(), catalog: catalog, clock: &clock{now: start}}
	options.Clock, options.NoRateLimits = r.clock, true
	if r.box, err = sandbox.New(options); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(r.box.Handler())
	t.Cleanup(func() { server.Close(); _ = r.box.Close() })
	r.url = server.URL
	r.ctx, r.cancel = context.WithCancel(context.Background())
	t.Cleanup(r.cancel)
	r.env = map[string]string{
		"MONGODB_ATLAS_BASE_URL": server.URL, "MONGODB_ATLAS_ORG_ID": sandbox.DefaultOrgID,
		"MONGODB_ATLAS_CLIENT_ID": sandbox.DefaultClientID, "MONGODB_ATLAS_CLIENT_SECRET": sandbox.DefaultClientSecret,
	}
	return r
}

func (r *rig) store() *local.Store {
	return local.New(filepath.Join(r.dir, local.DefaultPath), r.catalog, r.clock, local.WithFaults(func(op, path string, size int) (int, error) {
		if r.full.Load() && op == "write" {
			return 0, syscall.ENOSPC
		}
		return size, nil
	}))
}

func (r *rig) lookupEnv(name string) (string, bool) {
	value, ok := r.env[name]
	return value, ok
}

func (r *rig) options() workflow.Options {
	return workflow.Options{
		Catalog: r.catalog, Dir: r.dir, Now: r.clock.Now(), Version: "0.1.0", Clock: r.clock,
		Getenv: func(name string) string { return r.env[name] }, LookupEnv: r.lookupEnv,
		Store: func(config.State) (state.Store, error) { return r.store(), nil },
		Connect: func(c workflow.Connection) (provider.Provider, error) {
			return atlas.New(atlas.Config{BaseURL: c.Environment.BaseURL, Credentials: c.Environment.Credentials, Version: "0.1.0", Clock: patient{r.clock}})
		},
	}
}

// portal has a page to log in at answer instead of Atlas, as some networks do.
func (r *rig) portal() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "<html>Please log in.</html>")
	}))
	r.t.Cleanup(server.Close)
	r.url = server.URL
	r.env["MONGODB_ATLAS_BASE_URL"] = server.URL
}

// lock has somebody else hold the state's lock until the story ends.
func (r *rig) lock() {
	r.t.Helper()
	store := local.New(filepath.Join(r.dir, local.DefaultPath), r.catalog, state.SystemClock()) // the program's clock
	lease, err := store.Lock(context.Background(), state.LockInfo{Operation: "apply", Who: "somebody@elsewhere", PID: 4711})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = lease.Release(context.Background()) })
}

// unlock takes the state's lock away from whoever holds it.
func (r *rig) unlock() {
	r.t.Helper()
	holder, err := r.store().Holder(context.Background())
	if err != nil || holder == nil {
		r.t.Fatalf("nobody holds the lock: %v", err)
	}
	if err := r.store().Unlock(context.Background(), holder.ID); err != nil {
		r.t.Fatal(err)
	}
}

// planOptions reads the flags of a command.
func (r *rig) planOptions(args []string) plan.Options {
	r.t.Helper()
	var o plan.Options
	flags := flag.NewFlagSet("story", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	to := func(list *[]schema.Address) func(string) error {
		return func(text string) error {
			a, err := schema.ParseAddress(text)
			*list = append(*list, a)
			return err
		}
	}
	texts := func(list *[]string) func(string) error {
		return func(text string) error { *list = append(*list, text); return nil }
	}
	flags.Func("target", "", to(&o.Targets))
	flags.Func("exclude", "", to(&o.Excludes))
	flags.Func("replace", "", to(&o.Replace))
	flags.Func("allow-destroy", "", texts(&o.AllowDestroy))
	flags.Func("allow-adopt", "", texts(&o.AllowAdopt))
	flags.BoolVar(&o.Destroy, "destroy", false, "")
	flags.BoolVar(&o.NoAdopt, "no-adopt", false, "")
	advice := flags.Bool("advice", false, "") // a story of something else is not about advice
	if err := flags.Parse(args); err != nil {
		r.t.Fatal(err)
	}
	o.SkipAdvice = !*advice
	return o
}

// converge applies with everything allowed, and must succeed.
func (r *rig) converge(args []string) {
	r.t.Helper()
	session, found := workflow.Open(r.options())
	if found.HasErrors() {
		r.t.Fatalf("the configuration does not open: %v", found)
	}
	o := r.planOptions(args)
	o.AllowDestroy, o.AllowAdopt = []string{"all"}, []string{"all"}
	done, err := session.Apply(r.ctx, workflow.ApplyOptions{Plan: o, Operation: "apply"})
	if err != nil {
		r.t.Fatal(err)
	}
	if list := slices.Concat(done.Plan.Diagnostics.Errors(), done.Refused, done.Result.All().Errors()); len(list) > 0 || !done.Ran {
		r.t.Fatalf("the apply did not go through: %v", list)
	}
}

// attempt applies with everything allowed, whatever comes of it.
func (r *rig) attempt() {
	r.t.Helper()
	session, found := workflow.Open(r.options())
	if found.HasErrors() {
		r.t.Fatalf("the configuration does not open: %v", found)
	}
	all := []string{"all"}
	_, _ = session.Apply(r.ctx, workflow.ApplyOptions{Plan: plan.Options{AllowDestroy: all, AllowAdopt: all}, Operation: "apply"})
}

// show adds what a command says to the story.
func (s *story) show(command string, args []string) {
	s.t.Helper()
	session, found := workflow.Open(s.options())
	if session == nil {
		c, _ := config.Load(s.dir, config.Options{Catalog: s.catalog, Environ: s.lookupEnv, Now: s.clock.Now(), Version: "0.1.0"})
		s.say(found, c.Excerpts())
		return
	}
	s.say(found, session.Config.Excerpts())
	switch command {
	case "open":
	case "plan":
		p, err := session.Plan(s.ctx, s.planOptions(args))
		s.failed(err)
		if p != nil {
			s.say(p.Diagnostics, session.Config.Excerpts())
		}
	case "apply":
		done, err := session.Apply(s.ctx, workflow.ApplyOptions{Plan: s.planOptions(args), Operation: "apply"})
		s.failed(err)
		if done.Plan != nil {
			s.say(slices.Concat(done.Plan.Diagnostics, done.Refused, done.Result.All()), session.Config.Excerpts())
		}
	default:
		s.t.Fatalf("a story cannot show %q", command)
	}
}

func (s *story) failed(err error) {
	if err != nil {
		s.say(diag.List{workflow.Finding(err)}, nil)
	}
}

// say writes findings as the program does where there is no terminal.
func (s *story) say(list diag.List, sources map[string][]byte) {
	if len(list) == 0 {
		return
	}
	short := map[string][]byte{}
	for name, src := range sources {
		short[s.relative(name)] = src
	}
	list = append(list.Warnings(), list.Errors()...)
	for i := range list {
		d := &list[i]
		d.Range.File, d.Summary, d.Detail = s.relative(d.Range.File), s.relative(d.Summary), s.relative(d.Detail)
	}
	if err := diag.WriteText(&s.said, list, diag.TextOptions{Sources: short, Width: 80}); err != nil {
		s.t.Fatal(err)
	}
}

// relative writes names without the folder and the address of this run, whose length is another one each time.
func (r *rig) relative(text string) string {
	return strings.NewReplacer(r.dir+string(filepath.Separator), "", r.dir, "DIR", r.url, "http://127.0.0.1:8080").Replace(text)
}

// cli runs the program and returns what it prints on standard error.
func (r *rig) cli(args []string) string {
	r.t.Setenv("XDG_CACHE_HOME", r.dir) // where tokens outlast a run
	var stderr bytes.Buffer
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "DIR", r.dir)
	}
	now := func() time.Time { return r.clock.Now() }
	cli.Run(r.ctx, cli.World{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: &stderr, LookupEnv: r.lookupEnv, Now: now}, args)
	return stderr.String()
}
