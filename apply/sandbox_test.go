package apply_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"mercator/provider/atlas"
	"mercator/provider/sandbox"
	"mercator/schema"
	"mercator/schema/kinds"
)

// newSandboxHouse is a house over the real client and the embedded Atlas, on one clock.
func newSandboxHouse(t *testing.T) (*house, *sandbox.Server) {
	t.Helper()
	catalog, err := kinds.Catalog()
	if err != nil {
		t.Fatal(err)
	}
	manual := sandbox.NewManualClock(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	server, err := sandbox.New(sandbox.Options{Clock: manual, CreateTime: 7 * time.Minute, UpdateTime: 3 * time.Minute,
		DeleteTime: 2 * time.Minute, RefuseOverlaps: true, Restless: true, NoRateLimits: true})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server.Handler())
	t.Cleanup(func() {
		web.Close()
		_ = server.Close()
	})
	client, err := atlas.New(atlas.Config{BaseURL: web.URL, Credentials: atlas.Credentials{Token: sandbox.DefaultAccessToken},
		Clock: manual, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t)
	h.world = newWorld(catalog)
	h.atlas, h.place = client, schema.Place("").With("orgId", sandbox.DefaultOrgID)
	h.options.AllowDestroy = []string{"all"}
	passed := time.Duration(0)
	h.world.clock.onSleep = func(elapsed time.Duration) {
		manual.Advance(elapsed - passed)
		passed = elapsed
	}
	return h, server
}

// estate declares one of each real kind, in a first and a second version.
func (h *house) estate(version int) {
	h.t.Helper()
	comment, size, action := "office", "M10", "FIND"
	if version == 2 {
		comment, size, action = "the office", "M20", "INSERT"
	}
	h.put("project.p", map[string]any{"name": "payments"})
	h.put("project.p.custom_role.reader", map[string]any{"role_name": "reader",
		"actions": []any{map[string]any{"action": action, "resources": []any{map[string]any{"db": "orders", "collection": ""}}}}})
	h.put("project.p.database_user.app", map[string]any{"username": "app", "password": fmt.Sprintf("secret:password-%d", version),
		"roles": []any{map[string]any{"role_name": "readWrite", "database_name": "orders"}}})
	h.desired[len(h.desired)-1].DependsOn = []schema.Address{"project.p.custom_role.reader"}
	for i := range 3 {
		entry := fmt.Sprintf("203.0.113.%d", i+version)
		h.put(schema.Address("project.p.access_list.office").Key(entry), map[string]any{"entry": entry, "comment": comment})
	}
	if version == 2 {
		h.drop(schema.Address("project.p.access_list.office").Key("203.0.113.1"))
	}
	h.put("project.p.alert_config.lag", map[string]any{"event_type_name": "HOST_DOWN", "enabled": version == 1,
		"notifications": []any{map[string]any{"type_name": "GROUP", "interval_min": 15, "delay_min": 0, "email_enabled": true, "roles": []any{"GROUP_OWNER"}}}})
	h.put("project.p.cluster.orders", map[string]any{"name": "orders", "cluster_type": "REPLICASET", "backup_enabled": true,
		"replication_specs": []any{map[string]any{"region_configs": []any{map[string]any{"provider_name": "AWS", "region_name": "EU_WEST_1",
			"priority": 7, "electable_specs": map[string]any{"instance_size": size, "node_count": 3}}}}}})
}

// settled makes sure that nothing is left to do, and that Atlas holds each thing once.
func (h *house) settled(server *sandbox.Server) {
	h.t.Helper()
	h.converge()
	if p := h.plan(); !p.Empty() {
		h.t.Errorf("something is left to do:\n%s", planText(p))
	}
	for a, b := range h.state.Resources {
		if b.Adopted {
			h.t.Errorf("%s counts as adopted", a)
		}
	}
	if len(h.state.Resources) != len(h.desired) {
		h.t.Errorf("the state has %d resources, the files %d", len(h.state.Resources), len(h.desired))
	}
	id, _ := server.ProjectID("payments")
	defaults := len(freshAlerts(h.t))
	for kind, want := range map[sandbox.Kind]int{sandbox.AccessList: 3, sandbox.DatabaseUser: 1, sandbox.CustomRole: 1, sandbox.Cluster: 1, sandbox.AlertConfig: defaults + 1} {
		if got := len(server.List(kind, id)); got != want {
			h.t.Errorf("Atlas has %d of %s, want %d", got, kind, want)
		}
	}
}

// freshAlerts are the alert configurations of a new project.
func freshAlerts(t *testing.T) []map[string]any {
	t.Helper()
	h, server := newSandboxHouse(t)
	h.put("project.p", map[string]any{"name": "fresh"})
	h.run()
	id, _ := server.ProjectID("fresh")
	return server.List(sandbox.AlertConfig, id)
}

// TestSandbox makes, changes and removes one of each real kind.
func TestSandbox(t *testing.T) {
	h, server := newSandboxHouse(t)
	h.estate(1)
	h.run()
	h.settled(server)
	h.estate(2)
	h.run()
	h.settled(server)
	h.desired = nil
	h.run()
	if len(h.state.Resources) != 0 {
		t.Errorf("the state still has %v", h.state.Resources)
	}
}

// TestSandboxLosesAnswers carries every mutating request out and loses its answer, one request per run.
func TestSandboxLosesAnswers(t *testing.T) {
	for _, method := range []string{"POST", "PATCH", "DELETE"} {
		for n := 1; n <= 8; n++ {
			t.Run(fmt.Sprintf("%s %d", method, n), func(t *testing.T) {
				h, server := newSandboxHouse(t)
				h.parallelism = 1 // so that each number stands for the same request in every run
				if method != "POST" {
					h.estate(1)
					h.run()
				}
				if err := server.SetFaults(sandbox.Fault{Method: method, Nth: n, Count: 1, Action: sandbox.Lost}); err != nil {
					t.Fatal(err)
				}
				h.estate(map[string]int{"POST": 1, "PATCH": 2, "DELETE": 2}[method])
				h.apply(context.Background(), h.plan())
				h.settled(server)
			})
		}
	}
}
