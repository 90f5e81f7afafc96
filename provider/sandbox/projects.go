package sandbox

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

var groupRule = of(shape{
	"clusterCount": owned, "created": owned, "id": owned, "links": owned,
	"name":                      text.need(),
	"orgId":                     text.need().like(`^([a-f0-9]{24})$`),
	"regionUsageRestrictions":   enum("COMMERCIAL_FEDRAMP_REGIONS_ONLY", "GOV_REGIONS_ONLY"),
	"tags":                      list(tagRule),
	"withDefaultAlertsSettings": boolean,
})

// groupName is the pattern of the specification, and spaces, which recorded projects have.
var groupName = regexp.MustCompile(`^[\p{L}\p{N}\-_.(),:&@+' ]{1,64}$`)

var tagRule = of(shape{"key": text.need().between(1, 255), "value": text.need().between(1, 255)})

var groupUpdateRule = of(shape{
	"name":                      text,
	"tags":                      list(tagRule),
	"withDefaultAlertsSettings": boolean,
})

var settingsRule = of(shape{
	"isAtlasHomePageAiAssistantEnabled":               boolean,
	"isClusterAiAssistantEnabled":                     boolean,
	"isCollectDatabaseSpecificsStatisticsEnabled":     boolean,
	"isDataExplorerEnabled":                           boolean,
	"isDataExplorerGenAIFeaturesEnabled":              boolean,
	"isDataExplorerGenAISampleDocumentPassingEnabled": boolean,
	"isDataValidationEnabled":                         boolean,
	"isExtendedStorageSizesEnabled":                   boolean,
	"isNativeRerankingEnabled":                        boolean,
	"isPerformanceAdvisorEnabled":                     boolean,
	"isRealtimePerformancePanelEnabled":               boolean,
	"isSchemaAdvisorEnabled":                          boolean,
})

// defaultSettings are what a new project answers (recorded in August 2026).
func defaultSettings() object {
	doc := object{}
	for name := range settingsRule.fields {
		doc[name] = true
	}
	for _, off := range []string{"isDataExplorerGenAISampleDocumentPassingEnabled", "isExtendedStorageSizesEnabled", "isNativeRerankingEnabled"} {
		doc[off] = false
	}
	return doc
}

var projectOperations = []*operation{
	{id: "listGroups", method: "GET", path: apiRoot + "/groups", versions: since("2023-01-01"), limits: "groups", serve: (*Server).listGroups},
	{id: "createGroup", method: "POST", path: apiRoot + "/groups", versions: since("2023-01-01"), limits: "groups", body: &groupRule, serve: (*Server).createGroup},
	{id: "getGroupByName", method: "GET", path: apiRoot + "/groups/byName/{groupName}", versions: since("2023-01-01"), limits: "groups", serve: (*Server).getGroupByName},
	{id: "getGroup", method: "GET", path: apiRoot + "/groups/{groupId}", versions: since("2023-01-01"), limits: "groups", serve: (*Server).getGroup},
	{id: "updateGroup", method: "PATCH", path: apiRoot + "/groups/{groupId}", versions: since("2023-01-01"), limits: "groups", body: &groupUpdateRule, serve: (*Server).updateGroup},
	{id: "deleteGroup", method: "DELETE", path: apiRoot + "/groups/{groupId}", versions: since("2023-01-01"), limits: "groups", serve: (*Server).deleteGroup},
	{id: "getGroupSettings", method: "GET", path: apiRoot + "/groups/{groupId}/settings", versions: since("2023-01-01"), limits: "groups", serve: (*Server).getGroupSettings},
	{id: "updateGroupSettings", method: "PATCH", path: apiRoot + "/groups/{groupId}/settings", versions: since("2023-01-01"), limits: "groups", body: &settingsRule, serve: (*Server).updateGroupSettings},
}

// groupView is a project as answers show it. In lists it has only the link to itself.
func (s *Server) groupView(c *call, p *project, inList bool) object {
	s.catchUp(p)
	href := c.base + apiRoot + "/groups/" + p.id()
	links := []any{self(href)}
	if !inList {
		for _, part := range []string{"containers", "clusters", "databaseUsers", "peers", "processes", "whitelist"} {
			links = append(links, object{"href": href + "/" + part, "rel": "https://cloud.mongodb.com/" + part})
		}
	}
	doc := s.view(p.Doc, p.id(), links)
	doc["clusterCount"] = p.of(Cluster).len() + p.of(FlexCluster).len()
	return doc
}

// servePageOfProjects lists the caller's projects whose name begins with a prefix.
func (s *Server) servePageOfProjects(c *call, prefix string, own ...string) *apiError {
	page, err := readPage(c.req.URL.Query(), own...)
	if err != nil {
		return err
	}
	var mine []*project
	for _, p := range s.projects.all() {
		if textOf(p.Doc, "orgId") == c.who.org.ID && strings.HasPrefix(strings.ToLower(textOf(p.Doc, "name")), strings.ToLower(prefix)) {
			mine = append(mine, p)
		}
	}
	first, last := page.bounds(len(mine))
	var results []any
	for _, p := range mine[first:last] {
		results = append(results, s.groupView(c, p, true))
	}
	c.out = page.envelope(c.path(), results, len(mine), s.opts.SurplusProjects)
	return nil
}

func (s *Server) listGroups(c *call) *apiError { return s.servePageOfProjects(c, "") }

// projectNamed returns the project of a name in an organization, or nil.
func (s *Server) projectNamed(orgID, name string) *project {
	for _, p := range s.projects.values {
		if textOf(p.Doc, "orgId") == orgID && textOf(p.Doc, "name") == name {
			return p
		}
	}
	return nil
}

func (s *Server) createGroup(c *call) *apiError {
	in := c.in()
	orgID, name := textOf(in, "orgId"), textOf(in, "name")
	switch {
	case s.org(orgID) == nil:
		return fail("ORG_NOT_FOUND", orgID)
	case orgID != c.who.org.ID:
		return fail("USER_CANNOT_ACCESS_ORG")
	case !groupName.MatchString(name):
		return fail("INVALID_GROUP_NAME", name)
	case s.projectNamed(orgID, name) != nil:
		return fail("GROUP_ALREADY_EXISTS", name)
	}
	doc := object{"id": s.newID(), "name": name, "orgId": orgID, "created": stamp(s.now()), "tags": []any{}, "withDefaultAlertsSettings": true}
	for _, field := range []string{"tags", "withDefaultAlertsSettings", "regionUsageRestrictions"} {
		if value, ok := in[field]; ok {
			doc[field] = value
		}
	}
	p := newProject(s.opts.Seed, doc)
	s.projects.put(p.id(), p)
	s.dirty[p.id()] = true
	if boolOf(doc, "withDefaultAlertsSettings") && !s.opts.NoDefaultAlerts {
		s.addDefaultAlerts(p)
	}
	out := s.groupView(c, p, false)
	if in["tags"] == nil {
		delete(out, "tags") // an empty list is shown from the first read on
	}
	c.setJSON(http.StatusCreated, out)
	c.header.Set("Location", c.base+"//api/atlas/v1.0") // of no use, but recorded so
	return nil
}

func (s *Server) getGroup(c *call) *apiError {
	c.out = s.groupView(c, c.project, false)
	return nil
}

func (s *Server) getGroupByName(c *call) *apiError {
	p := s.projectNamed(c.who.org.ID, c.params["groupName"])
	if p == nil {
		e := fail("GROUP_NOT_FOUND", c.params["groupName"])
		e.detail = "No group with name " + c.params["groupName"] + " exists." // text not recorded
		return e
	}
	c.out = s.groupView(c, p, false)
	return nil
}

// updateGroup changes what the body names; tags are replaced whole.
func (s *Server) updateGroup(c *call) *apiError {
	if name, ok := c.in()["name"].(string); ok {
		if !groupName.MatchString(name) {
			return fail("INVALID_GROUP_NAME", name)
		}
		if other := s.projectNamed(c.who.org.ID, name); other != nil && other != c.project {
			return fail("GROUP_ALREADY_EXISTS", name)
		}
	}
	for field, value := range c.in() {
		c.project.Doc[field] = value
	}
	c.out = s.groupView(c, c.project, false)
	return nil
}

func (s *Server) deleteGroup(c *call) *apiError {
	if c.project.of(Cluster).len()+c.project.of(FlexCluster).len() > 0 {
		return fail("CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_CLUSTERS")
	}
	if c.project.of(Peering).len() > 0 {
		return fail("CANNOT_CLOSE_GROUP_ACTIVE_PEERING_CONNECTIONS")
	}
	if c.project.of(PrivateService).len() > 0 {
		return fail("CANNOT_CLOSE_GROUP_ACTIVE_ATLAS_PRIVATE_ENDPOINT_SERVICES")
	}
	if c.project.of(BackupCompliance).len() > 0 && c.project.of(BackupSnapshot).len() > 0 {
		return fail("CANNOT_CLOSE_GROUP_ACTIVE_BACKUP_COMPLIANCE_POLICY")
	}
	s.projects.remove(c.project.id())
	c.setJSON(http.StatusAccepted, object{})
	return nil
}

func (s *Server) getGroupSettings(c *call) *apiError {
	c.out = c.project.Settings
	return nil
}

func (s *Server) updateGroupSettings(c *call) *apiError {
	for field, value := range c.in() {
		c.project.Settings[field] = value
	}
	c.out = c.project.Settings
	return nil
}

// projectLimit is what is known of one limit of a project. Limits without usage don't show one. Those without a
// maximum have no default either, and are there only while they are set (documented, not recorded).
type projectLimit struct {
	name          string
	initial, most int64
	usage         func(*project) int
}

var (
	countOf = func(kind Kind) func(*project) int { return func(p *project) int { return p.of(kind).len() } }
	none    = func(*project) int { return 0 }
)

// projectLimits are the recorded limits with their defaults and maxima.
var projectLimits = []projectLimit{
	{"atlas.project.security.databaseAccess.users", 100, 900, countOf(DatabaseUser)},
	{"atlas.project.deployment.clusters", 25, 90, countOf(Cluster)},
	{"atlas.project.deployment.serverlessMTMs", 100, 100, none},
	{"atlas.project.security.databaseAccess.customRoles", 100, 1400, countOf(CustomRole)},
	{"atlas.project.security.networkAccess.entries", 200, 220, countOf(AccessList)},
	{"atlas.project.security.networkAccess.crossRegionEntries", 40, 220, none},
	{"atlas.project.deployment.nodesPerPrivateLinkRegion", 50, 90, none},
	{"atlas.project.deployment.privateServiceConnectionsPerRegionGroup", 50, 100, nil},
	{"atlas.project.deployment.privateServiceConnectionsSubnetMask", 27, 27, nil},
	{"atlas.project.deployment.salesSoldM0s", 100, 100, none},
	{name: "dataFederation.bytesProcessed.query"},
	{name: "dataFederation.bytesProcessed.daily"},
	{name: "dataFederation.bytesProcessed.weekly"},
	{name: "dataFederation.bytesProcessed.monthly"},
}

var limitRule = of(shape{"currentUsage": owned, "defaultLimit": owned, "maximumLimit": owned, "name": owned, "value": integer.need()})

const limitPath = apiRoot + "/groups/{groupId}/limits"

var limitOperations = []*operation{
	{id: "listGroupLimits", method: "GET", path: limitPath, versions: since("2023-01-01"), limits: "groups", serve: (*Server).listGroupLimits},
	{id: "getGroupLimit", method: "GET", path: limitPath + "/{limitName}", versions: since("2023-01-01"), limits: "groups", serve: (*Server).getGroupLimit},
	{id: "setGroupLimit", method: "PATCH", path: limitPath + "/{limitName}", versions: since("2023-01-01"), limits: "groups", body: &limitRule, serve: (*Server).setGroupLimit},
	{id: "deleteGroupLimit", method: "DELETE", path: limitPath + "/{limitName}", versions: since("2023-01-01"), limits: "groups", serve: (*Server).deleteGroupLimit},
}

// there reports whether the project has the limit.
func (l projectLimit) there(p *project) bool {
	_, set := p.Limits[l.name]
	return set || l.most > 0
}

func (l projectLimit) value(p *project) int64 {
	if v, ok := p.Limits[l.name]; ok {
		return v
	}
	return l.initial
}

func (l projectLimit) view(p *project) object {
	doc := object{"name": l.name, "value": l.value(p)}
	if l.most > 0 {
		doc["defaultLimit"], doc["maximumLimit"] = l.initial, l.most
	}
	if l.usage != nil {
		doc["currentUsage"] = l.usage(p)
	}
	return doc
}

// limit returns the value of a project's limit by name.
func (p *project) limit(name string) int {
	i := slices.IndexFunc(projectLimits, func(l projectLimit) bool { return l.name == name })
	return int(projectLimits[i].value(p))
}

func findLimit(c *call) (projectLimit, *apiError) {
	i := slices.IndexFunc(projectLimits, func(l projectLimit) bool { return l.name == c.params["limitName"] })
	if i < 0 {
		return projectLimit{}, fail("INVALID_PATH_PARAMETER", "limitName") // code not recorded
	}
	return projectLimits[i], nil
}

func (s *Server) listGroupLimits(c *call) *apiError {
	out := []any{}
	for _, l := range projectLimits {
		if l.there(c.project) {
			out = append(out, l.view(c.project))
		}
	}
	c.out = out
	return nil
}

func (s *Server) getGroupLimit(c *call) *apiError {
	l, err := findLimit(c)
	if err == nil && !l.there(c.project) {
		err = fail("INVALID_PATH_PARAMETER", "limitName") // code not recorded
	}
	if err == nil {
		c.out = l.view(c.project)
	}
	return err
}

func (s *Server) setGroupLimit(c *call) *apiError {
	l, err := findLimit(c)
	if err != nil {
		return err
	}
	value := intOf(c.in(), "value")
	if value < 0 || l.most > 0 && value > l.most {
		return invalid("value", "must be "+bounds(0, int(l.most)))
	}
	c.project.Limits[l.name] = value
	c.out = l.view(c.project)
	return nil
}

func (s *Server) deleteGroupLimit(c *call) *apiError {
	l, err := findLimit(c)
	if err != nil {
		return err
	}
	delete(c.project.Limits, l.name)
	c.status = http.StatusNoContent
	return nil
}
