package plan_test

import (
	"slices"
	"testing"

	"mercator/schema"
)

// One warden at least keeps the master key: what would take it from the last one is refused, whoever else is declared, and
// one who is not here does not count.
func TestTheLastOneStays(t *testing.T) {
	keys := func(keys ...any) m { return m{"keys": keys} }
	ann := m{"name": "ann", "state": "HERE", "holds": keys("MASTER", "GATE")}
	world := func(others ...m) *world {
		return shelf(t).has("warden", root, append([]m{ann}, others...)...).knows("warden.ann", root, "", m{"name": "ann", "holds": keys("MASTER", "GATE")})
	}
	bob := func(state string, key string) m { return m{"name": "bob", "state": state, "holds": keys(key)} }
	expectCodes(t, world().plan(), "last_of_its_kind")
	expectCodes(t, world().want("warden.ann", m{"name": "ann", "holds": keys("GATE")}).plan(), "last_of_its_kind")
	expectCodes(t, world(bob("AWAY", "MASTER"), m{"name": "cid", "state": "HERE", "holds": keys("GATE")}).plan(), "last_of_its_kind")
	expectCodes(t, world().want("warden.ann", m{"name": "ann", "holds": keys("MASTER")}).plan())
	expectCodes(t, world(bob("HERE", "MASTER")).plan()) // who is nobody's counts
	expectCodes(t, world(bob("HERE", "MASTER")).knows("warden.bob", root, "", m{"name": "bob"}).plan(), "last_of_its_kind", "last_of_its_kind")
	expectCodes(t, world(bob("HERE", "GATE")).want("warden.bob", m{"name": "bob", "holds": keys("MASTER")}).knows("warden.bob", root, "", m{"name": "bob"}).plan())
	expectCodes(t, shelf(t).has("warden", root, bob("HERE", "GATE")).knows("warden.bob", root, "", m{"name": "bob"}).plan())
}

// TestRule_R21_NamesOfTheOrganization: what lives in the organization is waited for wherever it is named, in any spelling.
func TestRule_R21_NamesOfTheOrganization(t *testing.T) {
	p := shelf(t).want("warden.ann", m{"name": "Ann"}).want("shelf.a.shift.early", m{"name": "early", "by": []any{"ANN", "nobody"}}).plan()
	expect(t, p, "create shelf.a.shift.early", "create warden.ann")
	if got := needsOf(p, "shelf.a.shift.early"); !slices.Equal(got, []schema.Address{"warden.ann"}) {
		t.Errorf("the shift waits for %q", got)
	}
}
