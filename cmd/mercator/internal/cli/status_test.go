package cli

import (
	"bytes"
	"testing"
	"time"

	"mercator/cmd/mercator/internal/status"
	"mercator/schema"
)

// TestStatusOnNarrowScreens shows a table where there is room for it, and blocks where there is not.
func TestStatusOnNarrowScreens(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	report := status.Report{Now: now,
		Projects: []status.Project{{Address: "project.shop", ID: "1", Maintenance: status.Maintenance{Window: "Sun 03:00 UTC", Pending: "deferred once"},
			Alerts:   []status.Alert{{Event: "NO_PRIMARY", Cluster: "orders", Since: now.Add(-90 * time.Second)}},
			Clusters: []status.Cluster{{Address: "project.shop.cluster.orders", Name: "orders", State: "IDLE", Version: "8.0.17", Backups: true, Snapshot: now.Add(-26 * time.Hour), Alerts: 1}}}},
		Expiring: []status.Expiring{{Address: "service_account.ci", What: "secret", Ends: now.Add(49 * time.Hour)}},
		Needs:    []status.Need{{Address: schema.Address("project.shop"), Text: "1 open alert that nobody has acknowledged"}}}
	tail := `
Open alerts:
  project.shop: NO_PRIMARY of orders, since 1m30s

Ends by itself:
  service_account.ci, its secret, in 2d1h

Needs a person:
  project.shop: 1 open alert that nobody has acknowledged
`
	for width, want := range map[int]string{
		90: `                  STATE  VERSION  ALERTS  SNAPSHOT  MAINTENANCE
project.shop                      1                 Sun 03:00 UTC, deferred once
  cluster.orders  IDLE   8.0.17   1       1d2h ago
` + tail,
		60: `project.shop
  alerts: 1
  maintenance: Sun 03:00 UTC, deferred once
  cluster.orders
    state: IDLE
    version: 8.0.17
    alerts: 1
    snapshot: 1d2h ago
` + tail,
	} {
		var b bytes.Buffer
		screen{w: &b, width: width}.status(report)
		if b.String() != want {
			t.Errorf("%d columns:\n%s\nwant:\n%s", width, b.String(), want)
		}
	}
}

// TestStatusWithoutProjects says so in place of an empty table.
func TestStatusWithoutProjects(t *testing.T) {
	var out bytes.Buffer
	screen{w: &out, width: 80}.status(status.Report{})
	if got, want := out.String(), "There is no project to look at.\n\nNothing needs a person.\n"; got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
}

func TestDistance(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0: "now", 300 * time.Millisecond: "now", 5 * time.Second: "in 5s", -90 * time.Second: "1m30s ago", -24 * time.Hour: "1d ago",
		24*time.Hour + 5*time.Minute: "in 1d", -49 * time.Hour: "2d1h ago",
	} {
		if got := distance(now.Add(d), now); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
