package sandbox

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// dataFolder is where the API's recordings and specification are; tests that need them skip without.
func dataFolder(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("MERCATOR_ATLAS_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "atlas")
	}
	if _, err := os.Stat(filepath.Join(dir, "operations.tsv")); err != nil {
		t.Skipf("no API data: set MERCATOR_ATLAS_DATA to its folder (%v)", err)
	}
	return dir
}

// recording is one recorded exchange.
type recording struct {
	Method      string            `json:"method"`
	Path        string            `json:"path"`
	Params      map[string]string `json:"pathParams"`
	RawPath     string            `json:"rawPath"`
	Query       map[string]string `json:"query"`
	Version     string            `json:"apiVersion"`
	Headers     map[string]string `json:"headers"`
	Status      int               `json:"status"`
	RequestBody any               `json:"requestBody"`
	Body        any               `json:"body"`
	file        string
}

// recordings reads the exchanges of an area whose version the sandbox serves, by "METHOD path".
func recordings(t *testing.T, areas ...string) map[string][]recording {
	t.Helper()
	out := map[string][]recording{}
	for _, area := range areas {
		files, err := filepath.Glob(filepath.Join(dataFolder(t), "recordings", area, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no recordings in %s: %v", area, err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var r recording
			if err := json.Unmarshal(raw, &r); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			r.file = filepath.Base(file)
			if m := mediaType.FindStringSubmatch(r.Headers["X-Content-Type"]); m != nil { // an answer without a body
				r.Version = m[1]
			}
			if r.served() {
				out[r.Method+" "+r.Path] = append(out[r.Method+" "+r.Path], r)
			}
		}
	}
	return out
}

// served reports whether the sandbox has what the exchange is about, in its version.
func (r recording) served() bool {
	for _, op := range allOperations().operations {
		if slices.Contains(emptyOperations, op) {
			continue
		}
		for _, v := range op.versions {
			if op.method == r.Method && op.path == r.Path && v.date == r.Version && !v.gone {
				return true
			}
		}
	}
	return false
}

// anyKeys stand for objects whose keys are data.
var anyKeys = []string{"connectionStrings"}

// copies are fields that repeat others, which newer answers show beside them; they are judged as these.
var copies = strings.NewReplacer("effectiveReplicationSpecs", "replicationSpecs", "effectiveElectableSpecs", "electableSpecs",
	"effectiveReadOnlySpecs", "readOnlySpecs", "effectiveAnalyticsSpecs", "analyticsSpecs")

// fields counts, per place in a document, how many objects stand there and which fields they have.
type fields map[string]map[string]int

func (f fields) add(place string, value any) {
	switch v := value.(type) {
	case object:
		if f[place] == nil {
			f[place] = map[string]int{}
		}
		f[place][""]++
		for name, e := range v {
			f[place][name]++
			if !slices.Contains(anyKeys, name) {
				f.add(place+"."+copies.Replace(name), e)
			}
		}
	case []any:
		for _, e := range v {
			f.add(place+"[]", e)
		}
	}
}

// compare reports the fields that an answer lacks though every recorded one has them, and those that it has
// though none has. Places that no recording shows are not judged.
func (f fields) compare(answer fields) (problems []string) {
	for place, seen := range answer {
		recorded := f[place]
		if recorded == nil {
			continue
		}
		for name := range seen {
			if recorded[name] == 0 {
				problems = append(problems, fmt.Sprintf("%s.%s was never recorded", place, name))
			}
		}
		for name, n := range recorded {
			if n == recorded[""] && seen[name] < seen[""] {
				problems = append(problems, fmt.Sprintf("%s.%s is missing, though always recorded", place, name))
			}
		}
	}
	slices.Sort(problems)
	return problems
}

// known are the differences between the sandbox and the recordings that are meant to be, each with its
// reason.
var known = map[string]string{
	"customOpensslCipherConfigTls13": "the recorded changes of process arguments are older than the field",
	"predictiveEnabled":              "not shown any more since November 2025",
}

// conformance replays recordings against a sandbox.
type conformance struct {
	*client
	recorded map[string][]recording
	shapes   map[string]fields
	checked  map[string]int
}

func newConformance(t *testing.T, areas ...string) *conformance {
	recorded := recordings(t, areas...)
	shapes := map[string]fields{}
	for op, list := range recorded {
		shapes[op] = fields{}
		for _, r := range list {
			shapes[op].add("", r.Body)
		}
	}
	return &conformance{recorded: recorded, shapes: shapes, checked: map[string]int{}}
}

// fresh starts a sandbox that has a project with the id of the recording, in which everything takes long.
func (c *conformance) fresh(t *testing.T, r recording) {
	c.client = start(t, Options{CreateTime: time.Hour, UpdateTime: time.Hour, DeleteTime: time.Hour, NoRateLimits: true,
		Orgs: []Org{{ID: "a01234567890abcdef012345", Name: "Recorded", Credentials: []Credential{{AccessToken: DefaultAccessToken}}}}})
	if id := r.Params["groupId"]; id != "" {
		c.put(t, Project, "", object{"id": id, "name": "recorded", "withDefaultAlertsSettings": true, "tags": []any{}})
	}
}

// compare makes a request as it was recorded and compares status and fields of the answer.
func (c *conformance) compare(t *testing.T, r recording, body any) {
	t.Helper()
	op := r.Method + " " + r.Path
	got, err := c.send(r.Method, r.RawPath, r.Version, body)
	if err != nil {
		t.Fatalf("%s: %v", r.file, err)
	}
	c.checked[op]++
	if got.status != r.Status {
		t.Errorf("%s: status %d, recorded %d: %s", r.file, got.status, r.Status, got.raw)
		return
	}
	answer := fields{}
	if got.list != nil {
		answer.add("", got.list)
	} else if got.body != nil {
		answer.add("", got.body)
	}
	for _, p := range c.shapes[op].compare(answer) {
		if name := p[strings.LastIndex(strings.Fields(p)[0], ".")+1:]; known[strings.Fields(name)[0]] == "" {
			t.Errorf("%s: %s", r.file, p)
		}
	}
	if (r.Body == nil) != (got.raw == "") {
		t.Errorf("%s: body %q, recorded %v", r.file, got.raw, r.Body)
	}
}

// report prints how much was checked, and fails where an operation that has recordings was not.
func (c *conformance) report(t *testing.T) {
	t.Helper()
	for _, op := range sortedKeys(c.recorded) {
		t.Logf("%3d of %3d recorded answers of %s", c.checked[op], len(c.recorded[op]), op)
		if c.checked[op] == 0 {
			t.Errorf("no recorded answer of %s was checked", op)
		}
	}
}

// writable returns what a request may hold of a recorded object.
func writable(t *testing.T, doc object, r rule) object {
	t.Helper()
	raw, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	value, failed := decodeBody(raw)
	if failed != nil {
		t.Fatal(failed)
	}
	out := keepKnown(value, r)
	return out.(object)
}

// keepKnown drops fields that a rule does not know.
func keepKnown(value any, r rule) any {
	switch v := value.(type) {
	case object:
		out := object{}
		for name, e := range v {
			if field, ok := r.fields[name]; ok && !field.readOnly && e != nil {
				out[name] = keepKnown(e, field)
			}
		}
		return out
	case []any:
		for i, e := range v {
			v[i] = keepKnown(e, *r.element)
		}
	}
	return value
}

func TestRecordedProjects(t *testing.T) {
	c := newConformance(t, "groups", "orgs")
	for op, list := range c.recorded {
		for _, r := range list {
			c.fresh(t, r)
			body, _ := r.Body.(object)
			switch op {
			case "POST /api/atlas/v2/groups":
				doc := writable(t, body, groupRule)
				doc["orgId"] = c.s.orgs[0].ID
				if r.RequestBody != nil {
					doc = r.RequestBody.(object)
					doc["orgId"] = c.s.orgs[0].ID
				}
				c.compare(t, r, doc)
			case "GET /api/atlas/v2/groups/{groupId}", "PATCH /api/atlas/v2/groups/{groupId}":
				body["orgId"] = c.s.orgs[0].ID
				c.put(t, Project, "", body)
				if r.Method == "GET" {
					c.compare(t, r, nil)
				} else {
					c.compare(t, r, object{"name": body["name"], "tags": body["tags"]})
				}
			case "GET /api/atlas/v2/groups":
				for _, p := range objectsOf(body, "results") {
					p["orgId"] = c.s.orgs[0].ID
					c.put(t, Project, "", p)
				}
				c.compare(t, r, nil)
			case "DELETE /api/atlas/v2/groups/{groupId}", "GET /api/atlas/v2/groups/{groupId}/limits", "GET /api/atlas/v2/groups/{groupId}/settings", "GET /api/atlas/v2/orgs":
				c.compare(t, r, nil)
			case "PATCH /api/atlas/v2/groups/{groupId}/settings":
				c.compare(t, r, body)
			case "GET /api/atlas/v2/orgs/{orgId}":
				r.RawPath = "/api/atlas/v2/orgs/" + c.s.orgs[0].ID
				c.compare(t, r, nil)
			case "GET /api/atlas/v2/orgs/{orgId}/users", "GET /api/atlas/v2/groups/{groupId}/users":
				r.RawPath = strings.Replace(r.RawPath, "/orgs/"+r.Params["orgId"], "/orgs/"+c.s.orgs[0].ID, 1)
				c.putUsers(t, r)
				c.compare(t, r, nil)
			}
		}
	}
	c.report(t)
}

// TestRecordedKinds seeds a sandbox with each recorded object and compares what it answers to reads and
// writes of it with what was recorded.
func TestRecordedKinds(t *testing.T) {
	for _, k := range []struct {
		area         string
		kind         Kind
		create       rule
		update       rule
		asList       bool // a POST takes and answers a list
		replayBodies bool
		within       string // what is in the paths, where an area holds several kinds
	}{
		{area: "databaseUsers", kind: DatabaseUser, create: userRule, update: userUpdateRule},
		{area: "customDBRoles", kind: CustomRole, create: roleRule, update: roleUpdateRule},
		{area: "accessList", kind: AccessList, create: *accessRule.element, asList: true},
		{area: "alertConfigs", kind: AlertConfig, create: alertRule, update: alertRule},
		{area: "clusters", kind: Cluster, create: clusterRule, update: clusterUpdateRule, replayBodies: true, within: "/clusters"},
		{area: "clusters", kind: FlexCluster, create: flexRule, update: flexUpdateRule, within: "/flexClusters"},
	} {
		t.Run(string(k.kind), func(t *testing.T) {
			c := newConformance(t, k.area)
			maps.DeleteFunc(c.recorded, func(op string, _ []recording) bool { return !strings.Contains(op, k.within) })
			for op, list := range c.recorded {
				for _, r := range list {
					c.fresh(t, r)
					c.seed(t, k.kind, op, r)
					body, _ := r.Body.(object)
					switch {
					case r.Method == "GET" || r.Method == "DELETE":
						c.compare(t, r, nil)
					case strings.HasSuffix(r.Path, "/processArgs"):
						c.compare(t, r, firstOf(asObject(r.RequestBody), writable(t, body, argsRule)))
					case k.asList:
						var entries []any
						for _, e := range objectsOf(body, "results") {
							entries = append(entries, c.soon(writable(t, e, k.create)))
						}
						c.compare(t, r, entries)
					case k.replayBodies && r.RequestBody != nil:
						c.compare(t, r, r.RequestBody)
					case boolOf(body, "paused"):
						c.compare(t, r, object{"paused": true})
					case r.Method == "POST":
						doc := c.soon(writable(t, body, k.create))
						if k.kind == DatabaseUser && textOf(doc, "x509Type") == "NONE" && textOf(doc, "oidcAuthType") == "NONE" {
							doc["password"] = "correct-horse"
						}
						c.compare(t, r, doc)
					default:
						c.compare(t, r, c.soon(writable(t, body, k.update)))
					}
				}
			}
			c.report(t)
		})
	}
}

// TestRecordedSingletons compares what a sandbox answers to reads and writes of what a project has one of.
func TestRecordedSingletons(t *testing.T) {
	for _, k := range []struct {
		area  string
		kind  Kind
		write rule
		body  object // what a write sends where the answer does not show it
	}{
		{area: "maintenanceWindow", kind: MaintenanceWindow, write: windowRule, body: object{"dayOfWeek": 1, "hourOfDay": 1}},
		{area: "auditLog", kind: Auditing, write: auditRule},
	} {
		t.Run(string(k.kind), func(t *testing.T) {
			c := newConformance(t, k.area)
			for _, list := range c.recorded {
				for _, r := range list {
					c.fresh(t, r)
					body := asObject(r.Body)
					switch {
					case r.Method == "PATCH" && body != nil:
						c.compare(t, r, writable(t, body, k.write))
					case r.Method == "PATCH":
						c.compare(t, r, k.body)
					case r.Method == "GET":
						c.put(t, k.kind, r.Params["groupId"], body)
						fallthrough
					default:
						c.compare(t, r, nil)
					}
				}
			}
			c.report(t)
		})
	}
}

// TestRecordedCloudRoles compares what a sandbox answers about roles at cloud providers, of which AWS's are recorded.
func TestRecordedCloudRoles(t *testing.T) {
	c := newConformance(t, "cloudProviderAccess")
	for _, list := range c.recorded {
		for _, r := range list {
			c.fresh(t, r)
			if r.Method == "POST" {
				c.compare(t, r, writable(t, asObject(r.Body), cloudRoleRule))
				continue
			}
			for _, doc := range objectsOf(asObject(r.Body), "awsIamRoles") {
				c.put(t, CloudRole, r.Params["groupId"], doc)
			}
			c.compare(t, r, nil)
		}
	}
	c.report(t)
}

// TestRecordedIntegrations compares what a sandbox answers about third-party integrations. A POST is answered with the
// list of all, so those that are not new are put there before.
func TestRecordedIntegrations(t *testing.T) {
	c := newConformance(t, "integrations")
	for _, list := range c.recorded {
		for _, r := range list {
			c.fresh(t, r)
			group, made := r.Params["groupId"], r.Params["integrationType"]
			docs := objectsOf(asObject(r.Body), "results")
			if r.Method == "GET" && made != "" {
				docs = []object{asObject(r.Body)}
			} else if r.Method == "DELETE" {
				docs = []object{{"type": made}}
			}
			var body any
			for _, doc := range docs {
				if r.Method != "POST" || doc["type"] != made {
					c.put(t, Integration, group, doc)
					continue
				}
				in := writable(t, doc, integrationRule)
				for _, field := range services[made].secrets {
					if in[field] != nil {
						in[field] = "https://example.com/0123456789abcdef"
					}
				}
				body = in
			}
			c.compare(t, r, body)
		}
	}
	c.report(t)
}

// TestRecordedBackups compares what is recorded of backups: what is left of a schedule that is deleted, since the
// other recordings of schedules are of an older version, snapshots, and what is restored.
func TestRecordedBackups(t *testing.T) {
	c := newConformance(t, "backup")
	for _, list := range c.recorded {
		for _, r := range list {
			c.fresh(t, r)
			if r.Params["name"] != "" { // a flex cluster, whose snapshots are not kept here
				c.put(t, FlexCluster, r.Params["groupId"], c.minimal(FlexCluster, r))
				c.compare(t, r, nil)
				continue
			}
			if r.Params["clusterName"] != "" { // what is not the project's
				doc := c.minimal(Cluster, r)
				doc["backupEnabled"] = true
				c.put(t, Cluster, r.Params["groupId"], doc)
			}
			c.compare(t, r, c.seedBackup(t, r))
		}
	}
	c.report(t)
}

// seedBackup puts the snapshots that an answer shows into the sandbox, and returns the body of a request that makes one.
func (c *conformance) seedBackup(t *testing.T, r recording) any {
	body := asObject(r.Body)
	group, cluster := r.Params["groupId"], r.Params["clusterName"]
	switch {
	case strings.Contains(r.Path, "CompliancePolicy") && r.Method == "PUT":
		return writable(t, body, complianceRule)
	case strings.Contains(r.Path, "CompliancePolicy"):
		c.put(t, BackupCompliance, group, body)
		return nil
	case strings.Contains(r.Path, "/restoreJobs") && r.Method == "POST":
		return c.seedRestore(t, r, body)
	case strings.Contains(r.Path, "/restoreJobs"):
		for _, job := range orOne(objectsOf(body, "results"), body) {
			job["clusterName"] = cluster
			c.put(t, RestoreJob, group, job)
		}
		return nil
	case !strings.Contains(r.Path, "/snapshots"):
		return nil
	}
	if r.Method == "POST" {
		return object{"description": body["description"], "retentionInDays": 1}
	}
	for _, seed := range orOne(objectsOf(body, "results"), body) {
		if seed == nil {
			seed = object{"id": r.Params["snapshotId"]}
		}
		seed["expiresAt"] = stamp(testStart.Add(time.Hour))
		seed["clusterName"] = cluster
		c.put(t, BackupSnapshot, group, seed)
	}
	return nil
}

func orOne(list []object, one object) []object {
	if list == nil {
		return []object{one}
	}
	return list
}

// seedRestore puts the snapshot and the target of a restore into the sandbox, and returns the request.
func (c *conformance) seedRestore(t *testing.T, r recording, body object) object {
	c.put(t, BackupSnapshot, r.Params["groupId"], object{"id": body["snapshotId"], "clusterName": r.Params["clusterName"], "status": completed, "createdAt": body["timestamp"]})
	if body["targetGroupId"] == nil {
		return object{"deliveryType": "download", "snapshotId": body["snapshotId"]}
	}
	target := r
	target.Params = map[string]string{"groupId": textOf(body, "targetGroupId"), "clusterName": textOf(body, "targetClusterName")}
	c.put(t, Project, "", object{"id": body["targetGroupId"], "name": "target"})
	c.put(t, Cluster, textOf(body, "targetGroupId"), c.minimal(Cluster, target))
	return object{"deliveryType": "automated", "snapshotId": body["snapshotId"], "targetGroupId": body["targetGroupId"], "targetClusterName": body["targetClusterName"]}
}

func asObject(value any) object { o, _ := value.(object); return o }

// soon moves a recorded expiry into the near future.
func (c *conformance) soon(doc object) object {
	if doc["deleteAfterDate"] != nil {
		doc["deleteAfterDate"] = stamp(testStart.Add(time.Hour))
	}
	return doc
}

// seed puts what an exchange needs into the sandbox: the objects that its answer shows, unless it makes
// them itself, and what they refer to.
func (c *conformance) seed(t *testing.T, kind Kind, op string, r recording) {
	t.Helper()
	group := r.Params["groupId"]
	var docs []object
	switch body := r.Body.(type) {
	case object:
		docs = append(objectsOf(body, "results"), body)
		if body["results"] != nil {
			docs = docs[:len(docs)-1]
		}
	case []any:
		docs = objectsOf(object{"all": body}, "all")
	}
	switch {
	case strings.HasSuffix(op, "/tenantUpgrade"):
		free := freeCluster(textOf(docs[0], "name"))
		objectsOf(objectsOf(free, "replicationSpecs")[0], "regionConfigs")[0]["regionName"] = "US_EAST_1"
		docs = []object{free}
	case r.Method == "POST" || strings.HasSuffix(op, "/fieldNames"):
		return
	case r.Method == "DELETE" || strings.HasSuffix(op, "/processArgs") || strings.HasSuffix(op, "/autoScalingConfiguration"):
		docs = []object{c.minimal(kind, r)}
	}
	for _, doc := range docs {
		if doc = clone(doc); kind == FlexCluster && doc["providerSettings"] == nil {
			continue // one recorded list shows clusters of the other API
		}
		if kind == Cluster && r.Method != "GET" {
			doc["stateName"], doc["paused"] = idle, false
		}
		c.put(t, kind, group, c.soon(doc))
	}
}

// minimal is an object with the key that a path names.
func (c *conformance) minimal(kind Kind, r recording) object {
	switch kind {
	case DatabaseUser:
		return object{"username": r.Params["username"], "databaseName": r.Params["databaseName"]}
	case CustomRole:
		return object{"roleName": r.Params["roleName"]}
	case AccessList:
		return object{"cidrBlock": r.Params["entryValue"] + "/32"}
	case AlertConfig:
		return object{"id": r.Params["alertConfigId"]}
	case FlexCluster:
		return object{"name": r.Params["name"], "providerSettings": object{"providerName": "FLEX"}}
	}
	doc := object{}
	if err := c.s.fillCluster(doc, replicaSet(r.Params["clusterName"]), nil); err != nil {
		c.t.Fatal(err)
	}
	return doc
}

// TestRecordedErrors compares the error answers of the sandbox with the recorded ones, byte for byte but for
// the order of keys.
func TestRecordedErrors(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(dataFolder(t), "recordings", "errors", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded errors: %v", err)
	}
	checked := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var r recording
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		body := asObject(r.Body)
		op, _ := allOperations().find(r.Method, r.RawPath)
		if op == nil || body == nil {
			continue
		}
		c := &conformance{}
		c.fresh(t, recording{})
		switch textOf(body, "errorCode") {
		case "GROUP_NOT_FOUND":
		case "CLUSTER_NOT_FOUND", "CANNOT_TERMINATE_CLUSTER_WHEN_TERMINATION_PROTECTION_ENABLED":
			c.put(t, Project, "", object{"id": r.Params["groupId"], "name": "recorded"})
			if r.Status == 400 {
				c.put(t, Cluster, r.Params["groupId"], object{"name": r.Params["clusterName"], "terminationProtectionEnabled": true})
			}
		case "UNEXPECTED_ERROR":
			c.token = ""
		default:
			continue // an error of what the sandbox does not have, such as Flex clusters
		}
		got, err := c.send(r.Method, r.RawPath, "2025-03-12", nil)
		if err != nil {
			t.Fatal(err)
		}
		checked++
		if got.status != r.Status || canonical(got.body) != canonical(body) {
			t.Errorf("%s: got %d %s, recorded %d %s", filepath.Base(file), got.status, canonical(got.body), r.Status, canonical(body))
		}
	}
	t.Logf("%d recorded errors checked", checked)
	if checked < 10 {
		t.Errorf("only %d recorded errors were checked", checked)
	}
}

// documentedCodes are codes that the API's documentation lists and the table of known ones does not.
var documentedCodes = map[string]string{
	"ATLAS_FTS_DUPLICATE_INDEX": "400",
	"ATLAS_INVALID_CIDR_BLOCK":  "400", "ATLAS_INVALID_CIDR_RANGE": "400", "ATLAS_NON_CANONICAL_CIDR_BLOCK": "400",
	"CANNOT_CHANGE_CONTAINER_REGION": "400", "CONTAINER_ALREADY_EXISTS": "409", "OVERLAPPING_ATLAS_CIDR_BLOCK": "409",
	"PEER_ALREADY_EXISTS": "409", "PEER_ALREADY_EXISTS_AZURE": "409", "PEER_ALREADY_EXISTS_GCP": "409", "PEER_INVALID_STATE": "409",
	"PRIVATE_ENDPOINT_SERVICE_ALREADY_EXISTS_FOR_REGION": "409",
}

// TestErrorCodes holds the sandbox's error codes against the table of known ones.
func TestErrorCodes(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(dataFolder(t), "errorcodes.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	statuses := map[string][]string{}
	for line := range strings.Lines(string(raw)) {
		if columns := strings.Split(line, "\t"); len(columns) > 1 {
			statuses[columns[0]] = append(statuses[columns[0]], columns[1])
		}
	}
	for code, status := range documentedCodes {
		statuses[code] = append(statuses[code], status)
	}
	for code, kind := range errorKinds {
		if want := statuses[code]; !slices.Contains(want, fmt.Sprint(kind.status)) {
			t.Errorf("%s is answered with %d; known are %v", code, kind.status, want)
		}
	}
}
