package sandbox

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

const snapshotPath = clusterPath + "/{clusterName}/backup/snapshots"

var takeRule = of(shape{"description": text, "links": owned, "retentionInDays": integer.between(1, 1<<31-1)})

var keepRule = of(shape{"links": owned, "retentionUnit": enum("DAYS", "WEEKS", "MONTHS", "YEARS").need(), "retentionValue": integer.between(1, 1<<31-1).need()})

// A sharded cluster has its snapshots below paths of their own, but for taking and keeping them.
var snapshotOperations = append([]*operation{
	{id: "listGroupClusterBackupSnapshots", method: "GET", path: snapshotPath, versions: since("2023-01-01"), limits: "backup", serve: (*Server).listSnapshots},
	{id: "takeGroupClusterBackupSnapshots", method: "POST", path: snapshotPath, versions: since("2023-01-01"), limits: "backup", body: &takeRule, serve: (*Server).takeSnapshot},
	{id: "getGroupClusterBackupSnapshot", method: "GET", path: snapshotPath + "/{snapshotId}", versions: since("2023-01-01"), limits: "backup", serve: (*Server).getSnapshot},
	{id: "updateGroupClusterBackupSnapshot", method: "PATCH", path: snapshotPath + "/{snapshotId}", versions: since("2023-01-01"), limits: "backup", body: &keepRule, serve: (*Server).keepSnapshot},
	{id: "deleteGroupClusterBackupSnapshot", method: "DELETE", path: snapshotPath + "/{snapshotId}", versions: since("2023-01-01"), limits: "backup", serve: (*Server).deleteSnapshot},
	{id: "listGroupClusterBackupSnapshotShardedClusters", method: "GET", path: snapshotPath + "/shardedClusters", versions: since("2023-01-01"), limits: "backup", serve: (*Server).listSnapshots},
	{id: "getGroupClusterBackupSnapshotShardedCluster", method: "GET", path: snapshotPath + "/shardedCluster/{snapshotId}", versions: since("2023-01-01"), limits: "backup", serve: (*Server).getSnapshot},
	{id: "deleteGroupClusterBackupSnapshotShardedCluster", method: "DELETE", path: snapshotPath + "/shardedCluster/{snapshotId}", versions: since("2023-01-01"), limits: "backup", serve: (*Server).deleteSnapshot},
}, append(restoreOperations, complianceOperations...)...)

// States of a snapshot.
const (
	queued     = "queued"
	inProgress = "inProgress"
	completed  = "completed"
)

// sharded reports whether an operation is about the snapshots of sharded clusters only.
func (op *operation) sharded() bool {
	return slices.Contains([]string{"listGroupClusterBackupSnapshotShardedClusters", "getGroupClusterBackupSnapshotShardedCluster",
		"deleteGroupClusterBackupSnapshotShardedCluster"}, op.id)
}

// backedUp returns the cluster of the path that has or had backups: the one that is there, else the one whose
// snapshots outlived it.
func (s *Server) backedUp(c *call) (source, *item, *apiError) {
	name := c.params["clusterName"]
	if it, ok := c.project.of(Cluster).get(name); ok {
		return source{ID: textOf(it.Doc, "id"), Name: name}, it, nil
	}
	for _, it := range c.project.of(BackupSnapshot).all() {
		if it.Of.Name == name {
			return *it.Of, nil, nil
		}
	}
	return source{}, nil, fail("CLUSTER_NOT_FOUND", name, c.project.id())
}

// settleSnapshots goes on with the snapshots that are being taken, of one cluster or of all. polled says that a client
// reads them.
func (s *Server) settleSnapshots(p *project, cluster string, polled bool) {
	for id, it := range p.of(BackupSnapshot).all() {
		if it.Progress != nil && (cluster == "" || it.Of.ID == cluster) {
			s.settleSnapshot(p, id, it, polled)
		}
	}
}

func (s *Server) settleSnapshot(p *project, id string, it *item, polled bool) {
	switch {
	case s.opts.Polls > 0 && !polled:
		return
	case s.opts.Polls > 0:
		it.Progress.Polls--
		s.dirty[p.id()] = true
		if it.Progress.Polls >= 0 {
			it.Doc["status"] = inProgress
			return
		}
	case s.now().Before(it.Progress.Until):
		if it.Progress.Until.Sub(s.now()) <= s.opts.SnapshotTime/2 {
			it.Doc["status"] = inProgress
		}
		return
	}
	it.Progress = nil
	s.dirty[p.id()] = true
	it.Doc["status"], it.Doc["createdAt"] = completed, stamp(s.now())
	it.Doc["expiresAt"] = stamp(s.now().AddDate(0, 0, int(it.Of.Days)))
	it.Doc["mongodVersion"], it.Doc["storageSizeBytes"] = "8.0.16", 1657188352
	if it.Doc["type"] == "replicaSet" {
		it.Doc["cloudProvider"] = "AWS"
	}
	p.store(BackupSnapshot, id, it)
}

// snapshotsOf returns the snapshots that a path shows: those of sharded clusters have paths of their own.
func (s *Server) snapshotsOf(c *call, of source) *index[*item] {
	s.settleSnapshots(c.project, of.ID, c.op.method == "GET")
	out := &index[*item]{seed: c.project.of(BackupSnapshot).seed}
	for id, it := range c.project.of(BackupSnapshot).all() {
		if it.Of.ID == of.ID && (it.Doc["type"] == "shardedCluster") == c.op.sharded() {
			out.put(id, it)
		}
	}
	return out
}

func (s *Server) listSnapshots(c *call) *apiError {
	of, _, err := s.backedUp(c)
	if err != nil {
		return err
	}
	return servePage(c, s.snapshotsOf(c, of), func(it *item) any { return s.snapshotView(c, it) })
}

func (s *Server) snapshotView(c *call, it *item) object {
	href := c.base + apiRoot + "/groups/" + c.project.id() + "/clusters/" + it.Of.Name
	return s.view(it.Doc, it.Of.Name, []any{self(href + "/backup/snapshots/" + textOf(it.Doc, "id")), object{"href": href, "rel": "https://cloud.mongodb.com/cluster"}})
}

// findSnapshot returns the snapshot of the path. Keeping one longer is asked for below one path for all.
func (s *Server) findSnapshot(c *call) (*item, *apiError) {
	of, _, err := s.backedUp(c)
	if err != nil {
		return nil, err
	}
	s.settleSnapshots(c.project, of.ID, c.op.method == "GET")
	it, ok := c.project.of(BackupSnapshot).get(c.params["snapshotId"])
	fits := ok && it.Of.ID == of.ID && (c.op.method == "PATCH" || (it.Doc["type"] == "shardedCluster") == c.op.sharded())
	if !fits {
		return nil, fail("SNAPSHOT_NOT_FOUND", c.params["snapshotId"], of.Name)
	}
	return it, nil
}

func (s *Server) getSnapshot(c *call) *apiError {
	it, err := s.findSnapshot(c)
	if err == nil {
		c.out = s.snapshotView(c, it)
	}
	return err
}

// takeSnapshot begins a snapshot. How long one is kept that nobody says it of, and the answers where another one is being
// taken or the cluster is paused, were not recorded.
func (s *Server) takeSnapshot(c *call) *apiError {
	of, cluster, err := s.backedUp(c)
	if err != nil {
		return err
	}
	if cluster == nil || s.scheduleOf(c.project, cluster) == nil {
		return fail("BACKUP_CONFIG_NOT_FOUND", of.Name, c.project.id())
	}
	if boolOf(cluster.Doc, "paused") {
		return fail("CANNOT_UPDATE_PAUSED_CLUSTER", of.Name)
	}
	for _, it := range c.project.of(BackupSnapshot).all() {
		if it.Of.ID == of.ID && it.Progress != nil {
			return failDetail(http.StatusConflict, "UNEXPECTED_ERROR", "A snapshot of cluster "+of.Name+" is being taken.")
		}
	}
	in := c.in()
	of.Days = max(intOf(in, "retentionInDays"), 1)
	doc := object{"id": s.newID(), "frequencyType": "ondemand", "policyItems": []any{}, "snapshotType": "onDemand", "status": queued, "storageSizeBytes": 0,
		"expiresAt": stamp(s.now().AddDate(0, 0, int(of.Days)))}
	if d, ok := in["description"]; ok {
		doc["description"] = d
	}
	if shards := len(objectsOf(cluster.Doc, "replicationSpecs")); textOf(cluster.Doc, "clusterType") == "REPLICASET" {
		doc["type"], doc["replicaSetName"], doc["copyRegions"] = "replicaSet", of.Name, []any{}
	} else {
		doc["type"] = "shardedCluster"
		s.addMembers(doc, of.Name, shards)
	}
	it := &item{Doc: doc, Of: &of, Progress: &progress{Until: s.now().Add(s.opts.SnapshotTime), Polls: s.opts.Polls}}
	c.project.store(BackupSnapshot, textOf(doc, "id"), it)
	c.out = s.snapshotView(c, it)
	return nil
}

// addMembers gives a snapshot of a sharded cluster one for each shard.
func (s *Server) addMembers(doc object, cluster string, shards int) {
	var members, ids []any
	for i := range shards {
		id := s.newID()
		members = append(members, object{"cloudProvider": "AWS", "id": id, "replicaSetName": cluster + "-shard-" + strconv.Itoa(i)})
		ids = append(ids, id)
	}
	doc["members"], doc["snapshotIds"] = members, ids
}

// keepSnapshot moves the expiry of a snapshot. From when Atlas counts was not recorded: here, from when it was taken.
func (s *Server) keepSnapshot(c *call) *apiError {
	it, err := s.findSnapshot(c)
	if err != nil {
		return err
	}
	from := s.now()
	if taken, err := time.Parse(time.RFC3339, textOf(it.Doc, "createdAt")); err == nil {
		from = taken
	}
	n := int(intOf(c.in(), "retentionValue"))
	switch textOf(c.in(), "retentionUnit") {
	case "WEEKS":
		from = from.AddDate(0, 0, 7*n)
	case "MONTHS":
		from = from.AddDate(0, n, 0)
	case "YEARS":
		from = from.AddDate(n, 0, 0)
	default:
		from = from.AddDate(0, 0, n)
	}
	it.Doc["expiresAt"] = stamp(from)
	c.project.store(BackupSnapshot, textOf(it.Doc, "id"), it)
	c.out = s.snapshotView(c, it)
	return nil
}

func (s *Server) deleteSnapshot(c *call) *apiError {
	it, err := s.findSnapshot(c)
	if err == nil {
		err = compliant(c.project)
	}
	if err != nil {
		return err
	}
	c.project.of(BackupSnapshot).remove(textOf(it.Doc, "id"))
	c.status = http.StatusNoContent
	return nil
}

// sourceOf returns the cluster that a backup which is put by hand says it is of.
func sourceOf(p *project, doc object) *source {
	of := &source{Name: textOf(doc, "clusterName")}
	delete(doc, "clusterName")
	if it, ok := p.of(Cluster).get(of.Name); ok {
		of.ID = textOf(it.Doc, "id")
	}
	return of
}

// dropSnapshots removes the snapshots of a cluster that is deleted without them.
func dropSnapshots(p *project, cluster string) {
	for id, it := range p.of(BackupSnapshot).all() {
		if it.Of.ID == cluster {
			p.of(BackupSnapshot).remove(id)
		}
	}
}
