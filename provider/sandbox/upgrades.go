package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Upgrades give a cluster that shares its machines machines of its own, or make a flex cluster of a free one. The
// answer shows the cluster as it was, UPDATING; when that is over it has another id and, to the API, another kind.
// Recorded are upgrades of free clusters; those of flex clusters follow the specification.

// notHere is a field of an upgrade's request that the sandbox refuses: what Atlas makes of it was not recorded.
var notHere = rule{kind: kindAny}

var tenantUpgradeRule = of(shape{
	"configServerType": owned, "connectionStrings": owned, "createDate": owned, "deleteAfterDate": owned,
	"featureCompatibilityVersion": owned, "featureCompatibilityVersionExpirationDate": owned, "groupId": owned, "id": owned,
	"links": owned, "mongoDBEmployeeAccessGrant": owned, "mongoDBVersion": owned, "mongoURI": owned, "mongoURIUpdated": owned,
	"mongoURIWithOptions": owned, "srvAddress": owned, "stateName": owned,

	"name": text.need(),
	"providerSettings": of(shape{
		"autoScaling": notHere, "backingProviderName": enum("AWS", "AZURE", "GCP"), "diskIOPS": notHere, "diskTypeName": notHere,
		"effectiveInstanceSizeName": owned, "encryptEBSVolume": notHere, "instanceSizeName": text.need(),
		"providerName": enum("AWS", "AZURE", "GCP", "FLEX").need(), "regionName": text.need().like(`^[A-Z0-9_]+$`), "volumeType": notHere,
	}).need(),
	"tags": list(tagRule),

	"acceptDataRisksAndForceReplicaSetReconfig": notHere, "advancedConfiguration": notHere, "autoScaling": notHere,
	"backupEnabled": notHere, "biConnector": notHere, "clusterType": notHere, "configServerManagementMode": notHere,
	"deleteAfterCreationHours": notHere, "diskSizeGB": notHere, "diskWarmingMode": notHere, "encryptionAtRestProvider": notHere,
	"globalClusterSelfManagedSharding": notHere, "labels": notHere, "mongoDBMajorVersion": notHere, "numShards": notHere,
	"paused": notHere, "pitEnabled": notHere, "providerBackupEnabled": notHere, "replicaSetScalingStrategy": notHere,
	"replicationFactor": notHere, "replicationSpec": notHere, "replicationSpecs": notHere, "rootCertType": notHere,
	"terminationProtectionEnabled": notHere, "versionReleaseSystem": notHere,
})

// flexUpgradeRule takes what a new cluster takes.
var flexUpgradeRule = func() rule {
	fields := optional(clusterFields)
	fields["name"] = text.need()
	return of(fields)
}()

var upgradeOperations = []*operation{
	{id: "upgradeGroupClusterTenantUpgrade", method: "POST", path: clusterPath + "/tenantUpgrade", versions: since("2023-01-01"), limits: "clusters", body: &tenantUpgradeRule, serve: (*Server).upgradeTenant},
	{id: "tenantGroupFlexClusterUpgrade", method: "POST", path: flexPath + ":tenantUpgrade", versions: since("2024-11-13"), limits: "flexClusters", body: &flexUpgradeRule, serve: (*Server).upgradeFlex},
}

// upgradeTenant upgrades a free cluster to a dedicated or a flex one.
func (s *Server) upgradeTenant(c *call) *apiError {
	in := c.in()
	name, settings := textOf(in, "name"), objectOf(in, "providerSettings")
	for _, fields := range []object{in, settings} {
		for field := range fields {
			if r := tenantUpgradeRule.fields[field]; r.kind == kindAny && field != "providerSettings" {
				return fail("INVALID_ATTRIBUTE", field)
			}
		}
	}
	c.params["clusterName"] = name
	it, err := s.findCluster(c)
	if err != nil {
		return err
	}
	if err := upgradable(it, isTenant(it.Doc)); err != nil {
		return err
	}
	var into object
	if textOf(settings, "providerName") == "FLEX" {
		into, err = s.flexOf(it.Doc, settings)
	} else {
		into, err = s.dedicatedOf(it.Doc, textOf(settings, "providerName"), textOf(settings, "regionName"), textOf(settings, "instanceSizeName"))
	}
	if err != nil {
		return err
	}
	if tags, given := in["tags"]; given {
		it.Doc["tags"], into["tags"] = tags, tags
	}
	s.upgrade(it, into)
	c.out = s.legacyView(c, it)
	return nil
}

// upgradeFlex upgrades a flex cluster to a dedicated one. Whether Atlas keeps what the request does not say was not
// recorded: here it does.
func (s *Server) upgradeFlex(c *call) *apiError {
	in := c.in()
	c.params["name"] = textOf(in, "name")
	it, err := s.findFlex(c)
	if err != nil {
		return err
	}
	if err := upgradable(it, true); err != nil {
		return err
	}
	if in["replicationSpecs"] == nil {
		return fail("MISSING_ATTRIBUTE", "replicationSpecs")
	}
	into := object{"id": s.newID(), "groupId": c.project.id(), "createDate": it.Doc["createDate"], "clusterType": "REPLICASET",
		"tags": it.Doc["tags"], "terminationProtectionEnabled": it.Doc["terminationProtectionEnabled"]}
	if err := s.fillCluster(into, in, nil); err != nil {
		return err
	}
	if isTenant(into) {
		return fail("INVALID_ATTRIBUTE", "providerName")
	}
	s.upgrade(it, into)
	c.out = it.Doc
	return nil
}

// upgradable refuses what cannot be upgraded now. The codes are of near relatives: no refusal was recorded.
func upgradable(it *item, shared bool) *apiError {
	switch {
	case textOf(it.Doc, "stateName") == deleting:
		return fail("CLUSTER_ALREADY_REQUESTED_DELETION", textOf(it.Doc, "name"))
	case !shared:
		return fail("INVALID_ATTRIBUTE", "name")
	case it.Progress != nil:
		return fail("TENANT_CLUSTER_UPDATE_UNSUPPORTED")
	}
	return nil
}

// upgrade sends a cluster into the state in which it is upgraded. That takes as long as making one with machines of
// its own does.
func (s *Server) upgrade(it *item, into object) {
	it.Doc["stateName"] = updating
	it.Progress = &progress{Until: s.now().Add(s.opts.CreateTime), Polls: s.opts.Polls, Into: into}
}

// finishUpgrade puts the upgraded cluster in the place of what it was.
func (s *Server) finishUpgrade(p *project, it *item, into object) {
	name := textOf(it.Doc, "name")
	p.of(clusterKind(it.Doc)).remove(name)
	*it = item{Doc: into}
	into["stateName"] = idle
	into["connectionStrings"] = connectionStrings(into, true)
	p.store(clusterKind(into), name, it)
	s.addContainers(p, into)
}

// dedicatedOf returns a free cluster as it is once it has machines of its own: three nodes in one region.
func (s *Server) dedicatedOf(doc object, provider, region, size string) (object, *apiError) {
	if instanceSize.pattern == nil || !instanceSize.pattern.MatchString(size) || size == "M0" {
		return nil, invalid("instanceSizeName", "must be a size from M10 on")
	}
	zone := textOf(objectsOf(doc, "replicationSpecs")[0], "zoneName")
	into := clone(doc)
	into["id"] = s.newID()
	into["replicationSpecs"] = []any{object{"zoneName": zone, "regionConfigs": []any{object{"providerName": provider, "regionName": region,
		"priority": json.Number("7"), "electableSpecs": object{"instanceSize": size, "nodeCount": json.Number("3")}}}}}
	if err := s.fillSpecs(into, nil); err != nil {
		return nil, err
	}
	into["advancedConfiguration"] = tlsDefaults()
	showEffective(into)
	return into, nil
}

// flexOf returns a free cluster as it is once it is a flex cluster.
func (s *Server) flexOf(doc, settings object) (object, *apiError) {
	if textOf(settings, "backingProviderName") == "" {
		return nil, fail("MISSING_ATTRIBUTE", "backingProviderName")
	}
	into := newFlex(object{"backingProviderName": settings["backingProviderName"], "regionName": settings["regionName"]})
	for _, field := range []string{"groupId", "name", "createDate", "tags", "terminationProtectionEnabled"} {
		into[field] = doc[field]
	}
	into["id"] = s.newID()
	return into, nil
}

// legacyView shows a cluster as the answers of 2023-01-01 do.
func (s *Server) legacyView(c *call, it *item) object {
	doc := s.clusterView(c, it)
	spec := objectsOf(doc, "replicationSpecs")[0]
	region := objectsOf(spec, "regionConfigs")[0]
	place := textOf(region, "regionName")
	nodes := object{place: object{"analyticsNodes": 0, "electableNodes": 3, "priority": 7, "readOnlyNodes": 0}}
	uris := objectOf(doc, "connectionStrings")
	out := object{
		"autoScaling": object{"compute": object{"enabled": false, "scaleDownEnabled": false}, "diskGBEnabled": false},
		"diskSizeGB":  objectOf(region, "electableSpecs")["diskSizeGB"], "mongoURI": seeds(uris), "mongoURIUpdated": doc["createDate"],
		"mongoURIWithOptions": uris["standard"], "numShards": 1, "providerBackupEnabled": false,
		"providerSettings": object{"autoScaling": object{"compute": object{"maxInstanceSize": nil, "minInstanceSize": nil}},
			"backingProviderName": region["backingProviderName"], "effectiveInstanceSizeName": "M0", "instanceSizeName": "M0",
			"providerName": "TENANT", "regionName": place},
		"replicationFactor": 3, "replicationSpec": nodes, "srvAddress": uris["standardSrv"],
		"replicationSpecs": []any{object{"id": spec["id"], "numShards": 1, "regionsConfig": nodes, "zoneName": spec["zoneName"]}},
	}
	for _, field := range []string{"backupEnabled", "biConnector", "clusterType", "connectionStrings", "createDate", "diskWarmingMode",
		"encryptionAtRestProvider", "globalClusterSelfManagedSharding", "groupId", "id", "labels", "links", "mongoDBMajorVersion",
		"mongoDBVersion", "name", "paused", "pitEnabled", "rootCertType", "stateName", "tags", "terminationProtectionEnabled", "versionReleaseSystem"} {
		out[field] = doc[field]
	}
	return out
}

// seeds is a connection string without its options.
func seeds(of object) string {
	uri, _, _ := strings.Cut(fmt.Sprint(of["standard"]), "/?")
	return uri
}
