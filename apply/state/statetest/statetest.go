// Package statetest is the conformance suite of state stores: what every backend must do, told by its declared
// capabilities, and the clock and the toy kinds to test with.
package statetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/apply/state"
	"mercator/schema"
)

// Opener opens one more independent handle on the same state, as another process would have it.
type Opener func(t *testing.T, clock state.Clock) state.Store

// Run tests a store. fresh returns the opener of a new state that was never written; its handles use [Catalog].
func Run(t *testing.T, fresh func(t *testing.T) Opener) {
	caps := fresh(t)(t, NewClock()).Capabilities()
	for _, c := range []struct {
		name  string
		needs state.Capabilities
		test  func(*suite)
	}{
		{"read empty", state.Capabilities{}, readEmpty},
		{"round trip", state.Capabilities{}, roundTrip},
		{"no change is no write", state.Capabilities{}, noChange},
		{"serial and lineage", state.Capabilities{}, serials},
		{"stale write is refused", state.Capabilities{}, staleWrite},
		{"secrets are refused", state.Capabilities{}, secretRefused},
		{"one holder", state.Capabilities{}, oneHolder},
		{"one winner", state.Capabilities{}, oneWinner},
		{"release", state.Capabilities{}, release},
		{"unlock", state.Capabilities{}, unlock},
		{"unlocked holder is fenced", state.Capabilities{CompareAndSwap: true}, unlockedIsFenced},
		{"expiry and takeover", state.Capabilities{Lease: true}, takeover},
		{"renewal", state.Capabilities{Lease: true}, renewal},
		{"renewal after expiry", state.Capabilities{Lease: true}, lateRenewal},
		{"lost holder is fenced", state.Capabilities{Lease: true, CompareAndSwap: true}, lostIsFenced},
		{"journal is read", state.Capabilities{Journal: true}, journalIsRead},
		{"journal is folded by the next run", state.Capabilities{Journal: true}, journalIsFolded},
		{"journal that changes nothing", state.Capabilities{Journal: true}, journalOfNothing},
		{"journal refuses secrets", state.Capabilities{Journal: true}, journalRefusesSecrets},
		{"concurrent appenders", state.Capabilities{Journal: true}, concurrentAppenders},
		{"read while writing", state.Capabilities{Journal: true}, readWhileWriting},
	} {
		t.Run(c.name, func(t *testing.T) {
			if missing := lacking(caps, c.needs); missing != "" {
				t.Skipf("the store declares no %s", missing)
			}
			c.test(&suite{T: t, clock: NewClock(), open: fresh(t)})
		})
	}
}

func lacking(has, needs state.Capabilities) string {
	switch {
	case needs.Lease && !has.Lease:
		return "lease"
	case needs.CompareAndSwap && !has.CompareAndSwap:
		return "compare-and-swap"
	case needs.Journal && !has.Journal:
		return "journal"
	}
	return ""
}

// suite is one test on one state.
type suite struct {
	*testing.T
	clock *Clock
	open  Opener
}

func (s *suite) handle() state.Store { return s.open(s.T, s.clock) }

func (s *suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *suite) lock(who string) state.Lease {
	s.Helper()
	lease, err := s.handle().Lock(context.Background(), state.LockInfo{Operation: "apply", Who: who, PID: 7, Version: "1.2.3"})
	s.must(err)
	return lease
}

func (s *suite) read() *state.State {
	s.Helper()
	got, err := s.handle().Read(context.Background())
	s.must(err)
	return got
}

// write locks, writes what change makes of the state, and releases.
func (s *suite) write(change func(*state.State)) *state.State {
	s.Helper()
	lease := s.lock("writer@host")
	got, err := lease.Read(context.Background())
	s.must(err)
	got = got.Clone()
	change(got)
	s.must(lease.Write(context.Background(), got))
	s.must(lease.Release(context.Background()))
	return got
}

func (s *suite) same(want, got *state.State) {
	s.Helper()
	if diff := Diff(want, got); diff != "" {
		s.Errorf("the state differs (- wanted, + found):\n%s", diff)
	}
}

func (s *suite) lost(what string, err error) {
	s.Helper()
	var lost *state.LostError
	if !errors.As(err, &lost) {
		s.Errorf("%s of a holder that lost its lease: got %v, want a *LostError", what, err)
	}
}

func (s *suite) locked(err error) *state.LockedError {
	s.Helper()
	var locked *state.LockedError
	if !errors.As(err, &locked) {
		s.Fatalf("got %v, want a *LockedError", err)
	}
	return locked
}

func (s *suite) tryLock() error {
	lease, err := s.handle().Lock(context.Background(), state.LockInfo{Who: "other@host"})
	if err == nil {
		s.must(lease.Release(context.Background()))
	}
	return err
}

// Full returns a state in which every field is set.
func Full(t testing.TB) *state.State {
	t.Helper()
	s := state.New()
	s.Connections[""] = state.Connection{OrgID: "o1", BaseURL: "https://cloud.example"}
	s.Connections["emea"] = state.Connection{OrgID: "o2", BaseURL: "https://cloud.example", CredentialsPrefix: "EMEA"}
	box := Box(t, "tools", 3)
	box.Connection, box.Adopted, box.Waiting = "emea", true, "update"
	box.Applied = Value(t, "box", map[string]any{
		"name": "tools <&> \"nails\" ü", "size": 12345678901234.0, "weight": 0.1, "open": false,
		"best_before": "2024-05-01T00:00:00Z", "tags": map[string]any{"crew": "a/b", "": "empty"},
		"limits": map[string]any{"x": 2.5}, "colors": []any{"red", ""}, "lock": map[string]any{"maker": "x"},
		"shelves": []any{map[string]any{"height": 1.0}, map[string]any{"label": "top"}},
	})
	box.Secrets = map[string]string{"code": "hash-1", "shelves[1].key": "hash-2"}
	box.Dependencies = []schema.Address{"box.other", `box.many["k\"1"]`}
	box.Lifecycle = schema.Lifecycle{PreventDestroy: true, Abandon: true, IgnoreChanges: []string{"size"}, SnapshotBefore: []string{"delete"}}
	box.Timeouts = schema.Timeouts{Create: time.Hour, Update: 90 * time.Second, Delete: time.Minute}
	box.Undone = map[string]int{"size": 2}
	lid := &schema.Bound{Address: `box.tools.lid.round["a.b"]`, Kind: "lid", ID: "l1", Applied: cty.NullVal(Catalog(t).Kind("lid").Type())}
	for _, b := range []*schema.Bound{box, lid} {
		s.Resources[b.Address] = b
	}
	s.Outputs["uri"] = state.Output{Value: cty.StringVal("mongodb+srv://x")}
	s.Outputs["sizes"] = state.Output{Value: cty.ObjectVal(map[string]cty.Value{
		"tools": cty.TupleVal([]cty.Value{cty.NumberIntVal(3), cty.NullVal(cty.String), cty.True}),
	})}
	s.Outputs["password"] = state.Output{Value: cty.NullVal(cty.DynamicPseudoType), Sensitive: true}
	s.Intents = []state.Intent{*Armed(t, "i-1", "box.new"), {
		ID: "i-2", Address: "box.tools", Kind: "box", Verb: schema.CallDelete,
		Content: cty.NullVal(Catalog(t).Kind("box").Type()),
	}}
	return s
}

// Armed returns an armed intent to create a box, with every field set.
func Armed(t testing.TB, id string, address schema.Address) *state.Intent {
	t.Helper()
	bind := Box(t, address.Last().Label, 1)
	return &state.Intent{
		ID: id, Address: address, Kind: "box", Connection: "emea", Verb: schema.CallCreate, Armed: true,
		Place: "orgId=o1", ObjectID: "o-" + id, Key: "new", Content: bind.Applied,
		Secrets: map[string]string{"code": "hash-3"}, Seen: []string{"s1", "s2"}, Bind: bind,
	}
}

func readEmpty(s *suite) {
	got := s.read()
	s.same(state.New(), got)
	if holder, err := s.handle().Holder(context.Background()); holder != nil || err != nil {
		s.Errorf("holder of a state never locked: %v, %v", holder, err)
	}
}

func roundTrip(s *suite) {
	full := Full(s)
	wrote := s.write(func(got *state.State) { *got = *full })
	if wrote.Serial != 1 || wrote.Lineage == "" {
		s.Errorf("first write: serial %d, lineage %q", wrote.Serial, wrote.Lineage)
	}
	s.same(wrote, s.read())
}

func noChange(s *suite) {
	if got := s.write(func(*state.State) {}); got.Serial != 0 || got.Lineage != "" {
		s.Errorf("writing an empty state where none is made serial %d, lineage %q", got.Serial, got.Lineage)
	}
	first := s.write(func(got *state.State) { got.Resources["box.a"] = Box(s, "a", 1) })
	again := s.write(func(got *state.State) { got.Resources["box.a"] = Box(s, "a", 1) })
	s.same(first, again)
	s.same(first, s.read())
}

func serials(s *suite) {
	var lineage string
	for serial := 1; serial <= 3; serial++ {
		got := s.write(func(got *state.State) { got.Resources["box.a"] = Box(s, "a", serial) })
		if got.Serial != uint64(serial) || serial > 1 && got.Lineage != lineage {
			s.Errorf("write %d: serial %d, lineage %q after %q", serial, got.Serial, got.Lineage, lineage)
		}
		lineage = got.Lineage
	}
}

func staleWrite(s *suite) {
	ctx := context.Background()
	old := s.write(func(got *state.State) { got.Resources["box.a"] = Box(s, "a", 1) })
	now := s.write(func(got *state.State) { got.Resources["box.b"] = Box(s, "b", 1) })
	foreign := now.Clone()
	foreign.Lineage = "00000000-0000-4000-8000-000000000000"
	lease := s.lock("late@host")
	for name, stale := range map[string]*state.State{"an older serial": old, "another lineage": foreign, "an empty state": state.New()} {
		stale.Resources["box.c"] = Box(s, "c", 1)
		if err := lease.Write(ctx, stale); err == nil {
			s.Errorf("writing %s over the stored one was not refused", name)
		}
	}
	s.same(now, s.read())
	s.must(lease.Release(ctx))
}

func secretRefused(s *suite) {
	before := s.write(func(got *state.State) { got.Resources["box.a"] = Box(s, "a", 1) })
	lease := s.lock("careless@host")
	leaky := before.Clone()
	leaky.Resources["box.a"] = withTags(s, cty.StringVal("CANARY").Mark(schema.Sensitive))
	if err := lease.Write(context.Background(), leaky); err == nil || strings.Contains(err.Error(), "CANARY") {
		s.Errorf("writing a secret: %v", err)
	}
	s.same(before, s.read())
	s.must(lease.Release(context.Background()))
}

func withTags(s *suite, tag cty.Value) *schema.Bound {
	b := Box(s, "a", 1)
	fields := b.Applied.AsValueMap()
	fields["tags"] = cty.MapVal(map[string]cty.Value{"t": tag})
	b.Applied = cty.ObjectVal(fields)
	return b
}

func concurrently(n int, do func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { do(i) })
	}
	all.Wait()
}

func boxName(i, j int) string { return fmt.Sprintf("b%d-%d", i, j) }
