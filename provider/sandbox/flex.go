package sandbox

import (
	"net/http"
)

const flexPath = apiRoot + "/groups/{groupId}/flexClusters"

var flexRule = of(shape{
	"links": owned,
	"name":  text.need(),
	"providerSettings": of(shape{
		"backingProviderName": enum("AWS", "AZURE", "GCP").need(), "diskSizeGB": owned, "providerName": owned, "regionName": text.need(),
	}).need(),
	"tags":                         list(tagRule),
	"terminationProtectionEnabled": boolean,
})

var flexUpdateRule = of(shape{"links": owned, "tags": list(tagRule), "terminationProtectionEnabled": boolean})

var flexOperations = []*operation{
	{id: "listGroupFlexClusters", method: "GET", path: flexPath, versions: since("2024-11-13"), limits: "flexClusters", serve: (*Server).listFlex},
	{id: "createGroupFlexCluster", method: "POST", path: flexPath, versions: since("2024-11-13"), limits: "flexClusters", body: &flexRule, serve: (*Server).createFlex},
	{id: "getGroupFlexCluster", method: "GET", path: flexPath + "/{name}", versions: since("2024-11-13"), limits: "flexClusters", serve: (*Server).getFlex},
	{id: "updateGroupFlexCluster", method: "PATCH", path: flexPath + "/{name}", versions: since("2024-11-13"), limits: "flexClusters", body: &flexUpdateRule, serve: (*Server).updateFlex},
	{id: "deleteGroupFlexCluster", method: "DELETE", path: flexPath + "/{name}", versions: since("2024-11-13"), limits: "flexClusters", serve: (*Server).deleteFlex},
	{id: "listGroupFlexClusterBackupSnapshots", method: "GET", path: flexPath + "/{name}/backup/snapshots", versions: since("2024-11-13"), limits: "flexClusters", serve: (*Server).listFlexSnapshots},
}

// isFlex reports whether a document is that of a flex cluster.
func isFlex(doc object) bool {
	return textOf(objectOf(doc, "providerSettings"), "providerName") == "FLEX"
}

// clusterKind is the kind of a cluster of either API.
func clusterKind(doc object) Kind {
	if isFlex(doc) {
		return FlexCluster
	}
	return Cluster
}

// findFlex returns the flex cluster of the path, settled. A cluster of the other API answers an error of its own.
func (s *Server) findFlex(c *call) (*item, *apiError) {
	name := c.params["name"]
	s.settleNamed(c, name)
	if it, ok := c.project.of(FlexCluster).get(name); ok {
		return it, nil
	}
	if _, ok := c.project.of(Cluster).get(name); ok {
		return nil, fail("CANNOT_USE_NON_FLEX_CLUSTER_IN_FLEX_API", name)
	}
	return nil, fail("CLUSTER_NOT_FOUND", name, c.project.id())
}

func (s *Server) listFlex(c *call) *apiError {
	s.settleAll(c.project, FlexCluster, true)
	s.settleAll(c.project, Cluster, false)
	return servePage(c, c.project.of(FlexCluster), func(it *item) any { return it.Doc })
}

func (s *Server) getFlex(c *call) *apiError {
	it, err := s.findFlex(c)
	if err == nil {
		c.out = it.Doc
	}
	return err
}

// listFlexSnapshots lists none: Atlas takes one a day by itself, and a sandbox does not.
func (s *Server) listFlexSnapshots(c *call) *apiError {
	if _, err := s.findFlex(c); err != nil {
		return err
	}
	return servePage(c, &index[*item]{}, func(*item) any { return nil })
}

// newFlex is what every flex cluster begins as.
func newFlex(settings object) object {
	settings["providerName"], settings["diskSizeGB"] = "FLEX", 5.0
	return object{"providerSettings": settings, "backupSettings": object{"enabled": true}, "clusterType": "REPLICASET",
		"mongoDBVersion": "8.0.16", "versionReleaseSystem": "LTS", "tags": []any{}, "terminationProtectionEnabled": false}
}

// createFlex shows tags only where some are given; reads show an empty list.
func (s *Server) createFlex(c *call) *apiError {
	in := c.in()
	name := textOf(in, "name")
	if err := checkClusterName(c.project, name); err != nil {
		return err
	}
	doc := newFlex(objectOf(in, "providerSettings"))
	doc["id"], doc["groupId"], doc["createDate"], doc["name"] = s.newID(), c.project.id(), stamp(s.now()), name
	for _, field := range []string{"tags", "terminationProtectionEnabled"} {
		if value, ok := in[field]; ok {
			doc[field] = value
		}
	}
	it := &item{Doc: doc}
	s.busy(it, creating, s.opts.CreateTime)
	doc["connectionStrings"] = object{}
	c.project.store(FlexCluster, name, it)
	out := s.view(doc, name, nil)
	if in["tags"] == nil {
		delete(out, "tags")
	}
	c.setJSON(http.StatusCreated, out)
	return nil
}

// updateFlex takes tags and the protection. No recording shows a change: here it sets the cluster to work as one of
// the other API does.
func (s *Server) updateFlex(c *call) *apiError {
	it, err := s.findFlex(c)
	if err != nil {
		return err
	}
	switch {
	case textOf(it.Doc, "stateName") == deleting:
		return fail("CLUSTER_ALREADY_REQUESTED_DELETION", textOf(it.Doc, "name"))
	case it.Progress != nil && it.Progress.Into != nil:
		return fail("TENANT_CLUSTER_UPDATE_UNSUPPORTED")
	}
	doc := clone(it.Doc)
	for field, value := range c.in() {
		doc[field] = value
	}
	it.Doc = doc
	s.change(it)
	c.out = it.Doc
	return nil
}

func (s *Server) deleteFlex(c *call) *apiError {
	it, err := s.findFlex(c)
	if err != nil {
		return err
	}
	if err := s.startDeletion(c, it); err != nil {
		return err
	}
	c.status = http.StatusNoContent
	return nil
}
