package config_test

import (
	"maps"
	"testing"

	"mercator/schema"
	"mercator/schema/config"
)

// TestAdvice: what settings and blocks say of advice reaches everything that the blocks ask for.
func TestAdvice(t *testing.T) {
	dir := write(t, map[string]string{"main.hcl": `
mercator {
  advice = { no_backup = "error", "unused_local" = "off" }
}
locals {
  unused = 1
}
project "p" {
  cluster "a" {
    count  = 2
    name   = "a-${count.index}"
    accept = { no_backup = "filled anew each night" }
  }
  cluster "b" {}
}
`, "more.hcl.json": `{"project": {"q": {"cluster": {"c": {"accept": {"no_backup": "from JSON"}}}}}}`})
	c, diags := config.Load(dir, options(t, nil))
	e, more := c.Evaluate(nil)
	if diags = append(diags, more...); len(diags) > 0 {
		t.Fatal(diags)
	}
	want := map[string]schema.Level{"no_backup": schema.AdviceError, "unused_local": schema.AdviceOff}
	if !maps.Equal(e.Desired.Advice, want) {
		t.Errorf("the levels are %v, want %v", e.Desired.Advice, want)
	}
	reasons := map[schema.Address]string{}
	for _, r := range e.Desired.Resources {
		for _, a := range r.Accepted {
			if a.Code != "no_backup" || a.Range.IsZero() {
				t.Errorf("%s accepts %+v", r.Address, a)
			}
			reasons[r.Address] = a.Reason
		}
	}
	wantReasons := map[schema.Address]string{
		"project.p.cluster.a[0]": "filled anew each night", "project.p.cluster.a[1]": "filled anew each night",
		"project.q.cluster.c": "from JSON",
	}
	if !maps.Equal(reasons, wantReasons) {
		t.Errorf("accepted are %v, want %v", reasons, wantReasons)
	}
}
