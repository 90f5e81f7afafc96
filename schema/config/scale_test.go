package config_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
	"mercator/schema/config"
)

// wide is a configuration with n clusters in n/100 projects, n users that refer to them, and a list of entries.
func wide(n int) string {
	return fmt.Sprintf(`
locals {
  projects = { for i in range(%d) : "p${i}" => { name = "project-${i}" } }
  users    = merge([for i in range(%d) : { for j in range(100) : "u${i}-${j}" => "p${i}" }]...)
}
project "all" {
  for_each = local.projects
  name     = each.value.name
  cluster "c" {
    for_each = toset([for i in range(100) : tostring(i)])
    name     = "${parent.name}-${each.key}"
    size     = "M10"
    tags     = { project = parent.id, number = each.key }
    specs    = [{ region = "EU_WEST_1", nodes = 3 }]
  }
}
user "u" {
  for_each = local.users
  project  = project.all[each.value]
  username = each.key
  password = env("SECRET")
  roles    = [{ role = "readWrite", collection = project.all[each.value].name }]
}
`, n/100, n/100)
}

// TestLinear shows that the cost of an instance does not grow with their number. Allocations are counted, since
// they are the same in every run.
func TestLinear(t *testing.T) {
	cost := func(n int) float64 {
		c, diags := config.Load(write(t, map[string]string{"main.hcl": wide(n)}), options(t, map[string]string{"SECRET": "s"}))
		if err := diags.Err(); err != nil {
			t.Fatal(err)
		}
		return testing.AllocsPerRun(1, func() {
			e, diags := c.Evaluate(nil)
			if got, want := len(e.Desired.Resources), 2*n+n/100; got != want || len(diags) > 0 {
				t.Fatalf("%d resources, want %d; %v", got, want, diags)
			}
		})
	}
	small, large := cost(1000), cost(10000)
	if large > 11*small {
		t.Errorf("ten times the instances cost %.1f times the allocations (%.0f, %.0f)", large/small, small, large)
	}
}

// TestResolveCost shows that resolving one resource does not look at the others.
func TestResolveCost(t *testing.T) {
	cost := func(n int) float64 {
		e := evaluate(t, wide(n), nil)
		return testing.AllocsPerRun(10, func() {
			if _, diags := e.Resolve(`project.all["p1"].cluster.c["5"]`, world{}); len(diags) > 0 {
				t.Fatal(diags)
			}
			if _, diags := e.Resolve(`user.u["u1-5"]`, world{}); len(diags) > 0 {
				t.Fatal(diags)
			}
		})
	}
	if small, large := cost(1000), cost(10000); large > 1.5*small {
		t.Errorf("with ten times the instances a step costs %.1f times the allocations (%.0f, %.0f)", large/small, small, large)
	}
}

// BenchmarkEvaluate evaluates configurations of growing size and prints what an instance costs.
func BenchmarkEvaluate(b *testing.B) {
	for _, n := range []int{1000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("instances=%d", n), func(b *testing.B) {
			c, diags := config.Load(write(b, map[string]string{"main.hcl": wide(n / 2)}), options(b, map[string]string{"SECRET": "s"}))
			if err := diags.Err(); err != nil {
				b.Fatal(err)
			}
			var before, after runtime.MemStats
			instances := 0
			for b.Loop() {
				b.StopTimer()
				runtime.GC()
				runtime.ReadMemStats(&before)
				b.StartTimer()
				e, _ := c.Evaluate(nil)
				b.StopTimer()
				runtime.GC()
				runtime.ReadMemStats(&after)
				if instances = len(e.Desired.Resources); instances < n {
					b.Fatalf("%d instances, want at least %d", instances, n)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(instances), "instances")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*instances), "ns/instance")
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB-kept")
		})
	}
}

func BenchmarkResolve(b *testing.B) {
	e := evaluate(b, wide(5000), nil)
	known := world{}
	for i := range 50 {
		known[schema.Address(fmt.Sprintf("project.all[\"p%d\"]", i))] = live(b, "project", map[string]any{"id": fmt.Sprint(i), "name": "n"})
	}
	for i := 0; b.Loop(); i++ {
		addr := schema.Address(fmt.Sprintf("project.all[\"p%d\"].cluster.c[\"%d\"]", i%50, i%100))
		r, diags := e.Resolve(addr, known)
		if len(diags) > 0 || !r.Value.GetAttr("tags").Index(cty.StringVal("project")).IsKnown() {
			b.Fatal(r, diags)
		}
	}
}
