package apply_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/apply"
	"mercator/plan"
	"mercator/provider"
	"mercator/schema"
)

// codesOf returns the codes by which a badge can be used.
func codesOf(it *item) []cty.Value {
	codes, ok := it.values["codes"]
	if !ok || codes.IsNull() {
		return nil
	}
	return codes.AsValueSlice()
}

// addCode gives a badge a code that is good for as many hours as were sent.
func (w *world) addCode(it *item, body cty.Value) {
	hours, _ := body.GetAttr("hours").AsBigFloat().Int64()
	w.next++
	code := cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal(fmt.Sprintf("code%03d", w.next)), "code": cty.NullVal(cty.String),
		"until": cty.StringVal(w.clock.Now().Add(time.Duration(hours) * time.Hour).Format(time.RFC3339))})
	it.values["codes"] = cty.ListVal(append(codesOf(it), code))
}

// withCode shows the last of the codes, once, and the others as they are.
func (w *world) withCode(o schema.Object, codes []cty.Value) schema.Object {
	codes = slices.Clone(codes)
	last := codes[len(codes)-1].AsValueMap()
	if !w.silent {
		last["code"] = cty.StringVal(pinOf(text(last["id"]))).Mark(schema.Sensitive)
	}
	codes[len(codes)-1] = cty.ObjectVal(last)
	values := o.Value.AsValueMap()
	values["codes"] = cty.ListVal(codes)
	o.Value = cty.ObjectVal(values)
	return o
}

// code makes a code of a badge, of which there can be two, or deletes one.
func (w *world) code(call provider.Write) (schema.Object, error) {
	it := w.find(call.Ref)
	if it == nil {
		return schema.Object{}, refusal(provider.NotFound)
	}
	codes := codesOf(it)
	if call.Secret == "" {
		if len(codes) >= 2 {
			return schema.Object{}, refusal(provider.Invalid)
		}
		w.addCode(it, call.Bodies[0])
		codes = codesOf(it)
		return w.withCode(schema.Object{Value: schema.NullObject(it.kind.Attributes)}, codes[len(codes)-1:]), nil
	}
	left := slices.DeleteFunc(slices.Clone(codes), func(c cty.Value) bool { return text(c.GetAttr("id")) == call.Secret })
	switch {
	case len(left) == len(codes):
		return schema.Object{}, refusal(provider.NotFound)
	case len(left) == 0:
		it.values["codes"] = cty.NullVal(it.kind.Attribute("codes").CtyType())
	default:
		it.values["codes"] = cty.ListVal(left)
	}
	return schema.Object{}, nil
}

// opens reports whether the code that was delivered opens the door: its badge has it, and it has not expired.
func (h *house) opens() bool {
	h.vault.mu.Lock()
	held := h.vault.files[h.vault.badge]
	h.vault.mu.Unlock()
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	it := h.world.objects[held.ID]
	return it != nil && held.Fields["code"] == pinOf(held.Secret) && slices.ContainsFunc(codesOf(it), func(c cty.Value) bool {
		until, err := time.Parse(time.RFC3339, text(c.GetAttr("until")))
		return err == nil && text(c.GetAttr("id")) == held.Secret && until.After(h.world.clock.Now())
	})
}

// checkBadge makes sure that the badge is there once, with one code, which the vault has.
func (h *house) checkBadge() {
	h.t.Helper()
	h.check()
	if !h.opens() {
		h.t.Error("the delivered code does not open the door")
	}
	b := h.state.Resources["room.a.badge.one"]
	if b == nil {
		return
	}
	if codes := codesOf(h.world.objects[b.ID]); len(codes) != 1 || text(codes[0].GetAttr("id")) != b.Secret || len(b.Stale) > 0 {
		h.t.Errorf("it has the codes %v, and the state knows %s and %v", codes, b.Secret, b.Stale)
	}
}

// oneBadge declares a badge whose code lasts for ten days and is replaced two days before.
func oneBadge(h *house) {
	h.vault.badge = "badge.json"
	h.put("room.a", map[string]any{"name": "a"})
	h.put("room.a.badge.one", map[string]any{"label": "one", "door": "front", "hours": 240, "secret_file": "badge.json", "rotate_before": "48h"})
}

// byCommand has the code taken by a command, of which nobody can find out afterwards what it took.
func byCommand(h *house) {
	h.vault.badge = ""
	h.put("room.a", map[string]any{"name": "a"})
	h.put("room.a.badge.one", map[string]any{"label": "one", "door": "front", "hours": 240, "secret_command": []string{"vault"}, "rotate_before": "48h"})
}

// aged is a house whose badge has a code that is due.
func aged(t *testing.T, declare func(*house)) *house {
	h := newHouse(t)
	h.options.AllowDestroy = []string{"all"}
	declare(h)
	h.run()
	h.checkBadge()
	h.pass(9 * 24 * time.Hour)
	h.world.count, h.vault.count = 0, 0
	return h
}

// pass lets time pass.
func (h *house) pass(d time.Duration) {
	h.world.clock.mu.Lock()
	h.world.clock.now = h.world.clock.now.Add(d)
	h.world.clock.mu.Unlock()
}

// watch makes sure, at every call, that who reads the file can open the door.
func (h *house) watch() {
	h.world.before = func(_ int, call string) {
		if !h.opens() {
			h.t.Errorf("before %s the delivered code does not open the door", call)
		}
	}
}

func TestRule_R33_ASecretIsReplacedInTime(t *testing.T) {
	h := newHouse(t)
	oneBadge(h)
	h.run()
	h.checkBadge()
	h.watch()
	for round := range 3 {
		h.pass(7 * 24 * time.Hour)
		if p := h.plan(); apply.Needed(p, h.state) {
			t.Fatalf("round %d: three days before its end it is replaced: %s", round, planText(p))
		}
		h.pass(24 * time.Hour)
		old := h.state.Resources["room.a.badge.one"].Secret
		p := h.plan()
		c := h.change(p, "room.a.badge.one")
		if c.Action != plan.Update || len(c.Calls) != 2 || c.Calls[0].Verb != schema.CallMint || c.Calls[1].Key != old ||
			len(c.Reasons) != 1 || c.Reasons[0].Code != "rotation" || len(c.Risks) != 1 || c.Risks[0].Risk != schema.MintsCredential || c.NeedsAllow != "" {
			t.Fatalf("round %d: %s %+v %+v", round, planText(p), c.Calls, c.Risks)
		}
		h.world.calls = nil
		h.run()
		if got := strings.Join(h.world.calls, ", "); got != "mint badge, revoke "+old {
			t.Errorf("round %d: %s", round, got)
		}
		h.checkBadge()
		if p := h.plan(); apply.Needed(p, h.state) {
			t.Errorf("round %d: the next plan is not empty: %s", round, planText(p))
		}
	}
}

func (h *house) change(p *plan.Plan, a schema.Address) *plan.Change {
	h.t.Helper()
	for i := range p.Changes {
		if p.Changes[i].Address == a {
			return &p.Changes[i]
		}
	}
	h.t.Fatalf("the plan has no change of %s", a)
	return nil
}

// The run dies at every call of a rotation, before it and after it, and at every delivery: whoever reads the file can
// open the door at any time, and no code is left that nobody has.
func TestRule_R33_KilledWhileASecretIsReplaced(t *testing.T) {
	h := aged(t, oneBadge)
	h.run()
	calls, deliveries := h.world.count, h.vault.count
	try := func(name string, prepare func(h *house)) {
		for _, eager := range []bool{true, false} {
			for _, after := range []string{"again", "unwanted", "gone", "command"} {
				t.Run(fmt.Sprintf("%s/saved=%t/%s", name, eager, after), func(t *testing.T) {
					h := aged(t, map[bool]func(*house){true: byCommand, false: oneBadge}[after == "command"])
					h.eager = eager
					prepare(h)
					if after != "command" || h.vault.dieAt == 0 {
						h.watch()
					}
					if r := h.apply(context.Background(), h.plan()); r.OK() {
						t.Fatal("the run was not killed")
					}
					switch after {
					case "unwanted": // what is left is revoked although nothing is to be replaced any more
						h.put("room.a.badge.one", map[string]any{"label": "one", "door": "front", "hours": 240, "secret_file": "badge.json"})
					case "gone":
						h.drop("room.a.badge.one")
						h.world.before = nil
					}
					h.rest()
					if after == "gone" {
						if h.check(); len(h.vault.files) > 0 {
							t.Errorf("the file of a badge that is gone is left: %v", h.vault.ours())
						}
						return
					}
					h.checkBadge()
				})
			}
		}
	}
	for n := 1; n <= calls; n++ {
		for _, before := range []bool{true, false} {
			try(fmt.Sprintf("call %d before=%t", n, before), func(h *house) { h.world.dieAt, h.world.dieBefore = n, before })
		}
	}
	for n := 1; n <= deliveries; n++ {
		for _, before := range []bool{true, false} {
			try(fmt.Sprintf("delivery %d before=%t", n, before), func(h *house) { h.vault.dieAt, h.vault.dieBefore = n, before })
		}
	}
}

// The run dies at every call of a creation, before it and after it: no badge is left by which somebody could come in.
func TestRule_R33_KilledWhileWhatOutlivesItsDeletionIsMade(t *testing.T) {
	h := newHouse(t)
	oneBadge(h)
	h.run()
	for n := 1; n <= h.world.count; n++ {
		for _, eager := range []bool{true, false} {
			for _, before := range []bool{true, false} {
				t.Run(fmt.Sprintf("call %d before=%t saved=%t", n, before, eager), func(t *testing.T) {
					h := newHouse(t)
					oneBadge(h)
					h.eager, h.world.dieAt, h.world.dieBefore = eager, n, before
					if r := h.apply(context.Background(), h.plan()); r.OK() {
						t.Fatal("the run was not killed")
					}
					h.rest() // the world complains where a code is left
					h.checkBadge()
				})
			}
		}
	}
}

// The journal is torn at every record of a creation and of a rotation, and so is that of the run after it.
func TestRule_R33_KilledAtEveryRecordOfARotation(t *testing.T) {
	h := aged(t, oneBadge)
	h.run()
	for n := 1; n < len(h.journal.durable); n++ {
		for next := range 5 {
			for name, declare := range map[string]func(*house){"file": oneBadge, "command": byCommand} {
				t.Run(fmt.Sprintf("%d, then %d, to a %s", n, next, name), func(t *testing.T) {
					h := aged(t, declare)
					if name == "file" {
						h.watch()
					}
					h.tearAt = n
					h.apply(context.Background(), h.plan())
					h.world.dead, h.tearAt = false, next
					if next == 0 { // the next run dies before its first call
						h.world.dieAt, h.world.dieBefore = h.world.count+1, true
					}
					if p := h.plan(); apply.Needed(p, h.state) {
						h.apply(context.Background(), p)
					}
					h.rest()
					h.checkBadge()
				})
			}
		}
	}
}

// A delivery that fails costs the new code and not the old one.
func TestRule_R33_AnUndeliveredSecretIsRevokedAndTheOldOneServes(t *testing.T) {
	full := errors.New("the disk is full")
	for _, tc := range []struct {
		name  string
		setup func(h *house)
		left  int // codes right after the failure
		code  string
	}{
		{"refused", func(h *house) { h.vault.fails = func(int) (error, bool) { return full, false } }, 1, "secret_undelivered"},
		{"not revoked", func(h *house) {
			h.vault.fails = func(int) (error, bool) { return full, false }
			h.world.fault = func(_ int, call string) fault {
				if strings.HasPrefix(call, "revoke") {
					return fault{refusal(provider.Throttled), false}
				}
				return fault{}
			}
		}, 2, "secret_undelivered"},
		{"without a secret", func(h *house) { h.world.silent = true }, 1, "secret_undelivered"},
		{"no place for it", func(h *house) { h.vault.unready = full }, 1, "secret_undeliverable"},
		{"refused by Atlas", func(h *house) {
			h.world.fault = func(_ int, call string) fault { return fault{refusal(provider.Denied), false} }
		}, 1, "denied"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := aged(t, oneBadge)
			h.watch()
			tc.setup(h)
			r := h.apply(context.Background(), h.plan())
			o := outcome(r, "room.a.badge.one")
			if o.Status != apply.Failed || len(codes(o)) != 1 || tc.code != "denied" && codes(o)[0] != tc.code {
				t.Error(resultText(r))
			}
			if strings.Contains(resultText(r), "pin of") {
				t.Errorf("a secret is told: %s", resultText(r))
			}
			if left := len(codesOf(h.world.objects[h.state.Resources["room.a.badge.one"].ID])); left != tc.left || !h.opens() {
				t.Errorf("%d codes are left, want %d", left, tc.left)
			}
			h.world.fault, h.world.silent, h.vault.unready = nil, false, nil
			h.rest()
			h.checkBadge()
		})
	}
}

// The answer to the call that makes a code is lost: what was made goes, and another one is made.
func TestRule_R33_ALostNewSecretIsRevoked(t *testing.T) {
	for _, carriedOut := range []bool{true, false} {
		h := aged(t, oneBadge)
		h.watch()
		lost := 0
		h.world.fault = func(_ int, call string) fault {
			if call == "mint badge" {
				if lost++; lost == 1 {
					return fault{refusal(provider.Uncertain), carriedOut}
				}
			}
			return fault{}
		}
		h.world.calls = nil
		h.run()
		h.checkBadge()
		want := map[bool]int{true: 2, false: 1}[carriedOut]
		if got := strings.Count(strings.Join(h.world.calls, "\n"), "revoke"); got != want || lost != 2 {
			t.Errorf("carried out %t: %d codes were revoked, %q", carriedOut, got, h.world.calls)
		}
	}
}

// A delivered code that has expired, or that somebody deleted, is replaced; without rotate_before that is only told.
func TestADeadSecretIsReplaced(t *testing.T) {
	for name, kill := range map[string]func(h *house){
		"expired": func(h *house) { h.pass(30 * 24 * time.Hour) },
		"deleted": func(h *house) {
			it := h.world.objects[h.state.Resources["room.a.badge.one"].ID]
			it.values["codes"] = cty.NullVal(it.kind.Attribute("codes").CtyType())
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			oneBadge(h)
			h.run()
			kill(h)
			h.put("room.a.badge.one", map[string]any{"label": "one", "door": "front", "hours": 240, "secret_file": "badge.json"})
			p := h.plan()
			if c := h.change(p, "room.a.badge.one"); c.Writes() || len(p.Diagnostics) != 1 || p.Diagnostics[0].Code != "secret_dead" {
				t.Errorf("without rotate_before: %s %v", planText(p), p.Diagnostics)
			}
			oneBadge(h)
			h.run()
			h.checkBadge()
		})
	}
}

// A badge is not deleted with a code by which it could still be used, nor is its room.
func TestWhatOutlivesItsDeletionIsRevokedFirst(t *testing.T) {
	for _, undeclare := range []schema.Address{"room.a.badge.one", "room.a"} {
		h := newHouse(t)
		h.options.AllowDestroy = []string{"all"}
		oneBadge(h)
		h.run()
		h.world.calls = nil
		for _, a := range []schema.Address{"room.a.badge.one", undeclare} {
			h.drop(a)
		}
		h.run() // the world complains where a code is left
		if h.world.calls[0][:7] != "revoke " || h.world.calls[1] != "delete badge" {
			t.Errorf("%s: %q", undeclare, h.world.calls)
		}
		h.check()
	}
}

// A code that somebody made of an adopted badge is nobody's business, unless there is no room for another one.
func TestOthersSecretsAreLeftAlone(t *testing.T) {
	h := newHouse(t)
	oneBadge(h)
	h.run()
	it := h.world.objects[h.state.Resources["room.a.badge.one"].ID]
	h.world.addCode(it, cty.ObjectVal(map[string]cty.Value{"hours": cty.NumberIntVal(2400)}))
	if p := h.plan(); apply.Needed(p, h.state) {
		t.Errorf("a code that somebody made is a change: %s", planText(p))
	}
	h.pass(9 * 24 * time.Hour)
	live := schema.NewLive(nil, nil)
	for _, kind := range []string{"room", "badge"} {
		place := h.place
		if kind == "badge" {
			place = h.state.Resources["room.a.badge.one"].Place
		}
		sweep, err := h.world.List(context.Background(), h.world.catalog.Kind(kind), place)
		if err != nil {
			t.Fatal(err)
		}
		live = live.Merge(schema.NewLive([]schema.LiveSweep{{Kind: kind, Place: place, Objects: sweep.Objects}}, nil))
	}
	p := plan.Build(h.input(live))
	if len(p.Diagnostics) != 1 || p.Diagnostics[0].Code != "secrets_full" {
		t.Errorf("without room for a new code: %v", p.Diagnostics)
	}
	h.pass(100 * 24 * time.Hour) // both have expired, and make room
	h.run()
	h.check()
	if !h.opens() {
		t.Error("the new code does not open the door")
	}
}
