package plan_test

import (
	"slices"
	"testing"

	"mercator/plan"
	"mercator/schema"
)

// badged is a world with two badges of ours, which may open other doors, a shelf with another name, and a box that waits
// for the first badge.
func badged(t *testing.T) *world {
	return newWorld(t).want("shelf.a", m{"name": "renamed"}).has("shelf", root, m{"id": "s1", "name": "a"}).knows("shelf.a", root, "s1", m{}).
		want("shelf.a.role.r", m{}, func(r *schema.Resource) { r.DependsOn = []schema.Address{"badge.mine"} }).
		has("badge", root, m{"id": "b1", "number": "100", "label": "mine", "doors": []any{"front"}}, m{"id": "b2", "number": "200", "label": "other", "doors": []any{"front"}}).
		want("badge.mine", m{"label": "mine", "doors": []any{"back"}}).knows("badge.mine", root, "b1", m{"label": "mine", "doors": []any{"front"}}).
		want("badge.other", m{"label": "renamed", "doors": []any{"back"}}).knows("badge.other", root, "b2", m{"label": "other", "doors": []any{"front"}})
}

// needsOf are the addresses for whose tasks the task of an address waits.
func needsOf(p *plan.Plan, address schema.Address) []schema.Address {
	var out []schema.Address
	for _, t := range p.Tasks {
		if p.Changes[t.Change].Address == address {
			for _, need := range t.Needs {
				out = append(out, p.Changes[p.Tasks[need].Change].Address)
			}
		}
	}
	slices.Sort(out)
	return out
}

// TestRule_R23_TheHandComesLast: what the credential in use may do changes after everything that does not wait for it, as
// a risk, and where nobody is asked only if that is allowed. Another credential is like any other object.
func TestRule_R23_TheHandComesLast(t *testing.T) {
	w := badged(t)
	w.in.Connections = map[string]plan.Connection{"": {OrgID: "o"}}
	w.in.InUse = map[string]string{"": "100"}
	p := w.plan()
	expectCodes(t, p)
	mine := find(t, p, "badge.mine")
	if !slices.Equal(mine.Risks, []plan.RiskNote{{Risk: schema.LocksOut, Note: "it is the credential in use"}}) || mine.NeedsAllow != "allow-destroy" {
		t.Errorf("the badge in use has the risks %v and needs %q", mine.Risks, mine.NeedsAllow)
	}
	if other := find(t, p, "badge.other"); len(other.Risks) > 0 || other.NeedsAllow != "" {
		t.Errorf("the other badge has the risks %v", other.Risks)
	}
	if got := needsOf(p, "badge.mine"); !slices.Equal(got, []schema.Address{"badge.other", "shelf.a"}) {
		t.Errorf("the badge in use waits for %q", got)
	}
	if refusals := p.Refusals(); len(refusals) != 1 || refusals[0].Code != "needs_allow_lock_out" {
		t.Errorf("refused are %v", refusals)
	}
	p.AllowDestroy = []string{"badge.mine"}
	if refusals := p.Refusals(); len(refusals) > 0 {
		t.Errorf("allowed, refused are %v", refusals)
	}

	w.in.InUse = nil // a bearer token, of which nobody knows whose it is
	p = w.plan()
	for _, address := range []string{"badge.mine", "badge.other"} {
		if c := find(t, p, address); !slices.Equal(c.Risks, []plan.RiskNote{{Risk: schema.LocksOut, Note: "it may be the credential in use"}}) {
			t.Errorf("%s has the risks %v", address, c.Risks)
		}
	}
	w.in.InUse = map[string]string{"": ""} // known, and no object here
	if c := find(t, w.plan(), "badge.mine"); len(c.Risks) > 0 {
		t.Errorf("a stranger's badge has the risks %v", c.Risks)
	}
}

// TestRule_R23_ItsDeletionIsAnError, whatever leads to it and whatever is allowed; that of another one is not.
func TestRule_R23_ItsDeletionIsAnError(t *testing.T) {
	undeclared := func() *world {
		return newWorld(t).has("badge", root, m{"id": "b1", "number": "100", "label": "mine"}, m{"id": "b2", "number": "200", "label": "other"}).
			knows("badge.mine", root, "b1", m{"label": "mine"}).knows("badge.other", root, "b2", m{"label": "other"})
	}
	declared := func() *world {
		w := undeclared().want("badge.mine", m{"label": "mine", "secret_file": "m"}).want("badge.other", m{"label": "other", "secret_file": "o"})
		return w
	}
	for name, w := range map[string]*world{
		"undeclared": undeclared(),
		"destroyed":  func() *world { w := declared(); w.in.Options.Destroy = true; return w }(),
		"replaced": func() *world {
			w := declared()
			w.in.Options.Replace = []schema.Address{"badge.mine", "badge.other"}
			return w
		}(),
	} {
		w.in.Connections = map[string]plan.Connection{"": {OrgID: "o"}, "same": {OrgID: "o"}, "elsewhere": {OrgID: "x"}}
		w.in.Options.AllowDestroy = []string{"all"}
		w.in.InUse = map[string]string{"": "", "same": "100", "elsewhere": "200"}
		p := w.plan()
		if got := codes(p); !slices.Equal(got, []string{"credential_in_use"}) || p.Diagnostics[0].Address != "badge.mine" {
			t.Errorf("%s: got %v", name, p.Diagnostics)
		}
		w.in.InUse["same"] = ""
		expectCodes(t, w.plan())
	}
}
