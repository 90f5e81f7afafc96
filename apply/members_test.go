package apply_test

import (
	"context"
	"slices"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/apply"
	"mercator/provider"
)

// ranked is a list of members as Atlas holds it.
func ranked(pairs ...string) cty.Value {
	var list []cty.Value
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, cty.ObjectVal(map[string]cty.Value{"who": cty.StringVal(pairs[i]), "rank": cty.StringVal(pairs[i+1])}))
	}
	return cty.ListVal(list)
}

func ranks(pairs ...string) []any {
	list := []any{}
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, map[string]any{"who": pairs[i], "rank": pairs[i+1]})
	}
	return list
}

// A list that Atlas takes by its elements is changed by its elements: nobody leaves who stays.
func TestMembersAreWrittenOneByOne(t *testing.T) {
	h := newHouse(t)
	h.put("room.a", map[string]any{"name": "a"})
	h.put("room.a.team.t", map[string]any{"name": "t", "players": ranks("ann", "1", "bob", "2"), "fans": ranks("dot", "1")})
	h.run()
	h.check()
	for _, tc := range []struct {
		name          string
		players, fans []any
		want          []string
	}{
		{"another order", ranks("bob", "2", "ann", "1"), ranks("dot", "1"), nil},
		{"one more, one less, one changed", ranks("bob", "3", "cid", "1"), ranks("dot", "1"),
			[]string{"post cid of players", "patch bob of players", "delete ann of players"}},
		{"changed where nothing can be changed", ranks("bob", "3", "cid", "1"), ranks("dot", "2"), []string{"delete dot of fans", "post dot of fans"}},
		{"nobody", []any{}, []any{}, []string{"delete bob of players", "delete cid of players", "delete dot of fans"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h.t, h.world.calls = t, nil
			h.put("room.a.team.t", map[string]any{"name": "t", "players": tc.players, "fans": tc.fans})
			if p := h.plan(); apply.Needed(p, h.state) {
				if r := h.apply(context.Background(), p); !r.OK() {
					t.Fatal(resultText(r))
				}
			}
			if got, want := slices.Sorted(slices.Values(h.world.calls)), slices.Sorted(slices.Values(tc.want)); !slices.Equal(got, want) {
				t.Errorf("calls %q, want %q", got, want)
			}
			if p := h.plan(); apply.Needed(p, h.state) {
				t.Errorf("the next plan is not empty: %s", planText(p))
			}
			h.check()
		})
	}
}

// Where a call fails after others were made, these are not taken for somebody else's doing, and the next run goes on.
func TestMembersGoOnWhereTheyFailed(t *testing.T) {
	h := newHouse(t)
	h.put("room.a", map[string]any{"name": "a"})
	h.put("room.a.team.t", map[string]any{"name": "t", "players": ranks("ann", "1")})
	h.run()
	h.put("room.a.team.t", map[string]any{"name": "t", "players": ranks("bob", "1", "cid", "1")})
	h.world.fault = func(_ int, call string) fault {
		if call == "post cid of players" {
			return fault{refusal(provider.Denied), false}
		}
		return fault{}
	}
	if r := h.apply(context.Background(), h.plan()); r.OK() {
		t.Fatal("the call did not fail")
	}
	h.world.fault = nil
	if p := h.plan(); len(p.Drift) > 0 {
		t.Errorf("what we did ourselves is drift: %+v", p.Drift)
	}
	h.converge()
	h.check()
}

// A list that a creation takes in its own body needs no call of its own then, and is changed by its elements later.
func TestMembersAtCreation(t *testing.T) {
	h := newHouse(t)
	h.put("room.a", map[string]any{"name": "a"})
	for _, tc := range []struct {
		name    string
		coaches []any
		want    []string
	}{
		{"made with them", []any{"ann", "bob"}, []string{"create room a", "create team t"}},
		{"another order", []any{"bob", "ann"}, nil},
		{"one more, one less", []any{"bob", "cid"}, []string{"post cid of coaches", "put ann of coaches"}},
	} {
		h.t, h.world.calls = t, nil
		h.put("room.a.team.t", map[string]any{"name": "t", "coaches": tc.coaches})
		if p := h.plan(); apply.Needed(p, h.state) {
			if r := h.apply(context.Background(), p); !r.OK() {
				t.Fatal(tc.name, resultText(r))
			}
		}
		if !slices.Equal(h.world.calls, tc.want) {
			t.Errorf("%s: calls %q, want %q", tc.name, h.world.calls, tc.want)
		}
		if p := h.plan(); apply.Needed(p, h.state) {
			t.Errorf("%s: the next plan is not empty: %s", tc.name, planText(p))
		}
		h.check()
	}
}

// TestRule_R27_MembersThatAreAsPlanned lets somebody else do a part of what was planned, as Atlas does itself where who
// leaves the organization leaves its teams: what is left is done. Whatever else changed fails.
func TestRule_R27_MembersThatAreAsPlanned(t *testing.T) {
	for _, tc := range []struct {
		name    string
		outside []string
		status  apply.Status
		code    string
		want    []string
	}{
		{"one has left", []string{"ann", "1"}, apply.Done, "", []string{"post cid of players"}},
		{"all is done", []string{"ann", "1", "cid", "1"}, apply.Done, "", nil},
		{"who stays has left", []string{"bob", "1"}, apply.Failed, "changed_meanwhile", nil},
		{"somebody else came", []string{"ann", "1", "bob", "1", "dot", "1"}, apply.Failed, "changed_meanwhile", nil},
		{"one has another rank", []string{"ann", "2", "bob", "1"}, apply.Failed, "changed_meanwhile", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHouse(t)
			h.put("room.a", map[string]any{"name": "a"})
			h.put("room.a.team.t", map[string]any{"name": "t", "players": ranks("ann", "1", "bob", "1")})
			h.run()
			h.put("room.a.team.t", map[string]any{"name": "t", "players": ranks("ann", "1", "cid", "1")})
			p := h.plan()
			h.outsideValue("team", "t", "players", ranked(tc.outside...))
			h.world.calls = nil
			wantOutcome(t, h.apply(context.Background(), p), "room.a.team.t", tc.status, tc.code)
			if !slices.Equal(h.world.calls, tc.want) {
				t.Errorf("calls %q, want %q", h.world.calls, tc.want)
			}
			h.converge()
			h.check()
		})
	}
}
