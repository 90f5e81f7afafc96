package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

var (
	instanceSize = text.like(`^([MR][1-9][0-9]{1,2}(_NVME)?(_GEN_2)?|M0)$`)
	hardware     = of(shape{"diskSizeGB": number, "diskIOPS": integer.between(0, 1<<31-1), "diskThroughput": owned, "ebsVolumeType": enum("STANDARD", "PROVISIONED", "HIGH_PERFORMANCE"),
		"effectiveInstanceSize": owned, "instanceSize": instanceSize, "nodeCount": integer.between(0, 50)})
	autoScaling = of(shape{
		"compute": of(shape{"enabled": boolean, "maxInstanceSize": instanceSize, "minInstanceSize": instanceSize, "predictiveEnabled": boolean, "scaleDownEnabled": boolean}),
		"diskGB":  of(shape{"enabled": boolean}),
	})
	tlsFields = shape{
		"customOpensslCipherConfigTls12": list(text), "customOpensslCipherConfigTls13": list(text),
		"minimumEnabledTlsProtocol": enum("TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3"), "tlsCipherConfigMode": enum("DEFAULT", "CUSTOM"),
	}
)

// replicationSpecRule takes the ids that answers show, though the specification calls them read-only: an
// id that comes back says which shard is meant.
var replicationSpecRule = of(shape{
	"id": text, "zoneId": owned, "zoneName": text,
	"regionConfigs": list(of(shape{
		"analyticsAutoScaling": autoScaling, "autoScaling": autoScaling,
		"analyticsSpecs": hardware, "electableSpecs": hardware, "readOnlySpecs": hardware,
		"effectiveAnalyticsSpecs": owned, "effectiveElectableSpecs": owned, "effectiveReadOnlySpecs": owned,
		"backingProviderName": enum("AWS", "AZURE", "GCP"),
		"priority":            integer.between(0, 7),
		"providerName":        enum("AWS", "AZURE", "GCP", "TENANT").need(),
		"regionName":          text.need().like(`^[A-Z0-9_]+$`),
	})).need().between(1, 0),
})

var clusterFields = shape{
	"configServerType": owned, "connectionStrings": owned, "createDate": owned, "effectiveReplicationSpecs": owned,
	"featureCompatibilityVersion": owned, "featureCompatibilityVersionExpirationDate": owned, "groupId": owned, "id": owned,
	"internalClusterRole": owned, "links": owned, "mongoDBVersion": owned, "stateName": owned,
	"mongoDBEmployeeAccessGrant": owned, "retainBackups": owned,

	"acceptDataRisksAndForceReplicaSetReconfig": date,
	"adaptiveCapacity":                          enum("ENABLED", "DISABLED"),
	"advancedConfiguration":                     of(tlsFields),
	"backupEnabled":                             boolean,
	"biConnector":                               of(shape{"enabled": boolean, "readPreference": enum("primary", "secondary", "analytics")}),
	"clusterType":                               enum("REPLICASET", "SHARDED", "GEOSHARDED").need(),
	"configServerManagementMode":                enum("ATLAS_MANAGED", "FIXED_TO_DEDICATED"),
	"diskWarmingMode":                           enum("FULLY_WARMED", "VISIBLE_EARLIER", "ENHANCED_FULLY_WARMED"),
	"encryptionAtRestProvider":                  enum("NONE", "AWS", "AZURE", "GCP"),
	"globalClusterSelfManagedSharding":          boolean,
	"labels":                                    list(labelRule),
	"mongoDBMajorVersion":                       text.like(`^[0-9]+(\.[0-9]+)?$`),
	"name":                                      text.need(),
	"paused":                                    boolean,
	"pitEnabled":                                boolean,
	"redactClientLogData":                       boolean,
	"replicaSetScalingStrategy":                 enum("SEQUENTIAL", "WORKLOAD_TYPE", "NODE_TYPE"),
	"replicationSpecs":                          list(replicationSpecRule).need().between(1, 70),
	"rootCertType":                              enum("ISRGROOTX1"),
	"tags":                                      list(tagRule),
	"terminationProtectionEnabled":              boolean,
	"useAwsTimeBasedSnapshotCopyForFastInitialSync": boolean,
	"versionReleaseSystem":                          enum("LTS", "CONTINUOUS"),
}

var (
	clusterRule       = of(clusterFields)
	clusterUpdateRule = of(optional(clusterFields))
)

const defaultMajorVersion = "8.0"

// clusterDefaults are what the server fills in (recorded).
func clusterDefaults() object {
	return object{
		"adaptiveCapacity": nil, "backupEnabled": false, "biConnector": object{"enabled": false, "readPreference": "secondary"},
		"diskWarmingMode": "FULLY_WARMED", "encryptionAtRestProvider": "NONE", "globalClusterSelfManagedSharding": false,
		"internalClusterRole": "NONE", "labels": []any{}, "mongoDBMajorVersion": defaultMajorVersion, "paused": false,
		"pitEnabled": false, "redactClientLogData": false, "retainBackups": false, "rootCertType": "ISRGROOTX1", "tags": []any{},
		"terminationProtectionEnabled": false, "useAwsTimeBasedSnapshotCopyForFastInitialSync": false, "versionReleaseSystem": "LTS",
	}
}

// tlsDefaults are the TLS settings of a cluster, which its process arguments show too.
func tlsDefaults() object {
	return object{"customOpensslCipherConfigTls12": []any{}, "customOpensslCipherConfigTls13": []any{},
		"minimumEnabledTlsProtocol": "TLS1_2", "tlsCipherConfigMode": "DEFAULT"}
}

// isTenant reports whether a cluster shares its machines (M0).
func isTenant(doc object) bool {
	for _, spec := range objectsOf(doc, "replicationSpecs") {
		for _, region := range objectsOf(spec, "regionConfigs") {
			return textOf(region, "providerName") == "TENANT"
		}
	}
	return false
}

// olderVersion compares major versions such as "8.0".
func olderVersion(a, b string) bool {
	number := func(v string) int {
		major, minor, _ := strings.Cut(v, ".")
		x, _ := strconv.Atoi(major)
		y, _ := strconv.Atoi(minor)
		return x*100 + y
	}
	return number(a) < number(b)
}

// fillCluster merges a request into a cluster's document and completes it. Objects are merged, lists
// replaced; live are the replication specs before.
func (s *Server) fillCluster(doc, in object, live []object) *apiError {
	creating := live == nil
	tenantBefore := isTenant(doc)
	for field, value := range in {
		sub, isObject := value.(object)
		if old := objectOf(doc, field); isObject && old != nil {
			maps.Copy(old, sub)
		} else if field != "acceptDataRisksAndForceReplicaSetReconfig" {
			doc[field] = value
		}
	}
	if creating {
		for field, value := range clusterDefaults() {
			setDefault(doc, field, value)
		}
		for field, value := range map[string]any{"enabled": false, "readPreference": "secondary"} {
			setDefault(objectOf(doc, "biConnector"), field, value)
		}
	}
	if in["replicationSpecs"] != nil {
		if err := s.fillSpecs(doc, live); err != nil {
			return err
		}
	}
	if err := checkSpecs(doc); err != nil {
		return err
	}
	if !creating && isTenant(doc) != tenantBefore {
		return fail("INVALID_ATTRIBUTE", "providerName") // that is the business of tenantUpgrade
	}
	if !isTenant(doc) {
		setDefault(doc, "advancedConfiguration", object{})
		for field, value := range tlsDefaults() {
			setDefault(objectOf(doc, "advancedConfiguration"), field, value)
		}
	}
	major := textOf(doc, "mongoDBMajorVersion")
	if !strings.Contains(major, ".") {
		major += ".0"
	}
	doc["mongoDBMajorVersion"], doc["featureCompatibilityVersion"], doc["mongoDBVersion"] = major, major, major+".24"
	if textOf(doc, "clusterType") != "REPLICASET" {
		setDefault(doc, "configServerManagementMode", "ATLAS_MANAGED")
		doc["configServerType"] = map[bool]string{true: "DEDICATED", false: "EMBEDDED"}[textOf(doc, "configServerManagementMode") == "FIXED_TO_DEDICATED"]
	}
	showEffective(doc)
	return nil
}

// fillSpecs completes the replication specs of a document. One whose id is known, or else the same one in
// order of its zone, keeps its identity.
func (s *Server) fillSpecs(doc object, live []object) *apiError {
	zones, taken := map[string]string{}, map[string]bool{}
	for _, spec := range live {
		zones[textOf(spec, "zoneName")] = textOf(spec, "zoneId")
	}
	specs := objectsOf(doc, "replicationSpecs")
	for _, spec := range specs {
		setDefault(spec, "zoneName", "Zone 1") // recorded only where the request says so
		if id := textOf(spec, "id"); id != "" {
			taken[id] = true
		}
	}
	for _, spec := range specs {
		zone := textOf(spec, "zoneName")
		id := textOf(spec, "id")
		for _, old := range live {
			if free := !taken[textOf(old, "id")]; id == "" && free && textOf(old, "zoneName") == zone {
				id = textOf(old, "id")
				taken[id] = true
			}
		}
		if id == "" {
			id = s.newID()
		}
		if zones[zone] == "" {
			zones[zone] = s.newID()
		}
		spec["id"], spec["zoneId"] = id, zones[zone]
		for _, region := range objectsOf(spec, "regionConfigs") {
			if err := fillRegion(region, mixesAzure(spec)); err != nil {
				return err
			}
		}
	}
	return nil
}

func mixesAzure(spec object) bool {
	for _, region := range objectsOf(spec, "regionConfigs") {
		if textOf(region, "providerName") == "AZURE" {
			return true
		}
	}
	return false
}

// diskSizes are the default disks of the tiers in GB: recorded for M10 and M30, documented for the others.
var diskSizes = map[string]int{"M10": 10, "M20": 20, "M30": 40, "M40": 80, "M50": 160, "M60": 320, "M80": 750, "M140": 1000,
	"M200": 1500, "M300": 2000, "R40": 80, "R50": 160, "R60": 320, "R80": 750, "R200": 1500, "R300": 2000, "R400": 3000}

// fillRegion completes one region of a replication spec.
func fillRegion(region object, azure bool) *apiError {
	electable := objectOf(region, "electableSpecs")
	setDefault(region, "priority", 7)
	if textOf(region, "providerName") == "TENANT" {
		if textOf(region, "backingProviderName") == "" {
			return fail("MISSING_ATTRIBUTE", "backingProviderName")
		}
		if textOf(electable, "instanceSize") != "M0" {
			return fail("INVALID_ATTRIBUTE", "instanceSize") // M2 and M5 are Flex clusters now
		}
		region["electableSpecs"] = object{"instanceSize": "M0", "effectiveInstanceSize": "M0", "diskSizeGB": json.Number("0.5")}
		for _, field := range []string{"analyticsSpecs", "readOnlySpecs", "autoScaling", "analyticsAutoScaling"} {
			delete(region, field)
		}
		return nil
	}
	if electable == nil {
		electable = firstOf(objectOf(region, "readOnlySpecs"), objectOf(region, "analyticsSpecs"))
		electable = object{"instanceSize": electable["instanceSize"], "nodeCount": 0}
		region["electableSpecs"] = electable
	}
	size := textOf(electable, "instanceSize")
	if size == "" || size == "M0" {
		return fail("MISSING_ATTRIBUTE", "instanceSize")
	}
	setDefault(electable, "nodeCount", 0)
	disk := diskSizes[strings.SplitN(size, "_", 2)[0]]
	if disk == 0 {
		disk = 40
	}
	if azure && size == "M10" {
		disk = 8 // recorded for AWS beside AZURE
	}
	for _, field := range []string{"electableSpecs", "readOnlySpecs", "analyticsSpecs"} {
		setDefault(region, field, object{})
		spec := objectOf(region, field)
		setDefault(spec, "nodeCount", 0)
		setDefault(spec, "instanceSize", size)
		fillHardware(spec, electable, textOf(region, "providerName"), disk)
	}
	return fillScaling(region)
}

func firstOf(objects ...object) object {
	for _, o := range objects {
		if o != nil {
			return o
		}
	}
	return object{}
}

// fillHardware completes the hardware of a node type from the electable nodes'.
func fillHardware(spec, electable object, provider string, disk int) {
	inherit := func(field string, fallback any) {
		if spec[field] == nil {
			if spec[field] = electable[field]; spec[field] == nil {
				spec[field] = fallback
			}
		}
	}
	inherit("diskSizeGB", disk)
	switch provider {
	case "AWS":
		inherit("diskIOPS", 3000)
		inherit("ebsVolumeType", "STANDARD")
	case "AZURE":
		inherit("diskIOPS", 3500)
		spec["diskThroughput"] = 125
	}
}

// fillScaling completes and checks the auto-scaling of a region. Auto-scaling of analytics nodes is shown
// only where it was set.
func fillScaling(region object) *apiError {
	setDefault(region, "autoScaling", object{})
	for _, field := range []string{"autoScaling", "analyticsAutoScaling"} {
		scaling := objectOf(region, field)
		if scaling == nil {
			continue
		}
		setDefault(scaling, "compute", object{})
		setDefault(scaling, "diskGB", object{})
		compute := objectOf(scaling, "compute")
		setDefault(compute, "enabled", false)
		setDefault(compute, "scaleDownEnabled", false)
		setDefault(objectOf(scaling, "diskGB"), "enabled", false)
		enabled, down := boolOf(compute, "enabled"), boolOf(compute, "scaleDownEnabled")
		switch {
		case enabled && compute["maxInstanceSize"] == nil:
			return fail("COMPUTE_AUTO_SCALING_MAX_INSTANCE_SIZE_REQUIRED")
		case enabled && down && compute["minInstanceSize"] == nil:
			return fail("COMPUTE_AUTO_SCALING_MIN_INSTANCE_SIZE_REQUIRED")
		case !enabled && down:
			return fail("COMPUTE_AUTO_SCALING_SCALE_DOWN_ENABLED_INVALID")
		}
	}
	return nil
}

// checkSpecs checks what the replication specs of a cluster say together.
func checkSpecs(doc object) *apiError {
	specs := objectsOf(doc, "replicationSpecs")
	if textOf(doc, "clusterType") == "REPLICASET" && len(specs) != 1 || isTenant(doc) && textOf(doc, "clusterType") != "REPLICASET" {
		return fail("INVALID_ATTRIBUTE", "replicationSpecs")
	}
	for _, spec := range specs {
		nodes := int64(0)
		for _, region := range objectsOf(spec, "regionConfigs") {
			if (textOf(region, "providerName") == "TENANT") != isTenant(doc) {
				return fail("INVALID_ATTRIBUTE", "providerName")
			}
			nodes += intOf(objectOf(region, "electableSpecs"), "nodeCount")
		}
		if nodes != 3 && nodes != 5 && nodes != 7 && !isTenant(doc) {
			return fail("CLUSTER_REPLICATION_FACTOR_INVALID")
		}
	}
	return nil
}

// showEffective adds the copies of the specs that newer answers show beside them.
func showEffective(doc object) {
	specs := objectsOf(doc, "replicationSpecs")
	for _, spec := range specs {
		for _, region := range objectsOf(spec, "regionConfigs") {
			for _, kind := range []string{"Electable", "ReadOnly", "Analytics"} {
				delete(region, "effective"+kind+"Specs")
			}
		}
	}
	doc["effectiveReplicationSpecs"] = cloneAny(doc["replicationSpecs"])
	if isTenant(doc) {
		return
	}
	for _, spec := range specs {
		for _, region := range objectsOf(spec, "regionConfigs") {
			region["effectiveElectableSpecs"] = clone(objectOf(region, "electableSpecs"))
			region["effectiveReadOnlySpecs"] = clone(objectOf(region, "readOnlySpecs"))
			region["effectiveAnalyticsSpecs"] = clone(objectOf(region, "analyticsSpecs"))
		}
	}
}

// connectionStrings are how a cluster is reached: a tenant cluster at once by its seed list name, a
// dedicated one when it is ready. The hosts lead nowhere.
func connectionStrings(doc object, ready bool) object {
	out := object{}
	if textOf(doc, "clusterType") != "REPLICASET" {
		out["awsPrivateLinkSrv"], out["privateEndpoint"] = object{}, []any{}
	}
	name := strings.ToLower(textOf(doc, "name"))
	domain := fmt.Sprintf("%06x.sandbox.invalid", hash64(0, textOf(doc, "groupId"))&0xffffff)
	if ready || isTenant(doc) || isFlex(doc) {
		out["standardSrv"] = "mongodb+srv://" + name + "." + domain
	}
	if ready {
		var hosts []string
		for shard := range max(1, len(objectsOf(doc, "replicationSpecs"))) {
			for node := range 3 {
				hosts = append(hosts, fmt.Sprintf("%s-shard-%02d-%02d.%s:27017", name, shard, node, domain))
			}
		}
		out["standard"] = "mongodb://" + strings.Join(hosts, ",") + "/?ssl=true&authSource=admin"
	}
	return out
}
