package apply_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"mercator/apply"
	"mercator/plan"
	"mercator/provider"
	"mercator/schema"
)

// pinOf is the secret that the world shows once, in the answer to a pass's creation.
func pinOf(id string) string { return "pin of " + id }

// vault takes the secrets of passes. What it was given survives everybody's death.
type vault struct {
	world *world

	mu    sync.Mutex
	files map[string]apply.Delivery
	count int
	// fails answers a delivery; done says whether it was taken all the same.
	fails func(n int) (err error, done bool)
	// dieAt is the number of the delivery at which the process dies, before it or after it.
	dieAt     int
	dieBefore bool
	unready   error
	// badge is the name of the file in which the code of the badge is, "" where a command took it.
	badge string
	// stuck is why files cannot be removed.
	stuck error
}

func (v *vault) Ready(apply.Delivery) error { return v.unready }

func (v *vault) Deliver(_ context.Context, d apply.Delivery) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.world.mu.Lock()
	defer v.world.mu.Unlock()
	if v.world.dead {
		return errDead
	}
	v.count++
	if old, taken := v.files[d.File]; taken && !d.Ours(old.ID) {
		return fmt.Errorf("%s holds the secret of %s, which is not ours", d.File, old.ID)
	}
	if v.count == v.dieAt && v.dieBefore {
		v.world.dead = true
		return errDead
	}
	err, done := error(nil), true
	if v.fails != nil {
		err, done = v.fails(v.count)
	}
	if done {
		v.files[d.File] = d
	}
	if v.count == v.dieAt {
		v.world.dead = true
	}
	return err
}

// ours are the facts about the vault's files that a plan asks for.
func (v *vault) ours() map[string]plan.HeldSecret {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := map[string]plan.HeldSecret{}
	for name, d := range v.files {
		out[name] = plan.HeldSecret{ID: d.ID, Secret: d.Secret}
	}
	return out
}

func (v *vault) Withdraw(d apply.Delivery) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.stuck != nil {
		return v.stuck
	}
	if v.files[d.File].ID == d.ID {
		delete(v.files, d.File)
	}
	return nil
}

// checkPasses makes sure that every declared pass is there once, under its own name, and that the vault has its
// secret and no other pass is left.
func (h *house) checkPasses() {
	h.t.Helper()
	h.check()
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	passes := 0
	for _, it := range h.world.objects {
		if it.kind.Name == "pass" {
			passes++
		}
	}
	declared := 0
	for _, r := range h.desired {
		if r.Kind != "pass" {
			continue
		}
		declared++
		file := text(r.Value.GetAttr(schema.SecretFile))
		b := h.state.Resources[r.Address]
		if b == nil {
			continue // check has said so
		}
		got := h.vault.files[file]
		if got.ID != b.ID || got.Fields["pin"] != pinOf(b.ID) || got.Fields["number"] != "no. "+b.ID {
			h.t.Errorf("%s is %s, and %s holds the secret of %q", r.Address, b.ID, file, got.ID)
		}
		if it := h.world.objects[b.ID]; it == nil || text(it.values["label"]) != text(r.Value.GetAttr("label")) {
			h.t.Errorf("%s is called %v", r.Address, it)
		}
	}
	if passes != declared {
		h.t.Errorf("%d passes are there and %d are declared", passes, declared)
	}
}

func twoPasses(h *house) {
	h.put("room.a", map[string]any{"name": "a"})
	h.put("room.a.pass.one", map[string]any{"label": "one", "door": "front", "secret_file": "one.json"})
	h.put("room.a.pass.two", map[string]any{"label": "two", "secret_file": "two.json"})
}

// rest lets the next runs converge.
func (h *house) rest() {
	h.t.Helper()
	h.world.dead, h.world.dieAt, h.eager, h.tearAt, h.vault.dieAt, h.vault.fails = false, 0, false, 0, 0, nil
	h.converge()
}

// A pass is made under the id of its intent, its secret is delivered, and only then it gets its name.
func TestRule_R04_ACredentialGetsItsNameWhenItsSecretIsDelivered(t *testing.T) {
	h := newHouse(t)
	twoPasses(h)
	var labels []string
	h.world.before = func(_ int, call string) {
		h.world.mu.Lock()
		defer h.world.mu.Unlock()
		if strings.HasPrefix(call, "update pass") {
			for _, it := range h.world.objects {
				if label := it.values["label"]; it.kind.Name == "pass" && strings.HasPrefix(text(label), "mercator intent intent-") {
					labels = append(labels, text(label))
				}
			}
			if h.vault.count == 0 {
				t.Error("it was named before its secret was delivered")
			}
		}
	}
	h.run()
	h.checkPasses()
	if len(labels) == 0 {
		t.Error("no pass was made under the id of its intent")
	}
	if p := h.plan(); apply.Needed(p, h.state) {
		t.Errorf("the next plan is not empty: %s", planText(p))
	}
}

// Without a binding a pass is a creation, whatever is there with the same content.
func TestRule_R04_ACredentialIsNeverAdoptedByContent(t *testing.T) {
	h := newHouse(t)
	h.put("room.a", map[string]any{"name": "a"})
	h.run()
	h.stranger("room.a", "pass", map[string]any{"label": "one", "door": "front"})
	h.put("room.a.pass.one", map[string]any{"label": "one", "door": "front", "secret_file": "one.json"})
	p := h.plan()
	for _, c := range p.Changes {
		if c.Address == "room.a.pass.one" && c.Action != plan.Create {
			t.Errorf("it is a %s of %s", c.Action, c.ID)
		}
	}
}

// The run dies at every call, before it and after it, and at every delivery: no secret is lost, no pass is left that
// nobody holds, and none is there twice.
func TestRule_R33_KilledAroundADelivery(t *testing.T) {
	h := newHouse(t)
	twoPasses(h)
	h.run()
	calls, deliveries := h.world.count, h.vault.count
	try := func(name string, prepare func(h *house)) {
		for _, eager := range []bool{true, false} {
			for _, gone := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/saved=%t/block removed=%t", name, eager, gone), func(t *testing.T) {
					h := newHouse(t)
					h.options.AllowDestroy = []string{"all"}
					twoPasses(h)
					h.eager = eager
					prepare(h)
					if r := h.apply(context.Background(), h.plan()); r.OK() {
						t.Fatal("the run was not killed")
					}
					if gone {
						h.drop("room.a.pass.one")
					}
					h.rest()
					h.checkPasses()
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

// The journal is torn at every record, and so is that of the run after it.
func TestRule_R33_KilledAtEveryRecordOfADelivery(t *testing.T) {
	h := newHouse(t)
	twoPasses(h)
	h.run()
	for n := 1; n < len(h.journal.durable); n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			h := newHouse(t)
			twoPasses(h)
			h.tearAt = n
			h.apply(context.Background(), h.plan())
			h.world.dead, h.tearAt = false, 1+n%4
			if p := h.plan(); apply.Needed(p, h.state) {
				h.apply(context.Background(), p)
			}
			h.rest()
			h.checkPasses()
		})
	}
}

// A delivery that fails costs the pass: it is revoked, the change fails, and nothing else is held up.
func TestRule_R33_WhatIsNotDeliveredIsRevoked(t *testing.T) {
	full := errors.New("the disk is full")
	for _, tc := range []struct {
		name  string
		setup func(h *house)
		left  int // passes right after the failure
		code  string
	}{
		{"refused", func(h *house) { h.vault.fails = func(n int) (error, bool) { return full, false } }, 0, "secret_undelivered"},
		{"not revoked", func(h *house) {
			h.vault.fails = func(n int) (error, bool) { return full, false }
			h.world.fault = func(_ int, call string) fault {
				if strings.HasPrefix(call, "delete pass") {
					return fault{refusal(provider.Throttled), false}
				}
				return fault{}
			}
		}, 2, "secret_undelivered"},
		{"without a secret", func(h *house) { h.world.silent = true }, 0, "secret_undelivered"},
		{"no place for it", func(h *house) { h.vault.unready = full }, 0, "secret_undeliverable"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHouse(t)
			twoPasses(h)
			tc.setup(h)
			r := h.apply(context.Background(), h.plan())
			for _, a := range []schema.Address{"room.a.pass.one", "room.a.pass.two"} {
				o := outcome(r, a)
				if o.Status != apply.Failed || len(codes(o)) != 1 || codes(o)[0] != tc.code {
					t.Errorf("%s: %s", a, resultText(r))
				}
				if strings.Contains(resultText(r), "pin of") {
					t.Errorf("a secret is told: %s", resultText(r))
				}
			}
			left := 0
			for _, it := range h.world.objects {
				if it.kind.Name == "pass" {
					left++
				}
			}
			if left != tc.left {
				t.Errorf("%d passes are left, want %d", left, tc.left)
			}
			if p := h.plan(); len(p.Refusals()) > 0 {
				t.Errorf("revoking what nobody holds is refused: %v", p.Refusals())
			}
			h.world.fault, h.world.silent, h.vault.unready = nil, false, nil
			h.rest()
			h.checkPasses()
		})
	}
}

// The answer to a creation is lost, with the secret in it: the pass is revoked and made again.
func TestRule_R33_ALostAnswerIsALostSecret(t *testing.T) {
	h := newHouse(t)
	twoPasses(h)
	lost := 0
	h.world.fault = func(_ int, call string) fault {
		if strings.HasPrefix(call, "create pass") {
			if lost++; lost == 1 {
				return fault{refusal(provider.Uncertain), true}
			}
		}
		return fault{}
	}
	h.run()
	h.world.fault = nil
	h.rest()
	h.checkPasses()
	if deleted := strings.Count(strings.Join(h.world.calls, "\n"), "delete pass"); deleted != 1 {
		t.Errorf("%d passes were revoked", deleted)
	}
}

// A replaced pass serves until the new one is delivered, and stays where that fails.
func TestRule_R33_TheOldCredentialServesUntilTheNewOneIsDelivered(t *testing.T) {
	h := newHouse(t)
	h.options.AllowDestroy = []string{"all"}
	twoPasses(h)
	h.run()
	old := h.state.Resources["room.a.pass.one"].ID
	h.options.Replace = []schema.Address{"room.a.pass.one"}
	h.vault.fails = func(int) (error, bool) { return errors.New("the disk is full"), false }
	if r := h.apply(context.Background(), h.plan()); r.OK() {
		t.Fatal("the delivery did not fail")
	}
	if b := h.state.Resources["room.a.pass.one"]; b == nil || b.ID != old || h.world.objects[old] == nil {
		t.Errorf("the old pass %s does not serve any more: %+v", old, b)
	}
	h.vault.fails = nil
	h.run()
	h.options.Replace = nil
	h.rest()
	h.checkPasses()
	if now := h.state.Resources["room.a.pass.one"].ID; now == old || h.world.objects[old] != nil {
		t.Errorf("it was %s and is %s", old, now)
	}
}
