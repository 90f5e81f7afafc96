//go:build unix

package killtest

import (
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// TestKilledOnEachStore is TestKilledAtEveryPoint with the state in the stores that machines share: an apply dies
// before, during and after each request to Atlas, and before and after whatever it asks of its store. The settings are
// the same; by default few points are tried. One store by itself, and all points:
//
//	MERCATOR_KILL=all go test -v -timeout 120m -run TestKilledOnEachStore/s3 ./cmd/mercator/internal/killtest | grep -v -e === -e '--- PASS'
func TestKilledOnEachStore(t *testing.T) {
	seed, every := settings(t)
	if os.Getenv("MERCATOR_KILL") == "" && os.Getenv("MERCATOR_KILL_EVERY") == "" {
		every *= 3
	}
	for _, kind := range shared {
		t.Run(kind, func(t *testing.T) {
			dice := rand.New(rand.NewPCG(seed, 1))
			began := time.Now()
			s, servers := newStage(t, creation, changes), newServers(t, kind)
			var f figures
			for _, a := range []*act{creation, changes} {
				sc := s.begin(t, a)
				sc.hand(servers.keep(t))
				r, _ := sc.run(orders{Parallelism: 1, Lazy: true})
				if !r.Done {
					t.Fatalf("the apply that nobody kills fails: %+v", r)
				}
				want := sc.ending()
				all := storePoints(a, r)
				t.Logf("%s: %d requests, %d steps, %d points", a.name, r.Calls, len(r.Steps), len(all))
				for i := int(seed % uint64(every)); i < len(all); i += every {
					tried := []point{all[i]}
					if p := vary(all[i], r, dice); p.String() != all[i].String() && (p.second == nil || p.second.Moment != tornWrite) {
						tried = append(tried, p)
					}
					for _, p := range tried {
						t.Run(p.String(), func(t *testing.T) { s.die(t, p, want, &f, servers) })
					}
				}
			}
			t.Logf("%s: %d points, %d deaths, %d reruns, %d requests to Atlas, %s", kind, f.points.Load(), f.deaths.Load(), f.reruns.Load(),
				f.calls.Load(), time.Since(began).Round(time.Second))
			f.check(t)
		})
	}
}

// storePoints are the deaths of an act whose state is in a store that is asked step by step.
func storePoints(a *act, undisturbed report) []point {
	steps := undisturbed.Steps
	undisturbed.Steps = nil
	all := points(a, undisturbed)
	for n := range steps {
		for _, m := range []moment{beforeStep, afterStep} {
			all = append(all, point{act: a, orders: orders{Moment: m, N: n + 1, Parallelism: 1, Lazy: true}})
		}
	}
	return all
}
