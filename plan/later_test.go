package plan_test

import (
	"slices"
	"testing"
)

// What a creation leaves out is sent by an update, as soon as the object is there.
func TestWhatComesLaterIsAnUpdate(t *testing.T) {
	verbs := func(w *world) []string {
		var out []string
		for _, call := range find(t, w.plan(), "shelf.a.cat.c").Calls {
			out = append(out, string(call.Verb)+" "+call.Operation)
		}
		return out
	}
	if got := verbs(shelf(t).want("shelf.a.cat.c", m{"breed": "grey"})); !slices.Equal(got, []string{"create createCat"}) {
		t.Errorf("without a licence: %q", got)
	}
	w := shelf(t).want("shelf.a.cat.c", m{"breed": "grey", "licence": "1"})
	if got := verbs(w); !slices.Equal(got, []string{"create createCat", "update updateCat"}) {
		t.Errorf("with a licence: %q", got)
	}
	if calls := find(t, w.plan(), "shelf.a.cat.c").Calls; !slices.Equal(calls[0].Attributes, []string{"breed"}) || !slices.Equal(calls[1].Attributes, []string{"licence"}) {
		t.Errorf("the calls are %+v", calls)
	}
}

// TestRule_R02_WhatNothingNamesIsNeverAdopted finds an object that is exactly what is declared, of a kind that binds by an
// id alone: it may be anybody's.
func TestRule_R02_WhatNothingNamesIsNeverAdopted(t *testing.T) {
	cat := m{"id": "c1", "breed": "grey", "licence": "1"}
	p := shelf(t).want("shelf.a.cat.c", m{"breed": "grey", "licence": "1"}).has("cat", inside("s1"), cat).plan()
	expect(t, p, "create shelf.a.cat.c")
	expectCodes(t, p)
	p = shelf(t).want("shelf.a.cat.c", m{"breed": "grey", "licence": "2"}).has("cat", inside("s1"), cat).
		knows("shelf.a.cat.c", inside("s1"), "c1", m{"breed": "grey", "licence": "1"}).plan()
	expect(t, p, "update shelf.a.cat.c licence")
	p = shelf(t).want("shelf.a.cat.c", m{"breed": "grey"}).has("cat", inside("s1"), m{"id": "c2", "breed": "grey"}).
		knows("shelf.a.cat.c", inside("s1"), "c1", m{"breed": "grey"}).plan()
	expect(t, p, "create shelf.a.cat.c")
}
