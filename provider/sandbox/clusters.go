package sandbox

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

const clusterPath = apiRoot + "/groups/{groupId}/clusters"

// The 2024-10-23 version has the body of 2024-08-05; the ones before have another one and aren't served.
var (
	clusterReads = []version{{date: "2023-01-01", gone: true}, {date: "2023-02-01", gone: true}, {date: "2024-08-05"}}
	// That 2024-08-05 announces its end by these headers is inferred from the specification.
	clusterWrites = []version{{date: "2023-01-01", gone: true}, {date: "2023-02-01", gone: true},
		{date: "2024-08-05", deprecation: "Wed, 23 Oct 2024 00:00:00 GMT", sunset: "Mon, 1 Mar 2027 00:00:00 GMT"}, {date: "2024-10-23"}}
	scalingReads = []version{{date: "2024-08-05", deprecation: "Wed, 23 Oct 2024 00:00:00 GMT"}}
	argsVersions = []version{{date: "2023-01-01", gone: true}, {date: "2024-08-05"}}
)

var clusterOperations = []*operation{
	{id: "listGroupClusters", method: "GET", path: clusterPath, versions: clusterReads, limits: "clusters", serve: (*Server).listClusters},
	{id: "createGroupCluster", method: "POST", path: clusterPath, versions: clusterWrites, limits: "clusters", body: &clusterRule, serve: (*Server).createCluster},
	{id: "getGroupCluster", method: "GET", path: clusterPath + "/{clusterName}", versions: clusterReads, limits: "clusters", serve: (*Server).getCluster},
	{id: "updateGroupCluster", method: "PATCH", path: clusterPath + "/{clusterName}", versions: clusterWrites, limits: "clusters", body: &clusterUpdateRule, serve: (*Server).updateCluster},
	{id: "deleteGroupCluster", method: "DELETE", path: clusterPath + "/{clusterName}", versions: since("2023-01-01", "2023-02-01"), limits: "clusters", serve: (*Server).deleteCluster},
	{id: "autoGroupClusterScalingConfiguration", method: "GET", path: clusterPath + "/{clusterName}/autoScalingConfiguration", versions: scalingReads, limits: "clusters", serve: (*Server).getScalingMode},
	{id: "getGroupClusterProcessArgs", method: "GET", path: clusterPath + "/{clusterName}/processArgs", versions: argsVersions, limits: "clusters", serve: (*Server).getProcessArgs},
	{id: "updateGroupClusterProcessArgs", method: "PATCH", path: clusterPath + "/{clusterName}/processArgs", versions: argsVersions, limits: "clusters", body: &argsRule, serve: (*Server).updateProcessArgs},
}

var clusterName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9-]{0,63}$`)

// prefixLength is how many letters of a cluster's name must be unique in its project. The documentation
// speaks of a number without naming it; this one is general knowledge.
const prefixLength = 23

// State names of a cluster.
const (
	creating = "CREATING"
	idle     = "IDLE"
	updating = "UPDATING"
	deleting = "DELETING"
)

func (s *Server) clusterView(c *call, it *item) object {
	name := textOf(it.Doc, "name")
	href := c.base + apiRoot + "/groups/" + c.project.id() + "/clusters/" + name
	doc := s.view(it.Doc, name, []any{self(href),
		object{"href": href + "/backup/restoreJobs", "rel": "https://cloud.mongodb.com/restoreJobs"},
		object{"href": href + "/backup/snapshots", "rel": "https://cloud.mongodb.com/snapshots"}})
	if it.Progress != nil && it.Progress.Linger {
		it.Progress.Linger = false
		doc["stateName"] = idle
	}
	return doc
}

// busy sends a cluster into a state that it leaves by itself. One that shares its machines takes a tenth of the time.
func (s *Server) busy(it *item, state string, takes time.Duration) {
	if isTenant(it.Doc) || isFlex(it.Doc) {
		takes /= 10
	}
	it.Doc["stateName"] = state
	it.Progress = &progress{Until: s.now().Add(takes), Polls: s.opts.Polls}
}

// due reports whether what an object was busy with is over, and notes that it is. polled says that a client reads it.
func (s *Server) due(p *project, it *item, polled bool) bool {
	switch {
	case it.Progress == nil:
		return false
	case s.opts.Polls > 0 && !polled:
		return false
	case s.opts.Polls > 0:
		if it.Progress.Polls--; it.Progress.Polls >= 0 {
			s.dirty[p.id()] = true
			return false
		}
	case s.now().Before(it.Progress.Until):
		return false
	}
	it.Progress = nil
	s.dirty[p.id()] = true
	return true
}

// settle ends what a cluster was busy with, if its time has come. polled says that a client reads it.
func (s *Server) settle(p *project, it *item, polled bool) {
	var into object
	if it.Progress != nil {
		into = it.Progress.Into
	}
	switch {
	case !s.due(p, it, polled):
		return
	case into != nil:
		s.finishUpgrade(p, it, into)
		return
	}
	if textOf(it.Doc, "stateName") == deleting {
		p.dropCluster(clusterKind(it.Doc), textOf(it.Doc, "name"))
		return
	}
	it.Doc["stateName"] = idle
	if objectOf(it.Doc, "connectionStrings")["standard"] == nil {
		it.Doc["connectionStrings"] = connectionStrings(it.Doc, true)
	}
}

// settleAll settles the clusters of a kind in a project.
func (s *Server) settleAll(p *project, kind Kind, polled bool) {
	for _, it := range p.of(kind).all() {
		s.settle(p, it, polled)
	}
}

// settleNamed settles the cluster of a name, whichever API it is of: an upgrade takes it from one to the other.
func (s *Server) settleNamed(c *call, name string) {
	for _, kind := range []Kind{Cluster, FlexCluster} {
		if it, ok := c.project.of(kind).get(name); ok {
			s.settle(c.project, it, c.op.method == "GET")
			return
		}
	}
}

// findCluster returns the cluster of the path, settled.
func (s *Server) findCluster(c *call) (*item, *apiError) {
	name := c.params["clusterName"]
	s.settleNamed(c, name)
	it, ok := c.project.of(Cluster).get(name)
	if _, flex := c.project.of(FlexCluster).get(name); flex {
		return nil, fail("CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API", name)
	}
	if !ok {
		return nil, fail("CLUSTER_NOT_FOUND", name, c.project.id())
	}
	return it, nil
}

func (s *Server) listClusters(c *call) *apiError {
	s.settleAll(c.project, Cluster, true)
	s.settleAll(c.project, FlexCluster, false)
	return servePage(c, c.project.of(Cluster), func(it *item) any { return s.clusterView(c, it) }, "includeDeletedWithRetainedBackups=false")
}

func (s *Server) getCluster(c *call) *apiError {
	it, err := s.findCluster(c)
	if err == nil {
		c.out = s.clusterView(c, it)
	}
	return err
}

// checkClusterName refuses a name that is none, or that a cluster of either API has.
func checkClusterName(p *project, name string) *apiError {
	if !clusterName.MatchString(name) {
		return fail("CLUSTER_NAME_INVALID", name)
	}
	for _, kind := range []Kind{Cluster, FlexCluster} {
		for other := range p.of(kind).all() {
			switch {
			case other == name:
				return fail("DUPLICATE_CLUSTER_NAME", "cluster or serverless instance", name, p.id())
			case len(name) >= prefixLength && strings.HasPrefix(other, name[:prefixLength]):
				return fail("DUPLICATE_CLUSTER_NAME_PREFIX", name, prefixLength)
			}
		}
	}
	return nil
}

func (s *Server) createCluster(c *call) *apiError {
	in := c.in()
	name := textOf(in, "name")
	if err := checkClusterName(c.project, name); err != nil {
		return err
	}
	if boolOf(in, "paused") {
		return fail("CANNOT_CREATE_PAUSED_CLUSTER", name)
	}
	doc := object{"id": s.newID(), "groupId": c.project.id(), "createDate": stamp(s.now())}
	if err := s.fillCluster(doc, in, nil); err != nil {
		return err
	}
	it := &item{Doc: doc}
	s.busy(it, creating, s.opts.CreateTime)
	doc["connectionStrings"] = connectionStrings(doc, false)
	s.addContainers(c.project, doc)
	c.project.store(Cluster, name, it)
	c.setJSON(http.StatusCreated, s.clusterView(c, it))
	return nil
}

func (s *Server) updateCluster(c *call) *apiError {
	it, err := s.findCluster(c)
	if err != nil {
		return err
	}
	in := c.in()
	if err := checkUpdate(it, in); err != nil {
		return err
	}
	doc := clone(it.Doc)
	if err := s.fillCluster(doc, in, objectsOf(it.Doc, "replicationSpecs")); err != nil {
		return err
	}
	it.Doc = doc
	s.addContainers(c.project, doc)
	s.change(it)
	c.out = s.clusterView(c, it)
	return nil
}

// change sends a cluster into UPDATING; one that is being created stays so. What Atlas does with a change
// during the creation was not recorded.
func (s *Server) change(it *item) {
	if textOf(it.Doc, "stateName") != creating {
		s.busy(it, updating, s.opts.UpdateTime)
	}
}

// checkUpdate refuses changes that can't be made to the cluster as it is.
func checkUpdate(it *item, in object) *apiError {
	live, name := it.Doc, textOf(it.Doc, "name")
	changed := func(field string) bool { return in[field] != nil && canonical(in[field]) != canonical(live[field]) }
	switch {
	case textOf(live, "stateName") == deleting:
		return fail("CLUSTER_ALREADY_REQUESTED_DELETION", name)
	case it.Progress != nil && it.Progress.Into != nil:
		return fail("TENANT_CLUSTER_UPDATE_UNSUPPORTED")
	}
	if changed("name") {
		return fail("CLUSTER_CANNOT_CHANGE_NAME")
	}
	if err := checkPause(it, in); err != nil {
		return err
	}
	from, to := textOf(live, "clusterType"), textOf(in, "clusterType")
	switch {
	case changed("clusterType") && (from == "GEOSHARDED" || to == "GEOSHARDED"):
		return fail("CANNOT_CHANGE_GEOSHARDED_CLUSTER_TYPE")
	case changed("clusterType") && to == "REPLICASET":
		return fail("SHARDED_CLUSTER_CANT_BECOME_REPLICA_SET")
	case changed("globalClusterSelfManagedSharding"):
		return fail("ATTRIBUTE_READ_ONLY", "globalClusterSelfManagedSharding")
	case changed("mongoDBMajorVersion") && olderVersion(textOf(in, "mongoDBMajorVersion"), textOf(live, "mongoDBMajorVersion")):
		return fail("INVALID_ATTRIBUTE", "mongoDBMajorVersion")
	}
	if isTenant(live) {
		for field := range in {
			if !slices.Contains([]string{"name", "tags", "labels", "terminationProtectionEnabled"}, field) && changed(field) {
				return fail("TENANT_CLUSTER_UPDATE_UNSUPPORTED")
			}
		}
	}
	return nil
}

// checkPause holds the rules of pausing: it goes alone, and a paused cluster takes nothing but its resumption.
func checkPause(it *item, in object) *apiError {
	name, paused := textOf(it.Doc, "name"), boolOf(it.Doc, "paused")
	pause, given := in["paused"].(bool)
	others := 0
	for field := range in {
		others += btoi(field != "paused" && field != "name")
	}
	switch {
	case paused && given && pause && others == 0:
		return fail("CLUSTER_ALREADY_PAUSED")
	case paused && (!given || pause || others > 0):
		return fail("CANNOT_UPDATE_PAUSED_CLUSTER", name)
	case !paused && pause && isTenant(it.Doc):
		return fail("TENANT_CLUSTER_UPDATE_UNSUPPORTED")
	case !paused && pause && others > 0:
		return fail("CANNOT_UPDATE_AND_PAUSE_CLUSTER", name)
	case !paused && pause && it.Progress != nil:
		return fail("CANNOT_PAUSE_CLUSTER_WITH_PENDING_CHANGES")
	}
	return nil
}

func (s *Server) deleteCluster(c *call) *apiError {
	it, err := s.findCluster(c)
	if err != nil {
		return err
	}
	retain := c.req.URL.Query().Get("retainBackups")
	if retain != "" && retain != "true" && retain != "false" {
		return fail("INVALID_QUERY_PARAMETER", "retainBackups")
	}
	if err := s.startDeletion(c, it); err != nil {
		return err
	}
	if retain != "true" {
		dropSnapshots(c.project, textOf(it.Doc, "id"))
	}
	it.Progress.Linger = s.opts.DeleteLingers
	c.setJSON(http.StatusAccepted, object{})
	return nil
}

// startDeletion sends a cluster of either API into DELETING, unless it is protected.
func (s *Server) startDeletion(c *call, it *item) *apiError {
	name := textOf(it.Doc, "name")
	switch {
	case textOf(it.Doc, "stateName") == deleting:
		return fail("CLUSTER_ALREADY_REQUESTED_DELETION", name)
	case boolOf(it.Doc, "terminationProtectionEnabled"):
		return fail("CANNOT_TERMINATE_CLUSTER_WHEN_TERMINATION_PROTECTION_ENABLED", "Cannot terminate cluster "+name+" in group "+
			c.project.id()+" because termination protection is enabled. Disable termination protection and try again.")
	}
	s.busy(it, deleting, s.opts.DeleteTime)
	return nil
}

// getScalingMode tells whether shards scale by themselves. The recorded clusters show CLUSTER_WIDE_SCALING;
// when Atlas changes over was not recorded: here, when the shards differ.
func (s *Server) getScalingMode(c *call) *apiError {
	it, err := s.findCluster(c)
	if err != nil {
		return err
	}
	mode := "CLUSTER_WIDE_SCALING"
	shards := objectsOf(it.Doc, "replicationSpecs")
	for _, shard := range shards {
		if canonical(shard["regionConfigs"]) != canonical(shards[0]["regionConfigs"]) {
			mode = "INDEPENDENT_SHARD_SCALING"
		}
	}
	c.out = object{"autoScalingMode": mode}
	return nil
}
