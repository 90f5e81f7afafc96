package workflow_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/apply/state/local"
	"mercator/cmd/mercator/internal/workflow"
	"mercator/plan"
	"mercator/provider"
	"mercator/provider/atlas"
	"mercator/provider/sandbox"
	"mercator/schema"
	"mercator/schema/config"
)

// crowd is how much a large configuration declares, in each project.
type crowd struct {
	projects, entries, users, alerts, clusters int
}

func (c crowd) total() int {
	return c.projects * (1 + c.entries + c.users + c.alerts + c.clusters)
}

// lists is how many lists hold all that: that of the projects, and one of each kind in each project.
func (c crowd) lists() int { return 1 + 4*c.projects }

// hcl declares the crowd; more are further lines of the project block.
func (c crowd) hcl(more ...string) string {
	return fmt.Sprintf(`
project "crowd" {
  for_each = toset([for i in range(%d) : format("p%%03d", i)])
  name     = each.key
  %s

  access_list "entries" {
    entries = { for i in range(%d) : "10.0.${i}.0/24" => "office" }
  }
  database_user "user" {
    for_each  = toset([for i in range(%d) : "user${i}"])
    username  = each.key
    x509_type = "CUSTOMER"
    roles     = [{ role_name = "read", database_name = "shop" }]
  }
  alert_config "alert" {
    for_each         = toset([for i in range(%d) : tostring(i + 1)])
    event_type_name  = "OUTSIDE_METRIC_THRESHOLD"
    metric_threshold = { metric_name = "CONNECTIONS", operator = "GREATER_THAN", threshold = tonumber(each.key), units = "RAW" }
    notifications    = [{ type_name = "EMAIL", email_address = "ops@example.com", interval_min = 60 }]
  }
  cluster "db" {
    for_each      = toset([for i in range(%d) : "db${i}"])
    name          = each.key
    provider_name = "AWS"
    region_name   = "EU_WEST_1"
    instance_size = "M10"
  }
}
`, c.projects, strings.Join(more, "\n  "), c.entries, c.users, c.alerts, c.clusters)
}

// seed puts into Atlas what the configuration declares.
func (c crowd) seed(r *rig) {
	put := func(kind sandbox.Kind, project string, doc map[string]any) {
		if err := r.box.Put(kind, project, doc); err != nil {
			r.t.Fatal(err)
		}
	}
	for p := range c.projects {
		name := fmt.Sprintf("p%03d", p)
		put(sandbox.Project, "", map[string]any{"name": name, "tags": []any{}, "withDefaultAlertsSettings": false})
		id, _ := r.box.ProjectID(name)
		for i := range c.entries {
			put(sandbox.AccessList, id, map[string]any{"cidrBlock": fmt.Sprintf("10.0.%d.0/24", i), "comment": "office"})
		}
		for i := range c.users {
			put(sandbox.DatabaseUser, id, map[string]any{"username": fmt.Sprintf("user%d", i), "databaseName": "$external", "x509Type": "CUSTOMER",
				"awsIAMType": "NONE", "ldapAuthType": "NONE", "oidcAuthType": "NONE", "labels": []any{}, "scopes": []any{},
				"roles": []any{map[string]any{"roleName": "read", "databaseName": "shop"}}})
		}
		for i := range c.alerts {
			put(sandbox.AlertConfig, id, map[string]any{"eventTypeName": "OUTSIDE_METRIC_THRESHOLD", "enabled": true, "matchers": []any{},
				"metricThreshold": map[string]any{"metricName": "CONNECTIONS", "mode": "AVERAGE", "operator": "GREATER_THAN", "threshold": float64(i + 1), "units": "RAW"},
				"notifications": []any{map[string]any{"typeName": "EMAIL", "emailAddress": "ops@example.com", "delayMin": 0.0, "intervalMin": 60.0,
					"notifierId": fmt.Sprintf("%024x", i)}}})
		}
		for i := range c.clusters {
			put(sandbox.Cluster, id, map[string]any{"name": fmt.Sprintf("db%d", i), "clusterType": "REPLICASET", "replicationSpecs": []any{map[string]any{
				"id": fmt.Sprintf("%024x", i), "zoneName": "Zone 1", "regionConfigs": []any{map[string]any{"providerName": "AWS", "regionName": "EU_WEST_1", "priority": 7.0,
					"electableSpecs": map[string]any{"instanceSize": "M10", "nodeCount": 3.0, "diskSizeGB": 10.0}}}}}})
		}
	}
}

// planned makes a plan with the real client and returns its figures too.
func (r *rig) planned(options plan.Options, transport http.RoundTripper) (*plan.Plan, atlas.Stats) {
	r.t.Helper()
	var client *atlas.Client
	p := r.plannedBy(options, func(c workflow.Connection) (provider.Provider, error) {
		var err error
		client, err = atlas.New(atlas.Config{BaseURL: c.Environment.BaseURL, Credentials: c.Environment.Credentials, Version: "0.1.0", Transport: transport})
		return client, err
	})
	return p, client.Stats()
}

// plannedBy makes a plan of what the given provider reads, from opening the files on.
func (r *rig) plannedBy(options plan.Options, connect func(workflow.Connection) (provider.Provider, error)) *plan.Plan {
	r.t.Helper()
	s, diags := workflow.Open(workflow.Options{
		Catalog: catalog, Dir: r.dir, Now: r.clock.Now(), Version: "0.1.0", Clock: beatless{r.clock},
		Getenv:    func(name string) string { return r.env[name] },
		LookupEnv: func(name string) (string, bool) { v, ok := r.env[name]; return v, ok },
		Store: func(config.State) (state.Store, error) {
			return local.New(filepath.Join(r.dir, "mercator.state.json"), catalog, r.clock), nil
		},
		Connect: connect,
	})
	if diags.HasErrors() {
		r.t.Fatalf("the configuration does not open: %v", diags)
	}
	p, err := s.Plan(context.Background(), options)
	if err != nil {
		r.t.Fatal(err)
	}
	if p.Diagnostics.HasErrors() {
		r.t.Fatalf("the plan has errors: %v", p.Diagnostics.Errors())
	}
	return p
}

// A plan over 50 projects with 2,000 entries, 1,000 users, 250 alert configurations and 50 clusters makes at most
// five requests for each project, beside further pages, second looks, and one for each part that the file manages. A
// plan with changes asks who its credential is.
func TestRule_R08_RequestsOfAPlanGrowWithProjects(t *testing.T) {
	c := crowd{projects: 50, entries: 40, users: 20, alerts: 5, clusters: 1}
	const settings = "settings = { is_schema_advisor_enabled = true }"
	few := crowd{projects: 50, entries: 1, users: 1, alerts: 1, clusters: 1} // for what the number of projects decides
	crowds := []crowd{c, few}                                                // by the surplus of projects
	taken := make([]*rig, len(crowds))
	for surplus, c := range crowds {
		r := newRig(t, sandbox.Options{SurplusProjects: surplus})
		c.seed(r)
		if a := r.write(c.hcl()).apply(plan.Options{}); len(a.Result.All().Errors()) > 0 || len(r.box.List(sandbox.Project, "")) != c.projects {
			t.Fatalf("the crowd was not taken over: %v", a.Result.All())
		}
		taken[surplus] = r
	}
	gone := 0 // users that were deleted by hand, each in a project of its own
	for _, tc := range []struct {
		name    string
		surplus int
		more    []string
		// gone users are known to the state: Mercator looks for each once more before it believes it.
		gone          int
		want, seconds int // requests in all, and those of them that read a list again to verify it
	}{
		{name: "lists", want: c.lists()},
		{name: "a part of each project", more: []string{settings}, want: c.lists() + c.projects},
		{name: "two parts", more: []string{settings, `limits = { "atlas.project.deployment.clusters" = 30 }`}, want: c.lists() + 2*c.projects + 1},
		{name: "a surplus of projects", surplus: 1, want: c.lists() + 1, seconds: 1},
		{name: "a few gone", gone: 20, want: c.lists() + 20 + 1},
		{name: "many gone", gone: 21, want: c.lists() + 21 + 1}, // their 21 lists once more
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := crowds[tc.surplus]
			r := taken[tc.surplus].write(c.hcl(tc.more...))
			for ; gone < tc.gone; gone++ {
				id, _ := r.box.ProjectID(fmt.Sprintf("p%03d", gone))
				if err := r.box.Delete(sandbox.DatabaseUser, id, "$external/user0"); err != nil {
					t.Fatal(err)
				}
			}
			r.box.ResetCalls()
			p, stats := r.planned(plan.Options{}, nil)
			calls := 0
			for _, call := range r.box.Calls() {
				if call.Mutating {
					t.Errorf("a plan writes: %s %s", call.Method, call.Path)
				}
				if !strings.HasPrefix(call.Operation, "oauth") {
					calls++
				}
			}
			if calls != tc.want || calls > 5*c.projects+len(tc.more)*c.projects+tc.gone {
				t.Errorf("%d requests, want %d", calls, tc.want)
			}
			if stats.Total() != calls || stats.SecondReads != tc.seconds || stats.TokenRequests != 1 {
				t.Errorf("the client counts %+v, Atlas %d requests", stats, calls)
			}
			if len(p.Changes) != c.total() {
				t.Errorf("%d of %d resources are in the plan", len(p.Changes), c.total())
			}
		})
	}
}

// far is a network on which every request takes a while.
type far struct {
	next    http.RoundTripper
	latency time.Duration
}

func (f far) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.latency > 0 {
		timer := time.NewTimer(f.latency)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	return f.next.RoundTrip(r)
}

// sizes come to 100, 1,000 and 10,000 resources.
var sizes = []crowd{{2, 24, 20, 4, 1}, {10, 50, 40, 8, 1}, {50, 100, 90, 8, 1}}

// BenchmarkPlan prints the requests, the time and the memory of whole plans, files, state and network included, for
// configurations of different sizes, with either kind of credentials, near and far.
func BenchmarkPlan(b *testing.B) {
	keys := map[string]map[string]string{
		"service account": {},
		"API key": {"MONGODB_ATLAS_CLIENT_ID": "", "MONGODB_ATLAS_CLIENT_SECRET": "",
			"MONGODB_ATLAS_PUBLIC_API_KEY": sandbox.DefaultPublicKey, "MONGODB_ATLAS_PRIVATE_API_KEY": sandbox.DefaultPrivateKey},
	}
	for _, size := range sizes {
		r := newRig(b, sandbox.Options{})
		size.seed(r)
		r.write(size.hcl()).apply(plan.Options{})
		for _, credentials := range []string{"service account", "API key"} {
			for _, latency := range []time.Duration{0, 50 * time.Millisecond} {
				b.Run(fmt.Sprintf("%d/%s/%v", size.total(), credentials, latency), func(b *testing.B) {
					old := map[string]string{}
					for name, value := range keys[credentials] {
						old[name], r.env[name] = r.env[name], value
					}
					defer func() {
						for name, value := range old {
							r.env[name] = value
						}
					}()
					benchmarkPlan(b, r, latency)
				})
			}
		}
	}
}

// read answers from memory with what a provider read once, so that what a plan takes beyond the reading shows.
type read struct {
	provider.Provider
	mu    sync.Mutex
	lists map[string]provider.Sweep
}

// List implements provider.Reader.
func (r *read) List(ctx context.Context, kind *schema.Kind, place schema.Place) (provider.Sweep, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := kind.Name + " " + string(place)
	if sweep, ok := r.lists[name]; ok {
		return sweep, nil
	}
	sweep, err := r.Provider.List(ctx, kind, place)
	if err == nil {
		r.lists[name] = sweep
	}
	return sweep, err
}

// BenchmarkPlanning prints what plans take beyond the reading, which is done once before: files, state, evaluation,
// pairing and the plan itself. "computed" configurations refer to what only Atlas knows, so that they are evaluated
// once more when it was read.
func BenchmarkPlanning(b *testing.B) {
	for _, size := range sizes {
		r := newRig(b, sandbox.Options{})
		size.seed(r)
		r.write(size.hcl()).apply(plan.Options{})
		var memory *read
		connect := func(c workflow.Connection) (provider.Provider, error) {
			if memory != nil {
				return memory, nil
			}
			client, err := atlas.New(atlas.Config{BaseURL: c.Environment.BaseURL, Credentials: c.Environment.Credentials, Version: "0.1.0"})
			memory = &read{Provider: client, lists: map[string]provider.Sweep{}}
			return memory, err
		}
		for _, config := range []struct{ name, more string }{{"plain", ""}, {"computed", computed}} {
			b.Run(fmt.Sprintf("%d/%s", size.total(), config.name), func(b *testing.B) {
				r.write(size.hcl() + config.more)
				r.plannedBy(plan.Options{}, connect)
				r.close() // or the collector would leave as much garbage as Atlas holds in this process
				runtime.GC()
				var before runtime.MemStats
				runtime.ReadMemStats(&before)
				var peak uint64
				b.ReportAllocs()
				spent := cpuTime()
				for b.Loop() {
					stop := watchHeap(&peak)
					r.plannedBy(plan.Options{}, connect)
					stop()
				}
				b.ReportMetric((cpuTime()-spent).Seconds()/float64(b.N), "cpu-s")
				b.ReportMetric(float64(peak-min(peak, before.HeapAlloc))/(1<<20), "MB-peak")
			})
		}
	}
}

// computed refers to a value that only Atlas knows, of each project and cluster.
const computed = `
output "addresses" {
  value = { for name, p in project.crowd : p.id => [for c in p.cluster.db : c.id] }
}
`

func benchmarkPlan(b *testing.B, r *rig, latency time.Duration) {
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	defer transport.CloseIdleConnections()
	var stats atlas.Stats
	var peak uint64
	b.ReportAllocs()
	for b.Loop() {
		stop := watchHeap(&peak)
		_, stats = r.planned(plan.Options{}, far{transport, latency})
		stop()
	}
	b.ReportMetric(float64(stats.Total()), "requests")
	b.ReportMetric(float64(stats.TokenRequests+stats.Challenges), "logins")
	b.ReportMetric(float64(peak)/(1<<20), "MB-peak")
}

// watchHeap keeps the largest heap seen until it is stopped; Atlas, in the same process, is part of it.
func watchHeap(peak *uint64) (stop func()) {
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			*peak = max(*peak, m.HeapAlloc)
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	})
	return func() { close(done); wait.Wait() }
}
