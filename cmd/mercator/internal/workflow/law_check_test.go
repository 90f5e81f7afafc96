package workflow_test

import (
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"mercator/provider/sandbox"
	"mercator/schema"
)

// What Atlas holds is looked at in the sandbox itself, and compared with what the files say by the test's own
// words, not by Mercator's.

// lawLive is one live object.
type lawLive struct {
	kind, group, key string // key as the sandbox knows it
	doc              map[string]any
}

func (l lawLive) identity() string { return l.kind + " " + l.group + " " + l.key }

// lawLook is everything that is live, and what the state owns of it, by identity.
type lawLook struct {
	live  map[string]lawLive
	owned map[string]schema.Address
}

var lawKinds = []sandbox.Kind{sandbox.Cluster, sandbox.DatabaseUser, sandbox.CustomRole, sandbox.AccessList, sandbox.AlertConfig, sandbox.FlexCluster, sandbox.Integration,
	sandbox.CloudRole}

// lawSingles are the kinds of which a project has one from the start.
var lawSingles = []sandbox.Kind{sandbox.MaintenanceWindow, sandbox.Auditing}

// lawInitial reports whether a singleton is as Atlas makes it.
func lawInitial(l lawLive) bool {
	switch l.kind {
	case "maintenance_window":
		return l.doc["dayOfWeek"] == nil && l.doc["hourOfDay"] == nil && l.doc["protectedHours"] == nil && l.doc["autoDeferOnceEnabled"] == false
	case "auditing":
		return l.doc["enabled"] == false && l.doc["auditFilter"] == nil && l.doc["auditAuthorizationSuccess"] == false
	}
	return false
}

// lawLeft reports whether a singleton that is no longer declared was reset, or where Atlas has no reset left alone.
func lawLeft(was, is lawLive) bool {
	if catalog.Kind(is.kind).Endpoints.Delete == nil {
		return reflect.DeepEqual(was.doc, is.doc) || was.doc["clusterId"] != is.doc["clusterId"]
	}
	return lawInitial(is)
}

// transport is one connection for the whole case.
func (c *lawCase) transport() http.RoundTripper { return http.DefaultTransport }

func (c *lawCase) look() lawLook {
	l := lawLook{map[string]lawLive{}, map[string]schema.Address{}}
	add := func(live lawLive) { l.live[live.identity()] = live }
	for _, p := range c.box.List(sandbox.Project, "") {
		id := p["id"].(string)
		add(lawLive{"project", id, "", p})
		for _, kind := range lawKinds {
			for _, doc := range c.box.List(kind, id) {
				add(lawLive{string(kind), id, lawLiveKey(string(kind), doc), doc})
				if schedule, ok := c.box.Get(sandbox.BackupSchedule, id, fmt.Sprint(doc["name"])); ok && kind == sandbox.Cluster {
					schedule["clusterId"] = doc["id"] // another cluster of the name has another schedule
					add(lawLive{string(sandbox.BackupSchedule), id, fmt.Sprint(doc["name"]), schedule})
				}
			}
		}
		for _, kind := range lawSingles {
			doc, _ := c.box.Get(kind, id, "")
			add(lawLive{string(kind), id, "", doc})
		}
	}
	for a, b := range c.lawState().Resources {
		l.owned[lawBoundIdentity(b)] = a
	}
	return l
}

// lawLiveKey is an object's key in the words of the state.
func lawLiveKey(kind string, doc map[string]any) string {
	text := func(name string) string { s, _ := doc[name].(string); return s }
	switch kind {
	case "cluster", "flex_cluster":
		return text("name")
	case "database_user":
		return text("databaseName") + "/" + text("username")
	case "custom_role":
		return text("roleName")
	case "integration":
		return text("type")
	case "cloud_provider_access":
		return text("roleId") + text("_id")
	case "access_list":
		if block := text("cidrBlock"); block != "" {
			return lawEntry(block)
		}
		return text("awsSecurityGroup")
	}
	return text("id")
}

func lawBoundIdentity(b *schema.Bound) string {
	switch b.Kind {
	case "project":
		return "project " + b.ID + " "
	case "backup_schedule":
		return "backup_schedule " + b.Place.Param("groupId") + " " + b.Place.Param("clusterName")
	}
	key := strings.NewReplacer("%2F", "/", "%25", "%").Replace(b.Key)
	if lawNameless(b.Kind) {
		key = b.ID
	}
	return b.Kind + " " + b.Place.Param("groupId") + " " + key
}

// check holds Atlas and the state against the files after an apply that went through.
func (c *lawCase) check(e *lawEstate, before lawLook) {
	after := c.look()
	st := c.lawState()
	if len(st.Intents) > 0 {
		c.rt.Fatalf("%s%d intents are open after an apply that went through: %+v", c.at(), len(st.Intents), st.Intents[0])
	}
	owners := map[string]schema.Address{}
	for a, b := range st.Resources {
		id := lawBoundIdentity(b)
		if other, twice := owners[id]; twice {
			c.rt.Fatalf("%s%s and %s own the same object", c.at(), a, other)
		}
		owners[id] = a
		if b.Waiting != "" {
			c.rt.Fatalf("%s%s still waits for a %s", c.at(), a, b.Waiting)
		}
	}
	c.checkDeclared(e, after)
	c.checkOthers(e, before, after)
}

// checkDeclared finds each declared object once, owned, with the arguments that the file sets.
func (c *lawCase) checkDeclared(e *lawEstate, after lawLook) {
	wanted, expired := map[string]bool{}, map[string]bool{}
	var nameless []lawDeclared
	for _, d := range e.declared() {
		group, ok := c.box.ProjectID(d.project)
		if !ok {
			c.rt.Fatalf("%sproject %s is declared and not in Atlas", c.at(), d.project)
		}
		id := d.kind + " " + group + " " + d.key
		if d.kind == "project" {
			id = "project " + group + " "
		}
		if d.kind != "project" && lawNameless(d.kind) {
			nameless = append(nameless, d)
			continue
		}
		live, there := after.live[id]
		switch {
		case !there && c.expired(d): // as it should be, and remembered until it leaves the file
			expired[d.kind] = true
			continue
		case !there:
			c.rt.Fatalf("%s%s is declared and not in Atlas", c.at(), d)
		case after.owned[id] == "":
			c.rt.Fatalf("%s%s is declared and live, and the state does not own it", c.at(), d)
		}
		wanted[id] = true
		if why := c.fits(d, live); why != "" {
			c.rt.Fatalf("%s%s is not as the file says: %s\n%v", c.at(), d, why, live.doc)
		}
	}
	c.checkNameless(nameless, after, wanted)
	for id, a := range after.owned {
		kind, _, _ := strings.Cut(id, " ")
		if _, live := after.live[id]; !wanted[id] && (live || !expired[kind]) {
			c.rt.Fatalf("%sthe state owns %s as %s, which no file declares", c.at(), id, a)
		}
	}
}

func (c *lawCase) expired(d lawDeclared) bool {
	text, ok := d.args["delete_after_date"].(string)
	when, err := time.Parse(time.RFC3339, text)
	return ok && err == nil && !when.After(c.clock.Now())
}

// checkNameless pairs what is declared without a name with the owned objects, each used once.
func (c *lawCase) checkNameless(declared []lawDeclared, after lawLook, wanted map[string]bool) {
	for _, d := range declared {
		group, _ := c.box.ProjectID(d.project)
		why, found := "there is none", ""
		for _, id := range slices.Sorted(maps.Keys(after.live)) {
			live := after.live[id]
			if live.kind != d.kind || live.group != group || wanted[id] || !lawAddressOf(d, after.owned[id]) {
				continue
			}
			if why = c.fits(d, live); why == "" {
				found = id
				break
			}
		}
		if found == "" {
			c.rt.Fatalf("%s%s %s in %s is not as the file says: %s", c.at(), d.kind, d.block.label, d.project, why)
		}
		wanted[found] = true
	}
}

// lawAddressOf reports whether an address is that of the declared object without a name.
func lawAddressOf(d lawDeclared, a schema.Address) bool {
	_, key, _ := strings.Cut(d.instance, "/")
	last := d.kind + "." + d.block.label
	if key != "" {
		last += fmt.Sprintf("[%q]", key)
	}
	return strings.HasSuffix(string(a), last)
}

// upgraded returns what has the name of a cluster by now that shared its machines.
func (l *lawLook) upgraded(was lawLive) (lawLive, bool) {
	if was.kind != "flex_cluster" && (was.kind != "cluster" || !lawLiveFree(was.doc)) {
		return lawLive{}, false
	}
	for _, kind := range []string{"cluster", "flex_cluster"} {
		if live, ok := l.live[kind+" "+was.group+" "+was.key]; ok {
			return live, true
		}
	}
	return lawLive{}, false
}

// checkOthers makes sure that what nobody owns is as it was, and that nothing new is without an owner.
func (c *lawCase) checkOthers(e *lawEstate, before, after lawLook) {
	exclusive := map[string][]string{}
	for _, p := range e.projects {
		for _, k := range p.instances() {
			if group, ok := c.box.ProjectID(p.naturalName(k)); ok {
				exclusive[group] = p.exclusive
			}
		}
	}
	for id, was := range before.live {
		is, there := after.live[id]
		_, project := after.live["project "+was.group+" "]
		owned := before.owned[id] != "" || after.owned[id] != ""
		if now, ok := after.upgraded(was); ok && now.doc["createDate"] != was.doc["createDate"] {
			c.rt.Fatalf("%s%s was made anew instead of being upgraded", c.at(), id)
		} else if ok && now.kind != was.kind {
			continue
		}
		switch {
		case was.kind == "backup_schedule" && !owned: // it comes and goes with the cluster's backups
		case !there && (owned || !project || slices.Contains(exclusive[was.group], was.kind)):
		case there && slices.Contains(exclusive[was.group], was.kind) && !owned:
			c.rt.Fatalf("%s%s is a stranger of an exclusive kind and was left", c.at(), id)
		case !there:
			c.rt.Fatalf("%s%s was nobody's and is gone", c.at(), id)
		case before.owned[id] != "" && after.owned[id] == "" && lawSingle(is.kind) && lawLeft(was, is):
		case before.owned[id] != "" && after.owned[id] == "":
			c.rt.Fatalf("%s%s was owned, is no longer declared, and was left", c.at(), id)
		case !owned && !reflect.DeepEqual(was.doc, is.doc):
			c.rt.Fatalf("%s%s is nobody's and was changed:\n%v\n%v", c.at(), id, was.doc, is.doc)
		}
	}
	defaults := map[string]bool{}
	for id, is := range after.live {
		if _, old := before.live[id]; old || after.owned[id] != "" {
			continue
		}
		_, oldProject := before.live["project "+is.group+" "]
		if is.kind == "backup_schedule" || lawSingle(is.kind) && !oldProject && lawInitial(is) {
			continue
		}
		signature := fmt.Sprint(is.group, is.doc["eventTypeName"], is.doc["metricThreshold"])
		if is.kind != "alert_config" || oldProject || defaults[signature] {
			c.rt.Fatalf("%s%s is new and nobody's: %v", c.at(), id, is.doc)
		}
		defaults[signature] = true // one of those that Atlas gives a new project
	}
}
