package plan_test

import "testing"

// TestRule_R39_ALastingObjectStaysLasting: what lives without an expiry cannot get one, which the plan says, and what
// has one takes another, or is made anew with one.
func TestRule_R39_ALastingObjectStaysLasting(t *testing.T) {
	const soon, later = "2026-03-02T12:00:00Z", "2026-03-03T12:00:00Z"
	guest := func(live m) *world {
		return shelf(t).has("guest", inside("s1"), live).knows("shelf.a.guest.g", inside("s1"), "", m{}).want("shelf.a.guest.g", m{"until": later})
	}
	expectCodes(t, guest(m{"name": "g"}).plan(), "only_at_birth")
	expectCodes(t, guest(m{"name": "g", "until": soon}).plan())
	w := guest(m{"name": "g"})
	w.in.Options.Replace = append(w.in.Options.Replace, "shelf.a.guest.g")
	expectCodes(t, w.plan())
	expectCodes(t, shelf(t).want("shelf.a.guest.g", m{"until": later}).plan())
}
