//go:build unix

package killtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mercator/apply/state"
	"mercator/apply/state/local"
	"mercator/cmd/mercator/internal/workflow"
	"mercator/plan"
	"mercator/provider/atlas"
	"mercator/provider/sandbox"
	"mercator/schema"
)

// stage is an address at which one sandbox after the other is served: a state remembers the address of its Atlas.
type stage struct {
	server *httptest.Server
	box    atomic.Pointer[sandbox.Server]
	// bases are the folders with which the acts begin.
	bases map[*act]string
}

// newStage makes a stage and what the acts begin with.
func newStage(t testing.TB, acts ...*act) *stage {
	t.Helper()
	s := &stage{bases: map[*act]string{}}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.box.Load().ServeHTTP(w, r) }))
	t.Cleanup(s.server.Close)
	empty := t.TempDir()
	estate := filepath.Join("..", "..", "..", "..", "examples", "estate")
	if err := os.CopyFS(filepath.Join(empty, "configuration"), os.DirFS(estate)); err != nil {
		t.Fatal(err)
	}
	for _, a := range acts {
		s.bases[a] = empty
		if len(a.edits) == 0 {
			continue
		}
		sc := s.set(t, empty)
		sc.converge()
		for _, e := range a.edits {
			sc.edit(e)
		}
		if err := sc.box.Close(); err != nil {
			t.Fatal(err)
		}
		s.bases[a] = sc.dir
	}
	return s
}

// act is one apply that is to be killed: the configuration and what is there already.
type act struct {
	name string
	// edits turn the example estate, applied, into what the act applies; without any the act begins with nothing.
	edits []edit
}

// edit replaces a text in a file of the configuration.
type edit struct{ file, old, new string }

// scene is a folder with a configuration and a state, and a sandbox.
type scene struct {
	t     testing.TB
	stage *stage
	dir   string
	box   *sandbox.Server
	clock *quick
	// time is the clock of the applies in this process, clock if it is nil.
	time state.Clock
	// keeper keeps the state, which is in a file if it is nil.
	keeper *keeper
}

func (sc *scene) configuration() string { return filepath.Join(sc.dir, "configuration") }

// set begins a scene with a copy of a folder.
func (s *stage) set(t testing.TB, from string) *scene {
	t.Helper()
	sc := &scene{t: t, stage: s, dir: t.TempDir(), clock: &quick{}}
	if err := os.CopyFS(sc.dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	box, err := sandbox.New(sandbox.Options{Clock: sc.clock, NoRateLimits: true, Polls: 2, Dir: filepath.Join(sc.dir, "atlas")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	sc.box = box
	s.box.Store(box)
	return sc
}

// write begins a scene with nothing in Atlas and a configuration of one file.
func (s *stage) write(t testing.TB, text string) *scene {
	t.Helper()
	folder := t.TempDir()
	path := filepath.Join(folder, "configuration", "main.hcl")
	if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	return s.set(t, folder)
}

// begin begins a scene at an act's beginning.
func (s *stage) begin(t testing.TB, a *act) *scene {
	t.Helper()
	return s.set(t, s.bases[a])
}

func (sc *scene) edit(e edit) {
	sc.t.Helper()
	path := filepath.Join(sc.configuration(), e.file)
	text, err := os.ReadFile(path)
	if err != nil {
		sc.t.Fatal(err)
	}
	if strings.Count(string(text), e.old) != 1 {
		sc.t.Fatalf("%s has %q %d times", e.file, e.old, strings.Count(string(text), e.old))
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), e.old, e.new, 1)), 0o600); err != nil {
		sc.t.Fatal(err)
	}
}

// process is a victim under way.
type process struct {
	command *exec.Cmd
	out     bytes.Buffer
	ended   chan struct{}
	begun   chan struct{}
}

// start starts a victim in the scene. Its death after Atlas did something is Atlas's to bring about, and so is what
// befall says.
func (sc *scene) start(o orders, befall ...func(*process) sandbox.Fault) *process {
	sc.t.Helper()
	o.Dir, o.URL, o.Start = sc.configuration(), sc.stage.server.URL, start
	if k := sc.keeper; k != nil {
		o.Kept, o.Values, o.Ahead = k.kind, k.values, k.ahead
	}
	p, err := newProcess(o)
	if err != nil {
		sc.t.Fatal(err)
	}
	if o.Moment == afterDone {
		befall = append(befall, func(p *process) sandbox.Fault {
			return sandbox.Fault{Nth: o.N, Action: sandbox.Lost, After: func(*http.Request) { p.kill() }}
		})
	}
	for _, f := range befall {
		if err := sc.box.SetFaults(f(p)); err != nil {
			sc.t.Fatal(err)
		}
	}
	if err := p.start(); err != nil {
		sc.t.Fatal(err)
	}
	return p
}

// newProcess returns a victim that is not started yet.
func newProcess(o orders) (*process, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	p := &process{command: exec.Command(os.Args[0]), ended: make(chan struct{}), begun: make(chan struct{})}
	p.command.Env = append(os.Environ(), ordersVariable+"="+string(text))
	p.command.Stdout, p.command.Stderr = &p.out, &p.out
	_, err = p.command.StdinPipe() // open as long as this process lives
	return p, err
}

// begin starts a victim that nothing befalls.
func begin(o orders) (*process, error) {
	p, err := newProcess(o)
	if err != nil {
		return nil, err
	}
	return p, p.start()
}

func (p *process) start() error {
	if err := p.command.Start(); err != nil {
		return err
	}
	close(p.begun)
	go func() {
		_ = p.command.Wait() // what it came to is in ProcessState
		close(p.ended)
	}()
	return nil
}

// kill kills the process and returns when it is gone.
func (p *process) kill() {
	<-p.begun
	_ = p.command.Process.Kill() // or it is gone already
	<-p.ended
}

// stop stops the process and returns when it stands still: until then it could take an answer and send something.
func (p *process) stop() error {
	<-p.begun
	if err := p.command.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(p.command.Process.Pid, &status, syscall.WUNTRACED, nil)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// end waits for the process. It returns its report, or false where it was killed.
func (p *process) end(t testing.TB) (report, bool) {
	t.Helper()
	<-p.ended
	if !p.command.ProcessState.Exited() {
		return report{}, false
	}
	var r report
	if err := json.Unmarshal(p.out.Bytes(), &r); err != nil {
		t.Fatalf("a victim ended with %v and says:\n%s", p.command.ProcessState, p.out.String())
	}
	return r, true
}

// run starts a victim and waits for its end.
func (sc *scene) run(o orders) (report, bool) {
	sc.t.Helper()
	r, lived := sc.start(o).end(sc.t)
	if err := sc.box.SetFaults(); err != nil {
		sc.t.Fatal(err)
	}
	return r, lived
}

// open opens the scene's configuration in this process.
func (sc *scene) open() *workflow.Session {
	sc.t.Helper()
	s, err := open(atlas.Config{BaseURL: sc.stage.server.URL, Transport: http.DefaultTransport}, sc.configuration(), sc.now(), sc.store())
	if err != nil {
		sc.t.Fatal(err)
	}
	return s
}

// now is the clock of the applies in this process.
func (sc *scene) now() state.Clock {
	switch {
	case sc.time != nil:
		return sc.time
	case sc.keeper != nil:
		return &quick{passed: sc.keeper.ahead}
	}
	return sc.clock
}

// converge applies what is left to do: everything, in one apply.
func (sc *scene) converge() {
	sc.t.Helper()
	a, err := sc.open().Apply(context.Background(), everything())
	if err != nil {
		sc.t.Fatalf("the rerun: %v", err)
	}
	if list := append(slices.Clone(a.Plan.Diagnostics.Errors()), a.Result.All().Errors()...); len(list) > 0 || !a.Ran || !a.Result.OK() {
		sc.t.Fatalf("the rerun did not go through (refused %v): %v", a.Refused, list)
	}
}

// ending is all that an apply leaves, without what differs between two that did the same.
type ending struct {
	Atlas map[string]any
	State map[string]any
}

// ending checks what every apply must leave, and returns the rest.
func (sc *scene) ending() ending {
	sc.t.Helper()
	sc.expectEmptyPlan()
	store := sc.store()
	if holder, err := store.Holder(context.Background()); holder != nil || err != nil {
		sc.t.Errorf("the lock is held by %+v, %v", holder, err)
	}
	st, err := store.Read(context.Background())
	if err != nil {
		sc.t.Fatal(err)
	}
	if len(st.Intents) > 0 {
		sc.t.Errorf("intents are open: %+v", st.Intents)
	}
	owned := map[string]schema.Address{}
	for a, b := range st.Resources {
		object := fmt.Sprint(b.Kind, b.Place, b.ID, b.Key)
		if other, twice := owned[object]; twice {
			sc.t.Errorf("%s and %s are one object: %s", a, other, object)
		}
		owned[object] = a
	}
	sc.expectNoLitter()
	return ending{portable(sc.t, sc.box), sc.remembered(st)}
}

// portable returns what is in a sandbox. Objects without a name stand under their content, and left out are the
// networks that Atlas makes for clusters: which gets which addresses goes by the order in which the clusters came.
func portable(t testing.TB, box *sandbox.Server) map[string]any {
	t.Helper()
	out := map[string]any{}
	for name, o := range box.Snapshot() {
		prefix, _, keyless := strings.Cut(name, "/"+string(sandbox.AlertConfig)+"/")
		switch {
		case strings.Contains(name, "/"+string(sandbox.Container)+"/"):
		case keyless:
			text, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			name = prefix + "/" + string(text)
			count, _ := out[name].(int)
			out[name] = count + 1
		default:
			out[name] = o
		}
	}
	return out
}

func (sc *scene) expectEmptyPlan() {
	sc.t.Helper()
	p, err := sc.open().Plan(context.Background(), plan.Options{})
	if err != nil {
		sc.t.Fatal(err)
	}
	if p.Empty() && !p.Diagnostics.HasErrors() {
		return
	}
	sc.t.Errorf("the plan after the rerun is not empty: %+v %+v %v", p.Summary(), p.StateOnly, p.Diagnostics)
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Action != plan.NoOp {
			sc.t.Errorf("    %s %s %v %+v", c.Action, c.Address, c.Reasons, c.Diffs)
		}
	}
}

// expectNoLitter fails where the dead left files behind.
func (sc *scene) expectNoLitter() {
	sc.t.Helper()
	entries, err := os.ReadDir(sc.configuration())
	if err != nil {
		sc.t.Fatal(err)
	}
	for _, e := range entries {
		switch suffix, ours := strings.CutPrefix(e.Name(), local.DefaultPath); {
		case ours && suffix != "" && suffix != ".lock" && suffix != ".lock.mutex":
			sc.t.Errorf("%s is left behind", e.Name())
		}
	}
}

// remembered returns what a state remembers, by address, without what differs from run to run: ids and the salts of
// hashes. Outputs stand among the addresses, by their names.
func (sc *scene) remembered(st *state.State) map[string]any {
	sc.t.Helper()
	data, err := state.Encode(catalog, st)
	if err != nil {
		sc.t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		sc.t.Fatal(err)
	}
	resources, _ := out["resources"].(map[string]any)
	if outputs, ok := out["outputs"].(map[string]any); ok {
		resources["outputs"] = slices.Sorted(maps.Keys(outputs)) // they hold names of hosts
	}
	for _, r := range resources {
		bound, ok := r.(map[string]any)
		if !ok {
			continue
		}
		delete(bound, "id")
		delete(bound, "place")
		if key, _ := bound["key"].(string); key == "" {
			delete(bound, "key")
		}
		if secrets, ok := bound["secrets"].(map[string]any); ok {
			bound["secrets"] = slices.Sorted(maps.Keys(secrets))
		}
	}
	return resources
}

// same fails where an ending is not the wanted one.
func (e ending) same(t testing.TB, want ending) {
	t.Helper()
	differ(t, "Atlas", want.Atlas, e.Atlas)
	differ(t, "the state", want.State, e.State)
}

// differ reports the parts in which two things differ, by name.
func differ(t testing.TB, what string, want, got map[string]any) {
	t.Helper()
	names := slices.AppendSeq(slices.Collect(maps.Keys(want)), maps.Keys(got))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if diff := cmp.Diff(want[name], got[name]); diff != "" {
			t.Errorf("%s differs in %s from what an apply leaves that was not killed (-undisturbed +found):\n%s", what, name, diff)
		}
	}
}
