package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// The people of an organization. One who is invited is pending until the invitation is accepted, which only a change
// by hand does here, or 30 days are over. What somebody may do in projects stands with what he may do in the
// organization, so that both views show the same.

const (
	orgUsersPath   = apiRoot + "/orgs/{orgId}/users"
	groupUsersPath = apiRoot + "/groups/{groupId}/users"
)

// DefaultOwner is the one user that an organization of the sandbox has from the start: its owner.
const DefaultOwner = "owner@example.com"

// invitationLasts is how long an invitation can be accepted.
const invitationLasts = 30 * 24 * time.Hour

// The states of a membership.
const (
	userActive   = "ACTIVE"
	userPending  = "PENDING"
	userExpired  = "INVITATION_EXPIRED"
	userRejected = "INVITATION_REJECTED"
)

var (
	orgRoles      = list(enum("ORG_OWNER", "ORG_GROUP_CREATOR", "ORG_BILLING_ADMIN", "ORG_BILLING_READ_ONLY", "ORG_STREAM_PROCESSING_ADMIN", "ORG_READ_ONLY", "ORG_MEMBER")).between(1, 0)
	userRolesRule = of(shape{"orgRoles": orgRoles.need(),
		"groupRoleAssignments": list(of(shape{"groupId": text.need(), "groupRoles": list(text)}))})
	inviteRule      = of(shape{"username": text.like(`^[^@\s]+@[^@\s]+$`).need(), "roles": userRolesRule.need(), "teamIds": list(text)})
	updateUserRule  = of(shape{"roles": userRolesRule, "teamIds": list(text)})
	orgRoleRule     = of(shape{"orgRole": orgRoles.element.need()})
	groupRoleRule   = of(shape{"groupRole": text.like(`^GROUP_`).need()})
	groupInviteRule = of(shape{"username": text.like(`^[^@\s]+@[^@\s]+$`).need(), "roles": list(text.like(`^GROUP_`)).between(1, 0).need()})
)

// userVersions are those of operations whose older form shows and finds active users only.
var userVersions = []version{{date: "2023-01-01", gone: true}, {date: "2025-02-19"}}

var orgUserOperations = []*operation{
	{id: "listOrgUsers", method: "GET", path: orgUsersPath, versions: userVersions, limits: "org", serve: (*Server).listOrgUsers},
	{id: "createOrgUser", method: "POST", path: orgUsersPath, versions: since("2025-02-19"), limits: "org", body: &inviteRule, serve: (*Server).createOrgUser},
	{id: "getOrgUser", method: "GET", path: orgUsersPath + "/{userId}", versions: since("2025-02-19"), limits: "org", serve: (*Server).getOrgUser},
	{id: "updateOrgUser", method: "PATCH", path: orgUsersPath + "/{userId}", versions: since("2025-02-19"), limits: "org", body: &updateUserRule, serve: (*Server).updateOrgUser},
	{id: "removeOrgUser", method: "DELETE", path: orgUsersPath + "/{userId}", versions: userVersions, limits: "org", serve: (*Server).removeOrgUser},
	{id: "addOrgUserRole", method: "POST", path: orgUsersPath + "/{userId}:addRole", versions: since("2025-02-19"), limits: "org", body: &orgRoleRule, serve: (*Server).addOrgUserRole},
	{id: "removeOrgUserRole", method: "POST", path: orgUsersPath + "/{userId}:removeRole", versions: since("2025-02-19"), limits: "org", body: &orgRoleRule, serve: (*Server).removeOrgUserRole},

	{id: "listGroupUsers", method: "GET", path: groupUsersPath, versions: userVersions, limits: "groups", serve: (*Server).listGroupUsers},
	{id: "addGroupUsers", method: "POST", path: groupUsersPath, versions: since("2025-02-19"), limits: "groups", body: &groupInviteRule, serve: (*Server).addGroupUser},
	{id: "getGroupUser", method: "GET", path: groupUsersPath + "/{userId}", versions: since("2025-02-19"), limits: "groups", serve: (*Server).getGroupUser},
	{id: "removeGroupUser", method: "DELETE", path: groupUsersPath + "/{userId}", versions: userVersions, limits: "groups", serve: (*Server).removeGroupUser},
	{id: "addGroupUserRole", method: "POST", path: groupUsersPath + "/{userId}:addRole", versions: since("2025-02-19"), limits: "groups", body: &groupRoleRule, serve: (*Server).addGroupUserRole},
	{id: "removeGroupUserRole", method: "POST", path: groupUsersPath + "/{userId}:removeRole", versions: since("2025-02-19"), limits: "groups", body: &groupRoleRule, serve: (*Server).removeGroupUserRole},
}

// ownerOf makes the user that an organization has from the start.
func ownerOf(orgID string) object {
	return object{"id": objectID("owner", orgID), "username": DefaultOwner, "orgMembershipStatus": userActive, "country": "IE",
		"createdAt": "2024-01-01T00:00:00Z", "firstName": "Sandbox", "lastName": "Owner", "lastAuth": "2024-01-01T00:00:00Z", "mobileNumber": nil,
		"roles": object{"orgRoles": []any{"ORG_OWNER"}, "groupRoleAssignments": []any{}}, "teamIds": []any{}}
}

// statusOf is the state of a user's membership as of now.
func (s *Server) statusOf(doc object) string {
	status := textOf(doc, "orgMembershipStatus")
	ends, err := time.Parse(time.RFC3339, textOf(doc, "invitationExpiresAt"))
	if status == userPending && err == nil && !s.now().Before(ends) {
		return userExpired
	}
	return status
}

// belongs reports whether a user is one of the organization: active or invited.
func (s *Server) belongs(doc object) bool {
	status := s.statusOf(doc)
	return status == userActive || status == userPending
}

// memberRoles returns the names of a user's roles in the organization, or with an id in a project.
func memberRoles(doc object, groupID string) []any {
	roles := objectOf(doc, "roles")
	if groupID == "" {
		return listOf(roles, "orgRoles")
	}
	for _, grant := range objectsOf(roles, "groupRoleAssignments") {
		if textOf(grant, "groupId") == groupID {
			return listOf(grant, "groupRoles")
		}
	}
	return nil
}

// setMemberRoles sets a user's roles in the organization or in a project; none there takes him out of it.
func setMemberRoles(doc object, groupID string, names []any) {
	roles := clone(objectOf(doc, "roles"))
	if groupID == "" {
		roles["orgRoles"] = names
	} else {
		var grants []any
		for _, grant := range objectsOf(roles, "groupRoleAssignments") {
			if textOf(grant, "groupId") != groupID {
				grants = append(grants, grant)
			}
		}
		if len(names) > 0 {
			grants = append(grants, object{"groupId": groupID, "groupRoles": names})
		}
		roles["groupRoleAssignments"] = grants
	}
	doc["roles"] = roles
}

// orgUserView is a user as the organization sees him, without roles in projects and teams that are gone.
func (s *Server) orgUserView(c *call, it *item) object {
	doc := s.view(it.Doc, textOf(it.Doc, "id"), nil)
	doc["orgMembershipStatus"] = s.statusOf(it.Doc)
	grants := []any{}
	for _, grant := range objectsOf(objectOf(it.Doc, "roles"), "groupRoleAssignments") {
		if _, there := s.projects.get(textOf(grant, "groupId")); there {
			grants = append(grants, grant)
		}
	}
	doc["roles"] = object{"orgRoles": s.shuffled(memberRoles(it.Doc, ""), textOf(it.Doc, "id")), "groupRoleAssignments": grants}
	doc["teamIds"] = s.teamsOf(c, it.Doc)
	return doc
}

// groupUserView is a user as a project sees him.
func (s *Server) groupUserView(c *call, it *item) object {
	doc := s.view(it.Doc, textOf(it.Doc, "id"), nil)
	doc["orgMembershipStatus"] = s.statusOf(it.Doc)
	doc["roles"] = s.shuffled(memberRoles(it.Doc, c.project.id()), textOf(it.Doc, "id"), c.project.id())
	delete(doc, "teamIds")
	return doc
}

// users returns those of the caller's organization that a list asks for: active and pending ones unless it says
// otherwise, of one address where it names one.
func (s *Server) users(c *call, among func(object) bool) *index[*item] {
	query := c.req.URL.Query()
	statuses := append(query["orgMembershipStatuses"], query["orgMembershipStatus"]...)
	out := &index[*item]{seed: hash64(s.opts.Seed, c.req.URL.Path)}
	for id, it := range s.holding(c.who.org.ID).of(OrgUser).all() {
		asked := s.belongs(it.Doc)
		if len(statuses) > 0 {
			asked = slices.Contains(statuses, s.statusOf(it.Doc))
		}
		named := query.Get("username") == "" || strings.EqualFold(query.Get("username"), textOf(it.Doc, "username"))
		if asked && named && among(it.Doc) {
			out.put(id, it)
		}
	}
	return out
}

func (s *Server) listOrgUsers(c *call) *apiError {
	return servePage(c, s.users(c, func(object) bool { return true }), func(it *item) any { return s.orgUserView(c, it) },
		"orgMembershipStatus", "username")
}

// listGroupUsers lists those who have roles of their own in the project.
func (s *Server) listGroupUsers(c *call) *apiError {
	x := s.users(c, func(doc object) bool { return len(memberRoles(doc, c.project.id())) > 0 })
	return servePage(c, x, func(it *item) any { return s.groupUserView(c, it) }, "flattenTeams=false", "includeOrgUsers=false", "orgMembershipStatus", "username")
}

// userNamed returns the user of an address, whatever became of the invitation.
func (s *Server) userNamed(orgID, username string) *item {
	for _, it := range s.holding(orgID).of(OrgUser).values {
		if strings.EqualFold(textOf(it.Doc, "username"), username) {
			return it
		}
	}
	return nil
}

// findUser returns the user of the path. The error of an unknown one was not recorded.
func (s *Server) findUser(c *call) (*item, *apiError) {
	it, ok := s.holding(c.who.org.ID).of(OrgUser).get(c.params["userId"])
	if !ok || !s.belongs(it.Doc) {
		return nil, fail("RESOURCE_NOT_FOUND", c.req.URL.Path)
	}
	return it, nil
}

// findGroupUser is findUser for one who has roles in the project.
func (s *Server) findGroupUser(c *call) (*item, *apiError) {
	it, err := s.findUser(c)
	if err == nil && len(memberRoles(it.Doc, c.project.id())) == 0 {
		return nil, fail("RESOURCE_NOT_FOUND", c.req.URL.Path)
	}
	return it, err
}

// invite makes a pending user in place of one whose invitation came to nothing. Addresses are kept in lower case.
func (s *Server) invite(c *call, username string, names []any) *item {
	if old := s.userNamed(c.who.org.ID, username); old != nil {
		s.touch(c).of(OrgUser).remove(textOf(old.Doc, "id"))
	}
	it := &item{Doc: object{"id": s.newID(), "username": strings.ToLower(username), "orgMembershipStatus": userPending,
		"invitationCreatedAt": stamp(s.now()), "invitationExpiresAt": stamp(s.now().Add(invitationLasts)), "inviterUsername": DefaultOwner,
		"roles": object{"orgRoles": names, "groupRoleAssignments": []any{}}, "teamIds": []any{}}}
	s.touch(c).of(OrgUser).put(textOf(it.Doc, "id"), it)
	return it
}

func (s *Server) createOrgUser(c *call) *apiError {
	username := textOf(c.in(), "username")
	if old := s.userNamed(c.who.org.ID, username); old != nil && s.belongs(old.Doc) {
		return fail("USER_ALREADY_EXISTS", username) // code not recorded; the status is documented
	}
	roles := objectOf(c.in(), "roles")
	it := s.invite(c, username, listOf(roles, "orgRoles"))
	for _, grant := range objectsOf(roles, "groupRoleAssignments") {
		setMemberRoles(it.Doc, textOf(grant, "groupId"), listOf(grant, "groupRoles"))
	}
	it.Doc["teamIds"] = append([]any{}, listOf(c.in(), "teamIds")...)
	c.setJSON(http.StatusCreated, s.orgUserView(c, it))
	return nil
}

func (s *Server) getOrgUser(c *call) *apiError {
	it, err := s.findUser(c)
	if err == nil {
		c.out = s.orgUserView(c, it)
	}
	return err
}

// updateOrgUser sets what the body names. Whether roles in projects that it leaves out stay is not known; here they go,
// which is the worse case.
func (s *Server) updateOrgUser(c *call) *apiError {
	it, err := s.findUser(c)
	if err != nil {
		return err
	}
	if roles := objectOf(c.in(), "roles"); roles != nil {
		if err := s.keepsOwner(c, it, listOf(roles, "orgRoles")); err != nil {
			return err
		}
		setDefault(roles, "groupRoleAssignments", []any{})
		it.Doc["roles"] = roles
	}
	if ids, given := c.in()["teamIds"].([]any); given {
		it.Doc["teamIds"] = ids
	}
	s.touch(c)
	c.out = s.orgUserView(c, it)
	return nil
}

// keepsOwner refuses to leave an organization without an active owner. The code was not recorded.
func (s *Server) keepsOwner(c *call, it *item, names []any) *apiError {
	if slices.Contains(names, "ORG_OWNER") {
		return nil
	}
	for _, other := range s.holding(c.who.org.ID).of(OrgUser).values {
		if other != it && s.statusOf(other.Doc) == userActive && slices.Contains(memberRoles(other.Doc, ""), "ORG_OWNER") {
			return nil
		}
	}
	return failDetail(http.StatusConflict, "VALIDATION_ERROR", "The organization must have at least one owner.")
}

func (s *Server) removeOrgUser(c *call) *apiError {
	it, err := s.findUser(c)
	if err != nil {
		return err
	}
	if err := s.keepsOwner(c, it, nil); err != nil {
		return err
	}
	s.touch(c).of(OrgUser).remove(c.params["userId"])
	c.status = http.StatusNoContent
	return nil
}

func (s *Server) addOrgUserRole(c *call) *apiError {
	it, err := s.findUser(c)
	if err != nil {
		return err
	}
	s.grant(c, it, "", textOf(c.in(), "orgRole"))
	c.out = s.orgUserView(c, it)
	return nil
}

func (s *Server) removeOrgUserRole(c *call) *apiError {
	it, err := s.findUser(c)
	if err == nil {
		err = s.withdraw(c, it, "", textOf(c.in(), "orgRole"))
	}
	if err == nil {
		c.out = s.orgUserView(c, it)
	}
	return err
}

// grant adds a role; one that is there stays.
func (s *Server) grant(c *call, it *item, groupID, role string) {
	if names := memberRoles(it.Doc, groupID); !slices.Contains(names, any(role)) {
		setMemberRoles(it.Doc, groupID, append(slices.Clone(names), role))
	}
	s.touch(c)
}

// withdraw takes a role away. A user has one at least at all times.
func (s *Server) withdraw(c *call, it *item, groupID, role string) *apiError {
	left := slices.DeleteFunc(slices.Clone(memberRoles(it.Doc, groupID)), func(r any) bool { return r == role })
	if len(left) == 0 { // code not recorded
		return failDetail(http.StatusBadRequest, "VALIDATION_ERROR", "A user must have at least one role.")
	}
	if groupID == "" {
		if err := s.keepsOwner(c, it, left); err != nil {
			return err
		}
	}
	setMemberRoles(it.Doc, groupID, left)
	s.touch(c)
	return nil
}

// addGroupUser gives somebody roles in a project. Who does not belong to the organization yet is invited to it, as a
// member: as what was not recorded.
func (s *Server) addGroupUser(c *call) *apiError {
	username, group := textOf(c.in(), "username"), c.project.id()
	it := s.userNamed(c.who.org.ID, username)
	switch {
	case it == nil || !s.belongs(it.Doc):
		it = s.invite(c, username, []any{"ORG_MEMBER"})
	case len(memberRoles(it.Doc, group)) > 0:
		return fail("USER_ALREADY_EXISTS", username) // code not recorded; the status is documented
	}
	setMemberRoles(it.Doc, group, listOf(c.in(), "roles"))
	s.touch(c)
	c.setJSON(http.StatusCreated, s.groupUserView(c, it))
	return nil
}

func (s *Server) getGroupUser(c *call) *apiError {
	it, err := s.findGroupUser(c)
	if err == nil {
		c.out = s.groupUserView(c, it)
	}
	return err
}

func (s *Server) removeGroupUser(c *call) *apiError {
	it, err := s.findGroupUser(c)
	if err != nil {
		return err
	}
	setMemberRoles(it.Doc, c.project.id(), nil)
	s.touch(c)
	c.status = http.StatusNoContent
	return nil
}

func (s *Server) addGroupUserRole(c *call) *apiError {
	it, err := s.findGroupUser(c)
	if err != nil {
		return err
	}
	s.grant(c, it, c.project.id(), textOf(c.in(), "groupRole"))
	c.out = s.groupUserView(c, it)
	return nil
}

func (s *Server) removeGroupUserRole(c *call) *apiError {
	it, err := s.findGroupUser(c)
	if err == nil {
		err = s.withdraw(c, it, c.project.id(), textOf(c.in(), "groupRole"))
	}
	if err == nil {
		c.out = s.groupUserView(c, it)
	}
	return err
}

// userSummary is a user as a snapshot shows it: projects and teams by their names.
func (s *Server) userSummary(h *holding, it *item) object {
	roles, teams := slices.Clone(memberRoles(it.Doc, "")), []any{}
	for id, p := range s.projects.all() {
		for _, name := range memberRoles(it.Doc, id) {
			roles = append(roles, textOf(p.Doc, "name")+"/"+name.(string))
		}
	}
	for id, team := range h.of(Team).all() {
		if inTeam(it.Doc, id) {
			teams = append(teams, team.Doc["name"])
		}
	}
	return object{"roles": roles, "teams": teams, "status": s.statusOf(it.Doc)}
}
