package state_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"mercator/apply/state"
	"mercator/apply/state/statetest"
	"mercator/schema"
)

// remembering returns a state with something at each address; ids are the addresses.
func remembering(addresses ...string) *state.State {
	s := state.New()
	s.Lineage, s.Serial = "L", 4
	for _, text := range addresses {
		a := schema.Address(text)
		s.Resources[a] = &schema.Bound{Address: a, Kind: a.Kind(), Place: "orgId=o1", ID: text}
	}
	return s
}

// listing writes down what is remembered where, for those that moved as "address=id".
func listing(t *testing.T, s *state.State) string {
	t.Helper()
	var lines []string
	for _, a := range slices.Sorted(maps.Keys(s.Resources)) {
		b := s.Resources[a]
		if b.Address != a {
			t.Errorf("%s is kept at %s", b.Address, a)
		}
		line := string(a)
		if b.ID != line {
			line += "=" + b.ID
		}
		for _, d := range b.Dependencies {
			line += " needs " + string(d)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

func check(t *testing.T, got *state.State, err error, want, wantErr string, was func() *state.State, now *state.State) {
	t.Helper()
	if diff := statetest.Diff(was(), now); diff != "" {
		t.Errorf("the given state was changed:\n%s", diff)
	}
	if (err != nil) != (wantErr != "") || err != nil && !strings.Contains(err.Error(), wantErr) {
		t.Fatalf("error %v, want %q", err, wantErr)
	}
	if err == nil && listing(t, got) != want {
		t.Errorf("got  %s\nwant %s", listing(t, got), want)
	}
}

func TestMove(t *testing.T) {
	for name, c := range map[string]struct {
		has           []string
		from, to      schema.Address
		want, wantErr string
	}{
		"one": {[]string{"box.a", "box.ab"}, "box.a", "box.b", "box.ab; box.b=box.a", ""},
		"with children": {[]string{"box.a", "box.a.lid.x", `box.a.lid.y["k"]`}, "box.a", "box.b",
			`box.b=box.a; box.b.lid.x=box.a.lid.x; box.b.lid.y["k"]=box.a.lid.y["k"]`, ""},
		"a block":          {[]string{`box.a["x"]`, `box.a["y"].lid.l`}, "box.a", "box.b", `box.b["x"]=box.a["x"]; box.b["y"].lid.l=box.a["y"].lid.l`, ""},
		"gets a key":       {[]string{"box.a", "box.a.lid.x"}, "box.a", `box.a["k"]`, `box.a["k"]=box.a; box.a["k"].lid.x=box.a.lid.x`, ""},
		"loses its key":    {[]string{"box.a[0]", "box.a[1]"}, "box.a[0]", "box.a", "box.a=box.a[0]; box.a[1]", ""},
		"beside instances": {[]string{"box.a", `box.a["x"]`}, "box.a", `box.a["y"]`, `box.a["x"]; box.a["y"]=box.a`, ""},
		"into a module":    {[]string{"box.a"}, "box.a", "module.m.box.a", "module.m.box.a=box.a", ""},
		"a module":         {[]string{"module.m.box.a"}, "module.m", `module.n["k"]`, `module.n["k"].box.a=module.m.box.a`, ""},
		"to a parent":      {[]string{"box.a.lid.x"}, "box.a.lid.x", "box.b.lid.x", "box.b.lid.x=box.a.lid.x", ""},
		"nothing there":    {[]string{"box.office"}, "box.ofice", "box.b", "", "did you mean box.office?"},
		"nothing near":     {[]string{"box.office"}, "box.elsewhere", "box.b", "", "mercator state list"},
		"taken":            {[]string{"box.a", "box.b"}, "box.a", "box.b", "", "something is remembered there"},
		"child taken":      {[]string{"box.a.lid.x", "box.b.lid.x"}, "box.a", "box.b", "", "box.a.lid.x cannot be moved to box.b.lid.x"},
		"another kind":     {[]string{"box.a"}, "box.a", "lid.a", "", "is a box and cannot become a lid"},
		"itself":           {[]string{"box.a"}, "box.a", "box.a", "", "moved to itself"},
		"into itself":      {[]string{"box.a"}, "box.a", "box.a.box.b", "", "moved into itself"},
	} {
		t.Run(name, func(t *testing.T) {
			s := remembering(c.has...)
			got, err := state.Move(s, c.from, c.to)
			check(t, got, err, c.want, c.wantErr, func() *state.State { return remembering(c.has...) }, s)
		})
	}
}

func TestMoveIsFollowedByDependencies(t *testing.T) {
	s := remembering("box.a", `box.a["x"]`, "lid.l", `box.many["k"]`)
	s.Resources["lid.l"].Dependencies = []schema.Address{"box.a", `box.a["x"]`, "box.many", "box.ab"}
	got, err := state.Move(s, "box.a", "box.b")
	if err != nil {
		t.Fatal(err)
	}
	got, err = state.Move(got, "box.many", "box.few")
	want := `box.a["x"]; box.b=box.a; box.few["k"]=box.many["k"]; lid.l needs box.b needs box.a["x"] needs box.few needs box.ab`
	if err != nil || listing(t, got) != want {
		t.Errorf("%v: got %s\nwant %s", err, listing(t, got), want)
	}
	if s.Resources["lid.l"].Dependencies[0] != "box.a" {
		t.Error("the given state was changed")
	}
}

func TestRemove(t *testing.T) {
	for name, c := range map[string]struct {
		has           []string
		address       schema.Address
		want, wantErr string
		removed       string
	}{
		"one":           {[]string{"box.a", "box.ab"}, "box.a", "box.ab", "", "[box.a]"},
		"with children": {[]string{"box.a.lid.x", "box.a", "box.b"}, "box.a", "box.b", "", "[box.a box.a.lid.x]"},
		"an instance":   {[]string{`box.a["x"]`, `box.a["y"]`}, `box.a["x"]`, `box.a["y"]`, "", `[box.a["x"]]`},
		"a block":       {[]string{`box.a["x"]`, `box.a["y"]`}, "box.a", "", "", `[box.a["x"] box.a["y"]]`},
		"nothing":       {[]string{"box.a"}, "box.b", "", "did you mean box.a?", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := remembering(c.has...)
			got, removed, err := state.Remove(s, c.address)
			check(t, got, err, c.want, c.wantErr, func() *state.State { return remembering(c.has...) }, s)
			if err == nil && fmt.Sprint(removed) != c.removed {
				t.Errorf("removed %v, want %s", removed, c.removed)
			}
		})
	}
}

func TestRule_R01_BindKeepsOneAddressPerObject(t *testing.T) {
	has := []string{"box.a", "box.b"}
	bound := func(address, kind, id, key string) *schema.Bound {
		return &schema.Bound{Address: schema.Address(address), Kind: kind, Place: "orgId=o1", ID: id, Key: key}
	}
	for name, c := range map[string]struct {
		bind          *schema.Bound
		want, wantErr string
	}{
		"free":             {bound("box.c", "box", "c", ""), "box.a; box.b; box.c=c", ""},
		"again":            {bound("box.a", "box", "box.a", ""), "box.a; box.b", ""},
		"another's object": {bound("box.c", "box", "box.a", ""), "", "is bound to box.a already"},
		"another object":   {bound("box.a", "box", "c", ""), "", "bound to another object, the box with the id box.a"},
		"another kind":     {bound("box.c", "lid", "c", ""), "", "names a box"},
	} {
		t.Run(name, func(t *testing.T) {
			s := remembering(has...)
			got, err := state.Bind(s, c.bind)
			check(t, got, err, c.want, c.wantErr, func() *state.State { return remembering(has...) }, s)
		})
	}
}

func TestRule_R02_BindTakesAChangedID(t *testing.T) {
	s := remembering("box.a")
	s.Resources["box.a"].Key, s.Resources["box.a"].Adopted = "a", true
	got, err := state.Bind(s, &schema.Bound{Address: "box.a", Kind: "box", Place: "orgId=o1", ID: "new", Key: "a"})
	if err != nil || got.Resources["box.a"].ID != "new" || !got.Resources["box.a"].Adopted {
		t.Errorf("bound %+v, %v; want the new id and the rest as it was", got, err)
	}
}

func TestRule_R31_OwnMakesAnAdoptedOneOurs(t *testing.T) {
	given := func() *state.State {
		s := remembering(`box.a["x"]`, `box.a["y"]`, `box.a["x"].lid.l`, "box.b")
		for _, b := range s.Resources {
			b.Adopted = b.ID != `box.a["y"]`
		}
		return s
	}
	s := given()
	got, owned, err := state.Own(s, "box.a")
	if err != nil || fmt.Sprint(owned) != `[box.a["x"]]` {
		t.Errorf("owned %v, %v", owned, err)
	}
	for a, b := range got.Resources {
		if want := a == "box.b" || a == `box.a["x"].lid.l`; b.Adopted != want {
			t.Errorf("%s: adopted %v, want %v", a, b.Adopted, want)
		}
	}
	if diff := statetest.Diff(given(), s); diff != "" {
		t.Errorf("the given state was changed:\n%s", diff)
	}
	if _, _, err := state.Own(s, "box.c"); err == nil {
		t.Error("owning what is not there was no error")
	}
}

func TestRule_R26_WhatAnUnfinishedApplyConcernsIsNotEdited(t *testing.T) {
	s := remembering("box.a", "box.a.lid.x")
	s.Resources["box.a.lid.x"].Adopted = true
	s.Intents = []state.Intent{{ID: "i", Address: "box.a.lid.x", Kind: "lid", Verb: schema.CallUpdate}}
	_, errMove := state.Move(s, "box.a", "box.b")
	_, _, errRemove := state.Remove(s, "box.a")
	_, _, errOwn := state.Own(s, "box.a.lid.x")
	_, errBind := state.Bind(s, &schema.Bound{Address: "box.a.lid.x", Kind: "lid", ID: "x"})
	for verb, err := range map[string]error{"move": errMove, "remove": errRemove, "own": errOwn, "bind": errBind} {
		if err == nil || !strings.Contains(err.Error(), "box.a.lid.x") || !strings.Contains(err.Error(), "did not finish") {
			t.Errorf("%s: %v", verb, err)
		}
	}
}

func TestPush(t *testing.T) {
	at := func(lineage string, serial uint64, size int) *state.State {
		s := state.New()
		s.Lineage, s.Serial = lineage, serial
		s.Resources["box.a"] = statetest.Box(t, "a", size)
		return s
	}
	about := func(s *state.State, id string, armed bool) *state.State {
		s.Intents = []state.Intent{{ID: id, Address: "box.b", Kind: "box", Verb: schema.CallCreate, Armed: armed,
			Content: schema.NullObject(statetest.Catalog(t).Kind("box").Attributes)}}
		return s
	}
	for name, c := range map[string]struct {
		current, pushed *state.State
		wantErr         string
	}{
		"newer":                             {at("L", 4, 1), at("L", 5, 2), ""},
		"the same":                          {at("L", 4, 1), at("L", 4, 1), ""},
		"into nothing":                      {state.New(), at("M", 9, 1), ""},
		"another lineage":                   {at("L", 4, 1), at("M", 5, 1), "lineages differ"},
		"older":                             {at("L", 4, 1), at("L", 3, 1), "older: serial 3, and 4"},
		"changed by hand":                   {at("L", 4, 1), at("L", 4, 2), "changed by hand"},
		"over an apply that did not finish": {about(at("L", 4, 1), "i1", true), at("L", 5, 2), "to create box.b"},
		"over the first apply":              {about(state.New(), "i1", true), at("L", 5, 2), "to create box.b"},
		"over another apply":                {about(at("L", 4, 1), "i2", true), about(at("L", 5, 2), "i1", true), "to create box.b"},
		"what is left of that apply":        {about(at("L", 4, 1), "i1", true), about(at("L", 5, 2), "i1", true), ""},
		"what that apply ended":             {about(at("L", 4, 1), "i1", true), about(at("L", 5, 2), "i1", false), ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, force := range []bool{false, true} {
				got, err := state.Push(statetest.Catalog(t), c.current, c.pushed, force)
				if wantErr := c.wantErr; wantErr != "" && !force {
					if err == nil || !strings.Contains(err.Error(), wantErr) {
						t.Errorf("error %v, want %q", err, wantErr)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				want := c.pushed.Clone()
				want.Lineage, want.Serial = c.current.Lineage, c.current.Serial
				if len(want.Intents) > 0 && !want.Intents[0].Armed {
					want.Intents = nil
				}
				if diff := statetest.Diff(want, got); diff != "" {
					t.Errorf("force=%v: (- wanted, + found)\n%s", force, diff)
				}
			}
		})
	}
}

func TestRollback(t *testing.T) {
	current, earlier := state.New(), state.New()
	current.Lineage, current.Serial = "L", 7
	earlier.Lineage, earlier.Serial = "L", 3
	earlier.Resources["box.a"] = statetest.Box(t, "a", 1)
	earlier.Intents = []state.Intent{*statetest.Armed(t, "i-1", "box.new")}
	got, err := state.Rollback(current, earlier)
	if err != nil || got.Base() != current.Base() || len(got.Intents) != 0 || got.Resources["box.a"] == nil {
		t.Errorf("got %+v, %v", got, err)
	}
	current.Intents = earlier.Intents
	if _, err := state.Rollback(current, earlier); err == nil || !strings.Contains(err.Error(), "run mercator apply first") {
		t.Errorf("over an apply that did not finish: %v", err)
	}
}
