package apply_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/provider"
	"mercator/schema"
)

// guardedEngine is a house with an engine of which a copy is made before it is lost or gets another size.
func guardedEngine(t *testing.T) *house {
	h := newHouse(t)
	h.options.AllowDestroy = []string{"all"}
	h.put("room.a", map[string]any{"name": "a"})
	h.put("room.a.engine.e", map[string]any{"name": "e", "size": "L"})
	h.protect("room.a.engine.e", schema.GuardedSteps()...)
	h.converge()
	return h
}

// copies are the texts of the copies that guard steps.
func (h *house) copies() []string {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	var out []string
	for _, it := range h.world.objects {
		if guarding(it) {
			out = append(out, text(it.values["text"]))
		}
	}
	return out
}

// A copy is complete before the call that it guards, and outlives what it guards; it belongs to nobody.
func TestACopyComesBeforeTheLoss(t *testing.T) {
	h := guardedEngine(t)
	h.put("room.a.engine.e", map[string]any{"name": "e", "size": "XL"})
	h.protect("room.a.engine.e", schema.GuardedSteps()...)
	from := len(h.world.calls)
	h.converge()
	h.drop("room.a.engine.e") // what guards it is remembered
	h.converge()
	if got, want := h.world.calls[from:], []string{"create copy", "update engine e", "create copy", "delete engine e"}; !slices.Equal(got, want) {
		t.Errorf("the calls are %q, want %q", got, want)
	}
	for _, about := range []string{"before its version changes", "before it is deleted"} {
		if !slices.ContainsFunc(h.copies(), func(s string) bool { return strings.HasPrefix(s, "room.a.engine.e, "+about) }) {
			t.Errorf("no copy was made %s: %q", about, h.copies())
		}
	}
	h.check()
}

// Without its copy nothing is lost, and the next run makes another one.
func TestAFailedCopyStopsTheStep(t *testing.T) {
	h := guardedEngine(t)
	h.drop("room.a.engine.e")
	h.world.spoils = true
	r := h.apply(context.Background(), h.plan())
	if got := codes(outcome(r, "room.a.engine.e")); !slices.Equal(got, []string{"settle_failed"}) || h.live("engine", "e") == nil {
		t.Fatalf("the copy failed, and the result is %s", resultText(r))
	}
	if n := len(h.state.Intents); n > 0 {
		t.Errorf("%d intents are left of a copy that failed", n)
	}
	h.world.spoils = false
	h.converge()
	if h.live("engine", "e") != nil || len(h.copies()) != 2 {
		t.Errorf("afterwards there are the copies %q", h.copies())
	}
}

// A copy that Atlas refuses stops the step too.
func TestARefusedCopyStopsTheStep(t *testing.T) {
	h := guardedEngine(t)
	h.drop("room.a.engine.e")
	h.world.fault = func(_ int, call string) fault {
		if call == "create copy" {
			return fault{err: refusal(provider.Invalid)}
		}
		return fault{}
	}
	r := h.apply(context.Background(), h.plan())
	if r.OK() || h.live("engine", "e") == nil || len(h.state.Intents) > 0 {
		t.Errorf("the result is %s, with %d intents", resultText(r), len(h.state.Intents))
	}
}

// A copy whose answer is lost is found, and not made again.
func TestACopyWithALostAnswer(t *testing.T) {
	for _, done := range []bool{true, false} {
		h := guardedEngine(t)
		h.drop("room.a.engine.e")
		lost := false
		h.world.fault = func(_ int, call string) fault {
			if call == "create copy" && !lost {
				lost = true
				return fault{err: &provider.Error{Class: provider.Uncertain, Call: call}, done: done}
			}
			return fault{}
		}
		h.converge()
		if got := h.copies(); len(got) != 1 {
			t.Errorf("carried out %t: there are the copies %q", done, got)
		}
		h.check()
	}
}

// What an interrupted run copied guards the next run, but not a day later.
func TestAnOldCopyGuardsNothing(t *testing.T) {
	for _, later := range []time.Duration{time.Hour, 25 * time.Hour} {
		h := guardedEngine(t)
		h.drop("room.a.engine.e")
		h.world.dieAt, h.world.dieBefore, h.eager = h.world.count+2, true, true // at the deletion
		if r := h.apply(context.Background(), h.plan()); r.OK() {
			t.Fatal("the run was not killed")
		}
		h.world.dead, h.world.dieAt, h.eager = false, 0, false
		h.world.clock.now = h.world.clock.now.Add(later)
		h.converge()
		want := 1
		if later > 24*time.Hour {
			want = 2
		}
		if got := h.copies(); len(got) != want || h.live("engine", "e") != nil || len(h.state.Intents) > 0 {
			t.Errorf("%v later there are the copies %q, and %d intents", later, got, len(h.state.Intents))
		}
	}
}
