// Package status looks at what runs in Atlas of a configuration and its state: clusters and their versions, open
// alerts, maintenance, snapshots, and credentials that end. It says what needs a person, and changes nothing.
package status

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/zclconf/go-cty/cty"

	"mercator/cmd/mercator/internal/workflow"
	"mercator/plan"
	"mercator/provider"
	"mercator/schema"
)

// Report is what was seen at one time.
type Report struct {
	Now      time.Time `json:"time"`
	Projects []Project `json:"projects"`
	// Expiring are credentials and entries that end, in projects and in organizations.
	Expiring []Expiring `json:"expiring"`
	// Needs are what needs a person.
	Needs []Need `json:"needs_attention"`
}

// Need is something that somebody should look at.
type Need struct {
	Address schema.Address `json:"address"`
	Text    string         `json:"text"`
}

// Project is a project of the configuration or the state.
type Project struct {
	// Address is "" where the project is only the parent of what is declared.
	Address schema.Address `json:"address,omitempty"`
	ID      string         `json:"id"`
	Name    string         `json:"name,omitempty"`
	// Missing says that it is not there: not made yet, or gone.
	Missing     string      `json:"missing,omitempty"`
	Alerts      []Alert     `json:"open_alerts"`
	Maintenance Maintenance `json:"maintenance"`
	Clusters    []Cluster   `json:"clusters"`
}

// Shown is what the project is called where it has no address.
func (p *Project) Shown() string { return cmp.Or(string(p.Address), p.Name, p.ID) }

// Alert is an open alert.
type Alert struct {
	ID    string `json:"id"`
	Event string `json:"event"`
	// Metric, Cluster and Host say what it is about, as far as it is about one.
	Metric  string    `json:"metric,omitempty"`
	Cluster string    `json:"cluster,omitempty"`
	Host    string    `json:"host,omitempty"`
	Since   time.Time `json:"since"`
	// Acknowledged is until when somebody has taken note of it.
	Acknowledged time.Time `json:"acknowledged_until,omitzero"`
}

// Maintenance is when Atlas may work on a project's clusters, and whether it is going to.
type Maintenance struct {
	// Window is the time of the week, "" where Atlas chooses it.
	Window string `json:"window,omitempty"`
	// Pending says why there is something to come, "" where nothing tells of it.
	Pending string `json:"pending,omitempty"`
}

// Cluster is a cluster of the configuration or the state.
type Cluster struct {
	Address schema.Address `json:"address"`
	Name    string         `json:"name"`
	// State is Atlas's word for what it does, or "paused", "not created yet" or "gone".
	State   string `json:"state"`
	Version string `json:"version,omitempty"`
	// Backups says that there should be snapshots; Snapshot is when the last one was complete.
	Backups  bool      `json:"backups"`
	Snapshot time.Time `json:"last_snapshot,omitzero"`
	Alerts   int       `json:"open_alerts"`
}

// look is the making of a report.
type look struct {
	session *workflow.Session
	// own are the kinds that are watched here alone.
	own  *schema.Catalog
	plan *plan.Plan
	// soon is how far ahead the end of a credential is worth a person's time.
	soon   time.Duration
	report Report
	groups map[groupID]*Project
	order  []groupID
	// seen are the clusters, by project and name, with their live values.
	seen map[clusterID]*running
	live *schema.Live
}

type groupID struct{ connection, id string }

type clusterID struct {
	groupID
	address schema.Address
}

// running is a cluster that is there, and how to look at it.
type running struct {
	how    cluster
	value  cty.Value
	inside schema.Place
}

// Look reads Atlas and reports: what a plan reads, and per project the open alerts and the maintenance, per cluster with
// backups its snapshots.
func Look(ctx context.Context, s *workflow.Session, soon time.Duration) (Report, error) {
	own, err := schema.NewCatalog(watched...)
	if err != nil {
		return Report{}, err
	}
	l := &look{session: s, own: own, soon: soon, groups: map[groupID]*Project{}, seen: map[clusterID]*running{}}
	l.report = Report{Now: s.Now, Projects: []Project{}, Expiring: []Expiring{}, Needs: []Need{}}
	if l.plan, err = s.Plan(ctx, plan.Options{SkipSecrets: true, SkipAdvice: true}); err != nil {
		return Report{}, err
	}
	l.gather()
	if l.live, err = s.Observe(ctx, l.wants()); err != nil {
		return Report{}, err
	}
	l.judge()
	return l.report, nil
}

// gather finds the projects and the clusters of the plan, and what expires.
func (l *look) gather() {
	for i := range l.plan.Changes {
		c := &l.plan.Changes[i]
		kind := l.session.Catalog.Kind(c.Kind)
		l.expiring(kind, c)
		group, own := l.session.GroupOf(c)
		switch how, runs := clusters[c.Kind]; {
		case own:
			l.project(c, group)
		case runs:
			l.cluster(kind, c, group, how)
		case group != "":
			l.groupOf(groupID{c.Connection, group})
		}
	}
}

func (l *look) groupOf(id groupID) *Project {
	if l.groups[id] == nil {
		l.groups[id] = &Project{ID: id.id, Alerts: []Alert{}, Clusters: []Cluster{}}
		l.order = append(l.order, id)
	}
	return l.groups[id]
}

// project notes a project that has an address.
func (l *look) project(c *plan.Change, group string) {
	id := groupID{c.Connection, group}
	if group == "" {
		id.id = string(c.Address) // it is not there: nothing is asked of it
	}
	p := l.groupOf(id)
	p.Address, p.ID = c.Address, group
	p.Name, _ = text(c.Before, "name")
	if name, ok := text(c.Desired, "name"); ok && p.Name == "" {
		p.Name = name
	}
	if group == "" {
		p.Missing = l.missing(c)
	}
	if p.Missing == gone {
		l.need(c.Address, "the project is gone from Atlas")
	}
}

// Where an object is that is not there.
const (
	notYet = "not created yet"
	gone   = "gone"
)

func (l *look) missing(c *plan.Change) string {
	if slices.ContainsFunc(l.plan.Drift, func(d plan.Drift) bool { return d.Deleted && d.Address == c.Address }) {
		return gone
	}
	return notYet
}

func (l *look) cluster(kind *schema.Kind, c *plan.Change, group string, how cluster) {
	id := groupID{c.Connection, group}
	if group == "" {
		id.id = string(c.Parent)
	}
	p := l.groupOf(id)
	out := Cluster{Address: c.Address, Name: c.Key}
	if out.Name == "" {
		out.Name, _ = text(c.Desired, "name")
	}
	if c.ID == "" && c.Key == "" || c.Before == cty.NilVal || c.Before.IsNull() {
		out.State = l.missing(c)
		if out.State == gone {
			l.need(c.Address, "the cluster is gone from Atlas")
		}
		p.Clusters = append(p.Clusters, out)
		return
	}
	out.State, _ = text(c.Before, kind.Settle.Field)
	out.Version, _ = text(c.Before, "mongo_db_version")
	out.Backups = truth(c.Before, how.backups)
	paused := how.paused != "" && truth(c.Before, how.paused)
	switch settle := kind.Settle; {
	case slices.Contains(settle.Ready, out.State) && paused:
		out.State = "paused"
	case slices.Contains(settle.Ready, out.State), slices.Contains(settle.Busy, out.State), slices.Contains(settle.Creating, out.State), slices.Contains(settle.Deleting, out.State):
	default:
		l.need(c.Address, fmt.Sprintf("its state is %s, which no waiting mends", out.State))
	}
	if inside, err := kind.Inside(c.Place, c.ID, c.Key); err == nil {
		l.seen[clusterID{id, c.Address}] = &running{how: how, value: c.Before, inside: inside}
	}
	p.Clusters = append(p.Clusters, out)
}

// kind returns a kind that is watched here, or one of the catalogue.
func (l *look) kind(name string) *schema.Kind {
	if k := l.own.Kind(name); k != nil {
		return k
	}
	return l.session.Catalog.Kind(name)
}

// wants are the lists that are read beside those of the plan.
func (l *look) wants() []provider.Want {
	var out []provider.Want
	for _, id := range l.order {
		p := l.groups[id]
		if p.ID == "" {
			continue
		}
		place := l.session.Place(id.connection).With("groupId", p.ID)
		out = append(out, provider.Want{Connection: id.connection, Kind: l.kind("alert"), Place: place},
			provider.Want{Connection: id.connection, Kind: l.kind("window"), Place: place})
		for _, c := range p.Clusters {
			if r := l.seen[clusterID{id, c.Address}]; r != nil && c.Backups {
				out = append(out, provider.Want{Connection: id.connection, Kind: l.kind(r.list()), Place: r.inside})
			}
		}
	}
	return out
}

// list names the kind of the cluster's snapshots.
func (r *running) list() string {
	if kind, ok := text(r.value, "cluster_type"); ok && r.how.sharded != "" && kind != "REPLICASET" {
		return r.how.sharded
	}
	return r.how.snapshots
}

// judge enters what was read beside the plan, and what of it needs a person.
func (l *look) judge() {
	for _, id := range l.order {
		p := l.groups[id]
		if p.ID != "" {
			place := l.session.Place(id.connection).With("groupId", p.ID)
			l.alerts(id, p, place)
			l.maintenance(id, p, place)
		}
		for i := range p.Clusters {
			if r := l.seen[clusterID{id, p.Clusters[i].Address}]; r != nil && p.Clusters[i].Backups {
				l.snapshots(id, &p.Clusters[i], r)
			}
		}
		l.report.Projects = append(l.report.Projects, *p)
	}
	slices.SortFunc(l.report.Projects, func(a, b Project) int { return cmp.Compare(a.Shown(), b.Shown()) })
	slices.SortFunc(l.report.Expiring, func(a, b Expiring) int {
		return cmp.Or(a.Ends.Compare(b.Ends), cmp.Compare(a.Address, b.Address))
	})
	slices.SortStableFunc(l.report.Needs, func(a, b Need) int { return cmp.Compare(a.Address, b.Address) })
}

func (l *look) need(address schema.Address, words string) {
	l.report.Needs = append(l.report.Needs, Need{address, words})
}

// text returns a text of an object; ok is false where it has none.
func text(v cty.Value, name string) (string, bool) {
	if v == cty.NilVal || v.IsNull() || !v.IsKnown() || !v.Type().HasAttribute(name) {
		return "", false
	}
	el, _ := v.GetAttr(name).Unmark()
	if el.IsNull() || !el.IsKnown() || el.Type() != cty.String {
		return "", false
	}
	return el.AsString(), true
}
