// Package workflow joins the rooms: it opens a configuration with its connections and its state, reads Atlas,
// has the plan made, and carries it out under the lock. Commands call it and print what it returns; it prints
// nothing itself.
package workflow

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"mercator/apply/state"
	"mercator/cmd/mercator/internal/deliver"
	"mercator/plan"
	"mercator/plan/planfile"
	"mercator/provider"
	"mercator/provider/atlas"
	"mercator/schema"
	"mercator/schema/config"
	"mercator/schema/diag"
)

// Options are what a command knows when it opens a configuration.
type Options struct {
	Catalog *schema.Catalog
	Dir     string
	// Getenv looks up environment variables; LookupEnv tells unset from empty.
	Getenv    func(string) string
	LookupEnv func(string) (string, bool)
	Inputs    []config.Input
	// Now is the run's one idea of the present (R39).
	Now     time.Time
	Version string
	Clock   state.Clock
	Logger  *slog.Logger
	// Store opens the state that the files name.
	Store func(settings config.State) (state.Store, error)
	// Connect makes the provider of a connection; nil means the real client.
	Connect func(Connection) (provider.Provider, error)
	// CacheDir keeps tokens between runs; "" keeps them in memory.
	CacheDir string
	// SandboxSecrets is where secrets go that the sandbox shows once, whatever the files say; "" outside of it (R33).
	SandboxSecrets string
	// RecoveryDir is where a state waits that no store took; "" means Dir.
	RecoveryDir string
	// PushCommand returns the command line that pushes a file, named relative to Dir, into the state of this session; nil is
	// that of a session in the current folder.
	PushCommand func(file string) string
}

// Connection is a connection with all that the files and the environment say about it.
type Connection struct {
	schema.Connection
	Environment atlas.Environment
}

// Session is one configuration, opened.
type Session struct {
	Options
	Config      *config.Config
	Store       state.Store
	files       *config.Evaluation // by themselves, with nothing known of Atlas
	connections map[string]plan.Connection
	places      map[string]schema.Place
	providers   map[string]provider.Provider
	identities  *identities
	newID       func() string
}

// Open loads the files and prepares the connections and the store; it reads nothing of Atlas. The list holds
// everything that is wrong with the files and the environment; with errors in it the session is nil.
func Open(o Options) (*Session, diag.List) {
	cfg, diags := config.Load(o.Dir, o.ConfigOptions())
	evaluation, more := cfg.Evaluate(nil)
	diags = append(diags, more...).Sort()
	s := &Session{Options: o, Config: cfg, files: evaluation, newID: uuid.NewString,
		connections: map[string]plan.Connection{}, places: map[string]schema.Place{}, providers: map[string]provider.Provider{},
		identities: &identities{known: map[string]atlas.Identity{}}}
	if diags.HasErrors() {
		return nil, diags
	}
	for _, c := range Connections(cfg, evaluation.Desired) {
		diags.Add(s.connect(c)...)
	}
	store, err := o.Store(cfg.Settings().State)
	diags.Add(Findings(err)...)
	diags.Add(s.Unrecovered()...)
	s.Store = store
	if diags.HasErrors() {
		return nil, diags
	}
	return s, diags
}

// Connections returns the connections of the files, and the default one where something uses it although all
// atlas blocks have labels.
func Connections(cfg *config.Config, desired schema.Desired) []schema.Connection {
	declared := cfg.Connections()
	isDefault := func(c schema.Connection) bool { return c.Name == "" }
	used := slices.ContainsFunc(desired.Resources, func(r schema.Resource) bool { return r.Connection == "" })
	if !used || slices.ContainsFunc(declared, isDefault) {
		return declared
	}
	return append([]schema.Connection{{}}, declared...)
}

// connect prepares one connection.
func (s *Session) connect(c schema.Connection) diag.List {
	env, diags := atlas.FromEnv(s.Getenv, c.CredentialsPrefix)
	for i := range diags {
		diags[i] = diags[i].At(c.Range)
	}
	if c.OrgID == "" {
		c.OrgID = env.OrgID
	}
	if c.OrgID == "" {
		diags.Add(diag.Errorf("organization_missing", "The organization is not known",
			"Neither does an atlas block set org_id, nor is %s set. Set one of them to the organization's id: 24 hexadecimal digits, in Atlas under Organization settings.",
			atlas.OrganizationVariable(c.CredentialsPrefix)).At(c.Range))
	}
	if diags.HasErrors() {
		return diags
	}
	p, err := s.Client(Connection{c, env})
	if err != nil {
		diags.Add(diag.FromError(err, "connection", "The connection to Atlas cannot be made").At(c.Range))
		return diags
	}
	s.providers[c.Name] = p
	s.places[c.Name] = schema.Place("").With("orgId", c.OrgID)
	s.connections[c.Name] = plan.Connection{OrgID: c.OrgID, BaseURL: env.BaseURL, CredentialsPrefix: c.CredentialsPrefix}
	return diags
}

// Client makes the provider of a connection.
func (o *Options) Client(c Connection) (provider.Provider, error) {
	if o.Connect != nil {
		return o.Connect(c)
	}
	return atlas.New(atlas.Config{BaseURL: c.Environment.BaseURL, Credentials: c.Environment.Credentials,
		Version: o.Version, Logger: o.Logger, CacheDir: o.CacheDir})
}

// at returns the session as of another time: that of a saved plan, from which its times follow (R39).
func (s *Session) at(now time.Time) (*Session, error) {
	then := *s
	then.Now = now
	cfg, diags := config.Load(s.Dir, then.ConfigOptions())
	evaluation, more := cfg.Evaluate(nil)
	if diags = append(diags, more...); diags.HasErrors() {
		return nil, diags.Err()
	}
	then.Config, then.files = cfg, evaluation
	return &then, nil
}

// ConfigOptions are how the files are read.
func (o *Options) ConfigOptions() config.Options {
	return config.Options{Catalog: o.Catalog, Environ: o.LookupEnv, Inputs: o.Inputs, Now: o.Now, Version: o.Version}
}

// Provider returns the connection's provider, for commands that look at single objects.
func (s *Session) Provider(connection string) (provider.Provider, error) {
	p := s.providers[connection]
	if p == nil {
		return nil, fmt.Errorf("there is no connection %q in the files", connection)
	}
	return p, nil
}

// Observe reads lists that no plan reads, by the same readers: they change nothing.
func (s *Session) Observe(ctx context.Context, wants []provider.Want) (*schema.Live, error) {
	return provider.Observe(ctx, s.readers(), wants, nil, 0)
}

// Place returns the place of the connection's organization, in which its other objects live.
func (s *Session) Place(connection string) schema.Place { return s.places[connection] }

// Plan makes a plan without taking the lock and without writing anything.
func (s *Session) Plan(ctx context.Context, options plan.Options) (*plan.Plan, error) {
	st, err := s.Store.Read(ctx)
	if err != nil {
		return nil, err
	}
	p, _, err := s.plan(ctx, st, options)
	if err == nil && !options.SkipSecrets { // drift and the console carry nothing out
		p.Diagnostics = append(p.Diagnostics, s.missingRoles(ctx, p, false)...).Sort()
	}
	return p, err
}

// planned is what an apply needs of the making of its plan.
type planned struct {
	evaluation *config.Evaluation
	live       pairs
	// late are the lookups that are left to the apply.
	late map[schema.Address]bool
}

func (s *Session) plan(ctx context.Context, st *state.State, options plan.Options) (*plan.Plan, *planned, error) {
	in := plan.Input{Catalog: s.Catalog, Now: s.Now, Desired: s.files.Desired, Prior: prior(st),
		Places: s.places, Connections: s.connections, Options: options}
	if plan.CheckConnections(in).HasErrors() {
		return plan.Build(in), &planned{evaluation: s.files}, nil // which says so
	}
	pairing, made, diags, err := s.evaluate(ctx, in)
	if err != nil {
		return nil, nil, err
	}
	facts := plan.Facts{SecretFiles: map[string]plan.HeldSecret{}}
	if !options.SkipSecrets {
		verifier := &state.Verifier{}
		if err := verifier.Prepare(ctx, candidates(pairing)); err != nil {
			return nil, nil, err
		}
		facts.SecretMatches = verifier.Matches
	}
	facts.InUse = s.credentialsInUse(ctx, pairing.AsksInUse())
	for _, path := range pairing.SecretFiles() {
		if whose, there := s.deliverer().Held(path); there {
			facts.SecretFiles[path] = whose
		}
	}
	p := pairing.Build(facts)
	if diags.HasErrors() { // what the files declare is not all there, so nothing follows from what they do not
		p.Diagnostics = slices.DeleteFunc(p.Diagnostics, func(d diag.Diagnostic) bool { return d.Code == plan.ForeignState })
	}
	p.Diagnostics = append(diags, p.Diagnostics...).Sort()
	return p, made, nil
}

// evaluate reads what the plan needs and computes the files with it, again as long as that lets more be found.
// It returns everything paired, and the findings of the files that belong to the plan.
func (s *Session) evaluate(ctx context.Context, in plan.Input) (*plan.Pairing, *planned, diag.List, error) {
	reading := s.newReading()
	pairing, err := reading.observe(ctx, in)
	if err != nil {
		return nil, nil, nil, err
	}
	live, lookups := known(pairing)
	for {
		evaluation, diags := s.files.With(live)
		if evaluation != s.files {
			in.Desired = evaluation.Desired
			if pairing, err = reading.observe(ctx, in); err != nil {
				return nil, nil, nil, err
			}
			var more pairs
			if more, lookups = known(pairing); len(more) > len(live) {
				live = more
				continue
			}
		}
		if in.Options.Destroy { // nothing is looked up for that, and what is not declared goes as well
			diags = slices.DeleteFunc(diags, func(d diag.Diagnostic) bool { return d.Code == config.UnknownForEach })
		} else {
			failed, open := evaluation.Checks()
			diags = slices.Concat(diags, lookups.Missing, failed, open)
			if !in.Options.SkipAdvice {
				diags.Add(s.Config.Advice()...)
			}
		}
		return pairing, &planned{evaluation, live, lookups.Late}, diags, nil
	}
}

// known is what a pairing knows of Atlas: declared objects and looked-up ones.
func known(pairing *plan.Pairing) (pairs, plan.Lookups) {
	live, lookups := pairs(pairing.Values()), pairing.Lookups()
	maps.Copy(live, lookups.Found)
	return live, lookups
}

func (s *Session) deliverer() deliver.Deliverer {
	return deliver.Deliverer{Dir: s.Dir, Sandbox: s.SandboxSecrets}
}

// candidates are the secrets of the files and the recorded hashes that they may be behind.
func candidates(pairing *plan.Pairing) []state.Candidate {
	var out []state.Candidate
	for _, c := range pairing.SecretCandidates() {
		out = append(out, state.Candidate(c))
	}
	return out
}

// Source says what a saved plan rests on beside Atlas: the files, and the values of variables that are no secret.
func (s *Session) Source() (planfile.Source, error) {
	source := planfile.Source{Dir: s.Dir, Files: map[string]string{}, Variables: map[string]string{}}
	for name, content := range s.Config.Sources() {
		source.Files[name] = planfile.Digest(content)
	}
	for name, v := range s.Config.Variables() {
		if v.ContainsMarked() || !v.IsWhollyKnown() {
			continue
		}
		text, err := ctyjson.Marshal(v, v.Type())
		if err != nil {
			return source, fmt.Errorf("the variable %s cannot be written: %w", name, err)
		}
		source.Variables[name] = planfile.Digest(text)
	}
	return source, nil
}

// prior is the state in the planner's words.
func prior(st *state.State) plan.Prior {
	p := plan.Prior{Lineage: st.Lineage, Serial: st.Serial, Resources: st.Resources, Intents: st.Intents,
		Connections: map[string]plan.Connection{}, Outputs: map[string]plan.PriorOutput{}}
	for name, c := range st.Connections {
		p.Connections[name] = plan.Connection{OrgID: c.OrgID, BaseURL: c.BaseURL, CredentialsPrefix: c.CredentialsPrefix}
	}
	for name, o := range st.Outputs {
		p.Outputs[name] = plan.PriorOutput{Value: o.Value, Sensitive: o.Sensitive}
	}
	return p
}
