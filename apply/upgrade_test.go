package apply_test

import (
	"context"
	"slices"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/apply"
	"mercator/provider"
	"mercator/schema"
)

// straw is a house with a hall of straw and a hut, of which the files make halls of stone.
func straw(t *testing.T) *house {
	h := furnished(t, map[schema.Address]map[string]any{
		"room.a.hall.h": {"name": "h", "walls": "STRAW"}, "room.a.hut.t": {"name": "t"}})
	h.world.calls = nil
	h.put("room.a.hall.h", map[string]any{"name": "h", "walls": "STONE"})
	h.drop("room.a.hut.t")
	h.put("room.a.hall.t", map[string]any{"name": "t", "walls": "STONE"})
	h.parallelism = 1
	return h
}

func (h *house) wantCalls(want ...string) {
	h.t.Helper()
	if !slices.Equal(h.world.calls, want) {
		h.t.Errorf("calls %q, want %q", h.world.calls, want)
	}
}

// TestRule_R02_AnUpgradeChangesTheId: what is upgraded keeps its address, its name and what it holds, and is bound by
// its new id.
func TestRule_R02_AnUpgradeChangesTheId(t *testing.T) {
	h := straw(t)
	before := h.state.Resources["room.a.hall.h"].ID
	h.world.lingers = 20 // Atlas shows it at rest and as it was for a while
	h.run()
	h.wantCalls("upgrade hall h", "upgrade hall t")
	if after := h.state.Resources["room.a.hall.h"].ID; after == before || after == "" {
		t.Errorf("bound by the id %q, it was %q", after, before)
	}
	if p := h.plan(); apply.Needed(p, h.state) {
		t.Errorf("more to do: %s", planText(p))
	}
	h.check()
	nothingWasLost(h)
}

// An upgrade that Atlas accepts and does not carry out is an error, and the next run asks for it again.
func TestUpgradeNotTaken(t *testing.T) {
	h := straw(t)
	h.world.lingers = 1 << 30
	r := h.apply(context.Background(), h.plan())
	wantOutcome(t, r, "room.a.hall.h", apply.Failed, "upgrade_not_taken")
	if b := h.state.Resources["room.a.hall.h"]; b == nil || b.Waiting != "upgrade" {
		t.Errorf("the state has %+v", b)
	}
	h.world.lingers = 0
	h.world.settleAll()
	h.converge()
	h.check()
	nothingWasLost(h)
}

// The answer to an upgrade can be lost. Whether it was carried out shows, and it is asked for once.
func TestUpgradeWhoseAnswerIsLost(t *testing.T) {
	for _, done := range []bool{true, false} {
		h := straw(t)
		lost := 0
		h.world.fault = func(int, string) fault {
			if lost++; lost == 1 {
				return fault{refusal(provider.Uncertain), done}
			}
			return fault{}
		}
		r := h.apply(context.Background(), h.plan())
		if r.OK() != done {
			t.Errorf("carried out %t: %s", done, resultText(r))
		}
		h.converge()
		h.check()
		h.wantCalls(map[bool][]string{true: {"upgrade hall h", "upgrade hall t"}, false: {"upgrade hall t", "upgrade hall h"}}[done]...)
	}
}

// TestRule_R27_UpgradedMeanwhile: what somebody upgraded or changed since the plan was made is left alone.
func TestRule_R27_UpgradedMeanwhile(t *testing.T) {
	for name, change := range map[string]func(*house){
		"upgraded": func(h *house) {
			for _, it := range h.world.objects {
				if h.world.key(it) == "h" {
					it.values["walls"] = cty.StringVal("STONE")
				}
			}
		},
		"at work": func(h *house) { h.work("hall", "BUSY", 3) },
		"gone":    func(h *house) { h.removeNamed("h") },
	} {
		t.Run(name, func(t *testing.T) {
			h := straw(t)
			p := h.plan()
			change(h)
			r := h.apply(context.Background(), p)
			wantOutcome(t, r, "room.a.hall.h", apply.Failed, "changed_meanwhile")
			h.wantCalls("upgrade hall t")
		})
	}
}

func (h *house) removeNamed(key string) {
	for id, it := range h.world.objects {
		if h.world.key(it) == key {
			delete(h.world.objects, id)
		}
	}
}

// TestRule_R26_FilesChangeDuringAnUpgrade: whatever the files ask for after a death in the middle of an upgrade, the
// object is known for ours, whichever kind it is of by then: it is deleted where nobody wants it, and owned where
// somebody does.
func TestRule_R26_FilesChangeDuringAnUpgrade(t *testing.T) {
	for _, early := range []bool{true, false} {
		for _, eager := range []bool{true, false} {
			for _, back := range []bool{true, false} {
				h := straw(t)
				h.options.AllowDestroy = []string{"all"}
				h.put("room.a.hall.h", map[string]any{"name": "h", "walls": "STRAW"})
				p := h.plan()
				h.world.dieAt, h.world.dieBefore, h.eager = h.world.count+1, early, eager
				h.apply(context.Background(), p)
				h.world.dead, h.world.dieAt, h.eager = false, 0, false
				h.drop("room.a.hall.t")
				if back && early {
					h.put("room.a.hut.t", map[string]any{"name": "t"})
				}
				h.converge()
				h.check()
				if n := len(h.live("hut", "t")) + len(h.live("hall", "t")); (n > 0) != (back && early) {
					t.Errorf("before the call %t, saved %t, wanted back %t: %d attributes are left of it", early, eager, back, n)
				}
			}
		}
	}
}
