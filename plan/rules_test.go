package plan_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"mercator/plan"
	"mercator/schema"
)

func TestRule_R01_AChangedLabelDestroysNothing(t *testing.T) {
	p := shelf(t).want("shelf.a.box.new_label", m{"name": "things", "size": "S"}).
		has("box", inside("s1"), m{"id": "b1", "name": "things", "size": "S", "state": "IDLE"}).
		knows("shelf.a.box.old", inside("s1"), "b1", m{"name": "things", "size": "S"}).plan()
	expect(t, p)
	expectCodes(t, p)
	if len(p.StateOnly) == 0 || p.StateOnly[0].Kind != "move" || p.StateOnly[0].From != "shelf.a.box.old" {
		t.Errorf("want a move in the state, got %+v", p.StateOnly)
	}
	if !slices.Equal(p.Drops, []schema.Address{"shelf.a.box.old"}) {
		t.Errorf("drops %v, want the old address", p.Drops)
	}
}

func TestRule_R01_SwappedLabelsAreMoves(t *testing.T) {
	p := shelf(t).want("shelf.a.box.x", m{"name": "two"}).want("shelf.a.box.y", m{"name": "one"}).
		has("box", inside("s1"), m{"id": "b1", "name": "one", "state": "IDLE"}, m{"id": "b2", "name": "two", "state": "IDLE"}).
		knows("shelf.a.box.x", inside("s1"), "b1", m{"name": "one"}).
		knows("shelf.a.box.y", inside("s1"), "b2", m{"name": "two"}).plan()
	expect(t, p)
	expectCodes(t, p)
	if len(p.Drops) != 0 {
		t.Errorf("drops %v, want none: both addresses stay in use", p.Drops)
	}
	if got := find(t, p, "shelf.a.box.x").ID; got != "b2" {
		t.Errorf("box.x is %s, want b2", got)
	}
}

func TestRule_R01_MovedBlocksCarryChildren(t *testing.T) {
	w := newWorld(t).want("shelf.new", m{"name": "a"}).want("shelf.new.box.b", m{}).
		has("shelf", root, m{"id": "s1", "name": "a"}).has("box", inside("s1"), m{"id": "b1", "name": "b", "state": "IDLE"}).
		knows("shelf.old", root, "s1", m{"name": "a"}).knows("shelf.old.box.b", inside("s1"), "b1", m{})
	w.in.Desired.Moves = []schema.Move{{From: "shelf.old", To: "shelf.new"}}
	p := w.plan()
	expect(t, p)
	expectCodes(t, p)
	if want := []schema.Address{"shelf.old", "shelf.old.box.b"}; !slices.Equal(p.Drops, want) {
		t.Errorf("drops %v, want %v", p.Drops, want)
	}
}

func TestRule_R02_AChangedIDIsBoundAgain(t *testing.T) {
	p := shelf(t).want("shelf.a.box.b", m{"size": "S"}).
		has("box", inside("s1"), m{"id": "upgraded", "name": "b", "size": "S", "state": "IDLE"}).
		knows("shelf.a.box.b", inside("s1"), "b1", m{"size": "S"}).plan()
	expect(t, p)
	if c := find(t, p, "shelf.a.box.b"); !c.Record || c.ID != "upgraded" {
		t.Errorf("want the new id recorded, got %+v", c)
	}
}

func TestRule_R02_AProjectMadeAgainOutsideIsAdopted(t *testing.T) {
	p := newWorld(t).want("shelf.a", m{}).has("shelf", root, m{"id": "s2", "name": "a"}).knows("shelf.a", root, "s1", m{}).plan()
	expect(t, p, "adopt shelf.a")
	if c := find(t, p, "shelf.a"); !c.Adopted {
		t.Error("what somebody else made again must not be owned")
	}
}

func TestRule_R03_ALostStateDuplicatesNothing(t *testing.T) {
	bell := func() m {
		return m{"event": "FIRE", "calls": []any{m{"via": "MAIL", "to": "x"}, m{"via": "PAGER", "token": "secret:1"}}}
	}
	live := m{"id": "n1", "event": "FIRE", "enabled": true, "matchers": []any{},
		"calls": []any{m{"via": "PAGER", "delay": 0.0, "volume": 3.0, "call_id": "c2"}, m{"via": "MAIL", "to": "x", "delay": 0.0, "call_id": "c1"}}}
	p := shelf(t).want("shelf.a.bell.one", bell()).want("shelf.a.bell.two", bell()).has("bell", inside("s1"), live).plan()
	expect(t, p, "adopt shelf.a.bell.one calls[1].token", "create shelf.a.bell.two")
	if c := find(t, p, "shelf.a.bell.one"); !slices.Equal(c.Secrets, []string{"calls[1].token"}) {
		t.Errorf("secrets %v, want the pager's planned as will be set", c.Secrets)
	}
}

func TestRule_R03_ResemblanceIsAWarningNotAnUpdate(t *testing.T) {
	p := shelf(t).want("shelf.a.bell.one", m{"event": "FIRE", "calls": []any{m{"via": "MAIL", "to": "me"}}}).
		has("bell", inside("s1"), m{"id": "n1", "event": "FIRE", "enabled": true, "calls": []any{m{"via": "MAIL", "to": "you"}}}).plan()
	expect(t, p, "create shelf.a.bell.one")
	expectCodes(t, p, "similar_object")
	if d := p.Diagnostics[0]; !strings.Contains(d.Detail, "n1") || !strings.Contains(d.Detail, "mercator state bind shelf.a.bell.one n1") {
		t.Errorf("the warning must name the id and the command: %s", d.Detail)
	}
}

func TestRule_R03_NoAdoptIsAnErrorNotASecondObject(t *testing.T) {
	w := shelf(t).want("shelf.a.bell.one", m{"event": "FIRE"}).has("bell", inside("s1"), m{"id": "n1", "event": "FIRE", "enabled": true})
	w.in.Options.NoAdopt = true
	expectCodes(t, w.plan(), "exists")
}

func TestRule_R05_AnotherOrganizationIsAnError(t *testing.T) {
	w := shelf(t)
	w.in.Prior.Connections = map[string]plan.Connection{"": {OrgID: "other", BaseURL: "https://cloud.mongodb.com"}}
	p := w.plan()
	expectCodes(t, p, "wrong_organization")
	if len(p.Changes) != 0 {
		t.Errorf("nothing may be planned, got %q", changes(p))
	}
}

func TestRule_R06_ANameThatAtlasCanChangeIsChangedInPlace(t *testing.T) {
	w := newWorld(t).want("shelf.a", m{"name": "new"}).has("shelf", root, m{"id": "s1", "name": "a"}).knows("shelf.a", root, "s1", m{})
	expect(t, w.plan(), "update shelf.a name")
	w = newWorld(t).want("shelf.a", m{"name": "new"}).has("shelf", root, m{"id": "s1", "name": "a"}, m{"id": "s2", "name": "new"}).knows("shelf.a", root, "s1", m{})
	expectCodes(t, w.plan(), "name_taken")
}

func TestRule_R06_ARenamedBoxIsRefused(t *testing.T) {
	renamed := func() *world {
		return shelf(t).want("shelf.a.box.b", m{"name": "new"}).
			has("box", inside("s1"), m{"id": "b1", "name": "old", "state": "IDLE"}).
			knows("shelf.a.box.b", inside("s1"), "b1", m{"name": "old"})
	}
	p := renamed().plan()
	expectCodes(t, p, "rename_destroys")
	if d := p.Diagnostics[0]; !strings.Contains(d.Detail, `name = "old"`) {
		t.Errorf("the cure must be in the message: %s", d.Detail)
	}
	w := renamed()
	w.in.Options.AllowDestroy = []string{"all"}
	expectCodes(t, w.plan(), "rename_destroys")
	w = renamed()
	w.in.Options.AllowDestroy = []string{"shelf.a.box.b"}
	p = w.plan()
	expectCodes(t, p)
	expect(t, p, "replace shelf.a.box.b name")
}

func TestRule_R09_WhatIsBeingMadeIsInProgress(t *testing.T) {
	p := shelf(t).want("shelf.a.box.b", m{"size": "L"}).
		has("box", inside("s1"), m{"id": "b1", "name": "b", "size": "S", "state": "MAKING"}).
		knows("shelf.a.box.b", inside("s1"), "b1", m{"size": "L"}, func(b *schema.Bound) { b.Waiting = "create" }).plan()
	c := find(t, p, "shelf.a.box.b")
	if c.Waiting != "create" || len(c.Diffs) != 0 || c.Action != plan.NoOp {
		t.Errorf("want it in progress without differences, got %s %v", c.Action, c.Diffs)
	}
	if len(p.Drift) != 0 {
		t.Errorf("drift %v, want none", p.Drift)
	}
}

func TestRule_R09_WhatIsStillBusyIsNotFinished(t *testing.T) {
	busy := func(state string) *plan.Change {
		return find(t, shelf(t).want("shelf.a.box.b", m{"size": "L"}).
			has("box", inside("s1"), m{"id": "b1", "name": "b", "size": "L", "state": state}).
			knows("shelf.a.box.b", inside("s1"), "b1", m{"size": "L"}, func(b *schema.Bound) { b.Waiting = "update" }).plan(), "shelf.a.box.b")
	}
	if c := busy("WORKING"); c.Waiting != "update" || c.Record {
		t.Errorf("want it waited for, got %q, record %t", c.Waiting, c.Record)
	}
	if c := busy("IDLE"); c.Waiting != "" || !c.Record {
		t.Errorf("want it recorded as finished, got %q, record %t", c.Waiting, c.Record)
	}
}

func TestRule_R09_WhatAnEarlierApplyIsNotDoneWithIsWaitedFor(t *testing.T) {
	base := func(live, waiting string) *world {
		return shelf(t).want("shelf.a.box.b", m{"size": "L"}).
			has("box", inside("s1"), m{"id": "b1", "name": "b", "size": "L", "state": live}).
			knows("shelf.a.box.b", inside("s1"), "b1", m{"size": "L"}, func(b *schema.Bound) { b.Waiting = waiting })
	}
	sent := base("WORKING", "")
	sent.in.Prior.Intents = []schema.Intent{{ID: "i", Address: "shelf.a.box.b", Kind: "box", Verb: schema.CallUpdate, Content: val("box", m{})}}
	made := shelf(t).want("shelf.a.box.b", m{"size": "L"}).
		has("box", inside("s1"), m{"id": "b1", "name": "b", "size": "L", "state": "WORKING"})
	made.in.Prior.Intents = []schema.Intent{{ID: "i", Address: "shelf.a.box.b", Kind: "box", Verb: schema.CallCreate, Armed: true,
		Place: inside("s1"), Key: "b", Content: val("box", m{})}}
	for name, c := range map[string]struct {
		w    *world
		wait bool
	}{
		"made and not yet recorded":  {made, true},
		"recorded as under way":      {base("WORKING", "update"), true},
		"sent and not yet recorded":  {sent, true},
		"at work for somebody else":  {base("WORKING", ""), false},
		"recorded, and done by now":  {base("IDLE", "update"), false},
		"being made, and done since": {base("IDLE", "create"), false},
	} {
		p := c.w.plan()
		calls := find(t, p, "shelf.a.box.b").Calls
		if wait := len(calls) == 1 && calls[0].Verb == schema.CallWait && len(p.Tasks) == 1; wait != c.wait {
			t.Errorf("%s: want a wait %t, got the calls %v", name, c.wait, calls)
		}
	}
}

func TestRule_R10_ARemovedArgumentIsReleased(t *testing.T) {
	p := shelf(t).want("shelf.a.box.b", m{"size": "S"}).
		has("box", inside("s1"), m{"id": "b1", "name": "b", "size": "S", "weight": 7.0, "state": "IDLE"}).
		knows("shelf.a.box.b", inside("s1"), "b1", m{"size": "S", "weight": 5.0}).plan()
	expect(t, p)
	if len(p.StateOnly) != 1 || p.StateOnly[0].Text != "no longer managed: weight, stays 7" {
		t.Errorf("got %+v", p.StateOnly)
	}
}

func TestRule_R11_AMapIsOwnedWholeAndAnObjectIsNot(t *testing.T) {
	p := newWorld(t).want("shelf.a", m{"tags": m{"team": "x"}, "settings": m{"lit": true}}).
		has("shelf", root, m{"id": "s1", "name": "a", "tags": m{"team": "x", "old": "y"}, "settings": m{"lit": true, "loud": true}}).
		knows("shelf.a", root, "s1", m{}).plan()
	expect(t, p, `update shelf.a tags["old"]`)
}

func TestRule_R12_OrderOfListsIsNoChange(t *testing.T) {
	p := shelf(t).
		want("shelf.a.guest.g", m{"grants": []any{m{"role": "read", "room": "1"}, m{"role": "write", "room": "2", "corner": "c"}}}).
		has("guest", inside("s1"), m{"name": "g", "grants": []any{m{"role": "write", "room": "2", "corner": "c"}, m{"role": "read", "room": "1"}}}).
		knows("shelf.a.guest.g", inside("s1"), "", m{"grants": []any{m{"role": "read", "room": "1"}, m{"role": "write", "room": "2", "corner": "c"}}}).plan()
	expect(t, p)
}

func TestRule_R12_AnAbsentFieldOfAGrantIsAValue(t *testing.T) {
	p := shelf(t).
		want("shelf.a.guest.g", m{"grants": []any{m{"role": "read", "room": "1"}}}).
		has("guest", inside("s1"), m{"name": "g", "grants": []any{m{"role": "read", "room": "1", "corner": "c"}}}).
		knows("shelf.a.guest.g", inside("s1"), "", m{"grants": []any{m{"role": "read", "room": "1"}}}).plan()
	expect(t, p, "update shelf.a.guest.g grants[0] grants[0]")
}

func TestRule_R13_TheBodyKeepsWhatTheFileDoesNotManage(t *testing.T) {
	kind := toys.Kind("box")
	live := val("box", m{"id": "b1", "name": "b", "size": "m", "weight": 7.0, "state": "IDLE", "parts": []any{
		m{"id": "p2", "zone": "Z2", "count": 1.0, "color": "red"}, m{"id": "p1", "zone": "Z1", "count": 3.0, "color": "blue"}, m{"id": "p3", "zone": "Z3", "count": 1.0}}})
	desired := val("box", m{"name": "b", "size": "M", "parts": []any{m{"count": 5.0}, m{"zone": "Z2", "count": 1.0}, m{"zone": "Z4", "count": 1.0}}})
	got, err := schema.Encode(kind.Attributes, plan.Overlay(kind, desired, live), schema.ByName)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var fields m
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	back := val("box", fields)
	want := val("box", m{"name": "b", "size": "m", "weight": 7.0, "parts": []any{
		m{"id": "p2", "zone": "Z2", "count": 1.0, "color": "red"}, m{"id": "p1", "zone": "Z1", "count": 5.0, "color": "blue"}, m{"zone": "Z4", "count": 1.0}}})
	if !back.RawEquals(want) {
		t.Errorf("body\n got %#v\nwant %#v", back, want)
	}
}

func TestRule_R14_ASecretThatWouldBeLostIsNeeded(t *testing.T) {
	live := m{"id": "n1", "event": "FIRE", "enabled": true, "calls": []any{
		m{"via": "PAGER", "delay": 0.0, "call_id": "c1"}, m{"via": "PAGER", "delay": 0.0, "call_id": "c2"}}}
	tied := func(delay float64) *world {
		calls := []any{m{"via": "PAGER", "delay": delay}, m{"via": "PAGER", "delay": delay + 1}}
		return shelf(t).want("shelf.a.bell.b", m{"event": "FIRE", "calls": calls}).has("bell", inside("s1"), live).
			knows("shelf.a.bell.b", inside("s1"), "n1", m{"event": "FIRE"})
	}
	expectCodes(t, tied(5).plan(), "secret_needed", "secret_needed")

	only := shelf(t).want("shelf.a.bell.b", m{"event": "FIRE", "enabled": false, "calls": []any{m{"via": "PAGER"}, m{"via": "PAGER"}}}).
		has("bell", inside("s1"), live).knows("shelf.a.bell.b", inside("s1"), "n1", m{"event": "FIRE"}).plan()
	expectCodes(t, only)
	if calls := find(t, only, "shelf.a.bell.b").Calls; len(calls) != 1 || calls[0].Operation != "toggleBell" {
		t.Errorf("only enabled differs: want the partial update, got %+v", calls)
	}
}

func TestRule_R15_DeletionsOfEntriesWaitForAllCreations(t *testing.T) {
	p := shelf(t).want("shelf.a.door.new", m{"name": "n1"}).want("shelf.a.door.other", m{"name": "n2"}).
		has("door", inside("s1"), m{"name": "old"}).knows("shelf.a.door.old", inside("s1"), "", m{"name": "old"}).plan()
	expect(t, p, "create shelf.a.door.new", "delete shelf.a.door.old", "create shelf.a.door.other")
	for _, task := range p.Tasks {
		if task.Phase == plan.Remove && len(task.Needs) != 2 {
			t.Errorf("the deletion needs %d creations, want both", len(task.Needs))
		}
	}
}

func TestRule_R16_WhatOnlyTheStateLearnsMakesNoCall(t *testing.T) {
	p := shelf(t).want("shelf.a.box.b", m{"keep_copy": true}, func(r *schema.Resource) { r.Lifecycle.PreventDestroy = true }).
		has("box", inside("s1"), m{"id": "b1", "name": "b", "state": "IDLE"}).knows("shelf.a.box.b", inside("s1"), "b1", m{}).plan()
	expect(t, p)
	var kinds []string
	for _, s := range p.StateOnly {
		kinds = append(kinds, s.Kind+" "+s.Path)
	}
	if want := []string{"protect lifecycle.prevent_destroy", "record keep_copy"}; !slices.Equal(kinds, want) {
		t.Errorf("got %q, want %q", kinds, want)
	}
	if p.Empty() {
		t.Error("the plan has something for the state and must not be empty")
	}
}

func TestRule_R16_ProtectionOutlivesItsBlock(t *testing.T) {
	p := shelf(t).has("box", inside("s1"), m{"id": "b1", "name": "b", "state": "IDLE"}).
		knows("shelf.a.box.b", inside("s1"), "b1", m{}, func(b *schema.Bound) { b.Lifecycle.PreventDestroy = true }).plan()
	expectCodes(t, p, "prevent_destroy")
}

func TestRule_R21_PlainNamesOrderLikeReferences(t *testing.T) {
	p := shelf(t).want("shelf.a.guest.g", m{"grants": []any{m{"role": "reader", "room": "1"}}}).want("shelf.a.role.reader", m{}).plan()
	if got := find(t, p, "shelf.a.guest.g").Depends; !slices.Contains(got, "shelf.a.role.reader") {
		t.Errorf("the guest depends on %v, want the role too", got)
	}
	p = shelf(t).want("shelf.a.guest.g", m{"grants": []any{}}).
		has("guest", inside("s1"), m{"name": "g", "grants": []any{m{"role": "reader", "room": "1"}}}).
		has("role", inside("s1"), m{"name": "reader"}).
		knows("shelf.a.guest.g", inside("s1"), "", m{"grants": []any{m{"role": "reader", "room": "1"}}}, func(b *schema.Bound) {
			b.Dependencies = []schema.Address{"shelf.a", "shelf.a.role.reader"}
		}).knows("shelf.a.role.reader", inside("s1"), "", m{}).plan()
	expect(t, p, "update shelf.a.guest.g grants[0]", "delete shelf.a.role.reader")
	if last := p.Tasks[len(p.Tasks)-1]; last.Phase != plan.Remove || len(last.Needs) != 1 {
		t.Errorf("the role goes after the guest let go of it, got %+v", p.Tasks)
	}
}

func TestRule_R21_WhatAReplacementLeftGoesLast(t *testing.T) {
	old := []any{m{"role": "old", "room": "1"}}
	p := shelf(t).want("shelf.a.guest.g", m{"grants": []any{m{"role": "new", "room": "1"}}}).want("shelf.a.role.r", m{"name": "new"}).
		has("guest", inside("s1"), m{"name": "g", "grants": old}).
		has("role", inside("s1"), m{"name": "old"}, m{"name": "new"}).
		knows("shelf.a.guest.g", inside("s1"), "", m{"grants": old}, func(b *schema.Bound) {
			b.Dependencies = []schema.Address{"shelf.a", "shelf.a.role.r"}
		}).
		knows("shelf.a.role.r", inside("s1"), "", m{"name": "new"}).
		knows(`shelf.a.role.r["replaced old"]`, inside("s1"), "", m{"name": "old"}).plan()
	expect(t, p, "update shelf.a.guest.g grants[0] grants[0]", `delete shelf.a.role.r["replaced old"]`)
	if last := p.Tasks[len(p.Tasks)-1]; last.Phase != plan.Remove || len(last.Needs) != 1 {
		t.Errorf("the old role goes after the guest let go of it, got %+v", p.Tasks)
	}
}

func TestRule_R22_DeletingAProject(t *testing.T) {
	base := func() *world {
		w := newWorld(t).has("shelf", root, m{"id": "s1", "name": "a"}).knows("shelf.a", root, "s1", m{}).
			has("guest", inside("s1"), m{"name": "g"}).knows("shelf.a.guest.g", inside("s1"), "", m{})
		w.in.Desired.Removals = []schema.Removal{{From: "shelf.a", Destroy: true}}
		return w
	}
	p := base().has("box", inside("s1"), m{"id": "b1", "name": "b", "state": "IDLE"}).knows("shelf.a.box.b", inside("s1"), "b1", m{}).plan()
	expect(t, p, "delete shelf.a", "delete shelf.a.box.b", "delete shelf.a.guest.g")
	if find(t, p, "shelf.a.guest.g").GoesWith != "shelf.a" || find(t, p, "shelf.a.box.b").GoesWith != "" {
		t.Error("the guest goes with its shelf, the box is deleted first")
	}
	p = base().has("box", inside("s1"), m{"id": "b9", "name": "strange", "state": "IDLE"}).plan()
	expectCodes(t, p, "deletion_blocked")
	p = newWorld(t).want("shelf.a", m{"wood": "oak"}).has("shelf", root, m{"id": "s1", "name": "a", "wood": "pine"}).
		knows("shelf.a", root, "s1", m{"wood": "pine"}).has("box", inside("s1"), m{"id": "b9", "name": "x", "state": "IDLE"}).
		knows("shelf.a.box.x", inside("s1"), "b9", m{}).want("shelf.a.box.x", m{}).plan()
	if !slices.Contains(codes(p), "replace_holds_data") {
		t.Errorf("got %q, want replace_holds_data", codes(p))
	}
}

func TestRule_R26_AnUnfinishedCreationIsFound(t *testing.T) {
	bell := m{"event": "FIRE", "calls": []any{m{"via": "MAIL", "to": "x"}}}
	w := shelf(t).want("shelf.a.bell.b", m{"event": "WATER", "calls": []any{m{"via": "MAIL", "to": "x"}}}).
		has("bell", inside("s1"), m{"id": "before", "event": "FIRE", "enabled": true, "calls": []any{m{"via": "MAIL", "to": "x"}}},
			m{"id": "ours", "event": "FIRE", "enabled": false, "calls": []any{m{"via": "MAIL", "to": "x", "delay": 4.0}}})
	w.in.Prior.Intents = []schema.Intent{{ID: "i", Address: "shelf.a.bell.b", Kind: "bell", Verb: schema.CallCreate, Armed: true,
		Place: inside("s1"), Content: val("bell", bell), Seen: []string{"before"}}}
	p := w.plan()
	expect(t, p, "update shelf.a.bell.b event")
	if c := find(t, p, "shelf.a.bell.b"); c.ID != "ours" || c.Adopted {
		t.Errorf("got id %s adopted %t, want ours, owned", c.ID, c.Adopted)
	}
	w = shelf(t).want("shelf.a.bell.b", m{"event": "FIRE", "calls": []any{m{"via": "MAIL", "to": "x"}}}).
		has("bell", inside("s1"), m{"id": "n1", "event": "FIRE", "enabled": true, "calls": []any{m{"via": "MAIL", "to": "x"}}},
			m{"id": "n2", "event": "FIRE", "enabled": true, "calls": []any{m{"via": "MAIL", "to": "x"}}})
	w.in.Prior.Intents = []schema.Intent{{ID: "i", Address: "shelf.a.bell.b", Kind: "bell", Verb: schema.CallCreate, Armed: true,
		Place: inside("s1"), Content: val("bell", bell)}}
	p = w.plan()
	if !slices.Contains(codes(p), "intent_ambiguous") {
		t.Errorf("two candidates: got %q, want intent_ambiguous", codes(p))
	}
}

func TestRule_R30_WithoutAHumanFlagsAreNeeded(t *testing.T) {
	w := shelf(t).has("box", inside("s1"), m{"id": "b1", "name": "b", "state": "IDLE"}).knows("shelf.a.box.b", inside("s1"), "b1", m{})
	refused := func() []string {
		p := w.plan()
		return codes(&plan.Plan{Diagnostics: p.Refusals()})
	}
	if got := refused(); !slices.Equal(got, []string{"needs_allow_destroy"}) {
		t.Errorf("got %q", got)
	}
	for _, flag := range []string{"shelf.a.box.b", "all"} {
		w.in.Options.AllowDestroy = []string{flag}
		if got := refused(); len(got) != 0 {
			t.Errorf("with %s: got %q", flag, got)
		}
	}
	w.in.Options.AllowDestroy = []string{"shelf.a"}
	if got := refused(); len(got) != 1 {
		t.Errorf("the parent's address must not cover the child, got %q", got)
	}
}

func TestRule_R30_BlastRadius(t *testing.T) {
	w := shelf(t)
	for _, name := range strings.Split("a b c d e f g h i j", " ") {
		w.has("role", inside("s1")).knows("shelf.a.role."+name, inside("s1"), "", m{})
	}
	var live []m
	for _, name := range strings.Split("a b c d e f g h i j", " ") {
		live = append(live, m{"name": name})
	}
	w.has("role", inside("s1"), live...)
	p := w.plan()
	if p.Blast == nil || p.Blast.Removed != 10 || p.Blast.Owned != 11 {
		t.Fatalf("got %+v, want 10 of 11", p.Blast)
	}
	if got := codes(&plan.Plan{Diagnostics: p.Refusals()}); !slices.Contains(got, "blast_radius") {
		t.Errorf("got %q", got)
	}
}

func TestRule_R31_AdoptedIsNotOwned(t *testing.T) {
	w := shelf(t).has("guest", inside("s1"), m{"name": "g"}).knows("shelf.a.guest.g", inside("s1"), "", m{}, func(b *schema.Bound) { b.Adopted = true })
	p := w.plan()
	expect(t, p, "forget shelf.a.guest.g")
	w.in.Options.AllowDestroy = []string{"shelf.a.guest.g"}
	expect(t, w.plan(), "delete shelf.a.guest.g")
	w.in.Options.AllowDestroy, w.in.Options.Destroy = nil, true
	if c := find(t, w.plan(), "shelf.a.guest.g"); c.GoesWith == "" && c.Action != plan.Forget {
		t.Errorf("destroy must forget what was adopted, got %s", c.Action)
	}
}

func TestRule_R31_AnImportBlockMakesItOwned(t *testing.T) {
	imports := []schema.Import{{To: "shelf.a.guest.g", ID: map[string]string{"name": "g"}}}
	w := shelf(t).want("shelf.a.guest.g", m{}).has("guest", inside("s1"), m{"name": "g"})
	w.in.Desired.Imports = imports
	if c := find(t, w.plan(), "shelf.a.guest.g"); c.Action != plan.Adopt || c.Adopted {
		t.Errorf("got %s, adopted %t; want it taken over and owned", c.Action, c.Adopted)
	}
	w.knows("shelf.a.guest.g", inside("s1"), "", m{}, func(b *schema.Bound) { b.Adopted = true })
	p := w.plan()
	if c := find(t, p, "shelf.a.guest.g"); c.Adopted || !c.Record || len(p.StateOnly) != 1 || p.StateOnly[0].Kind != "own" {
		t.Errorf("what was adopted before becomes owned, got %+v", p.StateOnly)
	}
}

func TestRule_R17_WhatAtlasChangesByItselfIsToldWithItsReason(t *testing.T) {
	p := shelf(t).want("shelf.a.box.b", m{"weight": 5.0}).has("box", inside("s1"), m{"id": "b1", "name": "b", "weight": 4.0, "state": "IDLE"}).
		knows("shelf.a.box.b", inside("s1"), "b1", m{"weight": 5.0}).plan()
	if len(p.Drift) != 1 || p.Drift[0].Note != "Things dry." {
		t.Errorf("got %+v, want the reason", p.Drift)
	}
}

func TestRule_R32_ExclusiveKindsDeleteStrangers(t *testing.T) {
	w := newWorld(t).want("shelf.a", m{}, func(r *schema.Resource) { r.Exclusive = []string{"guest"} }).
		has("shelf", root, m{"id": "s1", "name": "a"}).knows("shelf.a", root, "s1", m{}).
		want("shelf.a.guest.mine", m{}).has("guest", inside("s1"), m{"name": "mine"}, m{"name": "stranger"}).
		has("door", inside("s1"), m{"name": "other"}).knows("shelf.a.guest.mine", inside("s1"), "", m{})
	p := w.plan()
	expect(t, p, `delete shelf.a.guest["stranger"]`)
	c := find(t, p, `shelf.a.guest["stranger"]`)
	if !c.Exclusive || c.NeedsAllow != "allow-destroy" {
		t.Errorf("want it exclusive and guarded, got %+v", c)
	}
	expectCodes(t, p)
}

func TestRule_R35_DriftIsTold(t *testing.T) {
	p := shelf(t).want("shelf.a.box.b", m{"size": "S", "weight": 5.0}).
		has("box", inside("s1"), m{"id": "b1", "name": "b", "size": "L", "weight": 5.0, "state": "IDLE"}).
		knows("shelf.a.box.b", inside("s1"), "b1", m{"size": "S", "weight": 5.0}, func(b *schema.Bound) { b.Undone = map[string]int{"size": 1} }).plan()
	expect(t, p, "update shelf.a.box.b size")
	if len(p.Drift) != 1 || !p.Drift[0].Reverts || !p.Changes[1].Diffs[0].UndoesDrift {
		t.Errorf("want drift that the plan undoes, got %+v", p.Drift)
	}
	expectCodes(t, p, "contested")
	gone := shelf(t).want("shelf.a.guest.g", m{}).knows("shelf.a.guest.g", inside("s1"), "", m{}).plan()
	expect(t, gone, "create shelf.a.guest.g")
	if len(gone.Drift) != 1 || !gone.Drift[0].Deleted {
		t.Errorf("want a deletion as drift, got %+v", gone.Drift)
	}
}

func TestRule_R39_ExpiredAndGoneIsAsItShouldBe(t *testing.T) {
	p := shelf(t).want("shelf.a.guest.g", m{"until": "2026-02-01T00:00:00Z"}).
		knows("shelf.a.guest.g", inside("s1"), "", m{"until": "2026-02-01T00:00:00Z"}).plan()
	expect(t, p)
	expectCodes(t, p, "expired")
	if len(p.Drift) != 0 {
		t.Errorf("drift %+v, want none", p.Drift)
	}
}

func TestRule_R40_ComputedValuesAreKnownUnlessTheUpdateChangesThem(t *testing.T) {
	p := shelf(t).want("shelf.a.box.b", m{"size": "L"}).
		has("box", inside("s1"), m{"id": "b1", "name": "b", "size": "S", "state": "IDLE", "address": "x"}).
		knows("shelf.a.box.b", inside("s1"), "b1", m{"size": "S"}).plan()
	after := find(t, p, "shelf.a.box.b").After
	if !after.GetAttr("id").IsKnown() || after.GetAttr("address").IsKnown() {
		t.Errorf("id stays known and address does not: %#v", after)
	}
}

// What is replaced is another object, of which nothing is known that Atlas decides; what stays out of the plan is the same.
func TestRule_R40_NothingIsKnownOfAReplacement(t *testing.T) {
	for name, tc := range map[string]struct {
		options plan.Options
		known   bool
	}{
		"asked for":     {plan.Options{Replace: []schema.Address{"shelf.a.box.b"}}, false},
		"left out":      {plan.Options{Replace: []schema.Address{"shelf.a.box.b"}, Excludes: []schema.Address{"shelf.a.box.b"}}, true},
		"in the target": {plan.Options{Replace: []schema.Address{"shelf.a.box.b"}, Targets: []schema.Address{"shelf.a"}}, false},
		"another":       {plan.Options{Replace: []schema.Address{"shelf.a.box.c"}}, true},
	} {
		w := box(t, m{})
		w.in.Options = tc.options
		w.plan()
		if _, known := plan.NewSurvey(w.in).Pair(w.in.Live).Values()["shelf.a.box.b"]; known != tc.known {
			t.Errorf("%s: known %v", name, known)
		}
	}
	w := photographed(t, m{"id": "p1", "caption": "new", "state": "DONE"}).want("shelf.a.box.b.photo.p", m{"caption": "new", "days": 3.0})
	w.in.Options.Replace = []schema.Address{"shelf.a.box.b"}
	w.plan()
	if _, known := plan.NewSurvey(w.in).Pair(w.in.Live).Values()["shelf.a.box.b.photo.p"]; !known {
		t.Error("what is not made again is still what is meant")
	}
}

func TestRule_R41_Risks(t *testing.T) {
	p := shelf(t).want("shelf.a.box.b", m{"size": "M", "parts": []any{m{"count": 3.0}}}).
		want("shelf.a.guest.g", m{"grants": []any{m{"role": "x"}}}).want(`shelf.a.door.d["0.0.0.0/0"]`, m{"name": "0.0.0.0/0"}).
		has("box", inside("s1"), m{"id": "b1", "name": "b", "size": "L", "state": "IDLE", "parts": []any{m{"id": "p", "zone": "Z1", "count": 1.0}}}).
		has("guest", inside("s1"), m{"name": "g", "grants": []any{}}).
		knows("shelf.a.box.b", inside("s1"), "b1", m{}).knows("shelf.a.guest.g", inside("s1"), "", m{}).plan()
	for address, want := range map[string]string{"shelf.a.box.b": "billable ", "shelf.a.guest.g": "grants-access ",
		`shelf.a.door.d["0.0.0.0/0"]`: "opens-network 4,294,967,296 addresses, the whole internet"} {
		var got []string
		for _, r := range find(t, p, address).Risks {
			got = append(got, string(r.Risk)+" "+r.Note)
		}
		if !slices.Equal(got, []string{want}) {
			t.Errorf("%s: got %q, want %q", address, got, want)
		}
	}
}

func TestRule_R42_ReplacementOrder(t *testing.T) {
	p := shelf(t).want("shelf.a.guest.g", m{"method": "new"}).want("shelf.a.role.r", m{"name": "new"}).
		has("guest", inside("s1"), m{"name": "g", "method": "old"}).has("role", inside("s1"), m{"name": "old"}).
		knows("shelf.a.guest.g", inside("s1"), "", m{"method": "old"}).knows("shelf.a.role.r", inside("s1"), "", m{"name": "old"}).plan()
	expect(t, p, "replace shelf.a.guest.g method", "replace shelf.a.role.r name")
	if guest, role := find(t, p, "shelf.a.guest.g"), find(t, p, "shelf.a.role.r"); guest.CreateFirst || !role.CreateFirst {
		t.Errorf("where the name stays the old one goes first, where it changes the new one comes first: %t %t", guest.CreateFirst, role.CreateFirst)
	}
	if c := find(t, p, "shelf.a.guest.g"); len(c.Risks) == 0 || !slices.ContainsFunc(c.Risks, func(r plan.RiskNote) bool { return r.Risk == schema.Downtime }) {
		t.Errorf("deleting first means downtime, got %v", c.Risks)
	}
}

func TestRule_R42_WhatLivesElsewhereIsMadeThere(t *testing.T) {
	p := newWorld(t).want("shelf.a", m{}).want("shelf.b", m{}).has("shelf", root, m{"id": "s1", "name": "a"}, m{"id": "s2", "name": "b"}).
		knows("shelf.a", root, "s1", m{}).knows("shelf.b", root, "s2", m{}).
		want("shelf.b.guest.g", m{}, func(r *schema.Resource) { r.Address = "guest.g" }).
		has("guest", inside("s1"), m{"name": "g"}).knows("guest.g", inside("s1"), "", m{}).plan()
	expect(t, p, "replace guest.g")
	if c := find(t, p, "guest.g"); c.Place != inside("s1") || c.Into != inside("s2") || !c.CreateFirst {
		t.Errorf("it is in %s and made in %s, first %t", c.Place, c.Into, c.CreateFirst)
	}
}

// TestRule_R21_WhatIsGoneNeedsNothing: a guest who is gone is made anew on the new shelf, and the bell that it needed
// goes with the old one before that.
func TestRule_R21_WhatIsGoneNeedsNothing(t *testing.T) {
	w := shelf(t).want("shelf.a.guest.g", m{}).has("guest", inside("s1")).has("bell", inside("s1"), m{"id": "r1", "event": "RING"}).
		knows("shelf.a.bell.r", inside("s1"), "r1", m{"event": "RING"}).
		knows("shelf.a.guest.g", inside("s1"), "g1", m{}, func(b *schema.Bound) {
			b.Dependencies = []schema.Address{"shelf.a", "shelf.a.bell.r"}
		})
	w.in.Options.Replace = []schema.Address{"shelf.a"}
	expectCodes(t, w.plan())
}
