package apply_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/apply"
	"mercator/apply/state"
	"mercator/plan"
	"mercator/provider"
	"mercator/schema"
)

// furnished is a house with a room and what else the test declares, all of it applied.
func furnished(t *testing.T, put map[schema.Address]map[string]any) *house {
	t.Helper()
	h := newHouse(t)
	h.options.AllowDestroy = []string{"all"}
	h.put("room.a", map[string]any{"name": "a"})
	for address, values := range put {
		h.put(address, values)
	}
	h.converge()
	h.world.calls = nil
	return h
}

func wantOutcome(t *testing.T, r apply.Result, a schema.Address, status apply.Status, code string) apply.Outcome {
	t.Helper()
	o := outcome(r, a)
	if o.Status != status || code != "" && !slices.Contains(codes(o), code) {
		t.Fatalf("%s is %q %v, want %q %s\n%s", a, o.Status, codes(o), status, code, resultText(r))
	}
	return o
}

func TestBatches(t *testing.T) {
	h := newHouse(t)
	h.put("room.a", map[string]any{"name": "a"})
	for i := range 7 {
		h.put(schema.Address(fmt.Sprintf("room.a.entry.x%d", i)), map[string]any{"name": fmt.Sprintf("x%d", i)})
	}
	h.run()
	want := []string{"create room a", "create entry x0,x1,x2", "create entry x3,x4,x5", "create entry x6"}
	if !slices.Equal(h.world.calls, want) {
		t.Errorf("calls: %q, want %q", h.world.calls, want)
	}
	h.converge()
	h.check()
}

func TestBatchWithOneBadEntry(t *testing.T) {
	h := furnished(t, nil)
	for _, n := range []string{"x1", "bad", "x2"} {
		h.put(schema.Address("room.a.entry."+n), map[string]any{"name": n})
	}
	r := h.apply(context.Background(), h.plan())
	wantOutcome(t, r, "room.a.entry.bad", apply.Failed, "atlas_invalid")
	wantOutcome(t, r, "room.a.entry.x1", apply.Done, "")
	wantOutcome(t, r, "room.a.entry.x2", apply.Done, "")
	h.drop("room.a.entry.bad")
	h.converge()
	h.check()
}

func TestBatchWithLostAnswer(t *testing.T) {
	for _, done := range []bool{true, false} {
		h := furnished(t, nil)
		for _, n := range []string{"x1", "x2"} {
			h.put(schema.Address("room.a.entry."+n), map[string]any{"name": n})
		}
		first := h.world.count + 1
		h.world.fault = func(n int, _ string) fault {
			if n == first {
				return fault{refusal(provider.Uncertain), done}
			}
			return fault{}
		}
		h.run()
		h.converge()
		h.check()
	}
}

func TestSkipsWhatNeedsAFailure(t *testing.T) {
	h := newHouse(t)
	h.put("room.a", map[string]any{"name": "bad"})
	h.put("room.a.user.ann", map[string]any{"name": "ann"})
	h.put("room.a.alarm.one", map[string]any{"event": "ONE"})
	h.put("room.b", map[string]any{"name": "b"})
	h.put("room.b.user.bob", map[string]any{"name": "bob"})
	r := h.apply(context.Background(), h.plan())
	wantOutcome(t, r, "room.a", apply.Failed, "atlas_invalid")
	for _, a := range []schema.Address{"room.a.user.ann", "room.a.alarm.one"} {
		if o := wantOutcome(t, r, a, apply.Skipped, ""); o.Because != "room.a" {
			t.Errorf("%s was skipped because of %q", a, o.Because)
		}
	}
	wantOutcome(t, r, "room.b.user.bob", apply.Done, "")
	if len(h.state.Intents) != 0 {
		t.Errorf("intents are open: %+v", h.state.Intents)
	}
	if len(r.Outcomes) != 5 || r.Count(apply.Done) != 2 || r.OK() {
		t.Errorf("%d outcomes, %d done", len(r.Outcomes), r.Count(apply.Done))
	}
}

// TestRule_R26_LostAnswers loses the answer to every creation, carried out or not.
func TestRule_R26_LostAnswers(t *testing.T) {
	for _, done := range []bool{true, false} {
		for _, alone := range []string{"user", "alarm", "engine", "robot"} {
			t.Run(fmt.Sprintf("%s/done=%t", alone, done), func(t *testing.T) {
				h := furnished(t, nil)
				address := schema.Address("room.a." + alone + ".one")
				values := map[string]any{"name": "n"}
				switch alone {
				case "alarm":
					values = map[string]any{"event": "ONE", "notifications": []any{map[string]any{"type": "CHAT"}}}
					h.world.fills = true
				case "robot": // the licence is sent after its creation
					values = map[string]any{"made_by": "us", "licence": "L"}
				}
				h.put(address, values)
				lost := 0
				h.world.fault = func(int, string) fault {
					if lost++; lost == 1 {
						return fault{refusal(provider.Uncertain), done}
					}
					return fault{}
				}
				h.run()
				h.converge()
				h.check()
				if n := strings.Count(strings.Join(h.world.calls, "\n"), "create "); n != 1 {
					t.Errorf("it was made %d times: %q", n, h.world.calls)
				}
			})
		}
	}
}

// TestAlwaysUncertain keeps the intent open when nobody can tell, so that the next run looks again.
func TestAlwaysUncertain(t *testing.T) {
	h := furnished(t, nil)
	h.put("room.a.user.ann", map[string]any{"name": "ann"})
	h.world.fault = func(int, string) fault { return fault{refusal(provider.Uncertain), false} }
	r := h.apply(context.Background(), h.plan())
	wantOutcome(t, r, "room.a.user.ann", apply.Failed, "atlas_uncertain")
	if len(h.state.Intents) != 1 || !h.state.Intents[0].Armed {
		t.Fatalf("want one armed intent, got %+v", h.state.Intents)
	}
	h.world.fault = nil
	h.converge()
	h.check()
}

func TestExistsMeanwhile(t *testing.T) {
	h := furnished(t, nil)
	h.put("room.a.user.ann", map[string]any{"name": "ann", "role": "read"})
	p := h.plan()
	h.stranger("room.a", "user", map[string]any{"name": "ann", "role": "admin"})
	r := h.apply(context.Background(), p)
	wantOutcome(t, r, "room.a.user.ann", apply.Failed, "exists_meanwhile")
	if got := text(h.live("user", "ann")["role"]); got != "admin" {
		t.Errorf("the stranger's role became %q", got)
	}
	if len(h.state.Intents) != 0 {
		t.Error("the intent stayed open and would claim the stranger")
	}
	if c := h.plan().Changes; !slices.ContainsFunc(c, func(c plan.Change) bool { return c.Address == "room.a.user.ann" && c.Action == plan.Adopt }) {
		t.Error("the next plan does not adopt it")
	}
}

// stranger makes an object that nobody declared.
func (h *house) stranger(room schema.Address, kind string, values map[string]any) {
	h.t.Helper()
	k := h.world.catalog.Kind(kind)
	v, _ := schema.Decode(k.Attributes, values, schema.ByName)
	b := h.state.Resources[room]
	place, err := h.world.catalog.Kind("room").Inside(b.Place, b.ID, b.Key)
	if err != nil {
		h.t.Fatal(err)
	}
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	var names []string
	for name, v := range v.AsValueMap() {
		if !v.IsNull() {
			names = append(names, name)
		}
	}
	h.world.put(provider.Write{Ref: provider.Ref{Kind: k, Place: place}, Endpoint: k.Endpoints.Create, Bodies: []cty.Value{v}, Attributes: names}, v, true)
}

// outside changes an attribute of an object behind the run's back.
func (h *house) outside(kind, key, attribute, value string) {
	h.outsideValue(kind, key, attribute, cty.StringVal(value))
}

func (h *house) outsideValue(kind, key, attribute string, value cty.Value) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	for _, it := range h.world.objects {
		if it.kind.Name == kind && h.world.key(it) == key {
			it.values[attribute] = value
		}
	}
}

func TestRule_R27_ChangedMeanwhile(t *testing.T) {
	ann := map[schema.Address]map[string]any{"room.a.user.ann": {"name": "ann", "role": "read"}}
	t.Run("update", func(t *testing.T) {
		h := furnished(t, ann)
		h.put("room.a.user.ann", map[string]any{"name": "ann", "role": "write"})
		p := h.plan()
		h.outside("user", "ann", "role", "admin")
		wantOutcome(t, h.apply(context.Background(), p), "room.a.user.ann", apply.Failed, "changed_meanwhile")
		if len(h.world.calls) != 0 {
			t.Errorf("calls were made: %q", h.world.calls)
		}
	})
	t.Run("unmanaged argument", func(t *testing.T) {
		h := furnished(t, ann)
		h.put("room.a.user.ann", map[string]any{"name": "ann", "role": "write"})
		p := h.plan()
		h.outside("user", "ann", "auth", "X509")
		wantOutcome(t, h.apply(context.Background(), p), "room.a.user.ann", apply.Done, "")
	})
	for _, c := range []struct {
		age    time.Duration
		status apply.Status
	}{{2 * minute, apply.Failed}, {minute / 2, apply.Done}} {
		t.Run("deletion after "+c.age.String(), func(t *testing.T) {
			h := furnished(t, ann)
			h.drop("room.a.user.ann")
			p := h.plan()
			h.outside("user", "ann", "role", "admin")
			if err := h.world.clock.Sleep(context.Background(), c.age); err != nil {
				t.Fatal(err)
			}
			r := h.apply(context.Background(), p)
			wantOutcome(t, r, "room.a.user.ann", c.status, "")
		})
	}
}

func TestRule_R15_UpsertNotTaken(t *testing.T) {
	h := furnished(t, map[schema.Address]map[string]any{"room.a.entry.x": {"name": "x", "comment": "old"}})
	h.put("room.a.entry.x", map[string]any{"name": "x", "comment": "new"})
	h.world.deaf = true
	r := h.apply(context.Background(), h.plan())
	wantOutcome(t, r, "room.a.entry.x", apply.Failed, "upsert_not_taken")
	if h.live("entry", "x") == nil {
		t.Error("the entry was deleted")
	}
}

func TestSerialKindsNeverOverlap(t *testing.T) {
	put := map[schema.Address]map[string]any{}
	for i := range 8 {
		put[schema.Address(fmt.Sprintf("room.a.entry.x%d", i))] = map[string]any{"name": fmt.Sprintf("x%d", i), "comment": "old"}
	}
	h := furnished(t, put)
	for a, values := range put {
		values["comment"] = "new"
		h.put(a, values)
	}
	h.run() // the world reports writes that overlap
	if len(h.world.calls) != 8 {
		t.Errorf("calls: %q", h.world.calls)
	}
}

func TestRule_R15_CreationsPrecedeDeletions(t *testing.T) {
	h := furnished(t, map[schema.Address]map[string]any{"room.a.entry.old": {"name": "old"}})
	h.drop("room.a.entry.old")
	h.put("room.a.entry.bad", map[string]any{"name": "bad"})
	r := h.apply(context.Background(), h.plan())
	wantOutcome(t, r, "room.a.entry.bad", apply.Failed, "")
	wantOutcome(t, r, "room.a.entry.old", apply.Skipped, "")
	if h.live("entry", "old") == nil || h.state.Resources["room.a.entry.old"] == nil {
		t.Error("the old entry is gone although the new one failed")
	}
}

func TestRule_R14_Secrets(t *testing.T) {
	one := func(token any) map[string]any {
		n := map[string]any{"type": "CHAT"}
		if token != nil {
			n["token"] = token
		}
		return map[string]any{"event": "ONE", "notifications": []any{n}}
	}
	secretOf := func(h *house) []string {
		var out []string
		for _, it := range h.world.objects {
			if it.kind.Name == "alarm" && text(it.values["event"]) == "ONE" {
				for _, s := range it.secrets {
					out = append(out, s)
				}
			}
		}
		return out
	}
	t.Run("kept by its handle", func(t *testing.T) {
		h := furnished(t, map[schema.Address]map[string]any{"room.a.alarm.one": one("secret:1")})
		changed := one(nil)
		changed["enabled"] = true
		h.put("room.a.alarm.one", changed)
		h.run()
		if got := secretOf(h); !slices.Equal(got, []string{"secret:1"}) {
			t.Errorf("Atlas holds %q", got)
		}
	})
	t.Run("sent in clear", func(t *testing.T) {
		h := furnished(t, map[schema.Address]map[string]any{"room.a.alarm.one": one("secret:1")})
		h.put("room.a.alarm.one", one("secret:2"))
		h.run()
		if got := secretOf(h); !slices.Equal(got, []string{"secret:2"}) {
			t.Errorf("Atlas holds %q", got)
		}
	})
	t.Run("lost", func(t *testing.T) {
		h := furnished(t, map[schema.Address]map[string]any{"room.a.alarm.one": one("secret:1")})
		changed := one(nil)
		changed["enabled"] = true
		h.put("room.a.alarm.one", changed)
		h.world.forgetful = true
		r := h.apply(context.Background(), h.plan())
		wantOutcome(t, r, "room.a.alarm.one", apply.Failed, "secret_lost")
	})
}

// TestRule_R14_SecretsOfReplacedObjects writes what every change replaces whole, and what Atlas answers with a list.
func TestRule_R14_SecretsOfReplacedObjects(t *testing.T) {
	const address = "room.a.radio.one"
	radio := func(volume, code string) map[string]any {
		return map[string]any{"band": "one", "volume": volume, "code": code}
	}
	codeOf := func(h *house) string {
		for _, it := range h.world.objects {
			if it.kind.Name == "radio" {
				return it.secrets["code"]
			}
		}
		return ""
	}
	t.Run("sent with every write", func(t *testing.T) {
		h := furnished(t, map[schema.Address]map[string]any{address: radio("1", "secret:1")})
		for _, it := range h.world.objects {
			it.secrets["code"] = ""
		}
		h.put(address, radio("2", "secret:1"))
		h.run()
		if got := codeOf(h); got != "secret:1" {
			t.Errorf("Atlas was sent %q", got)
		}
	})
	t.Run("not taken by a change", func(t *testing.T) {
		h := furnished(t, map[schema.Address]map[string]any{address: radio("1", "secret:1")})
		h.put(address, radio("2", "secret:1"))
		p := h.plan()
		h.world.forgetful = true
		wantOutcome(t, h.apply(context.Background(), p), address, apply.Failed, "secret_lost")
		h.world.forgetful = false
		h.run()
	})
	t.Run("not taken by a creation", func(t *testing.T) {
		h := furnished(t, map[schema.Address]map[string]any{address: radio("1", "secret:1")})
		h.put("room.a.radio.two", map[string]any{"band": "two", "code": "secret:2"})
		p := h.plan()
		h.world.forgetful = true
		wantOutcome(t, h.apply(context.Background(), p), "room.a.radio.two", apply.Failed, "secret_lost")
		if p := h.plan(); len(p.Drift) != 2 {
			t.Errorf("both have lost their secrets, and drift says %+v", p.Drift)
		}
		h.world.forgetful = false
		h.run()
	})
}

// TestNoSecretLeaks looks for a secret in everything that a run leaves behind.
func TestNoSecretLeaks(t *testing.T) {
	h := newHouse(t)
	h.put("room.a", map[string]any{"name": "a", "colour": "secret:canary"})
	h.put("room.a.user.bad", map[string]any{"name": "bad", "password": "secret:canary"})
	h.put("room.a.alarm.one", map[string]any{"event": "ONE", "notifications": []any{map[string]any{"type": "CHAT", "token": "secret:canary"}}})
	p := h.plan()
	r := h.apply(context.Background(), p)
	lines, err := state.JournalLines(h.world.catalog, h.journal.durable)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"journal": string(lines), "result": resultText(r), "events": fmt.Sprintf("%+v", h.events),
	} {
		if strings.Contains(text, "canary") {
			t.Errorf("the secret is in the %s", name)
		}
	}
	if got := text(h.live("room", "a")["colour"]); got != "secret:canary" {
		t.Errorf("Atlas has %q", got)
	}
	if b := h.state.Resources["room.a"]; len(b.Secrets) != 1 {
		t.Errorf("the state has the hashes %v", b.Secrets)
	}
}

func TestRule_R18_DestroyTimeArguments(t *testing.T) {
	for _, c := range []struct{ keep, want string }{{"", "true"}, {"false", "false"}, {"true", "true"}} {
		values := map[string]any{"name": "e"}
		if c.keep != "" {
			values["keep"] = c.keep == "true"
		}
		h := furnished(t, map[schema.Address]map[string]any{"room.a.engine.e": values})
		h.drop("room.a.engine.e")
		h.run()
		if got := h.world.queries; !slices.Equal(got, []string{"keepBackups=" + c.want}) {
			t.Errorf("keep %q: deleted with %q", c.keep, got)
		}
	}
}

func TestRule_R24_SiblingsThatAtlasMakes(t *testing.T) {
	h := newHouse(t)
	h.put("room.a", map[string]any{"name": "a"})
	h.put("room.a.alarm.default", map[string]any{"event": "DEFAULT"})
	r := h.run()
	if o := outcome(r, "room.a.alarm.default"); o.Action != plan.Create || o.ID == "" {
		t.Errorf("got %+v", o)
	}
	if !slices.Equal(h.world.calls, []string{"create room a"}) {
		t.Errorf("calls: %q", h.world.calls)
	}
	if h.state.Resources["room.a.alarm.default"].Adopted {
		t.Error("it counts as adopted")
	}
}

func TestRule_R26_OneListingServesAllSiblings(t *testing.T) {
	h := furnished(t, nil)
	for i := range 5 {
		h.put(schema.Address(fmt.Sprintf("room.a.alarm.a%d", i)), map[string]any{"event": fmt.Sprint(i)})
	}
	p := h.plan()
	reads := h.world.reads
	var seen []int
	h.apply(context.Background(), p)
	if n := h.world.reads - reads; n != 1 {
		t.Errorf("%d reads, want 1", n)
	}
	for _, rec := range h.journal.durable {
		if rec.Arm != nil {
			seen = append(seen, len(rec.Arm.Seen))
		}
	}
	if !slices.Equal(seen, []int{1, 2, 3, 4, 5}) {
		t.Errorf("seen ids: %v", seen)
	}
}

// TestRule_R26_Order holds the journal against the order that recovery rests on.
func TestRule_R26_Order(t *testing.T) {
	h := newHouse(t)
	h.parallelism = 1
	h.put("room.a", map[string]any{"name": "a"})
	h.put("room.a.alarm.one", map[string]any{"event": "ONE"})
	var durable []int
	h.world.before = func(int, string) {
		armed := 0
		h.journal.mu.Lock()
		defer h.journal.mu.Unlock()
		for _, r := range h.journal.durable {
			if r.Arm != nil {
				armed++
			}
		}
		durable = append(durable, armed)
	}
	h.run()
	if !slices.Equal(durable, []int{1, 2}) {
		t.Errorf("armed before the calls: %v", durable)
	}
	listed := map[string]bool{}
	bound := map[schema.Address]bool{}
	for i, r := range h.journal.durable {
		switch {
		case r.Plan != nil:
			if i != 0 {
				t.Errorf("the list of calls is record %d", i)
			}
			for _, in := range r.Plan {
				listed[in.ID] = true
			}
		case r.Arm != nil && !listed[r.Arm.ID]:
			t.Errorf("%s was armed and not listed", r.Arm.ID)
		case r.Bind != nil:
			bound[r.Bind.Address] = true
		case r.Done != nil && len(bound) == 0:
			t.Error("an intent ended before its binding")
		}
	}
}

// TestRule_R13_PartsKeepWhatNobodyManages: an object inside a part is written whole, so it is sent with what is live.
func TestRule_R13_PartsKeepWhatNobodyManages(t *testing.T) {
	h := newHouse(t)
	args := func(args map[string]any) {
		h.put("room.a", map[string]any{"name": "a"})
		h.put("room.a.engine.e", map[string]any{"name": "e", "args": args})
		h.run()
	}
	args(map[string]any{"mode": "fast", "range": map[string]any{"low": "1", "high": "9"}})
	args(map[string]any{"range": map[string]any{"low": "2"}})
	var got cty.Value
	for _, it := range h.world.objects {
		if it.kind.Name == "engine" {
			got = it.values["args"].GetAttr("range")
		}
	}
	if text(got.GetAttr("low")) != "2" || text(got.GetAttr("high")) != "9" {
		t.Errorf("the range is %#v", got)
	}
}
