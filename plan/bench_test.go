package plan_test

import (
	"fmt"
	"runtime"
	"testing"

	"mercator/plan"
	"mercator/schema"
)

// bigWorld has n declared, live and known objects in shelves of a hundred, one in ten of which differs.
func bigWorld(n int) plan.Input {
	w := &world{t: new(testing.T), in: plan.Input{Catalog: toys, Now: now,
		Places:      map[string]schema.Place{"": root},
		Connections: map[string]plan.Connection{"": {OrgID: "o1"}},
		Facts:       plan.Facts{SecretMatches: func(string, string) bool { return true }},
		Prior:       plan.Prior{Resources: map[schema.Address]*schema.Bound{}},
	}}
	var shelves []m
	for i := 0; i < n; i += 100 {
		name := fmt.Sprintf("s%d", i)
		shelves = append(shelves, m{"id": name, "name": name})
		shelf := schema.Address("").Child("shelf", "all").Key(name)
		w.want(string(shelf), m{"name": name}).knows(string(shelf), root, name, m{"name": name})
		var guests []m
		for j := 1; j < 100 && i+j < n; j++ {
			guest := fmt.Sprintf("g%d", j)
			fields := func(note string) m {
				return m{"name": guest, "note": note, "grants": []any{m{"role": "read", "room": "1"}, m{"role": "write", "room": "2"}}}
			}
			live := fields("n")
			if j%10 == 0 {
				live = fields("changed")
			}
			guests = append(guests, live)
			address := string(shelf.Child("guest", "all").Key(guest))
			w.want(address, fields("n")).knows(address, inside(name), "", fields("n"))
		}
		w.has("guest", inside(name), guests...)
	}
	w.has("shelf", root, shelves...)
	w.in.Live = schema.NewLive(w.all, nil)
	return w.in
}

// BenchmarkBuild prints time and memory of a whole plan against the number of resources, reading excluded.
func BenchmarkBuild(b *testing.B) {
	for _, n := range []int{100, 1_000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			in := bigWorld(n)
			b.ReportAllocs()
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var p *plan.Plan
			for b.Loop() {
				p = plan.Build(in)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/(1<<20), "MB-held")
			b.ReportMetric(float64(len(p.Tasks)), "tasks")
		})
	}
}
