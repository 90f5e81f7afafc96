package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/plan"
	"mercator/schema"
)

// codesUntil are live codes c1, c2 and so on, that end so many days from now.
func codesUntil(days ...int) []any {
	var out []any
	for i, d := range days {
		out = append(out, m{"id": fmt.Sprintf("c%d", i+1), "until": now.Add(time.Duration(d) * 24 * time.Hour).Format(time.RFC3339)})
	}
	return out
}

// passWorld has a pass on a shelf that is declared with more arguments, live with codes and known.
func passWorld(t *testing.T, more m, codes []any, change ...func(*schema.Bound)) *world {
	t.Helper()
	args := m{"label": "p", "hours": 2400.0, "secret_file": "p.json"}
	for k, v := range more {
		args[k] = v
	}
	return shelf(t).want("shelf.a.pass.p", args).has("pass", inside("s1"), m{"id": "p1", "label": "p", "codes": codes}).
		knows("shelf.a.pass.p", inside("s1"), "p1", args, change...)
}

func delivered(id string, stale ...string) func(*schema.Bound) {
	return func(b *schema.Bound) { b.Secret, b.Stale = id, stale }
}

// callsOf writes the calls of a change in a line.
func callsOf(calls []schema.Call) string {
	var out []string
	for _, c := range calls {
		out = append(out, strings.TrimSpace(c.Operation+" "+c.Key))
	}
	return strings.Join(out, ", ")
}

func TestASecretIsReplacedWhenItIsDue(t *testing.T) {
	rotates := m{"rotate_before": "720h"}
	for _, tc := range []struct {
		name   string
		more   m
		codes  []any
		bound  func(*schema.Bound)
		calls  string
		reason string
		code   string // of the only finding
	}{
		{name: "fresh", more: rotates, codes: codesUntil(31), bound: delivered("c1")},
		{name: "due", more: rotates, codes: codesUntil(30), bound: delivered("c1"), calls: "mint, revoke c1",
			reason: "its secret expires on 2026-03-31T12:00:00Z, less than 720h from now"},
		{name: "due beside another's", more: rotates, codes: codesUntil(90, 30), bound: delivered("c2"), calls: "mint, revoke c2", reason: "less than 720h"},
		{name: "expired", more: rotates, codes: codesUntil(0), bound: delivered("c1"), calls: "revoke c1, mint", reason: "expired on 2026-03-01T12:00:00Z"},
		{name: "gone", more: rotates, codes: codesUntil(90), bound: delivered("c2"), calls: "mint", reason: "is gone from Atlas"},
		{name: "never delivered", more: rotates, codes: codesUntil(90), bound: delivered(""), calls: "mint", reason: "no secret of it was delivered"},
		{name: "full of expired ones", more: rotates, codes: codesUntil(-2, 30, -1), bound: delivered("c2"), calls: "revoke c1, mint, revoke c2", reason: "less than"},
		{name: "full", more: rotates, codes: codesUntil(90, 30, 90), bound: delivered("c2"), calls: "mint, revoke c2", reason: "less than", code: "secrets_full"},
		{name: "with a stale one", more: rotates, codes: codesUntil(90, 30, 90), bound: delivered("c2", "c3"), calls: "revoke c3, mint, revoke c2", reason: "less than"},
		{name: "only a stale one", codes: codesUntil(90, 90), bound: delivered("c1", "c2"), calls: "revoke c2", reason: "did not finish"},
		{name: "not asked for", codes: codesUntil(1), bound: delivered("c1")},
		{name: "not asked for, expired", codes: codesUntil(-1), bound: delivered("c1"), code: "secret_dead"},
		{name: "not asked for, gone", codes: codesUntil(90), bound: delivered("c2"), code: "secret_dead"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := passWorld(t, tc.more, tc.codes, tc.bound).plan()
			c := find(t, p, "shelf.a.pass.p")
			if got := callsOf(c.Calls); got != tc.calls || (c.Action == plan.Update) != (tc.calls != "") {
				t.Errorf("%s: %s, want %s", c.Action, got, tc.calls)
			}
			if tc.reason != "" && (len(c.Reasons) == 0 || !strings.Contains(c.Reasons[0].Text, tc.reason)) {
				t.Errorf("the reasons are %+v", c.Reasons)
			}
			if mints := strings.Contains(tc.calls, "mint"); mints != (len(c.Risks) == 1) || c.NeedsAllow != "" || mints != c.Mints() {
				t.Errorf("the risks are %+v, and it needs %q", c.Risks, c.NeedsAllow)
			}
			if known := c.After.GetAttr("codes").IsKnown(); known != (tc.calls == "") {
				t.Errorf("the codes after it are known: %t", known)
			}
			var want []string
			if tc.code != "" {
				want = []string{tc.code}
			}
			expectCodes(t, p, want...)
		})
	}
}

// What an apply made that was killed is what was not there before. Where its file has it, it counts.
func TestWhatAKilledRotationMade(t *testing.T) {
	for _, tc := range []struct {
		name, held string
		calls      string
		secret     string
		stale      []string
	}{
		{name: "nobody was given it", held: "c1", calls: "revoke c2", secret: "c1", stale: []string{"c2"}},
		{name: "the file has it", held: "c2", calls: "revoke c1", secret: "c2", stale: []string{"c1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := passWorld(t, nil, codesUntil(30, 90), delivered("c1"))
			w.in.Prior.Intents = []schema.Intent{{ID: "i", Address: "shelf.a.pass.p", Kind: "pass", Verb: schema.CallMint, Armed: true,
				Place: inside("s1"), ObjectID: "p1", Seen: []string{"c1"}}}
			w.in.SecretFiles = map[string]plan.HeldSecret{"p.json": {ID: "p1", Secret: tc.held}}
			c := find(t, w.plan(), "shelf.a.pass.p")
			if callsOf(c.Calls) != tc.calls || c.Secret != tc.secret || !slices.Equal(c.Stale, tc.stale) || !c.Record {
				t.Errorf("%s; it remembers %s and %v, recorded %t", callsOf(c.Calls), c.Secret, c.Stale, c.Record)
			}
		})
	}
}

// What outlives its deletion is deleted with its codes where it is ours, and only then with its parent.
func TestCodesAreRevokedBeforeADeletion(t *testing.T) {
	w := passWorld(t, nil, codesUntil(30, 90), delivered("c1"))
	w.in.Desired.Resources = w.in.Desired.Resources[:1]
	c := find(t, w.plan(), "shelf.a.pass.p")
	if got := callsOf(c.Removal); got != "revoke c1, revoke c2, deletePass" {
		t.Errorf("it is removed by %s", got)
	}
	w = passWorld(t, nil, codesUntil(30, 90), delivered("c1"))
	w.in.Desired.Resources = nil
	w.in.Options.AllowDestroy = []string{"all"}
	if c := find(t, w.plan(), "shelf.a.pass.p"); c.GoesWith != "" || callsOf(c.Removal) != "revoke c1, revoke c2, deletePass" {
		t.Errorf("with its shelf it is removed by %q, or goes with %s", callsOf(c.Removal), c.GoesWith)
	}
	w = shelf(t).has("pass", inside("s1"), m{"id": "p2", "label": "theirs", "codes": codesUntil(30)})
	w.in.Desired.Resources[0].Exclusive = []string{"pass"}
	if c := find(t, w.plan(), `shelf.a.pass["p2"]`); callsOf(c.Removal) != "deletePass" {
		t.Errorf("a stranger is removed by %s", callsOf(c.Removal))
	}
}

// What has an address as a keeper is no stranger as a pass.
func TestAnAliasIsNoStranger(t *testing.T) {
	args := m{"label": "k", "hours": 2400.0, "secret_file": "k.json"}
	w := shelf(t).want("keeper.k", args).has("keeper", root, m{"id": "k1", "label": "k", "codes": codesUntil(90)}).knows("keeper.k", root, "k1", args, delivered("c1")).
		has("pass", inside("s1"), m{"id": "k1", "label": "k"}, m{"id": "p2", "label": "theirs"})
	p := w.plan()
	expect(t, p)
	if len(p.Unmanaged) != 1 || p.Unmanaged[0].ID != "p2" {
		t.Errorf("unmanaged are %+v", p.Unmanaged)
	}
	w.in.Desired.Resources[0].Exclusive = []string{"pass"}
	expect(t, w.plan(), `delete shelf.a.pass["p2"]`)
}

// What is taken once is recorded, and never a difference.
func TestWhatIsTakenOnceIsNoDifference(t *testing.T) {
	w := passWorld(t, nil, codesUntil(90), delivered("c1"))
	w.in.Prior.Resources["shelf.a.pass.p"].Applied = val("pass", m{"label": "p", "hours": 24.0, "secret_file": "p.json"})
	p := w.plan()
	if c := find(t, p, "shelf.a.pass.p"); c.Action != plan.NoOp || !c.Record || len(p.StateOnly) != 1 || p.StateOnly[0].Path != "hours" {
		t.Errorf("%s, recorded %t: %+v", c.Action, c.Record, p.StateOnly)
	}
	if len(p.Drift) != 0 {
		t.Errorf("the drift is %+v", p.Drift)
	}
}

// Only those files are looked into that a secret may be written to, or that say whether one was.
func TestOnlyFilesOfNewSecretsAreLookedInto(t *testing.T) {
	for name, tc := range map[string]struct {
		w      *world
		looked bool
	}{
		"stays":       {passWorld(t, nil, codesUntil(90), delivered("c1")), false},
		"not yet due": {passWorld(t, m{"rotate_before": "720h"}, codesUntil(90), delivered("c1")), false},
		"due":         {passWorld(t, m{"rotate_before": "720h"}, codesUntil(20), delivered("c1")), true},
		"gone":        {passWorld(t, m{"rotate_before": "720h"}, codesUntil(20), delivered("c2")), true},
		"stale":       {passWorld(t, nil, codesUntil(90, 90), delivered("c1", "c2")), true},
		"undelivered": {passWorld(t, nil, codesUntil(90), func(b *schema.Bound) { b.Waiting = schema.Undelivered }), true},
		"new":         {shelf(t).want("shelf.a.pass.p", m{"label": "p", "hours": 2400.0, "secret_file": "p.json"}), true},
	} {
		tc.w.plan()
		files := plan.NewSurvey(tc.w.in).Pair(tc.w.in.Live).SecretFiles()
		if (len(files) == 1) != tc.looked {
			t.Errorf("%s: %v", name, files)
		}
	}
}

// A command in place of another takes the next secret, which the plan says in words that hold.
func TestTheStateLearnsWhereTheNextSecretGoes(t *testing.T) {
	w := passWorld(t, m{"secret_file": nil, "secret_command": []any{"keep", "it"}}, codesUntil(90), delivered("c1"))
	w.in.Prior.Resources["shelf.a.pass.p"].Applied = val("pass", m{"label": "p", "hours": 2400.0, "secret_command": []any{"keep"}})
	const want = "secret_command becomes what the file says; the next secret goes there, and the one in use stays where it is"
	p := w.plan()
	if !slices.ContainsFunc(p.StateOnly, func(s plan.StateChange) bool { return s.Text == want }) {
		t.Errorf("the state learns %+v", p.StateOnly)
	}
}
