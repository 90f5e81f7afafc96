package apply_test

import (
	"context"
	"testing"

	"mercator/schema"
)

// What lives in a part of its parent that a value of its own names is made there, also where the parent is made by the
// same run, and goes to another part with another value.
func TestMadeInThePartThatItsValueSays(t *testing.T) {
	h := newHouse(t)
	h.options.AllowDestroy = []string{"all"}
	h.put("room.a", map[string]any{"name": "a"})
	h.put("room.a.glove.l", map[string]any{"hand": "LEFT", "name": "l", "size": "M"})
	if r := h.apply(context.Background(), h.plan()); !r.OK() {
		t.Fatal(resultText(r))
	}
	at := func(hand string) {
		t.Helper()
		want := h.state.Resources["room.a"]
		inside, _ := h.world.catalog.Kind("room").Inside(want.Place, want.ID, want.Key)
		if got := h.state.Resources["room.a.glove.l"].Place; got != inside.With("hand", hand) {
			t.Errorf("it lives in %s, want the %s of %s", got, hand, inside)
		}
	}
	at("LEFT")
	h.put("room.a.glove.l", map[string]any{"hand": "LEFT", "name": "l", "size": "L"})
	h.converge()
	at("LEFT")
	h.put("room.a.glove.l", map[string]any{"hand": "RIGHT", "name": "l", "size": "L"})
	h.converge()
	h.check()
	at("RIGHT")
	gloves := 0
	for _, it := range h.world.objects {
		if it.kind.Name == "glove" {
			gloves++
		}
	}
	if gloves != 1 {
		t.Errorf("there are %d gloves", gloves)
	}
	h.drop("room.a.glove.l")
	h.converge()
	h.check()
	if b := h.state.Resources[schema.Address("room.a.glove.l")]; b != nil {
		t.Errorf("the state still has %+v", b)
	}
}
