package apply_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"mercator/apply"
	"mercator/apply/state"
	"mercator/provider"
	"mercator/schema"
)

// story is a configuration in two versions: what is there first, and what the apply under test has to do.
type story struct {
	name          string
	first, second func(h *house)
}

var stories = []story{
	{"everything new", func(*house) {}, func(h *house) {
		h.put("room.a", map[string]any{"name": "a"})
		h.put("room.a.user.ann", map[string]any{"name": "ann", "role": "read", "password": "secret:1"})
		h.refer("room.a.user.ann", "role", "room.a")
		for _, n := range []string{"x1", "x2", "x3", "x4"} {
			h.put("room.a.entry."+schema.Address(n), map[string]any{"name": n, "comment": "c"})
		}
		h.put("room.a.alarm.default", map[string]any{"event": "DEFAULT"})
		h.put("room.a.alarm.one", map[string]any{"event": "ONE", "notifications": []any{map[string]any{"type": "CHAT", "token": "secret:t"}}})
		h.put("room.a.alarm.two", map[string]any{"event": "TWO", "enabled": true})
		h.put("room.a.engine.e", map[string]any{"name": "e", "size": "L", "args": map[string]any{"mode": "fast"}, "keep": false})
		h.put("room.a.team.t", map[string]any{"name": "t", "players": []any{map[string]any{"who": "ann", "rank": "1"}, map[string]any{"who": "bob", "rank": "2"}}, "fans": []any{}})
		h.put("room.a.robot.r", map[string]any{"made_by": "A", "licence": "1"})
		h.put("room.a.robot.s", map[string]any{"made_by": "A"})
	}},
	{"changes and deletions", func(h *house) {
		h.put("room.a", map[string]any{"name": "a"})
		h.put("room.a.user.ann", map[string]any{"name": "ann", "role": "read", "password": "secret:1"})
		h.put("room.a.user.bob", map[string]any{"name": "bob"})
		h.put("room.a.entry.x1", map[string]any{"name": "x1", "comment": "c"})
		h.put("room.a.entry.x2", map[string]any{"name": "x2"})
		h.put("room.a.alarm.one", map[string]any{"event": "ONE"})
		h.put("room.a.engine.e", map[string]any{"name": "e", "size": "L"})
		h.put("room.a.engine.old", map[string]any{"name": "old"})
		h.put("room.a.robot.r", map[string]any{"made_by": "A"})
		h.put("room.a.robot.old", map[string]any{"made_by": "A"})
		h.put("room.a.team.t", map[string]any{"name": "t", "players": []any{map[string]any{"who": "ann", "rank": "1"}, map[string]any{"who": "bob", "rank": "2"}, map[string]any{"who": "cid", "rank": "3"}}, "fans": []any{map[string]any{"who": "dot", "rank": "1"}, map[string]any{"who": "eve", "rank": "1"}}})
	}, func(h *house) {
		h.put("room.a.team.t", map[string]any{"name": "t", "motto": "on", "players": []any{map[string]any{"who": "bob", "rank": "9"}, map[string]any{"who": "cid", "rank": "3"}, map[string]any{"who": "fay", "rank": "4"}}, "fans": []any{map[string]any{"who": "eve", "rank": "2"}, map[string]any{"who": "gus", "rank": "1"}}})
		h.put("room.a", map[string]any{"name": "b", "colour": "red"})
		h.put("room.a.user.ann", map[string]any{"name": "ann", "role": "write", "password": "secret:2"})
		h.drop("room.a.user.bob")
		h.put("room.a.entry.x1", map[string]any{"name": "x1", "comment": "new"})
		h.drop("room.a.entry.x2")
		h.put("room.a.entry.x3", map[string]any{"name": "x3"})
		h.put("room.a.alarm.one", map[string]any{"event": "ONE", "enabled": true})
		h.put("room.a.engine.e", map[string]any{"name": "e", "size": "XL", "args": map[string]any{"mode": "slow"}})
		h.drop("room.a.engine.old")
		h.put("room.a.robot.r", map[string]any{"made_by": "A", "licence": "2"})
		h.drop("room.a.robot.old")
	}},
	{"replacements", func(h *house) {
		h.put("room.a", map[string]any{"name": "a"})
		h.put("room.a.user.ann", map[string]any{"name": "ann", "auth": "PASSWORD"})
		h.put("room.a.user.bob", map[string]any{"name": "bob"})
		h.put("room.a.entry.x1", map[string]any{"name": "x1"})
	}, func(h *house) {
		h.put("room.a.user.ann", map[string]any{"name": "ann", "auth": "X509"})
		h.put("room.a.user.bob", map[string]any{"name": "robert"})
		h.put("room.a.entry.x1", map[string]any{"name": "x9"})
	}},
	{"moves", func(h *house) {
		h.put("room.a", map[string]any{"name": "a"})
		h.put("room.a.user.ann", map[string]any{"name": "ann", "role": "read"})
		h.put("room.a.user.x", map[string]any{"name": "x"})
		h.put("room.a.user.y", map[string]any{"name": "y"})
		h.put("room.a.user.p", map[string]any{"name": "p"})
		h.put("room.a.user.q", map[string]any{"name": "q"})
		h.put("room.a.alarm.one", map[string]any{"event": "ONE"})
	}, func(h *house) {
		h.drop("room.a.user.ann") // moves and changes
		h.put("room.a.user.anna", map[string]any{"name": "ann", "role": "write"})
		h.put("room.a.user.x", map[string]any{"name": "y"}) // they change places
		h.put("room.a.user.y", map[string]any{"name": "x"})
		h.drop("room.a.user.q") // p takes q's place, and what p was goes
		h.put("room.a.user.p", map[string]any{"name": "q"})
		h.drop("room.a.alarm.one")
		h.put("room.a.alarm.moved", map[string]any{"event": "ONE"})
	}},
	{"what is done once", func(h *house) {
		h.put("room.a", map[string]any{"name": "a"})
		h.put("room.a.engine.e", map[string]any{"name": "e"})
		h.put("room.a.engine.e.copy.one", map[string]any{"text": "one", "days": 1})
		h.put("room.a.engine.e.copy.two", map[string]any{"text": "two", "days": 1})
		h.put("room.a.engine.e.copy.old", map[string]any{"text": "old"})
		h.put("room.a.engine.e.play.one", map[string]any{"tune": "one"})
		h.put("room.a.engine.e.play.old", map[string]any{"tune": "old"})
	}, func(h *house) {
		h.put("room.a.engine.e.copy.one", map[string]any{"text": "one", "days": 2})
		h.put("room.a.engine.e.copy.two", map[string]any{"text": "twice", "days": 1})
		h.drop("room.a.engine.e.copy.old")
		h.put("room.a.engine.e.copy.new", map[string]any{"text": "new", "days": 3})
		h.put("room.a.engine.e.play.one", map[string]any{"tune": "another"})
		h.drop("room.a.engine.e.play.old")
	}},
	{"guarded by copies", func(h *house) {
		h.put("room.a", map[string]any{"name": "a"})
		for _, e := range []schema.Address{"goes", "grows", "changes"} {
			h.put("room.a.engine."+e, map[string]any{"name": string(e), "size": "L", "make": "x"})
			h.protect("room.a.engine."+e, schema.BeforeDelete, schema.BeforeReplace, schema.BeforeUpgrade)
		}
	}, func(h *house) {
		h.drop("room.a.engine.goes")
		h.put("room.a.engine.grows", map[string]any{"name": "grows", "size": "XL", "make": "x"})
		h.protect("room.a.engine.grows", schema.BeforeDelete, schema.BeforeReplace, schema.BeforeUpgrade)
		h.put("room.a.engine.changes", map[string]any{"name": "changes", "size": "L", "make": "y"})
		h.protect("room.a.engine.changes", schema.BeforeDelete, schema.BeforeReplace, schema.BeforeUpgrade)
	}},
	{"a room goes", func(h *house) {
		h.put("room.a", map[string]any{"name": "a"})
		h.put("room.b", map[string]any{"name": "b"})
		h.put("room.b.user.ann", map[string]any{"name": "ann"})
		h.put("room.b.alarm.one", map[string]any{"event": "ONE"})
	}, func(h *house) {
		h.drop("room.b")
		h.drop("room.b.user.ann")
		h.drop("room.b.alarm.one")
		h.put("room.a.alarm.two", map[string]any{"event": "TWO"})
	}},
	{"upgrades", func(h *house) {
		h.put("room.a", map[string]any{"name": "a"})
		h.put("room.a.hall.straw", map[string]any{"name": "straw", "walls": "STRAW", "flag": "red"})
		h.put("room.a.hut.tent", map[string]any{"name": "tent", "flag": "red"})
		h.put("room.a.hut.moved", map[string]any{"name": "moved"})
	}, func(h *house) {
		h.put("room.a.hall.straw", map[string]any{"name": "straw", "walls": "STONE", "roof": "SLATE", "flag": "red"})
		h.drop("room.a.hut.tent")
		h.put("room.a.hall.tent", map[string]any{"name": "tent", "walls": "STONE", "flag": "blue"})
		h.drop("room.a.hut.moved")
		h.put("room.a.hall.other", map[string]any{"name": "moved", "walls": "STONE"})
	}},
}

// nothingWasLost wants every building to hold what it held when it was made.
func nothingWasLost(h *house) {
	h.t.Helper()
	for _, it := range h.world.objects {
		if it.kind.Name == "hall" && it.first == it.id {
			h.t.Errorf("the hall %s was made anew", h.world.key(it))
		}
	}
	for _, call := range h.world.calls {
		if strings.HasPrefix(call, "delete h") {
			h.t.Errorf("there was the call %q", call)
		}
	}
}

// begin makes the story's first version and declares its second.
func (s story) begin(t *testing.T) *house {
	h := newHouse(t)
	h.options.AllowDestroy = []string{"all"}
	s.first(h)
	h.converge()
	s.second(h)
	return h
}

// end lets the next runs converge after a death.
func (s story) end(h *house) {
	h.t.Helper()
	h.world.dead, h.world.dieAt, h.eager, h.tearAt = false, 0, false, 0
	for range 20 { // what was under way in Atlas goes on
		h.world.settleAll()
	}
	h.converge()
	h.check()
	if s.name == "upgrades" {
		nothingWasLost(h)
	}
}

// TestRule_R26_KilledAtEveryCall kills the run at each of its calls, before the call and after it, with the last
// records lost and with them saved, and lets the next runs converge.
func TestRule_R26_KilledAtEveryCall(t *testing.T) {
	for _, s := range stories {
		h := s.begin(t)
		before := h.world.count
		h.converge()
		h.check()
		calls := h.world.count - before
		if calls == 0 {
			t.Fatalf("%s: nothing was called", s.name)
		}
		for n := 1; n <= calls; n++ {
			for _, early := range []bool{true, false} {
				for _, eager := range []bool{true, false} {
					t.Run(fmt.Sprintf("%s/%d of %d/before=%t/saved=%t", s.name, n, calls, early, eager), func(t *testing.T) {
						h := s.begin(t)
						h.world.dieAt, h.world.dieBefore, h.eager = h.world.count+n, early, eager
						if r := h.apply(context.Background(), h.plan()); r.OK() {
							t.Fatal("the run was not killed")
						}
						s.end(h)
					})
				}
			}
		}
	}
}

// TestRule_R26_KilledAtEveryRecord kills the run while it writes its journal, between any two records, and kills
// the run after it in the same way.
func TestRule_R26_KilledAtEveryRecord(t *testing.T) {
	for _, s := range stories {
		h := s.begin(t)
		h.run()
		records := len(h.journal.durable)
		for n := 1; n < records; n++ {
			for _, eager := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%d of %d/eager=%t", s.name, n, records, eager), func(t *testing.T) {
					h := s.begin(t)
					h.tearAt, h.eager = n, eager
					h.apply(context.Background(), h.plan())
					h.world.dead = false
					h.tearAt = 1 + n%3
					if p := h.plan(); apply.Needed(p, h.state) {
						h.apply(context.Background(), p)
					}
					s.end(h)
				})
			}
		}
	}
}

// TestRule_R26_BlockRemovedAfterKill removes from the files what a killed run had just made: it is found by the
// intent and deleted, not left behind.
func TestRule_R26_BlockRemovedAfterKill(t *testing.T) {
	for _, address := range []schema.Address{"room.a.alarm.one", "room.a.user.ann", "room.a.engine.e"} {
		t.Run(string(address), func(t *testing.T) {
			h := newHouse(t)
			h.options.AllowDestroy = []string{"all"}
			h.put("room.a", map[string]any{"name": "a"})
			h.converge()
			if address.Kind() == "alarm" {
				h.put(address, map[string]any{"event": "ONE"})
			} else {
				h.put(address, map[string]any{"name": "n"})
			}
			h.world.dieAt = h.world.count + 1
			h.apply(context.Background(), h.plan())
			h.world.dead, h.world.dieAt = false, 0
			made := len(h.world.objects)
			h.drop(address)
			h.converge()
			h.check()
			if len(h.world.objects) != made-1 {
				t.Errorf("%d objects are left of %d", len(h.world.objects), made)
			}
		})
	}
}

// TestRule_R26_KilledAfterADeletion: the intent of a deletion that was carried out is over with the next run.
func TestRule_R26_KilledAfterADeletion(t *testing.T) {
	h := furnished(t, map[schema.Address]map[string]any{"room.a.user.ann": {"name": "ann"}})
	h.drop("room.a.user.ann")
	h.eager, h.world.dieAt = true, h.world.count+1
	h.apply(context.Background(), h.plan())
	h.world.dead, h.world.dieAt = false, 0
	h.run()
	if len(h.state.Intents) > 0 || h.state.Resources["room.a.user.ann"] != nil {
		t.Errorf("the state still has %v and the intents %+v", h.state.Resources, h.state.Intents)
	}
}

// TestRule_R26_ALateCreationIsNotRepeated: a request whose answer was lost may be carried out until the limit of a
// call is over. An object without a key is looked for as long, before another one is made.
func TestRule_R26_ALateCreationIsNotRepeated(t *testing.T) {
	h := furnished(t, nil)
	h.put("room.a.alarm.one", map[string]any{"event": "ONE"})
	lost, late := 0, false
	h.world.fault = func(int, string) fault {
		if lost++; lost == 1 {
			return fault{refusal(provider.Uncertain), false}
		}
		return fault{}
	}
	began := h.world.clock.Elapsed()
	h.world.clock.onSleep = func(elapsed time.Duration) {
		if !late && elapsed-began > state.CallLimit/2 {
			late = true
			h.stranger("room.a", "alarm", map[string]any{"event": "ONE"})
		}
	}
	h.run()
	if !late || lost != 1 {
		t.Errorf("it was sent %d times; carried out in between: %t", lost, late)
	}
	h.world.clock.onSleep = nil
	h.converge()
	h.check()
}
