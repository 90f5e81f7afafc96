package status

import (
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

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
