package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"mercator/apply/state"
	"mercator/apply/state/local"
	"mercator/provider/sandbox"
	"mercator/schema/kinds"
)

var update = flag.Bool("update", false, "write what the scripts compare with anew")

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"mercator": main}) }

// TestScripts runs mercator as a user types it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup:               setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"byhand":  byHand,
			"locked":  locked,
			"arrived": arrived,
			"fields":  fields,
			"serve":   serve,
			"states":  states,
		},
	})
}

// setUp gives scripts folders of their own, with the examples in one.
func setUp(env *testscript.Env) error {
	env.Values[statesKey{}] = &scriptStates{}
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, ".cache"))
	examples := os.DirFS(filepath.Join("..", "..", "examples"))
	return fs.WalkDir(examples, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err == nil && d.IsDir() && d.Name() == ".mercator":
			return fs.SkipDir
		case err != nil || d.IsDir():
			return err
		}
		content, err := fs.ReadFile(examples, path)
		info, more := d.Info()
		if err := errors.Join(err, more); err != nil {
			return err
		}
		to := filepath.Join(env.WorkDir, "examples", path)
		return errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, content, info.Mode().Perm()))
	})
}

// exits CODE COMMAND... runs a command that must exit with the code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if err != nil {
		_, code, _ = strings.Cut(err.Error(), "exit status ")
	}
	if code != args[0] {
		ts.Fatalf("%s exited with %q, want %s (%v)", strings.Join(args[1:], " "), code, args[0], err)
	}
}

// serve [FAULTS|- [ROLE...]] serves a sandbox until the script ends, as the real Atlas would be: its address and
// credentials are set in the environment. FAULTS is a file. With roles, those of projects as PROJECT/ROLE, there is an
// API key that holds them: readerxx with the private key of the sandbox.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	var options sandbox.Options
	if len(args) > 1 {
		key := sandbox.Credential{PublicKey: "readerxx", PrivateKey: sandbox.DefaultPrivateKey, ProjectRoles: map[string][]string{}}
		for _, arg := range args[1:] {
			if project, role, ok := strings.Cut(arg, "/"); ok {
				key.ProjectRoles[project] = append(key.ProjectRoles[project], role)
			} else {
				key.Roles = append(key.Roles, arg)
			}
		}
		owner := sandbox.Credential{ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret}
		options.Orgs = []sandbox.Org{{ID: sandbox.DefaultOrgID, Name: sandbox.DefaultOrgName, Credentials: []sandbox.Credential{owner, key}}}
	}
	if len(args) > 0 && args[0] != "-" {
		faults, err := sandbox.ParseFaults(strings.NewReader(ts.ReadFile(args[0])))
		ts.Check(err)
		options.Faults = faults
	}
	s, err := sandbox.New(options)
	ts.Check(err)
	endpoint, err := sandbox.Serve(s.Handler(), "", nil)
	ts.Check(err)
	ts.Defer(func() { _ = errors.Join(endpoint.Close(), s.Close()) })
	ts.Setenv("MONGODB_ATLAS_BASE_URL", endpoint.URL)
	ts.Setenv("MONGODB_ATLAS_ORG_ID", sandbox.DefaultOrgID)
	ts.Setenv("MONGODB_ATLAS_CLIENT_ID", sandbox.DefaultClientID)
	ts.Setenv("MONGODB_ATLAS_CLIENT_SECRET", sandbox.DefaultClientSecret)
}

// byhand change|put|delete KIND PROJECT KEY [JSON] changes an object in the embedded Atlas, as somebody in the web
// interface would; the project is given by name.
func byHand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: byhand change|put|delete KIND PROJECT KEY [JSON]")
	}
	s, err := sandbox.New(sandbox.Options{Dir: ts.MkAbs(".mercator/sandbox")})
	ts.Check(err)
	defer func() { ts.Check(s.Close()) }()
	id, ok := s.ProjectID(args[2])
	if !ok {
		ts.Fatalf("the sandbox has no project %q", args[2])
	}
	var doc map[string]any
	if len(args) > 4 {
		ts.Check(json.Unmarshal([]byte(args[4]), &doc))
	}
	switch args[0] {
	case "change":
		ts.Check(s.Change(sandbox.Kind(args[1]), id, args[3], doc))
	case "put":
		ts.Check(s.Put(sandbox.Kind(args[1]), id, doc))
	case "delete":
		ts.Check(s.Delete(sandbox.Kind(args[1]), id, args[3]))
	default:
		ts.Fatalf("byhand %s is unknown", args[0])
	}
}

// locked STATE holds the lock of a state file until the script ends, and sets LOCK to its id.
func locked(ts *testscript.TestScript, neg bool, args []string) {
	catalog, err := kinds.Catalog()
	ts.Check(err)
	store := local.New(ts.MkAbs(args[0]), catalog, state.SystemClock())
	lease, err := store.Lock(context.Background(), state.LockInfo{Operation: "apply", Who: "somebody@elsewhere", PID: 4711})
	ts.Check(err)
	ts.Setenv("LOCK", lease.Info().ID)
	ts.Defer(func() { _ = lease.Release(context.Background()) })
}

// arrived TEXT checks that no file below the work folder holds a text, which is a secret; with "!" that one does.
// The configuration itself, and what scripts keep for it in the folder next, do not count.
func arrived(ts *testscript.TestScript, neg bool, args []string) {
	found := ""
	ts.Check(filepath.WalkDir(ts.MkAbs("."), func(path string, d os.DirEntry, err error) error {
		switch {
		case err == nil && d.IsDir() && d.Name() == "next":
			return filepath.SkipDir
		case err != nil || d.IsDir() || strings.HasSuffix(path, ".hcl"):
			return err
		}
		content, err := os.ReadFile(path)
		if strings.Contains(string(content), args[0]) {
			found = path
		}
		return err
	}))
	if (found != "") != neg {
		ts.Fatalf("the secret stands in %q", found)
	}
}

// fields NAME... checks that every line of stdout is JSON, and prints the named top-level fields of each, so that
// they can be compared without times and ids.
func fields(ts *testscript.TestScript, neg bool, args []string) {
	var b strings.Builder
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		var doc map[string]any
		ts.Check(json.Unmarshal([]byte(line), &doc))
		for i, name := range args {
			if i > 0 {
				b.WriteByte(' ')
			}
			text, ok := doc[name].(string)
			if !ok {
				raw, err := json.Marshal(doc[name])
				ts.Check(err)
				text = string(raw)
			}
			b.WriteString(text)
		}
		b.WriteByte('\n')
	}
	_, err := ts.Stdout().Write([]byte(b.String()))
	ts.Check(err)
}
