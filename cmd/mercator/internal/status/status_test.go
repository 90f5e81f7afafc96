package status_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/apply/state/local"
	"mercator/cmd/mercator/internal/status"
	"mercator/cmd/mercator/internal/workflow"
	"mercator/plan"
	"mercator/provider/sandbox"
	"mercator/schema/config"
	"mercator/schema/kinds"
)

// place is a configuration that was applied to a sandbox.
type place struct {
	t   *testing.T
	dir string
	box *sandbox.Server
	env map[string]string
	now time.Time
}

const shop = `project "shop" {
  cluster "orders" {
    provider_name  = "AWS"
    region_name    = "EU_WEST_1"
    instance_size  = "M10"
    backup_enabled = true
  }
  access_list "office" {
    entries = {
      "203.0.113.7" = { comment = "Contractor", delete_after_date = timeadd(plantimestamp(), "72h") }
      "203.0.113.8" = "Office"
    }
  }
}
`

func applied(t *testing.T, files string) *place {
	t.Helper()
	box, err := sandbox.New(sandbox.Options{NoRateLimits: true})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box.Handler())
	t.Cleanup(func() { server.Close(); _ = box.Close() })
	p := &place{t: t, dir: t.TempDir(), box: box, now: time.Now().UTC(), env: map[string]string{
		"MONGODB_ATLAS_BASE_URL": server.URL, "MONGODB_ATLAS_ORG_ID": sandbox.DefaultOrgID,
		"MONGODB_ATLAS_CLIENT_ID": sandbox.DefaultClientID, "MONGODB_ATLAS_CLIENT_SECRET": sandbox.DefaultClientSecret}}
	if err := os.WriteFile(filepath.Join(p.dir, "main.hcl"), []byte(files), 0o600); err != nil {
		t.Fatal(err)
	}
	done, err := p.open().Apply(context.Background(), workflow.ApplyOptions{Plan: plan.Options{}, Operation: "apply"})
	if err != nil || !done.Result.OK() {
		t.Fatalf("the configuration was not applied: %v %v", err, done.Result.All())
	}
	return p
}

func (p *place) open() *workflow.Session {
	p.t.Helper()
	catalog, err := kinds.Catalog()
	if err != nil {
		p.t.Fatal(err)
	}
	s, diags := workflow.Open(workflow.Options{Catalog: catalog, Dir: p.dir, Now: p.now, Version: "0.1.0", Clock: quick{state.SystemClock()},
		Getenv:    func(name string) string { return p.env[name] },
		LookupEnv: func(name string) (string, bool) { v, ok := p.env[name]; return v, ok },
		Store: func(config.State) (state.Store, error) {
			return local.New(filepath.Join(p.dir, local.DefaultPath), catalog, state.SystemClock()), nil
		}})
	if diags.HasErrors() {
		p.t.Fatal(diags.Err())
	}
	return s
}

// quick is a clock whose pauses are short.
type quick struct{ state.Clock }

func (q quick) Sleep(ctx context.Context, d time.Duration) error { return q.Clock.Sleep(ctx, d/1000) }

// group returns the id of a project.
func (p *place) group() string {
	id, ok := p.box.ProjectID("shop")
	if !ok {
		p.t.Fatal("there is no project")
	}
	return id
}

func (p *place) put(kind sandbox.Kind, doc map[string]any) {
	p.t.Helper()
	if err := p.box.Put(kind, p.group(), doc); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) change(kind sandbox.Kind, key string, doc map[string]any) {
	p.t.Helper()
	if err := p.box.Change(kind, p.group(), key, doc); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) look() status.Report {
	p.t.Helper()
	p.box.ResetCalls()
	r, err := status.Look(context.Background(), p.open(), 14*24*time.Hour)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, call := range p.box.Calls() {
		if call.Mutating {
			p.t.Errorf("%s %s was called", call.Method, call.Path)
		}
	}
	return r
}

// needs are what needs a person, in lines.
func needs(r status.Report) string {
	var out []string
	for _, n := range r.Needs {
		out = append(out, fmt.Sprintf("%s: %s", n.Address, n.Text))
	}
	return strings.Join(out, "\n")
}

// stamped is a time as Atlas writes it.
func (p *place) stamped(before time.Duration) string {
	return p.now.Add(-before).Format(time.RFC3339)
}

// TestNothingNeedsAPerson looks at what was made a moment ago, with few requests.
func TestNothingNeedsAPerson(t *testing.T) {
	p := applied(t, shop)
	r := p.look()
	if got := needs(r); got != "" {
		t.Errorf("needs %s", got)
	}
	if len(r.Projects) != 1 || r.Projects[0].Address != "project.shop" || r.Projects[0].Name != "shop" || len(r.Projects[0].Alerts) > 0 {
		t.Fatalf("projects %+v", r.Projects)
	}
	if c := r.Projects[0].Clusters; len(c) != 1 || c[0].State != "IDLE" || c[0].Version == "" || !c[0].Backups || !c[0].Snapshot.IsZero() {
		t.Errorf("clusters %+v", c)
	}
	if len(r.Expiring) != 1 || !r.Expiring[0].Meant || r.Expiring[0].Address != `project.shop.access_list.office["203.0.113.7"]` {
		t.Errorf("what ends is %+v", r.Expiring)
	}
	var operations []string
	for _, call := range p.box.Calls() {
		operations = append(operations, call.Operation)
	}
	slices.Sort(operations)
	want := []string{"getGroupMaintenanceWindow", "getOrgGroups", "listGroupAccessListEntries", "listGroupAlerts", "listGroupClusterBackupSnapshots", "listGroupClusters", "oauth/token"}
	if !slices.Equal(operations, want) {
		t.Errorf("asked for %q, want %q", operations, want)
	}
}

// TestAlerts counts open alerts of every page, and leaves out those that somebody has seen.
func TestAlerts(t *testing.T) {
	p := applied(t, shop)
	p.put(sandbox.Alert, map[string]any{"eventTypeName": "HOST_DOWN", "status": "CLOSED"})
	p.put(sandbox.Alert, map[string]any{"eventTypeName": "HOST_DOWN", "status": "TRACKING"})
	p.put(sandbox.Alert, map[string]any{"eventTypeName": "NO_PRIMARY", "clusterName": "orders", "created": p.stamped(3 * time.Hour), "acknowledgedUntil": p.stamped(-time.Hour)})
	r := p.look()
	if a := r.Projects[0].Alerts; len(a) != 1 || a[0].Event != "NO_PRIMARY" || a[0].Cluster != "orders" || p.now.Sub(a[0].Since).Round(time.Minute) != 3*time.Hour || needs(r) != "" {
		t.Errorf("alerts %+v, needs %s", a, needs(r))
	}
	p.put(sandbox.Alert, map[string]any{"eventTypeName": "NO_PRIMARY", "clusterName": "orders", "acknowledgedUntil": p.stamped(time.Hour)})
	if got := needs(p.look()); got != "project.shop: 1 open alert that nobody has acknowledged" {
		t.Errorf("needs %s", got)
	}
	for range 599 {
		p.put(sandbox.Alert, map[string]any{"eventTypeName": "OUTSIDE_METRIC_THRESHOLD", "metricName": "DISK_PARTITION_SPACE_USED_DATA", "hostnameAndPort": "h:27017"})
	}
	r = p.look()
	if got := needs(r); got != "project.shop: 600 open alerts that nobody has acknowledged" || r.Projects[0].Clusters[0].Alerts != 2 {
		t.Errorf("needs %s, and %d are the cluster's", got, r.Projects[0].Clusters[0].Alerts)
	}
}

func TestMaintenance(t *testing.T) {
	p := applied(t, shop)
	if m := p.look().Projects[0].Maintenance; m != (status.Maintenance{}) {
		t.Errorf("maintenance %+v", m)
	}
	p.put(sandbox.MaintenanceWindow, map[string]any{"dayOfWeek": 2, "hourOfDay": 3, "numberOfDeferrals": 2, "timeZoneId": "Europe/Dublin", "startASAP": false})
	if m := p.look().Projects[0].Maintenance; m != (status.Maintenance{Window: "Mon 03:00 Europe/Dublin", Pending: "deferred 2 times"}) {
		t.Errorf("maintenance %+v", m)
	}
	p.put(sandbox.MaintenanceWindow, map[string]any{"startASAP": true, "numberOfDeferrals": 0, "timeZoneId": "UTC"})
	if m := p.look().Projects[0].Maintenance; m != (status.Maintenance{Pending: "starts as soon as it can"}) {
		t.Errorf("maintenance %+v", m)
	}
}

func TestSnapshots(t *testing.T) {
	p := applied(t, shop)
	snapshot := func(id, state string, before time.Duration) {
		p.put(sandbox.BackupSnapshot, map[string]any{"id": id, "status": state, "createdAt": p.stamped(before), "type": "replicaSet", "clusterName": "orders"})
	}
	snapshot("6a0000000000000000000001", "completed", 26*time.Hour)
	snapshot("6a0000000000000000000002", "completed", 2*time.Hour)
	snapshot("6a0000000000000000000003", "inProgress", 0)
	r := p.look()
	if at := r.Projects[0].Clusters[0].Snapshot; p.now.Sub(at).Round(time.Minute) != 2*time.Hour || needs(r) != "" {
		t.Errorf("the last snapshot was complete %s, needs %s", at, needs(r))
	}
	snapshot("6a0000000000000000000004", "failed", 0)
	if got := needs(p.look()); got != "project.shop.cluster.orders: its last snapshot failed" {
		t.Errorf("needs %s", got)
	}
	bare := applied(t, shop)
	bare.change(sandbox.Cluster, "orders", map[string]any{"createDate": p.stamped(72 * time.Hour)})
	if got := needs(bare.look()); got != "project.shop.cluster.orders: it has backups and no snapshot" {
		t.Errorf("needs %s", got)
	}
	bare.change(sandbox.Cluster, "orders", map[string]any{"backupEnabled": false})
	if got := needs(bare.look()); got != "" {
		t.Errorf("without backups it needs %s", got)
	}
}

func TestStates(t *testing.T) {
	p := applied(t, shop)
	state := func() string { return p.look().Projects[0].Clusters[0].State }
	p.change(sandbox.Cluster, "orders", map[string]any{"paused": true})
	if got := state(); got != "paused" {
		t.Errorf("a paused cluster is %s", got)
	}
	p.change(sandbox.Cluster, "orders", map[string]any{"paused": false, "stateName": "FROZEN"})
	r := p.look()
	if got := needs(r); got != "project.shop.cluster.orders: its state is FROZEN, which no waiting mends" {
		t.Errorf("needs %s", got)
	}
	if err := p.box.Delete(sandbox.Cluster, p.group(), "orders"); err != nil {
		t.Fatal(err)
	}
	r = p.look()
	if got := needs(r); r.Projects[0].Clusters[0].State != "gone" || got != "project.shop.cluster.orders: the cluster is gone from Atlas" {
		t.Errorf("a deleted cluster is %s, needs %s", r.Projects[0].Clusters[0].State, got)
	}
}

// TestWhatIsNotThere looks at a configuration that was never applied.
func TestWhatIsNotThere(t *testing.T) {
	p := applied(t, `project "other" {}`)
	if err := os.WriteFile(filepath.Join(p.dir, "main.hcl"), []byte(shop), 0o600); err != nil {
		t.Fatal(err)
	}
	r := p.look()
	if len(r.Projects) != 2 || r.Projects[1].Missing != "not created yet" || r.Projects[1].ID != "" || r.Projects[1].Clusters[0].State != "not created yet" || needs(r) != "" {
		t.Errorf("projects %+v, needs %s", r.Projects, needs(r))
	}
}

// TestSecretOfAServiceAccount needs somebody before the secret ends, unless the file has it replaced in time.
func TestSecretOfAServiceAccount(t *testing.T) {
	account := `service_account "ci" {
  name                       = "ci"
  description                = "deploys"
  roles                      = ["ORG_MEMBER"]
  secret_expires_after_hours = 100
  secret_file                = "ci.json"
}
`
	p := applied(t, account)
	r := p.look()
	if len(r.Expiring) != 1 || r.Expiring[0].What != "secret" || r.Expiring[0].Meant || !strings.HasPrefix(needs(r), "service_account.ci: its secret expires ") {
		t.Errorf("what ends is %+v, needs %s", r.Expiring, needs(r))
	}
	replaced := strings.Replace(account, "secret_file ", "rotate_before = \"24h\"\n  secret_file ", 1)
	if err := os.WriteFile(filepath.Join(p.dir, "main.hcl"), []byte(replaced), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := p.look(); len(r.Expiring) != 1 || needs(r) != "" {
		t.Errorf("what ends is %+v, needs %s", r.Expiring, needs(r))
	}
}
