//go:build unix

package killtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

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

// moment is when a victim dies.
type moment string

const (
	never       moment = ""
	beforeCall  moment = "before call"  // its request number N is about to be sent
	afterDone   moment = "done call"    // Atlas has done what request number N asks for, and has not answered
	afterAnswer moment = "after answer" // the answer to request number N was read
	beforeStep  moment = "before step"  // its file operation number N is about to be made
	tornWrite   moment = "torn step"    // half of what file operation number N writes is written
	afterStep   moment = "after step"   // the store has done what step number N asks for
)

// orders are what a victim is told.
type orders struct {
	Dir, URL    string
	Start       time.Time
	Moment      moment
	N           int
	Parallelism int
	// Lazy lets results wait in memory as long as they may, so that what is killed has recorded as little as
	// possible; otherwise they are saved at once.
	Lazy        bool
	LockTimeout time.Duration
	// Clock is the address of the time, "" for one that nobody waits on, which begins Ahead of the start.
	Clock string
	Ahead time.Duration
	// Kept is the kind of store that the state is in, "" for a file, and Values say where.
	Kept   string
	Values map[string]string
	// Chaos says that it is one of a crowd, whose clock runs from Since and who tells what it does at News; a state in
	// a file is in StateDir.
	Chaos    bool
	Since    time.Time
	News     string
	StateDir string
}

// report is what a victim says that lived.
type report struct {
	// Calls is the number of requests to Atlas, Steps are the file operations.
	Calls int
	Steps []string
	// Done says that everything was carried out; Codes are the findings of what was not.
	Done  bool
	Codes []string
	// Error is the apply's, and Holder the process that it names as the lock's holder.
	Error  string
	Holder int
}

// ordersVariable holds the orders of a process that is a victim.
const ordersVariable = "MERCATOR_KILL_ORDERS"

// TestMain serves as the process that is killed.
func TestMain(m *testing.M) {
	text := os.Getenv(ordersVariable)
	if text == "" {
		os.Exit(m.Run())
	}
	go func() { // who started it is gone
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(1)
	}()
	var o orders
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	start = o.Start
	if err := json.NewEncoder(os.Stdout).Encode(newVictim(o).apply()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// victim is an apply that counts what it does, and dies when it is told to.
type victim struct {
	orders
	clock state.Clock
	next  http.RoundTripper
	calls atomic.Int64

	mu    sync.Mutex
	steps []string
	torn  bool
}

func newVictim(o orders) *victim {
	v := &victim{orders: o, next: http.DefaultTransport, clock: &quick{lazy: o.Lazy, passed: o.Ahead}}
	switch {
	case o.Clock != "":
		v.clock = remote(o.Clock)
	case o.Chaos:
		v.clock = fast{o.Since}
	}
	return v
}

func (v *victim) apply() report {
	store, err := v.store()
	if err != nil {
		return report{Error: err.Error()}
	}
	s, err := open(atlas.Config{BaseURL: v.URL, Transport: v, Concurrency: v.Parallelism}, v.Dir, v.clock, store)
	if err != nil {
		return report{Error: err.Error()}
	}
	o := everything()
	o.LockTimeout, o.Parallelism = v.LockTimeout, v.Parallelism
	a, err := s.Apply(context.Background(), o)
	v.mu.Lock()
	defer v.mu.Unlock()
	r := report{Calls: int(v.calls.Load()), Steps: v.steps, Done: err == nil && a.Ran && a.Result.OK()}
	for _, d := range a.Result.All() {
		r.Codes = append(r.Codes, d.Code)
	}
	var locked *state.LockedError
	if errors.As(err, &locked) {
		r.Holder = locked.Holder.PID
	}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

// store opens the state such that its victim can die with it.
func (v *victim) store() (state.Store, error) {
	if v.Chaos {
		s, err := storeAt(v.Kept, v.Values, v.StateDir, v.clock)
		return told{s, v}, err
	}
	if v.Kept == "" {
		return local.New(filepath.Join(v.Dir, local.DefaultPath), catalog, v.clock, local.WithFaults(v.step)), nil
	}
	s, err := storeAt(v.Kept, v.Values, v.Dir, v.clock)
	return mortal{s, v}, err
}

// RoundTrip implements [http.RoundTripper].
func (v *victim) RoundTrip(req *http.Request) (*http.Response, error) {
	if v.Chaos {
		req.Header.Set(pidHeader, strconv.Itoa(os.Getpid()))
		return v.next.RoundTrip(req)
	}
	n := int(v.calls.Add(1))
	if v.Moment == beforeCall && n == v.N {
		die()
	}
	res, err := v.next.RoundTrip(req)
	if err != nil || v.Moment != afterAnswer || n != v.N {
		return res, err
	}
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(answer))
	die()
	return res, nil
}

var errTorn = errors.New("the write was torn")

// step implements [local.Faults]. What is only read is not counted.
func (v *victim) step(op, path string, size int) (int, error) {
	if op == "read" {
		return size, nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.steps = append(v.steps, op+" "+filepath.Base(path))
	at := len(v.steps) == v.N
	switch {
	case v.torn || at && (v.Moment == beforeStep || v.Moment == tornWrite && op != "write"):
		die() // a torn file is closed next
	case at && v.Moment == tornWrite:
		v.torn = true
		return size / 2, errTorn
	}
	return size, nil
}

// die ends the process as pulling the plug would.
func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

var catalog = func() *schema.Catalog {
	c, err := kinds.Catalog()
	if err != nil {
		panic(err)
	}
	return c
}()

// open opens a configuration as a command does: real files, the real client, the real state.
func open(client atlas.Config, dir string, clock state.Clock, store state.Store) (*workflow.Session, error) {
	env := map[string]string{
		"MONGODB_ATLAS_BASE_URL": client.BaseURL, "MONGODB_ATLAS_ORG_ID": sandbox.DefaultOrgID,
		"MONGODB_ATLAS_CLIENT_ID": sandbox.DefaultClientID, "MONGODB_ATLAS_CLIENT_SECRET": sandbox.DefaultClientSecret,
	}
	s, diags := workflow.Open(workflow.Options{
		Catalog: catalog, Dir: dir, Now: start, Version: "0.1.0", Clock: clock,
		Getenv:    func(name string) string { return env[name] },
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Store:     func(config.State) (state.Store, error) { return store, nil },
		Connect: func(c workflow.Connection) (provider.Provider, error) {
			client.Credentials, client.Version = c.Environment.Credentials, "0.1.0"
			return atlas.New(client)
		},
	})
	if diags.HasErrors() {
		return nil, fmt.Errorf("the configuration does not open: %v", diags)
	}
	return s, nil
}

// everything are the options of an apply that may do whatever the files say.
func everything() workflow.ApplyOptions {
	return workflow.ApplyOptions{Operation: "apply", Plan: plan.Options{AllowDestroy: []string{"all"}, AllowAdopt: []string{"all"}}}
}
