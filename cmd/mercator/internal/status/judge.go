package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/schema"
)

// alerts enters the open alerts of a project. Whoever acknowledged one has seen it.
func (l *look) alerts(id groupID, p *Project, place schema.Place) {
	raised, _ := l.live.Sweep(id.connection, "alert", place)
	unseen := 0
	for _, o := range raised {
		a := Alert{ID: o.ID, Since: instant(o.Value, "created"), Acknowledged: instant(o.Value, "acknowledged_until")}
		a.Event, _ = text(o.Value, "event_type_name")
		a.Metric, _ = text(o.Value, "metric_name")
		a.Cluster, _ = text(o.Value, "cluster_name")
		a.Host, _ = text(o.Value, "hostname_and_port")
		if !a.Acknowledged.After(l.report.Now) {
			unseen++
		}
		p.Alerts = append(p.Alerts, a)
	}
	slices.SortFunc(p.Alerts, func(a, b Alert) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID)) })
	for i := range p.Clusters {
		for _, a := range p.Alerts {
			if a.Cluster == p.Clusters[i].Name && a.Cluster != "" {
				p.Clusters[i].Alerts++
			}
		}
	}
	switch {
	case unseen == 1:
		l.need(schema.Address(p.Shown()), "1 open alert that nobody has acknowledged")
	case unseen > 1:
		l.need(schema.Address(p.Shown()), fmt.Sprintf("%d open alerts that nobody has acknowledged", unseen))
	}
}

// maintenance enters the window. Atlas has no field that says that something is to come: what was deferred is, and what
// was asked for at once.
func (l *look) maintenance(id groupID, p *Project, place schema.Place) {
	found, _ := l.live.Sweep(id.connection, "window", place)
	if len(found) == 0 {
		return
	}
	v := found[0].Value
	if day, ok := whole(v, "day_of_week"); ok && day >= 1 && day <= 7 {
		hour, _ := whole(v, "hour_of_day")
		zone, _ := text(v, "time_zone_id")
		p.Maintenance.Window = fmt.Sprintf("%s %02d:00 %s", time.Weekday(day - 1).String()[:3], hour, cmp.Or(zone, "UTC"))
	}
	deferrals, _ := whole(v, "number_of_deferrals")
	switch {
	case truth(v, "start_asap"):
		p.Maintenance.Pending = "starts as soon as it can"
	case deferrals == 1:
		p.Maintenance.Pending = "deferred once"
	case deferrals > 1:
		p.Maintenance.Pending = fmt.Sprintf("deferred %d times", deferrals)
	}
}

// firstSnapshot is how long a cluster may be without any snapshot.
const firstSnapshot = 48 * time.Hour

// snapshots enters when the last snapshot was complete. Ids rise with time, so the newest has the highest.
func (l *look) snapshots(id groupID, c *Cluster, r *running) {
	taken, _ := l.live.Sweep(id.connection, r.list(), r.inside)
	newest := ""
	for _, o := range taken { // by id
		state, _ := text(o.Value, "status")
		newest = state
		if when := instant(o.Value, "created_at"); strings.EqualFold(state, "completed") && when.After(c.Snapshot) {
			c.Snapshot = when
		}
	}
	created := instant(r.value, r.how.created)
	switch {
	case strings.EqualFold(newest, "failed"):
		l.need(c.Address, "its last snapshot failed")
	case c.Snapshot.IsZero() && !created.IsZero() && l.report.Now.Sub(created) > firstSnapshot:
		l.need(c.Address, "it has backups and no snapshot")
	}
}

// Expiring is something that ends by itself.
type Expiring struct {
	Address schema.Address `json:"address"`
	// What says what ends: "database_user", or "secret" for one of those of a credential.
	What string    `json:"what"`
	Ends time.Time `json:"ends"`
	// Meant says that the file wants it so: it is temporary.
	Meant bool `json:"temporary"`
}

// expiring enters what ends of an object: it itself, where it is temporary, and of a credential with several secrets
// the one that lasts longest. What the file lets expire needs nobody; what an application logs in with does, in time.
func (l *look) expiring(kind *schema.Kind, c *plan.Change) {
	if c.Before == cty.NilVal || c.Before.IsNull() {
		return
	}
	for i := range kind.Attributes {
		a := &kind.Attributes[i]
		if a.Type == schema.TypeTime && a.Within != nil {
			if ends := instant(c.Before, a.Name); !ends.IsZero() {
				l.report.Expiring = append(l.report.Expiring, Expiring{Address: c.Address, What: kind.Name, Ends: ends, Meant: true})
			}
		}
	}
	if kind.Credential != nil {
		l.secret(c, lastSecret(kind, c.Before))
	}
}

// secret enters the end of a credential's secret, where that is near. Where the file says when it is to be replaced, an
// apply does that, and somebody has to run one.
func (l *look) secret(c *plan.Change, ends time.Time) {
	var replaced time.Duration
	if before, ok := text(c.Desired, schema.RotateBefore); ok {
		replaced, _ = time.ParseDuration(before) // the plan has found what is none
	}
	left := ends.Sub(l.report.Now)
	if ends.IsZero() || left > max(l.soon, replaced) {
		return
	}
	l.report.Expiring = append(l.report.Expiring, Expiring{Address: c.Address, What: "secret", Ends: ends})
	switch {
	case left <= 0:
		l.need(c.Address, "its secret has expired "+ends.Format(time.RFC3339))
	case replaced == 0:
		l.need(c.Address, "its secret expires "+ends.Format(time.RFC3339))
	case left <= replaced:
		l.need(c.Address, fmt.Sprintf("its secret expires %s; an apply replaces it", ends.Format(time.RFC3339)))
	}
}

// lastSecret returns when the secret of a credential ends that lasts longest, the zero time where none is known to end.
func lastSecret(kind *schema.Kind, v cty.Value) time.Time {
	var last time.Time
	for i := range kind.Attributes {
		a := &kind.Attributes[i]
		ends := schema.Find(a.Nested, "expires_at")
		if a.Type != schema.TypeList || ends == nil || ends.Owner != schema.Server {
			continue
		}
		secrets, _ := v.GetAttr(a.Name).Unmark()
		if secrets.IsNull() || !secrets.IsKnown() {
			continue
		}
		for _, s := range secrets.AsValueSlice() {
			if when := instant(s, ends.Name); when.After(last) {
				last = when
			}
		}
	}
	return last
}

// instant returns a time of an object, the zero time where it has none.
func instant(v cty.Value, name string) time.Time {
	written, ok := text(v, name)
	if !ok {
		return time.Time{}
	}
	when, err := time.Parse(time.RFC3339, written)
	if err != nil {
		return time.Time{}
	}
	return when.UTC()
}

// truth returns a truth value of an object, or of one inside it; false where it has none.
func truth(v cty.Value, path string) bool {
	for name := range strings.SplitSeq(path, ".") {
		if v == cty.NilVal || v.IsNull() || !v.IsKnown() || !v.Type().IsObjectType() || !v.Type().HasAttribute(name) {
			return false
		}
		v, _ = v.GetAttr(name).Unmark()
	}
	return !v.IsNull() && v.IsKnown() && v.Type() == cty.Bool && v.True()
}

// whole returns a whole number of an object; ok is false where it has none.
func whole(v cty.Value, name string) (n int64, ok bool) {
	if !v.Type().HasAttribute(name) {
		return 0, false
	}
	el, _ := v.GetAttr(name).Unmark()
	if el.IsNull() || !el.IsKnown() || el.Type() != cty.Number {
		return 0, false
	}
	n, _ = el.AsBigFloat().Int64()
	return n, true
}
