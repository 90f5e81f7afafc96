package status

import (
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/schema"
)

// TestLastSecret finds the secret that lasts longest: the others are there because they were replaced.
func TestLastSecret(t *testing.T) {
	kind := &schema.Kind{Name: "badge", Attributes: []schema.Attribute{
		{Name: "visits", Type: schema.TypeList, Nested: []schema.Attribute{{Name: "expires_at", Type: schema.TypeTime}}},
		{Name: "secrets", Type: schema.TypeList, Owner: schema.Server, Nested: []schema.Attribute{{Name: "expires_at", Type: schema.TypeTime, Owner: schema.Server}}},
	}}
	list := func(ends ...string) cty.Value {
		var out []cty.Value
		for _, e := range ends {
			out = append(out, cty.ObjectVal(map[string]cty.Value{"expires_at": cty.StringVal(e)}))
		}
		return cty.ListVal(out)
	}
	v := cty.ObjectVal(map[string]cty.Value{"visits": list("2030-01-01T00:00:00Z"), "secrets": list("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z", "2026-02-01T00:00:00Z")})
	if got := lastSecret(kind, v); !got.Equal(time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the last one ends %s", got)
	}
	none := cty.ObjectVal(map[string]cty.Value{"visits": list("2030-01-01T00:00:00Z"), "secrets": cty.NullVal(list("x").Type())})
	if got := lastSecret(kind, none); !got.IsZero() {
		t.Errorf("without secrets the last one ends %s", got)
	}
}

// TestSecretsInTime says of secrets that end soon who has to do something.
func TestSecretsInTime(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for _, c := range []struct {
		left   time.Duration
		rotate string
		listed bool
		need   string
	}{
		{left: 30 * day},
		{left: 10 * day, listed: true, need: "its secret expires 2026-03-11T12:00:00Z"},
		{left: -day, listed: true, need: "its secret has expired 2026-02-28T12:00:00Z"},
		{left: 10 * day, rotate: "72h", listed: true},
		{left: 20 * day, rotate: "720h", listed: true, need: "its secret expires 2026-03-21T12:00:00Z; an apply replaces it"},
		{left: 2 * day, rotate: "72h", listed: true, need: "its secret expires 2026-03-03T12:00:00Z; an apply replaces it"},
		{left: -day, rotate: "72h", listed: true, need: "its secret has expired 2026-02-28T12:00:00Z"},
	} {
		desired := cty.ObjectVal(map[string]cty.Value{"rotate_before": cty.NullVal(cty.String)})
		if c.rotate != "" {
			desired = cty.ObjectVal(map[string]cty.Value{"rotate_before": cty.StringVal(c.rotate)})
		}
		l := &look{soon: 14 * day, report: Report{Now: now}}
		l.secret(&plan.Change{Address: "badge.ci", Desired: desired}, now.Add(c.left))
		need := ""
		if len(l.report.Needs) > 0 {
			need = l.report.Needs[0].Text
		}
		if len(l.report.Expiring) > 0 != c.listed || need != c.need {
			t.Errorf("%s left, %q: listed %v, needs %q; want %v, %q", c.left, c.rotate, l.report.Expiring, need, c.listed, c.need)
		}
	}
}
