package kinds_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mercator/schema"
	"mercator/schema/kinds/internal/atlasdata"
)

// deviation is a place where a kind says something else than the specification, and why. Where a recording
// proves it, File names it and Shows a text that it holds; the file is looked at where it is there.
type deviation struct {
	// At is "kind path" of an attribute, "kind operation" of an endpoint, or "kind .jsonPath" of a field.
	At          string
	Why         string
	File, Shows string
}

// deviations is the whole list: a difference that it does not hold fails, and so does an entry that is no
// longer needed.
var deviations = []deviation{
	{At: "project createGroup role", Why: "the specification names no role; Atlas asks for one in the organization"},
	{At: "project getGroupByName role", Why: "the specification names no role; a project is seen by those who may read it"},
	{At: "project settings.is_atlas_home_page_ai_assistant_enabled", Why: "answered, not in the specification",
		File: "groups/GET__v2_groups_@groupId_settings__200__4178572f.json", Shows: "isAtlasHomePageAiAssistantEnabled"},
	{At: "access_list entry required", Why: "one of three fields is needed, which the specification says in words"},
	{At: "database_user roles.role_name enum", Why: "custom roles have names of their own"},
	{At: "database_user database_name required", Why: "it follows from the way of authentication (DefaultBy)"},
	{At: "custom_role actions.resources.cluster required", Why: "a resource is either the cluster or a database",
		File: "customDBRoles/GET__v2_groups_@groupId_customDBRoles_roles_@roleName__200__2d170902.json", Shows: `[{"collection":"collection2","db":"db"}]`},
	{At: "custom_role actions.resources.db required", Why: "a resource is either the cluster or a database",
		File: "customDBRoles/GET__v2_groups_@groupId_customDBRoles_roles__200__072fa431.json", Shows: `[{"cluster":true}]`},
	{At: "custom_role actions.resources.collection required", Why: "without it all of the database is meant",
		File: "customDBRoles/GET__v2_groups_@groupId_customDBRoles_roles__200__072fa431.json", Shows: `[{"db":"db"}]`},
	{At: "alert_config threshold.operator enum", Why: "the specification's < and > are answered as words",
		File: "alertConfigs/GET__v2_groups_@groupId_alertConfigs__200__480a4cca.json", Shows: "LESS_THAN"},
	{At: "alert_config threshold.units enum", Why: "the specification mixes names and labels; names are answered",
		File: "alertConfigs/GET__v2_groups_@groupId_alertConfigs__200__480a4cca.json", Shows: "HOURS"},
	{At: "alert_config metric_threshold.units enum", Why: "the specification mixes names and labels; names are answered",
		File: "alertConfigs/GET__v2_groups_@groupId_alertConfigs__200__480a4cca.json", Shows: "GIGABYTES"},
	{At: "cluster replication_specs.region_configs.auto_scaling.compute.predictive_enabled", Why: "answered, not in the specification",
		File: "clusters/POST__v2_groups_@groupId_clusters__201__0afbf04a.json", Shows: "predictiveEnabled"},
	{At: "cluster replication_specs.region_configs.analytics_auto_scaling.compute.predictive_enabled", Why: "answered, not in the specification",
		File: "clusters/POST__v2_groups_@groupId_clusters__201__6674d624.json", Shows: "analyticsAutoScaling"},
	{At: "api_key createOrgApiKeyAccessListEntry role", Why: "the specification names no role; whoever may change the key may change where it is accepted"},
	{At: "api_key deleteOrgApiKeyAccessListEntry role", Why: "the specification names no role; whoever may change the key may change where it is accepted"},
	{At: "integration type enum", Why: "HIP_CHAT is left in the list, and no schema has its fields: the service ended in 2019"},
	{At: "integration type required", Why: "the path holds it too, and it is what an integration is known by"},
	{At: "organization name required", Why: "an update sends the live name where the file has none"},
	{At: "backup_restore_job delivery_type enum", Why: "downloads have no target and are gone after hours, so they are not declared"},
	{At: "backup_restore_job target_cluster_name required", Why: "a job without a target is a download"},
	{At: "backup_restore_job target_group_id required", Why: "a job without a target is a download"},
	{At: "backup_compliance_policy overwrite_backup_policies", Why: "a parameter of the query"},
	{At: "backup_restore_job oplog_ts bounds", Why: "its least value is a moment of 2008, which Atlas checks"},
	{At: "backup_restore_job point_in_time_utc_seconds bounds", Why: "its least value is a moment of 2008, which Atlas checks"},
	{At: "backup_restore_job status", Why: "put together of the flags that Atlas answers"},
	{At: "service_account secret_expires_after_hours bounds", Why: "the documentation says 8 hours to 365 days, and so do the bounds of the organization's setting"},
	{At: "project_service_account secret_expires_after_hours bounds", Why: "the documentation says 8 hours to 365 days, and so do the bounds of the organization's setting"},
	{At: "backup_schedule policies required", Why: "a PATCH changes what it names; without policies they stay"},
	{At: "network_container provider_name required", Why: "without it AWS is meant, which nobody should have to know"},
	{At: "network_container provider_name enum", Why: "clusters that share machines have no container of their own"},
	{At: "network_peering provider_name required", Why: "without it AWS is meant, which nobody should have to know"},
	{At: "private_endpoint endpoint_id required", Why: "each provider asks for it under another name"},
	{At: "cluster name required", Why: "needed by a creation, though the specification shares one schema with updates"},
}

// leftOut are fields of the specification that kinds leave to Atlas, and why.
var leftOut = map[string]string{
	"cluster .acceptDataRisksAndForceReplicaSetReconfig": "an emergency action, not a state to declare",
	"api_key .projects[].desc":                           "the description is the key's, not that of its assignment to a project",
	"api_key .projects[].userId":                         "the specification calls it read-only, and the path holds the key's id",
	"service_account .projects[].name":                   "the name is the account's, not that of its assignment to a project",
	"service_account .projects[].description":            "the description is the account's, not that of its assignment to a project",
	"backup_schedule .updateSnapshots":                   "what a change does to snapshots that are there is an action",
	"backup_schedule .deleteSnapshots":                   "what a change does to snapshots that are there is an action",
	"backup_schedule .updateCopySnapshots":               "what a change does to copies that are there is an action",
	"backup_schedule .deleteCopySnapshots":               "what a change does to copies that are there is an action",
	"backup_schedule .deleteCopiedBackups":               "what a change does to copies that are there is an action",
	"backup_snapshot .retentionUnit":                     "always days, as a creation has it",
	"backup_snapshot .retentionValue":                    "what a change calls retention_in_days",
	"sharded_backup_snapshot .retentionUnit":             "always days, as a creation has it",
	"sharded_backup_snapshot .retentionValue":            "what a change calls retention_in_days",
}

// open are attributes whose values the specification lists and a kind does not: the lists change monthly.
var open = map[string]string{
	"encryption_at_rest aws_kms.region":                                  "regions are added all the time; Atlas checks them",
	"cluster replication_specs.region_configs.region_name":               "regions are added all the time; Atlas checks them",
	"network_container region_name":                                      "regions are added all the time; Atlas checks them",
	"network_container regions":                                          "regions are added all the time; Atlas checks them",
	"search_index definition.analyzer":                                   "a definition may have analyzers of its own",
	"search_index definition.search_analyzer":                            "a definition may have analyzers of its own",
	"backup_schedule policies.policy_items.frequency_interval":           "numbers from 1 to 28, and 40",
	"alert_config matchers.value":                                        "the specification lists the values of one field",
	"alert_config notifications.roles":                                   "the specification lists those of the organization only",
	"backup_compliance_policy on_demand_policy_item.frequency_interval":  "numbers from 0 to 28, and 40",
	"backup_compliance_policy scheduled_policy_items.frequency_interval": "numbers from 1 to 28, and 40",
}

// specification holds what a test of it needs, and which deviations it met.
type specification struct {
	t    *testing.T
	spec *atlasdata.Spec
	met  map[string]bool
}

// differs fails unless the difference is a declared deviation.
func (s *specification) differs(at, format string, args ...any) {
	s.t.Helper()
	if slices.ContainsFunc(deviations, func(d deviation) bool { return d.At == at }) {
		s.met[at] = true
		return
	}
	s.t.Errorf(at+": "+format, args...)
}

func TestSpecificationHolds(t *testing.T) {
	s := &specification{t: t, spec: atlasdata.OpenAPI(t), met: map[string]bool{}}
	c := catalog(t)
	endpoints := 0
	for _, name := range c.Names() {
		k := c.Kind(name)
		for _, e := range k.AllEndpoints() {
			s.endpoint(k, e)
			endpoints++
		}
		for i := range k.Upgrades {
			s.upgrade(k, &k.Upgrades[i])
		}
		s.kind(k)
	}
	for _, d := range deviations {
		if !s.met[d.At] {
			t.Errorf("the deviation %q is not needed (any more)", d.At)
		}
	}
	t.Logf("%d endpoints of %d kinds; %d deviations", endpoints, len(c.Names()), len(deviations))
}

// endpoint holds an endpoint's operation, method, path, version, role and query against the specification.
func (s *specification) endpoint(k *schema.Kind, e *schema.Endpoint) {
	o, ok := s.spec.Operation(e.Operation)
	if !ok {
		s.t.Errorf("%s: the specification has no operation %s", k.Name, e.Operation)
		return
	}
	if o.Method != e.Method || o.Path != e.Path {
		s.t.Errorf("%s: %s is %s %s, not %s %s", k.Name, e.Operation, o.Method, o.Path, e.Method, e.Path)
	}
	if _, ok := o.Answers[e.Version]; !ok {
		s.t.Errorf("%s: %s has no version %s", k.Name, e.Operation, e.Version)
	}
	for version := range o.Answers {
		if version > e.Version && version < "9" { // "preview" is no date
			s.t.Errorf("%s: %s has the newer version %s", k.Name, e.Operation, version)
		}
	}
	role := slices.Contains(o.Roles, e.Role)
	if e.Operation == "updateGroupCluster" && e.Role == "Project Owner" {
		role = true // its description asks for this role where the termination protection changes
	}
	if !role {
		s.differs(k.Name+" "+e.Operation+" role", "the role %s is none of %q", e.Role, o.Roles)
	}
	if e.Body != "" {
		var body map[string]any
		if err := json.Unmarshal([]byte(e.Body), &body); err != nil {
			s.t.Errorf("%s: what %s sends is no object: %v", k.Name, e.Operation, err)
		}
		s.sends(k.Name+" "+e.Operation, body, []*atlasdata.Schema{o.Requests[e.Version]})
	}
	for _, query := range slices.Concat(slices.Collect(maps.Keys(e.Query)), slices.Collect(maps.Keys(e.Always))) {
		if !o.Parameters[query] {
			s.t.Errorf("%s: %s takes no query parameter %s", k.Name, e.Operation, query)
		}
	}
}

// sends holds that the specification has every field of a body that a kind gives.
func (s *specification) sends(at string, body map[string]any, schemas []*atlasdata.Schema) {
	fields := s.spec.Fields(&atlasdata.Schema{OneOf: schemas})
	for name, v := range body {
		variants := fields.Variants[name]
		if len(variants) == 0 {
			s.t.Errorf("%s sends %s, which the specification does not have", at, name)
		} else if inner, ok := v.(map[string]any); ok {
			s.sends(at+" ."+name, inner, s.inside(variants))
		}
	}
}

// upgrade holds the fields of an upgrade's request against those of its schema.
func (s *specification) upgrade(k *schema.Kind, u *schema.Upgrade) {
	paths := map[string]string{}
	for _, f := range u.Body {
		paths[f.API] = f.Text
	}
	for _, name := range u.Call.Only {
		paths[k.Attribute(name).API] = ""
	}
	for path, text := range paths {
		at := s.bodies(requestOf, u.Call)
		var variants []*atlasdata.Schema
		for step := range strings.SplitSeq(path, ".") {
			if variants = s.spec.Fields(&atlasdata.Schema{OneOf: at}).Variants[step]; len(variants) == 0 {
				s.t.Errorf("%s: %s takes no field %s of %s", k.Name, u.Call.Operation, step, path)
			}
			at = s.inside(variants)
		}
		var known []string
		for _, v := range variants {
			known = append(known, v.Enum...)
		}
		if text != "" && len(known) > 0 && !slices.Contains(known, text) {
			s.t.Errorf("%s: %s takes none of %q as its %s, and %q is sent", k.Name, u.Call.Operation, known, path, text)
		}
	}
}

// kind holds a kind's attributes against the schemas of its requests and answers, and its parts' likewise.
func (s *specification) kind(k *schema.Kind) {
	var own []schema.Attribute
	for _, a := range k.Attributes {
		switch {
		case a.Virtual || a.DestroyTime && k.Attribute("paused") == nil || k.Part(a.Name) != nil && !k.Part(a.Name).AtCreation:
		case a.Forms != nil:
			for _, form := range a.Forms {
				one := a
				one.API, one.Forms = form.API, nil
				if form.Answer != "" {
					one.Answers = []string{form.Answer}
				}
				own = append(own, one)
			}
		default:
			own = append(own, a)
		}
	}
	requests := s.bodies(requestOf, k.Endpoints.Create, k.Endpoints.Update)
	shown := s.bodies(answerOf, k.Endpoints.Get)
	if k.Endpoints.Get == nil {
		shown = s.results(s.bodies(answerOf, k.Endpoints.List))
	}
	s.attributes(k, "", own, requests, shown)
	for _, p := range k.Parts {
		a := k.Attribute(p.Attribute)
		switch {
		case p.Each:
		case p.Members != nil && p.Members.Text != nil:
			s.memberTexts(k, a, &p)
		case p.Members != nil:
			s.attributes(k, a.Name+".", inBodies(a.Nested, &p), s.bodies(requestOf, p.Endpoints()...), s.results(s.bodies(answerOf, p.Read)))
		default:
			s.attributes(k, a.Name+".", a.Nested, s.bodies(requestOf, p.Write), s.bodies(answerOf, p.Read))
		}
	}
}

// memberTexts holds the fields that hold an element which is a plain text against requests and answers.
func (s *specification) memberTexts(k *schema.Kind, a *schema.Attribute, p *schema.Part) {
	t := p.Members.Text
	for _, body := range s.bodies(requestOf, p.Endpoints()...) {
		if fields := s.spec.Fields(body); len(fields.Variants) != 1 || fields.Variants[t.Sent] == nil {
			s.differs(k.Name+" "+a.Name+" sent", "the requests have other fields than %s", t.Sent)
		}
	}
	lists := []*schema.Endpoint{p.Read, t.IDs}
	for _, shown := range s.results(s.bodies(answerOf, lists...)) {
		if fields := s.spec.Fields(shown); fields.Variants[t.Shown] == nil || t.IDs != nil && fields.Variants["id"] == nil {
			s.differs(k.Name+" "+a.Name+" shown", "the answers do not have the fields %s and id", t.Shown)
		}
	}
	if t.IDs != nil {
		if o, _ := s.spec.Operation(t.IDs.Operation); !o.Parameters[t.Shown] {
			s.differs(k.Name+" "+a.Name+" ids", "%s takes no query parameter %s", t.IDs.Operation, t.Shown)
		}
	}
}

// inBodies returns the attributes of a member that are in bodies: where no answer lists it, not those in the path by
// which it is added.
func inBodies(attrs []schema.Attribute, p *schema.Part) []schema.Attribute {
	m := p.Members
	if p.Read != nil {
		return attrs
	}
	return slices.DeleteFunc(slices.Clone(attrs), func(a schema.Attribute) bool {
		return slices.ContainsFunc(schema.Params(m.Add.Path), func(param string) bool { return slices.Contains(m.Params[param], a.Name) })
	})
}

// results returns the schemas of what is in the pages of lists.
func (s *specification) results(pages []*atlasdata.Schema) []*atlasdata.Schema {
	var out []*atlasdata.Schema
	for _, page := range pages {
		out = append(out, s.spec.Inside(s.spec.Fields(page).Variants["results"]))
	}
	return out
}

func requestOf(o atlasdata.Operation) map[string]*atlasdata.Schema { return o.Requests }

func answerOf(o atlasdata.Operation) map[string]*atlasdata.Schema { return o.Answers }

// bodies returns the schemas of the endpoints' bodies; of an array, those of its items.
func (s *specification) bodies(of func(atlasdata.Operation) map[string]*atlasdata.Schema, endpoints ...*schema.Endpoint) []*atlasdata.Schema {
	var out []*atlasdata.Schema
	for _, e := range endpoints {
		if e == nil {
			continue // a singleton has no creation
		}
		o, _ := s.spec.Operation(e.Operation)
		if body := of(o)[e.Version]; body != nil {
			out = append(out, s.spec.Inside([]*atlasdata.Schema{body}))
		}
	}
	return out
}

// attributes holds one level of attributes against the properties that requests and answers have there.
func (s *specification) attributes(k *schema.Kind, prefix string, attrs []schema.Attribute, requests, answers []*atlasdata.Schema) {
	request := s.spec.Fields(&atlasdata.Schema{OneOf: requests})
	answer := s.spec.Fields(&atlasdata.Schema{OneOf: answers})
	var required []string
	if len(requests) > 0 {
		required = s.spec.Fields(requests[0]).Required // the creation's
	}
	known := map[string]bool{}
	for i := range attrs {
		a := &attrs[i]
		var answered []*atlasdata.Schema
		for _, field := range append(slices.Clone(a.Answers), a.API) {
			known[field] = true
			answered = append(answered, answer.Variants[field]...)
		}
		at := k.Name + " " + prefix + a.Name
		variants := request.Variants[a.API]
		if !a.Argument() || variants == nil {
			variants = append(slices.Clone(variants), answered...)
		}
		if len(variants) == 0 {
			s.differs(at, "the specification has no field %s there", a.API)
			continue
		}
		s.shape(at, a, variants)
		needed := slices.Contains(required, a.API)
		given := a.Required || !a.Argument() || a.FromPlace != ""
		if prefix == "" && needed != given && a.Argument() || prefix != "" && needed && !given || prefix != "" && a.Required && !needed && !stricter[at] {
			s.differs(at+" required", "required is %v there, %v here", needed, a.Required)
		}
		if a.Nested != nil {
			s.attributes(k, prefix+a.Name+".", a.Nested, s.inside(request.Variants[a.API]), s.inside(answered))
		}
	}
	s.strangers(k, prefix, known, request, answer)
}

// stricter are nested fields that a kind requires though the specification does not: an element without them
// means nothing.
var stricter = map[string]bool{
	"cluster replication_specs.region_configs":               true,
	"cluster replication_specs.region_configs.provider_name": true,
	"api_key projects.roles":                                 true,
	"service_account projects.project_id":                    true,
	"encryption_at_rest aws_kms.enabled":                     true,
	"encryption_at_rest azure_key_vault.enabled":             true,
	"encryption_at_rest google_cloud_kms.enabled":            true,
	"cluster replication_specs.region_configs.region_name":   true,
	"alert_config matchers.value":                            true,
	"private_endpoint endpoints.endpoint_name":               true,
	"private_endpoint endpoints.ip_address":                  true,
}

func (s *specification) inside(variants []*atlasdata.Schema) []*atlasdata.Schema {
	if len(variants) == 0 {
		return nil
	}
	return []*atlasdata.Schema{s.spec.Inside(variants)}
}

// strangers are fields of the specification that the kind neither describes nor ignores.
func (s *specification) strangers(k *schema.Kind, prefix string, known map[string]bool, request, answer atlasdata.Fields) {
	at := jsonPath(k, prefix)
	for _, fields := range []atlasdata.Fields{request, answer} {
		for name := range fields.Variants {
			path := at + "." + name
			if !known[name] && !slices.Contains(k.Ignored, path) && leftOut[k.Name+" "+path] == "" && name != "links" {
				s.t.Errorf("%s: the specification has a field %s, which the kind neither describes nor ignores", k.Name, path)
			}
		}
	}
}

// jsonPath turns a prefix of attribute names into the API's path: "replication_specs." into ".replicationSpecs[]".
func jsonPath(k *schema.Kind, prefix string) string {
	attrs, out := k.Attributes, ""
	for name := range strings.SplitSeq(strings.TrimSuffix(prefix, "."), ".") {
		a := schema.Find(attrs, name)
		if a == nil {
			return out
		}
		out += "." + a.API
		if a.Type == schema.TypeList {
			out += "[]"
		}
		attrs = a.Nested
	}
	return out
}

var jsonTypes = map[schema.Type][]string{
	schema.TypeString: {"string"}, schema.TypeTime: {"string"}, schema.TypeBool: {"boolean"},
	schema.TypeInteger: {"integer"}, schema.TypeNumber: {"number"}, schema.TypeObject: {"object"},
	schema.TypeMap: {"object"}, schema.TypeList: {"array"}, schema.TypePairs: {"array"},
	schema.TypeJSON: {"string"},
}

// shape holds type, enum and bounds of an attribute against the variants of its property.
func (s *specification) shape(at string, a *schema.Attribute, variants []*atlasdata.Schema) {
	flat := s.spec.Flat(variants)
	typed := slices.ContainsFunc(flat, func(v *atlasdata.Schema) bool { return slices.Contains(jsonTypes[a.Type], v.Type) })
	if !typed && !a.Embedded { // which may be of any
		s.differs(at+" type", "the specification has no %q among its types", jsonTypes[a.Type])
	}
	enum := s.spec.Enum(variants)
	if a.Type == schema.TypeList && a.Nested == nil {
		enum = s.spec.Enum([]*atlasdata.Schema{s.spec.Inside(variants)})
	}
	s.enum(at, a, enum)
	for _, v := range flat {
		if v.MaxLength > 0 && v.MaxLength != a.MaxLen && a.Argument() {
			s.differs(at+" length", "at most %d characters there, %d here", v.MaxLength, a.MaxLen)
		}
		if v.Minimum != nil && (a.Min == nil || *a.Min != *v.Minimum) || v.Maximum != nil && (a.Max == nil || *a.Max != *v.Maximum) {
			s.differs(at+" bounds", "the specification's bounds are others")
		}
	}
}

func (s *specification) enum(at string, a *schema.Attribute, theirs []string) {
	if a.Owner == schema.Server && len(a.Enum) == 0 || open[at] != "" {
		return
	}
	fold := func(list []string) []string {
		out := make([]string, len(list))
		for i, v := range list {
			out[i] = strings.ToUpper(v)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	ours, wanted := fold(a.Enum), fold(theirs)
	if slices.Equal(ours, wanted) {
		return
	}
	missing := slices.DeleteFunc(slices.Clone(wanted), func(v string) bool { return slices.Contains(ours, v) })
	more := slices.DeleteFunc(slices.Clone(ours), func(v string) bool { return slices.Contains(wanted, v) })
	s.differs(at+" enum", "missing %q, more than the specification %q", missing, more)
}

// TestRecordedProofsOfDeviations looks at the recordings that deviations rest on.
func TestRecordedProofsOfDeviations(t *testing.T) {
	dir := filepath.Join(atlasdata.Dir(t), "recordings")
	seen := 0
	for _, d := range deviations {
		if d.File == "" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, d.File))
		if err != nil {
			t.Logf("%s: the recording %s is not in this set", d.At, d.File)
			continue
		}
		var recording struct{ Body json.RawMessage }
		var body bytes.Buffer
		if err := json.Unmarshal(text, &recording); err != nil {
			t.Fatalf("%s: %v", d.File, err)
		}
		if err := json.Compact(&body, recording.Body); err != nil {
			t.Fatalf("%s: %v", d.File, err)
		}
		seen++
		if !strings.Contains(body.String(), d.Shows) {
			t.Errorf("%s: %s does not show %s", d.At, d.File, d.Shows)
		}
	}
	t.Logf("%d proofs seen", seen)
}
