package sandbox

import (
	"net/http"
	"time"
)

const restorePath = clusterPath + "/{clusterName}/backup/restoreJobs"

var restoreRule = of(shape{
	"cancelled": owned, "components": owned, "deliveryUrl": owned, "desiredTimestamp": owned, "expired": owned, "expiresAt": owned, "failed": owned,
	"finishedAt": owned, "id": owned, "links": owned, "privateDownloadDeliveryUrls": owned, "timestamp": owned,
	"deliveryType":          enum("automated", "download", "pointInTime").need(),
	"oplogInc":              integer.between(1, 1<<31-1),
	"oplogTs":               integer.between(1199145600, 1<<31-1),
	"pointInTimeUTCSeconds": integer.between(1199145600, 1<<31-1),
	"snapshotId":            text.like(`^([a-f0-9]{24})$`),
	"targetClusterName":     text.like(`^[a-zA-Z0-9][a-zA-Z0-9-]*$`),
	"targetGroupId":         text.like(`^([a-f0-9]{24})$`),
})

var restoreOperations = []*operation{
	{id: "listGroupClusterBackupRestoreJobs", method: "GET", path: restorePath, versions: since("2023-01-01"), limits: "backup", serve: (*Server).listRestores},
	{id: "createGroupClusterBackupRestoreJob", method: "POST", path: restorePath, versions: since("2023-01-01"), limits: "backup", body: &restoreRule, serve: (*Server).createRestore},
	{id: "getGroupClusterBackupRestoreJob", method: "GET", path: restorePath + "/{restoreJobId}", versions: since("2023-01-01"), limits: "backup", serve: (*Server).getRestore},
	{id: "cancelGroupClusterBackupRestoreJob", method: "DELETE", path: restorePath + "/{restoreJobId}", versions: since("2023-01-01"), limits: "backup", serve: (*Server).cancelRestore},
}

// settleRestores goes on with the jobs that are running. polled says that a client reads them.
func (s *Server) settleRestores(p *project, cluster string, polled bool) {
	for _, it := range p.of(RestoreJob).all() {
		if it.Progress == nil || cluster != "" && it.Of.ID != cluster {
			continue
		}
		switch {
		case s.opts.Polls > 0 && !polled:
			continue
		case s.opts.Polls > 0:
			it.Progress.Polls--
			if s.dirty[p.id()] = true; it.Progress.Polls >= 0 {
				continue
			}
		case s.now().Before(it.Progress.Until):
			continue
		}
		it.Progress = nil
		s.dirty[p.id()] = true
		it.Doc["finishedAt"] = stamp(s.now())
		if it.Doc["deliveryType"] == "download" {
			delete(it.Doc, "finishedAt")
			it.Doc["deliveryUrl"] = []any{"https://restore.example.com/" + textOf(it.Doc, "id") + ".tar.gz"}
			it.Doc["expiresAt"] = stamp(s.now().Add(time.Hour))
		}
	}
}

func (s *Server) restoreView(c *call, it *item) object {
	group := c.base + apiRoot + "/groups/" + c.project.id()
	cluster := group + "/clusters/" + it.Of.Name
	links := []any{self(cluster + "/backup/restoreJobs/" + textOf(it.Doc, "id"))}
	if id := textOf(it.Doc, "snapshotId"); id != "" {
		links = append(links, object{"href": cluster + "/backup/snapshots/" + id, "rel": "https://cloud.mongodb.com/snapshot"})
	}
	return s.view(it.Doc, it.Of.Name, append(links, object{"href": cluster, "rel": "https://cloud.mongodb.com/cluster"}, object{"href": group, "rel": "https://cloud.mongodb.com/group"}))
}

func (s *Server) listRestores(c *call) *apiError {
	of, _, err := s.backedUp(c)
	if err != nil {
		return err
	}
	s.settleRestores(c.project, of.ID, true)
	jobs := &index[*item]{seed: c.project.of(RestoreJob).seed}
	for id, it := range c.project.of(RestoreJob).all() {
		if it.Of.ID == of.ID {
			jobs.put(id, it)
		}
	}
	return servePage(c, jobs, func(it *item) any { return s.restoreView(c, it) })
}

// findRestore returns the job of the path. The code for one that is not there was not recorded.
func (s *Server) findRestore(c *call) (*item, *apiError) {
	of, _, err := s.backedUp(c)
	if err != nil {
		return nil, err
	}
	s.settleRestores(c.project, of.ID, c.op.method == "GET")
	it, ok := c.project.of(RestoreJob).get(c.params["restoreJobId"])
	if !ok || it.Of.ID != of.ID {
		return nil, fail("RESOURCE_NOT_FOUND", c.req.URL.Path)
	}
	return it, nil
}

func (s *Server) getRestore(c *call) *apiError {
	it, err := s.findRestore(c)
	if err == nil {
		c.out = s.restoreView(c, it)
	}
	return err
}

// createRestore begins to restore a snapshot, or a moment, into a cluster, which is busy meanwhile. What Atlas answers
// of the moment was not recorded: here, nothing.
func (s *Server) createRestore(c *call) *apiError {
	of, cluster, err := s.backedUp(c)
	if err != nil {
		return err
	}
	in := c.in()
	doc := object{"id": s.newID(), "cancelled": false, "deliveryType": in["deliveryType"], "deliveryUrl": []any{}, "expired": false, "failed": false,
		"desiredTimestamp": object{"date": nil, "increment": nil, "time": nil}}
	if in["deliveryType"] == "pointInTime" {
		err = restoreMoment(cluster, in)
	} else {
		err = s.restoreSnapshot(c, of, doc)
	}
	if err == nil && in["deliveryType"] != "download" {
		err = s.restoreInto(c, doc)
	}
	if err != nil {
		return err
	}
	it := &item{Doc: doc, Of: &of, Progress: &progress{Until: s.now().Add(s.opts.RestoreTime), Polls: s.opts.Polls}}
	c.project.store(RestoreJob, textOf(doc, "id"), it)
	c.out = s.restoreView(c, it)
	return nil
}

// restoreSnapshot checks the snapshot of a job and notes it.
func (s *Server) restoreSnapshot(c *call, of source, doc object) *apiError {
	id := textOf(c.in(), "snapshotId")
	if id == "" {
		return fail("MISSING_ATTRIBUTE", "snapshotId")
	}
	s.settleSnapshots(c.project, of.ID, false)
	it, ok := c.project.of(BackupSnapshot).get(id)
	if !ok || it.Of.ID != of.ID || it.Doc["status"] != completed {
		return fail("SNAPSHOT_NOT_FOUND", id, of.Name)
	}
	doc["snapshotId"], doc["timestamp"] = id, it.Doc["createdAt"]
	return nil
}

// restoreMoment checks the moment of a job: one of two forms, of a cluster with continuous backups.
func restoreMoment(cluster *item, in object) *apiError {
	seconds, ts, inc := in["pointInTimeUTCSeconds"] != nil, in["oplogTs"] != nil, in["oplogInc"] != nil
	switch {
	case cluster == nil || !boolOf(cluster.Doc, "pitEnabled"):
		return fail("INVALID_ATTRIBUTE", "deliveryType")
	case seconds == ts:
		return fail("INVALID_ATTRIBUTE", "pointInTimeUTCSeconds")
	case ts != inc:
		return fail("MISSING_ATTRIBUTE", "oplogInc")
	}
	return nil
}

// restoreInto checks the target of a job, notes it, and sets it to work.
func (s *Server) restoreInto(c *call, doc object) *apiError {
	in := c.in()
	group, name := textOf(in, "targetGroupId"), textOf(in, "targetClusterName")
	switch {
	case group == "":
		return fail("MISSING_ATTRIBUTE", "targetGroupId")
	case name == "":
		return fail("MISSING_ATTRIBUTE", "targetClusterName")
	}
	p, ok := s.projects.get(group)
	if !ok || textOf(p.Doc, "orgId") != c.who.org.ID {
		return fail("GROUP_NOT_FOUND", group)
	}
	target, ok := p.of(Cluster).get(name)
	switch {
	case !ok:
		return fail("CLUSTER_NOT_FOUND", name, group)
	case boolOf(target.Doc, "paused"):
		return fail("CANNOT_UPDATE_PAUSED_CLUSTER", name)
	case textOf(target.Doc, "stateName") == deleting:
		return fail("CLUSTER_ALREADY_REQUESTED_DELETION", name)
	}
	s.change(target)
	s.dirty[group] = true
	doc["targetClusterName"], doc["targetGroupId"], doc["targetDeploymentItemName"] = name, group, "atlas-"+textOf(doc, "id")[18:]
	return nil
}

// cancelRestore stops a job that is running. The answer of one that is over was not recorded.
func (s *Server) cancelRestore(c *call) *apiError {
	it, err := s.findRestore(c)
	if err != nil {
		return err
	}
	if it.Progress == nil {
		return failDetail(http.StatusMethodNotAllowed, "UNEXPECTED_ERROR", "The restore job is over.")
	}
	it.Progress, it.Doc["cancelled"] = nil, true
	c.status = http.StatusNoContent
	return nil
}
