//go:build unix

package killtest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var creation = &act{name: "creation"}

// changes are an apply with a bit of everything: values, secrets and tiers change, what cannot be changed is
// replaced (either way round), labels move, one thing of each kind goes, and a whole project with all in it.
var changes = &act{name: "changes", edits: []edit{
	{"variables.hcl", `dev     = { tier = "M10", backups = false, protected = false, office = "10.10.0.0/16" }`, ""},
	{"variables.hcl", `tier = "M10", backups = true, protected = false, office = "10.20.0.0/16"`, `tier = "M20", backups = true, protected = false, office = "10.21.0.0/16"`},
	{"variables.hcl", `"sandbox-only-app"`, `"sandbox-only-other"`},
	{"access.hcl", `    "198.51.100.0/24"   = "Deployment runners"` + "\n", ""},
	{"access.hcl", `"2001:db8:10::/48"  = "Office network"`, `"2001:db8:10::/48"  = "Offices"`},
	{"access.hcl", `{ db = "catalog", collection = "products" }`, `{ db = "catalog", collection = "prices" }`},
	{"access.hcl", `custom_role "operator" {`, `custom_role "operator" {` + "\n" + `  role_name = "stop"`},
	{"users.hcl", `x509_type = "MANAGED"`, `x509_type = "CUSTOMER"`},
	{"users.hcl", `database_user "partner" {`, `database_user "supplier" {`},
	{"users.hcl", `database_name = "sessions" }]`, `database_name = "events" }]`},
	{"users.hcl", `database_user "workload" {
  project        = project.shop["prod"]
  username       = "${var.identity_provider}/shop-worker"
  oidc_auth_type = "USER"
  roles          = [{ role_name = "readWrite", database_name = "events" }]
  scopes         = [{ name = cluster.events.name, type = "CLUSTER" }]
}
`, ""},
	{"alerts.hcl", `alert_config "snapshots" {
  project         = project.shop["prod"]
  event_type_name = "CPS_SNAPSHOT_FAILED"
  enabled         = true`, `alert_config "backups" {
  project         = project.shop["prod"]
  event_type_name = "CPS_SNAPSHOT_FAILED"
  enabled         = false`},
	{"alerts.hcl", `threshold   = 90`, `threshold   = 95`},
	{"alerts.hcl", `alert_config "scaled" {
  project         = project.shop["prod"]
  event_type_name = "COMPUTE_AUTO_SCALE_MAX_INSTANCE_SIZE_FAIL_BASE"`, `alert_config "scaled" {
  project         = project.shop["staging"]
  event_type_name = "COMPUTE_AUTO_SCALE_MAX_INSTANCE_SIZE_FAIL_BASE"`},
	{"clusters.hcl", `cluster "playground" {
  project       = project.shop["dev"]
  provider_name = "AWS"
  region_name   = "EU_WEST_1"
  instance_size = "M0"
}
`, ""},
	{"clusters.hcl", `    default_max_time_ms                = 30000`, `    default_max_time_ms                = 20000`},
	{"clusters.hcl", `for shard in range(2)`, `for shard in range(3)`},
	{"clusters.hcl", `  paused        = true`, `  paused        = false`},
	{"projects.hcl", `"atlas.project.security.databaseAccess.users"  = 80`, `"atlas.project.security.databaseAccess.users"  = 90`},
	{"projects.hcl", `is_performance_advisor_enabled                          = true`, `is_performance_advisor_enabled                          = false`},
}}

// point is one death.
type point struct {
	act *act
	orders
	// second is the death of the rerun after it, if it has one.
	second *orders
}

func (p point) String() string {
	name := fmt.Sprintf("%s/%s %d", p.act.name, p.Moment, p.N)
	if p.Parallelism != 1 {
		name += " among others"
	}
	if p.second != nil {
		name += fmt.Sprintf(" then %s %d", p.second.Moment, p.second.N)
	}
	return strings.ReplaceAll(name, " ", "_")
}

// points are the deaths of an act that a run which was not killed tells of.
func points(a *act, undisturbed report) []point {
	var all []point
	add := func(m moment, n int) {
		all = append(all, point{act: a, orders: orders{Moment: m, N: n, Parallelism: 1, Lazy: true}})
	}
	for n := 1; n <= undisturbed.Calls; n++ {
		add(beforeCall, n)
		add(afterDone, n)
		add(afterAnswer, n)
	}
	for i, step := range undisturbed.Steps {
		add(beforeStep, i+1)
		if strings.HasPrefix(step, "write ") {
			add(tornWrite, i+1)
		}
	}
	return all
}

// vary lets one point in four have several calls at a time, results that are saved early, or a rerun that is killed
// as well.
func vary(p point, undisturbed report, dice *rand.Rand) point {
	switch dice.IntN(8) {
	case 0:
		p.Parallelism = 0
		p.Lazy = dice.IntN(2) == 0
	case 1:
		m := []moment{beforeCall, afterDone, afterAnswer, beforeStep, tornWrite}[dice.IntN(5)]
		n := undisturbed.Calls
		if m == beforeStep || m == tornWrite {
			n = len(undisturbed.Steps)
		}
		p.second = &orders{Moment: m, N: 1 + dice.IntN(n), Parallelism: 1, Lazy: true}
	}
	return p
}

// figures are what a test of many points came to.
type figures struct{ points, deaths, reruns, calls atomic.Int64 }

// TestKilledAtEveryPoint kills an apply of examples/estate before each request to Atlas, after Atlas has done it, and
// after its answer; and before, within and after each operation on the files of state, journal and lock. One apply
// more must always lead to where the one that nobody killed leads, and leave nothing else behind.
//
// By default every k-th point is tried, from a start that moves with the seed, which is printed; the same points
// are tried again with MERCATOR_KILL_SEED=S, and MERCATOR_KILL_EVERY=K sets k. All of them, and their figures:
//
//	MERCATOR_KILL=all go test -v -timeout 60m -run TestKilledAtEveryPoint ./cmd/mercator/internal/killtest | grep -v -e === -e '--- PASS'
func TestKilledAtEveryPoint(t *testing.T) {
	seed, every := settings(t)
	dice := rand.New(rand.NewPCG(seed, 0))
	began := time.Now()
	acts := []*act{creation, changes}
	stages := make(chan *stage, runtime.GOMAXPROCS(0))
	for range cap(stages) {
		stages <- newStage(t, acts...)
	}
	undisturbed := map[*act]ending{}
	var chosen []point
	for _, a := range acts {
		s := <-stages
		sc := s.begin(t, a)
		r, _ := sc.run(orders{Parallelism: 1, Lazy: true})
		if !r.Done {
			t.Fatalf("the apply that nobody kills fails: %+v", r)
		}
		undisturbed[a] = sc.ending()
		stages <- s
		all := points(a, r)
		t.Logf("%s: %d requests, %d file operations, %d points", a.name, r.Calls, len(r.Steps), len(all))
		for i := int(seed % uint64(every)); i < len(all); i += every {
			chosen = append(chosen, all[i])
			if p := vary(all[i], r, dice); p.String() != all[i].String() {
				chosen = append(chosen, p)
			}
		}
	}
	var f figures
	t.Run("at", func(t *testing.T) {
		for _, p := range chosen {
			t.Run(p.String(), func(t *testing.T) {
				t.Parallel()
				s := <-stages
				defer func() { stages <- s }()
				s.die(t, p, undisturbed[p.act], &f, nil)
			})
		}
	})
	t.Logf("%d points, %d deaths, %d reruns, %d requests to Atlas, %s", f.points.Load(), f.deaths.Load(), f.reruns.Load(),
		f.calls.Load(), time.Since(began).Round(time.Second))
	f.check(t)
}

// check fails where more than a tenth of the victims lived: one does now and then, whose call comes earlier among others.
func (f *figures) check(t *testing.T) {
	t.Helper()
	points, deaths := f.points.Load(), f.deaths.Load()
	if deaths == 0 || 10*(points-deaths) > max(points, 10) {
		t.Errorf("only %d of %d victims died", deaths, points)
	}
}

// settings returns the seed, and that every how-manieth point is tried.
func settings(t *testing.T) (seed uint64, every int) {
	t.Helper()
	seed, every = uint64(time.Now().UnixNano()), 71
	switch {
	case os.Getenv("MERCATOR_KILL") == "all":
		every = 1
	case testing.Short():
		every *= 3
	}
	for name, set := range map[string]func(uint64){
		"MERCATOR_KILL_SEED":  func(n uint64) { seed = n },
		"MERCATOR_KILL_EVERY": func(n uint64) { every = max(1, int(n)) },
	} {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.ParseUint(text, 10, 63)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			set(n)
		}
	}
	t.Logf("MERCATOR_KILL_SEED=%d MERCATOR_KILL_EVERY=%d", seed, every)
	return seed, every
}

// die plays an act in which one dies, and another one perhaps, and checks what the last makes of it. The state is in a
// file, or on a server if there are any.
func (s *stage) die(t *testing.T, p point, want ending, f *figures, servers *servers) {
	sc := s.begin(t, p.act)
	if servers != nil {
		sc.hand(servers.keep(t))
	}
	f.points.Add(1)
	for _, o := range slices.DeleteFunc([]*orders{&p.orders, p.second}, func(o *orders) bool { return o == nil }) {
		r, lived := sc.run(*o)
		switch {
		case !lived:
			f.deaths.Add(1)
			if servers != nil {
				sc.expire()
			}
		case !r.Done:
			t.Fatalf("the victim was not killed and failed: %+v", r)
		}
		if o == p.second {
			f.reruns.Add(1)
		}
	}
	f.reruns.Add(1)
	sc.converge()
	f.calls.Add(int64(len(sc.box.Calls())))
	sc.ending().same(t, want)
}
