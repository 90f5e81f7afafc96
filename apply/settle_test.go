package apply_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/apply"
	"mercator/plan"
	"mercator/provider"
	"mercator/schema"
	"mercator/schema/diag"
)

// work makes an object busy for so many reads, as somebody else's change would.
func (h *house) work(kind, state string, reads int) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	for _, it := range h.world.objects {
		if it.kind.Name == kind {
			it.values["state"], it.ticks = cty.StringVal(state), reads
		}
	}
}

func engine(values map[string]any) map[schema.Address]map[string]any {
	return map[schema.Address]map[string]any{"room.a.engine.e": values}
}

func TestWaitsBeforeAndAfterEachCall(t *testing.T) {
	h := furnished(t, engine(map[string]any{"name": "e", "size": "L"}))
	h.put("room.a.engine.e", map[string]any{"name": "e", "size": "XL", "args": map[string]any{"mode": "fast"}})
	p := h.plan()
	h.work("engine", "BUSY", 5)
	r := h.apply(context.Background(), p) // the world reports a write to a busy object
	if !r.OK() {
		t.Fatal(resultText(r))
	}
	h.converge()
	h.check()
}

func TestProgressEveryTenSeconds(t *testing.T) {
	h := furnished(t, nil)
	h.put("room.a.engine.e", map[string]any{"name": "e"})
	p := h.plan()
	h.run()
	var types []apply.EventType
	var elapsed []time.Duration
	for _, e := range h.events {
		types = append(types, e.Type)
		elapsed = append(elapsed, e.Elapsed)
	}
	// Pauses of 2, 4 and 8 seconds: three reads find it ready after 14.
	want := []apply.EventType{apply.EventStart, apply.EventProgress, apply.EventComplete}
	if !slices.Equal(types, want) || !slices.Equal(elapsed, []time.Duration{0, 10 * time.Second, 14 * time.Second}) {
		t.Errorf("events %v at %v", types, elapsed)
	}
	if len(p.Tasks) != 1 {
		t.Errorf("%d tasks", len(p.Tasks))
	}
}

func TestRule_R09_TimedOutGoesOnNextTime(t *testing.T) {
	h := furnished(t, nil)
	h.put("room.a.engine.e", map[string]any{"name": "e", "size": "L"})
	h.desired[len(h.desired)-1].Timeouts.Create = 5 * time.Second
	r := h.apply(context.Background(), h.plan())
	wantOutcome(t, r, "room.a.engine.e", apply.Failed, "timed_out")
	b := h.state.Resources["room.a.engine.e"]
	if b == nil || b.Waiting != "create" {
		t.Fatalf("the state has %+v", b)
	}
	if len(h.state.Intents) != 0 {
		t.Errorf("intents are open: %+v", h.state.Intents)
	}
	h.desired[len(h.desired)-1].Timeouts.Create = 0
	r = h.apply(context.Background(), h.plan())
	wantOutcome(t, r, "room.a.engine.e", apply.Done, "")
	if !slices.Equal(r.Replan, []schema.Address{"room.a.engine.e"}) {
		t.Errorf("to be planned again: %v", r.Replan)
	}
	if len(h.world.calls) != 1 {
		t.Errorf("calls: %q", h.world.calls)
	}
	h.converge()
	h.check()
}

func TestRule_R09_TimedOutDeletionGoesOn(t *testing.T) {
	h := furnished(t, engine(map[string]any{"name": "e"}))
	h.drop("room.a.engine.e")
	p := h.plan()
	for i := range p.Changes {
		p.Changes[i].Timeouts.Delete = time.Second
	}
	r := h.apply(context.Background(), p)
	wantOutcome(t, r, "room.a.engine.e", apply.Failed, "timed_out")
	if b := h.state.Resources["room.a.engine.e"]; b == nil || b.Waiting != "delete" {
		t.Fatalf("the state has %+v", b)
	}
	h.converge()
	h.check()
	if len(h.world.calls) != 1 {
		t.Errorf("calls: %q", h.world.calls)
	}
}

// TestDeletedWhileBeingDeclared waits for the end of a deletion and then makes the object anew.
func TestDeletedWhileBeingDeclared(t *testing.T) {
	h := furnished(t, engine(map[string]any{"name": "e"}))
	for _, it := range h.world.objects {
		if it.kind.Name == "engine" {
			it.leaving = true
		}
	}
	h.work("engine", "DELETING", 3)
	h.converge()
	h.check()
	if !slices.Equal(h.world.calls, []string{"create engine e"}) {
		t.Errorf("calls: %q", h.world.calls)
	}
}

func TestStatesThatEndTheWait(t *testing.T) {
	for state, code := range map[string]string{"BROKEN": "settle_failed", "DELETING": "being_deleted", "NEW_STATE": "unknown_state", "": "unknown_state"} {
		t.Run(code+" "+state, func(t *testing.T) {
			h := furnished(t, nil)
			h.put("room.a.engine.e", map[string]any{"name": "e"})
			h.world.clock.onSleep = func(time.Duration) { h.work("engine", state, 0) }
			r := h.apply(context.Background(), h.plan())
			wantOutcome(t, r, "room.a.engine.e", apply.Failed, code)
			if b := h.state.Resources["room.a.engine.e"]; b == nil || b.Waiting != "create" {
				t.Errorf("the binding is lost: %+v", b)
			}
		})
	}
}

func TestVanishesWhileWaitedFor(t *testing.T) {
	h := furnished(t, nil)
	h.put("room.a.engine.e", map[string]any{"name": "e"})
	h.world.clock.onSleep = func(time.Duration) {
		h.world.mu.Lock()
		defer h.world.mu.Unlock()
		for id, it := range h.world.objects {
			if it.kind.Name == "engine" {
				delete(h.world.objects, id)
			}
		}
	}
	r := h.apply(context.Background(), h.plan())
	wantOutcome(t, r, "room.a.engine.e", apply.Failed, "vanished")
}

// TestRule_R29_Interrupted stops a run in the middle of a wait: it ends, the binding says so, nothing new begins.
func TestRule_R29_Interrupted(t *testing.T) {
	h := furnished(t, nil)
	h.parallelism = 1
	h.put("room.a.engine.e", map[string]any{"name": "e", "args": map[string]any{"mode": "fast"}})
	h.put("room.a.user.zoe", map[string]any{"name": "zoe"})
	h.refer("room.a.user.zoe", "role", "room.a")
	h.desired[len(h.desired)-1].DependsOn = []schema.Address{"room.a.engine.e"}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	h.world.clock.onSleep = func(time.Duration) { cancel() }
	delete(h.refs, "room.a.user.zoe")
	r := h.apply(ctx, h.plan())
	if !r.Interrupted {
		t.Error("the result does not say that it was interrupted")
	}
	wantOutcome(t, r, "room.a.engine.e", apply.Interrupted, "")
	wantOutcome(t, r, "room.a.user.zoe", apply.Interrupted, "")
	if b := h.state.Resources["room.a.engine.e"]; b == nil || b.Waiting != "create" {
		t.Fatalf("the state has %+v", b)
	}
	if !slices.Equal(h.world.calls, []string{"create engine e"}) {
		t.Errorf("calls: %q", h.world.calls)
	}
	if len(h.state.Intents) != 0 {
		t.Errorf("intents are open: %+v", h.state.Intents)
	}
	h.world.clock.onSleep = nil
	h.converge()
	h.check()
}

// TestRule_R29_RunningCallsEnd stops a run while a call is under way: it is recorded.
func TestRule_R29_RunningCallsEnd(t *testing.T) {
	h := furnished(t, nil)
	h.parallelism = 1
	h.put("room.a.user.ann", map[string]any{"name": "ann"})
	h.put("room.a.user.bob", map[string]any{"name": "bob"})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	h.world.before = func(int, string) { cancel() }
	r := h.apply(ctx, h.plan())
	wantOutcome(t, r, "room.a.user.ann", apply.Done, "")
	wantOutcome(t, r, "room.a.user.bob", apply.Interrupted, "")
	if h.state.Resources["room.a.user.ann"] == nil || len(h.world.calls) != 1 {
		t.Errorf("calls %q, state %v", h.world.calls, h.state.Resources)
	}
}

// TestRule_R28_LeaseLost loses the lock at each call: no further call is made, and the journal suffices.
func TestRule_R28_LeaseLost(t *testing.T) {
	for n := 1; n <= 4; n++ {
		h := furnished(t, nil)
		h.parallelism = 1
		for _, name := range []string{"ann", "bob", "cat", "dan"} {
			h.put(schema.Address("room.a.user."+name), map[string]any{"name": name})
		}
		first := h.world.count
		p := h.plan()
		h.world.before = func(at int, _ string) {
			if at == first+n {
				h.guard.mu.Lock()
				h.guard.lost = true
				h.guard.mu.Unlock()
				h.journal.mu.Lock()
				h.journal.lost = true
				h.journal.mu.Unlock()
			}
		}
		r := h.apply(context.Background(), p)
		if !r.LeaseLost || len(h.world.calls) != n {
			t.Errorf("lost=%t after %q", r.LeaseLost, h.world.calls)
		}
		if n < 4 {
			wantOutcome(t, r, "room.a.user.dan", apply.Interrupted, "")
		}
		h.guard, h.world.before = nil, nil
		h.converge()
		h.check()
	}
}

// TestWaitsDoNotHoldWorkers makes more engines than there are workers: all are made before any is ready.
func TestWaitsDoNotHoldWorkers(t *testing.T) {
	h := furnished(t, nil)
	h.parallelism = 1
	for _, name := range []string{"e1", "e2", "e3"} {
		h.put(schema.Address("room.a.engine."+name), map[string]any{"name": name})
	}
	var asked sync.WaitGroup
	asked.Add(3)
	h.world.before = func(int, string) { asked.Done() }
	h.world.clock.hold = asked.Wait // no time passes before all three are asked for
	h.run()
	h.check()
}

// TestSingleton makes a singleton by an update, and forgets it when its deletion has no call.
func TestSingleton(t *testing.T) {
	h := furnished(t, nil)
	kind := h.world.catalog.Kind("rules")
	b := h.state.Resources["room.a"]
	place, err := h.world.catalog.Kind("room").Inside(b.Place, b.ID, b.Key)
	if err != nil {
		t.Fatal(err)
	}
	h.put("room.a.rules", map[string]any{"mode": "strict"})
	want := h.desired[len(h.desired)-1].Value
	null := cty.NullVal(kind.Type())
	p := &plan.Plan{Now: h.world.clock.Now(), Changes: []plan.Change{{
		Address: "room.a.rules", Kind: "rules", Place: place, Parent: "room.a", Action: plan.Create, Before: null, After: want, Desired: want,
		Calls: []schema.Call{{Verb: schema.CallUpdate, Operation: kind.Endpoints.Update.Operation, Attributes: []string{"mode"}}},
	}}, Tasks: []plan.Task{{Change: 0, Phase: plan.Write}}}
	r := h.apply(context.Background(), p)
	wantOutcome(t, r, "room.a.rules", apply.Done, "")
	if got := text(h.live("rules", "")["mode"]); got != "strict" {
		t.Errorf("the mode is %q", got)
	}
	if h.state.Resources["room.a.rules"] == nil {
		t.Fatal("it is not in the state")
	}
	p = &plan.Plan{Now: h.world.clock.Now(), Changes: []plan.Change{{
		Address: "room.a.rules", Kind: "rules", Place: place, Parent: "room.a", Action: plan.Delete, Before: want, After: null, Desired: null,
	}}, Tasks: []plan.Task{{Change: 0, Phase: plan.Remove}}}
	h.apply(context.Background(), p)
	if h.state.Resources["room.a.rules"] != nil {
		t.Error("it is still in the state")
	}
}

// TestRule_R42_OldObjectKeepsAnAddress looks at the state while a replacement has two objects.
func TestRule_R42_OldObjectKeepsAnAddress(t *testing.T) {
	h := furnished(t, map[schema.Address]map[string]any{"room.a.user.bob": {"name": "bob"}})
	h.put("room.a.user.bob", map[string]any{"name": "robert"})
	h.world.fault = func(_ int, call string) fault {
		if call == "delete user bob" {
			return fault{refusal(provider.Denied), false}
		}
		return fault{}
	}
	r := h.apply(context.Background(), h.plan())
	wantOutcome(t, r, "room.a.user.bob", apply.Failed, "atlas_denied")
	aside := schema.Address(`room.a.user.bob["replaced bob"]`)
	if b := h.state.Resources[aside]; b == nil || b.Key != "bob" {
		t.Fatalf("the old object is not remembered: %v", h.state.Resources)
	}
	if b := h.state.Resources["room.a.user.bob"]; b == nil || b.Key != "robert" {
		t.Fatalf("the new object is not remembered: %+v", b)
	}
	h.world.fault = nil
	h.converge()
	h.check()
	if h.live("user", "bob") != nil {
		t.Error("the old object is still there")
	}
}

func TestReplacementThatAtlasRefuses(t *testing.T) {
	h := furnished(t, map[schema.Address]map[string]any{"room.a.user.bob": {"name": "bob"}})
	h.put("room.a.user.bob", map[string]any{"name": "bad"})
	before := *h.state.Resources["room.a.user.bob"]
	r := h.apply(context.Background(), h.plan())
	wantOutcome(t, r, "room.a.user.bob", apply.Failed, "atlas_invalid")
	if b := h.state.Resources["room.a.user.bob"]; b == nil || b.Key != before.Key || len(h.state.Resources) != 2 {
		t.Errorf("the state has %v", h.state.Resources)
	}
}

func TestMove(t *testing.T) {
	h := furnished(t, map[schema.Address]map[string]any{"room.a.user.ann": {"name": "ann", "role": "read"}})
	h.drop("room.a.user.ann")
	h.put("room.a.user.anna", map[string]any{"name": "ann", "role": "write"})
	h.world.fault = func(int, string) fault { return fault{refusal(provider.Denied), false} }
	r := h.apply(context.Background(), h.plan())
	wantOutcome(t, r, "room.a.user.anna", apply.Failed, "")
	b := h.state.Resources["room.a.user.anna"]
	if b == nil || h.state.Resources["room.a.user.ann"] != nil {
		t.Fatalf("it did not move: %v", h.state.Resources)
	}
	if got := b.Applied.GetAttr("role"); got.AsString() != "read" {
		t.Errorf("the state says that %q was applied", got.AsString())
	}
	h.world.fault = nil
	h.converge()
	h.check()
}

func TestPlanWithErrors(t *testing.T) {
	h := furnished(t, nil)
	h.put("room.a.user.ann", map[string]any{"name": "ann"})
	p := h.plan()
	p.Diagnostics.Add(diag.Errorf("x", "y", "z"))
	r := h.apply(context.Background(), p)
	if r.OK() || len(h.world.calls) != 0 || outcome(r, "room.a.user.ann").Status != apply.Interrupted {
		t.Errorf("calls %q, result %s", h.world.calls, resultText(r))
	}
}

func TestResolvedOtherwiseThanPlanned(t *testing.T) {
	h := furnished(t, nil)
	h.put("room.a.user.ann", map[string]any{"name": "ann", "role": "read"})
	p := h.plan()
	h.put("room.a.user.ann", map[string]any{"name": "ann", "role": "admin"})
	r := h.apply(context.Background(), p)
	wantOutcome(t, r, "room.a.user.ann", apply.Failed, "inconsistent_value")
	if len(h.world.calls) != 0 {
		t.Errorf("calls: %q", h.world.calls)
	}
}

// TestPartialUpdateIsRecorded fails a change at its second call: what the first applied is remembered.
func TestPartialUpdateIsRecorded(t *testing.T) {
	h := furnished(t, engine(map[string]any{"name": "e", "size": "L", "args": map[string]any{"mode": "slow"}}))
	h.put("room.a.engine.e", map[string]any{"name": "e", "size": "XL", "args": map[string]any{"mode": "fast"}})
	h.world.fault = func(_ int, call string) fault {
		if call == "part engine e" {
			return fault{refusal(provider.Invalid), false}
		}
		return fault{}
	}
	r := h.apply(context.Background(), h.plan())
	wantOutcome(t, r, "room.a.engine.e", apply.Failed, "atlas_invalid")
	b := h.state.Resources["room.a.engine.e"]
	if got := b.Applied.GetAttr("size").AsString(); got != "XL" {
		t.Errorf("size %q was recorded", got)
	}
	if got := b.Applied.GetAttr("args").GetAttr("mode").AsString(); got != "slow" {
		t.Errorf("mode %q was recorded", got)
	}
	h.world.fault = nil
	h.converge()
	h.check()
}

// A change may be what mends an object that failed, so it is made; and one that failed again says so.
func TestAChangeMendsWhatFailed(t *testing.T) {
	h := furnished(t, engine(map[string]any{"name": "e", "size": "L"}))
	h.work("engine", "BROKEN", 0)
	h.put("room.a.engine.e", map[string]any{"name": "e", "size": "XL"})
	p := h.plan()
	h.world.clock.onSleep = func(time.Duration) { h.work("engine", "BROKEN", 0) }
	wantOutcome(t, h.apply(context.Background(), p), "room.a.engine.e", apply.Failed, "settle_failed")
	h.put("room.a.engine.e", map[string]any{"name": "e", "size": "M"})
	p = h.plan()
	h.world.clock.onSleep = nil
	if r := h.apply(context.Background(), p); !r.OK() {
		t.Fatal(resultText(r))
	}
	h.converge()
	h.check()
}
