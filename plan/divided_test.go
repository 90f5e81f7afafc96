package plan_test

import (
	"slices"
	"strings"
	"testing"

	"mercator/plan"
	"mercator/schema"
)

func left(shelf string) schema.Place  { return inside(shelf).With("side", "LEFT") }
func right(shelf string) schema.Place { return inside(shelf).With("side", "RIGHT") }

// read returns the places in which a world's plan wants a kind to be listed.
func (w *world) read(kind string) []schema.Place {
	w.in.Live = schema.NewLive(w.all, nil)
	var out []schema.Place
	for range 5 {
		sweeps, _ := plan.NewSurvey(w.in).Pair(w.in.Live).Wanted()
		var more []schema.LiveSweep
		for _, s := range sweeps {
			if s.Kind.Name == kind {
				out = append(out, s.Place)
			}
			more = append(more, schema.LiveSweep{Kind: s.Kind.Name, Place: s.Place})
		}
		w.in.Live = w.in.Live.Merge(schema.NewLive(more, nil))
	}
	slices.Sort(out)
	return out
}

// A list that is read per value of an attribute is read for the values that the files and the state have, and for all
// where strangers matter.
func TestRule_R07_OnlyThePartsThatMatterAreRead(t *testing.T) {
	for _, tc := range []struct {
		what string
		w    *world
		want []schema.Place
	}{
		{"a declared one", shelf(t).want("shelf.a.sock.x", m{"side": "LEFT"}), []schema.Place{left("s1")}},
		{"one whose side is in lower case", shelf(t).want("shelf.a.sock.x", m{"side": "left"}), []schema.Place{left("s1")}},
		{"a remembered one", shelf(t).knows("shelf.a.sock.x", right("s1"), "k1", m{"side": "RIGHT"}), []schema.Place{right("s1")}},
		{"both", shelf(t).want("shelf.a.sock.x", m{"side": "LEFT"}).knows("shelf.a.sock.y", right("s1"), "k1", m{"side": "RIGHT"}), []schema.Place{left("s1"), right("s1")}},
		{"one whose side is not known", shelf(t).want("shelf.a.sock.x", m{"side": "unknown"}), nil},
		{"none", shelf(t), nil},
		{"a deleted shelf", newWorld(t).has("shelf", root, m{"id": "s1", "name": "a"}).knows("shelf.a", root, "s1", m{}), []schema.Place{left("s1"), right("s1")}},
		{"a lookup by key", looksUp(shelf(t), schema.Lookup{Address: "data.sock.x", Kind: "sock", Parent: schema.ParentRef{Address: "shelf.a"}, Key: "RIGHT/x/"}), []schema.Place{right("s1")}},
		{"a lookup by id", looksUp(shelf(t), schema.Lookup{Address: "data.sock.x", Kind: "sock", Parent: schema.ParentRef{Address: "shelf.a"}, ID: "k1"}), []schema.Place{left("s1"), right("s1")}},
	} {
		if got := tc.w.read("sock"); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q are read, want %q", tc.what, got, tc.want)
		}
	}
}

func looksUp(w *world, l schema.Lookup) *world {
	w.in.Desired.Lookups = append(w.in.Desired.Lookups, l)
	return w
}

// Objects of a divided list are paired, changed, replaced, adopted and refused like others.
func TestDividedLists(t *testing.T) {
	socks := func() *world {
		return shelf(t).has("sock", left("s1"), m{"id": "k1", "side": "LEFT", "drawer": "x", "color": "red"}).
			has("sock", right("s1"), m{"id": "k2", "side": "RIGHT", "drawer": "x", "patch": "elbow"})
	}
	p := socks().want("shelf.a.sock.x", m{"side": "left", "color": "blue"}).knows("shelf.a.sock.x", left("s1"), "k1", m{"side": "LEFT", "color": "red"}).plan()
	expect(t, p, "update shelf.a.sock.x color")
	p = socks().want("shelf.a.sock.x", m{"side": "RIGHT", "patch": "elbow"}).plan()
	expect(t, p, "adopt shelf.a.sock.x")
	p = socks().want("shelf.a.sock.x", m{"side": "RIGHT", "color": "red"}).knows("shelf.a.sock.x", left("s1"), "k1", m{"side": "LEFT", "color": "red"}).plan()
	expect(t, p, "replace shelf.a.sock.x side")
	if c := find(t, p, "shelf.a.sock.x"); c.Place != left("s1") || c.Into != right("s1") || !c.CreateFirst || slices.Contains(reasons(c), "parent_changed") {
		t.Errorf("it goes from %s to %s, %v", c.Place, c.Into, c.Reasons)
	}
	p = socks().want("shelf.a.sock.x", m{"side": "RIGHT"}).plan() // without the patch it is another one
	expect(t, p, "create shelf.a.sock.x")
	p = newWorld(t).want("shelf.a", m{}).want("shelf.a.sock.x", m{"side": "LEFT"}).has("shelf", root).plan()
	expect(t, p, "create shelf.a", "create shelf.a.sock.x")
	p = socks().want("shelf.a.sock.x", m{"side": "LEFT"}).want("shelf.a.sock.y", m{"side": "left", "drawer": "x"}).plan()
	expectCodes(t, p, "duplicate_object")
	w := socks()
	w.in.Desired.Resources = nil
	w.in.Prior.Resources["shelf.a"].Lifecycle = schema.Lifecycle{}
	w.in.Desired.Removals = []schema.Removal{{From: "shelf.a", Destroy: true}}
	p = w.plan()
	expectCodes(t, p, "deletion_blocked", "deletion_blocked")
	if text := toldOf(p, "deletion_blocked"); !strings.Contains(text, "sock") {
		t.Errorf("it says %q", text)
	}
	p = socks().want("shelf.a.sock.x", m{"side": "LEFT"}, func(*schema.Resource) {}).plan()
	if len(p.Unmanaged) != 0 {
		t.Errorf("a part that was not read has strangers: %+v", p.Unmanaged)
	}
}

// A plain text orders after every resource that has it in a part of its natural key.
func TestRule_R21_SeveralResourcesOfOneName(t *testing.T) {
	w := newWorld(t).has("shelf", root).want("shelf.a", m{}).
		want("shelf.a.sock.x", m{"side": "LEFT"}).want("shelf.a.sock.y", m{"side": "LEFT"}).want("shelf.a.guest.g", m{"foot": "LEFT"})
	p := w.plan()
	if c := find(t, p, "shelf.a.guest.g"); !slices.Contains(c.Depends, "shelf.a.sock.x") || !slices.Contains(c.Depends, "shelf.a.sock.y") {
		t.Errorf("the guest depends on %v", c.Depends)
	}
}
