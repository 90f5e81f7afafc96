package sandbox

import (
	"net/http"
	"slices"
	"strings"
)

const (
	teamsPath      = apiRoot + "/orgs/{orgId}/teams"
	groupTeamsPath = apiRoot + "/groups/{groupId}/teams"
)

var (
	teamRule       = of(shape{"name": text.between(1, 0).need(), "usernames": list(text).need(), "id": owned, "links": owned})
	renameTeamRule = of(shape{"name": text.between(1, 0).need(), "links": owned})
	teamUserRule   = of(shape{"id": text.like(`^[a-f0-9]{24}$`).need()})
	groupTeamsRule = list(of(shape{"teamId": text.need(), "roleNames": list(text).need(), "links": owned}))
	teamRoleRule   = of(shape{"roleNames": list(text).need(), "teamId": owned, "links": owned})
)

var teamOperations = []*operation{
	{id: "listOrgTeams", method: "GET", path: teamsPath, versions: since("2023-01-01"), limits: "org", serve: (*Server).listTeams},
	{id: "createOrgTeam", method: "POST", path: teamsPath, versions: since("2023-01-01"), limits: "org", body: &teamRule, serve: (*Server).createTeam},
	{id: "getOrgTeamByName", method: "GET", path: teamsPath + "/byName/{teamName}", versions: since("2023-01-01"), limits: "org", serve: (*Server).getTeamByName},
	{id: "getOrgTeam", method: "GET", path: teamsPath + "/{teamId}", versions: since("2023-01-01"), limits: "org", serve: (*Server).getTeam},
	{id: "renameOrgTeam", method: "PATCH", path: teamsPath + "/{teamId}", versions: since("2023-01-01"), limits: "org", body: &renameTeamRule, serve: (*Server).renameTeam},
	{id: "deleteOrgTeam", method: "DELETE", path: teamsPath + "/{teamId}", versions: since("2023-01-01"), limits: "org", serve: (*Server).deleteTeam},
	{id: "listOrgTeamUsers", method: "GET", path: teamsPath + "/{teamId}/users", versions: userVersions, limits: "org", serve: (*Server).listTeamUsers},
	{id: "addOrgTeamUser", method: "POST", path: teamsPath + "/{teamId}:addUser", versions: since("2025-02-19"), limits: "org", body: &teamUserRule, serve: (*Server).addTeamUser},
	{id: "removeOrgTeamUser", method: "POST", path: teamsPath + "/{teamId}:removeUser", versions: since("2025-02-19"), limits: "org", body: &teamUserRule, serve: (*Server).removeTeamUser},

	{id: "listGroupTeams", method: "GET", path: groupTeamsPath, versions: since("2023-01-01"), limits: "groups", serve: (*Server).listGroupTeams},
	{id: "addGroupTeams", method: "POST", path: groupTeamsPath, versions: since("2023-01-01"), limits: "groups", body: &groupTeamsRule, serve: (*Server).addGroupTeams},
	{id: "getGroupTeam", method: "GET", path: groupTeamsPath + "/{teamId}", versions: since("2023-01-01"), limits: "groups", serve: (*Server).getGroupTeam},
	{id: "updateGroupTeam", method: "PATCH", path: groupTeamsPath + "/{teamId}", versions: since("2023-01-01"), limits: "groups", body: &teamRoleRule, serve: (*Server).updateGroupTeam},
	{id: "removeGroupTeam", method: "DELETE", path: groupTeamsPath + "/{teamId}", versions: since("2023-01-01"), limits: "groups", serve: (*Server).removeGroupTeam},
}

// Who is in a team stands with the users, as in the answers about them.

func inTeam(doc object, teamID string) bool {
	return slices.Contains(listOf(doc, "teamIds"), any(teamID))
}

// teamsOf returns the ids of a user's teams that are there.
func (s *Server) teamsOf(c *call, doc object) []any {
	ids := []any{}
	for _, id := range listOf(doc, "teamIds") {
		if _, there := s.holding(c.who.org.ID).of(Team).get(id.(string)); there {
			ids = append(ids, id)
		}
	}
	return ids
}

func (s *Server) teamView(c *call, it *item) object {
	href := c.base + apiRoot + "/orgs/" + c.who.org.ID + "/teams/" + textOf(it.Doc, "id")
	return s.view(it.Doc, "", []any{self(href)})
}

func (s *Server) listTeams(c *call) *apiError {
	return servePage(c, s.holding(c.who.org.ID).of(Team), func(it *item) any { return s.teamView(c, it) })
}

// teamNamed returns the team of a name, or nil.
func (s *Server) teamNamed(orgID, name string) *item {
	for _, it := range s.holding(orgID).of(Team).values {
		if textOf(it.Doc, "name") == name {
			return it
		}
	}
	return nil
}

// createTeam makes a team of users that the organization has. The answer is the only one that shows them with it.
func (s *Server) createTeam(c *call) *apiError {
	name, usernames := textOf(c.in(), "name"), listOf(c.in(), "usernames")
	switch {
	case len(usernames) == 0:
		return fail("CANNOT_CREATE_EMPTY_TEAM")
	case s.teamNamed(c.who.org.ID, name) != nil:
		return fail("TEAM_NAME_NOT_AVAILABLE", name, c.who.org.ID)
	}
	var users []*item
	var shown []any
	for _, username := range usernames {
		it := s.userNamed(c.who.org.ID, username.(string))
		if it == nil || !s.belongs(it.Doc) {
			return fail("USERNAME_NOT_FOUND", username)
		}
		users, shown = append(users, it), append(shown, it.Doc["username"])
	}
	team := &item{Doc: object{"id": s.newID(), "name": name}}
	id := textOf(team.Doc, "id")
	for _, it := range users {
		it.Doc["teamIds"] = append(slices.Clone(listOf(it.Doc, "teamIds")), id)
	}
	s.touch(c).of(Team).put(id, team)
	out := s.teamView(c, team)
	out["usernames"] = s.shuffled(shown, id)
	c.header.Set("Location", c.base+"/orgs/"+c.who.org.ID+"/teams/"+id)
	c.setJSON(http.StatusCreated, out)
	return nil
}

func (s *Server) findTeam(c *call) (*item, *apiError) {
	it, ok := s.holding(c.who.org.ID).of(Team).get(c.params["teamId"])
	if !ok {
		return nil, fail("TEAM_NOT_FOUND", c.params["teamId"])
	}
	return it, nil
}

func (s *Server) getTeam(c *call) *apiError {
	it, err := s.findTeam(c)
	if err == nil {
		c.out = s.teamView(c, it)
	}
	return err
}

func (s *Server) getTeamByName(c *call) *apiError {
	it := s.teamNamed(c.who.org.ID, c.params["teamName"])
	if it == nil {
		return fail("TEAM_NAME_NOT_FOUND", c.params["teamName"])
	}
	c.out = s.teamView(c, it)
	return nil
}

func (s *Server) renameTeam(c *call) *apiError {
	it, err := s.findTeam(c)
	if err != nil {
		return err
	}
	name := textOf(c.in(), "name")
	if other := s.teamNamed(c.who.org.ID, name); other != nil && other != it {
		return fail("TEAM_NAME_NOT_AVAILABLE", name, c.who.org.ID)
	}
	it.Doc["name"] = name
	s.touch(c)
	c.out = s.teamView(c, it)
	return nil
}

// deleteTeam deletes a team that no project has. The status of the refusal is the documented one.
func (s *Server) deleteTeam(c *call) *apiError {
	if _, err := s.findTeam(c); err != nil {
		return err
	}
	for _, p := range s.projects.all() {
		if _, assigned := p.of(ProjectTeam).get(c.params["teamId"]); assigned {
			return fail("CANNOT_DELETE_TEAM_ASSIGNED_TO_PROJECT")
		}
	}
	s.touch(c).of(Team).remove(c.params["teamId"])
	c.status = http.StatusNoContent
	return nil
}

func (s *Server) listTeamUsers(c *call) *apiError {
	if _, err := s.findTeam(c); err != nil {
		return err
	}
	x := s.users(c, func(doc object) bool { return inTeam(doc, c.params["teamId"]) })
	return servePage(c, x, func(it *item) any { return s.orgUserView(c, it) })
}

// teamUser returns the team of the path and the user of the body.
func (s *Server) teamUser(c *call) (*item, *apiError) {
	if _, err := s.findTeam(c); err != nil {
		return nil, err
	}
	c.params["userId"] = textOf(c.in(), "id")
	return s.findUser(c)
}

// addTeamUser takes a user into a team; one who is in it stays.
func (s *Server) addTeamUser(c *call) *apiError {
	it, err := s.teamUser(c)
	if err != nil {
		return err
	}
	if id := c.params["teamId"]; !inTeam(it.Doc, id) {
		it.Doc["teamIds"] = append(slices.Clone(listOf(it.Doc, "teamIds")), id)
	}
	s.touch(c)
	c.out = s.orgUserView(c, it)
	return nil
}

func (s *Server) removeTeamUser(c *call) *apiError {
	it, err := s.teamUser(c)
	if err != nil {
		return err
	}
	it.Doc["teamIds"] = slices.DeleteFunc(slices.Clone(listOf(it.Doc, "teamIds")), func(id any) bool { return id == c.params["teamId"] })
	s.touch(c)
	c.out = s.orgUserView(c, it)
	return nil
}

// The teams of a project, each with its roles there.

func (s *Server) groupTeamView(c *call, it *item) object {
	href := c.base + apiRoot + "/groups/" + c.project.id() + "/teams/" + textOf(it.Doc, "teamId")
	return s.view(it.Doc, textOf(it.Doc, "teamId"), []any{self(href)}, "roleNames")
}

func (s *Server) listGroupTeams(c *call) *apiError {
	return servePage(c, c.project.of(ProjectTeam), func(it *item) any { return s.groupTeamView(c, it) })
}

// checkTeamRoles checks the roles of a team in a project.
func checkTeamRoles(c *call, names []any) *apiError {
	if len(names) == 0 {
		return fail("MISSING_ATTRIBUTE", "roleNames")
	}
	for _, name := range names {
		if !strings.HasPrefix(name.(string), "GROUP_") {
			return fail("INVALID_ROLE_FOR_GROUP", name, c.project.id())
		}
	}
	return nil
}

// addGroupTeams gives teams roles in a project and answers with the first page of all that have some.
func (s *Server) addGroupTeams(c *call) *apiError {
	in := objectsOf(object{"all": c.input}, "all")
	for _, grant := range in {
		id := textOf(grant, "teamId")
		if _, there := s.holding(c.who.org.ID).of(Team).get(id); !there {
			return fail("TEAM_NOT_FOUND", id)
		}
		if _, assigned := c.project.of(ProjectTeam).get(id); assigned {
			return fail("TEAM_EXISTS_IN_GROUP")
		}
		if err := checkTeamRoles(c, listOf(grant, "roleNames")); err != nil {
			return err
		}
	}
	for _, grant := range in {
		c.project.store(ProjectTeam, textOf(grant, "teamId"), &item{Doc: grant})
	}
	return s.listGroupTeams(c)
}

// findGroupTeam returns the team of the path in the project. The error of one that is not in it was not recorded.
func (s *Server) findGroupTeam(c *call) (*item, *apiError) {
	it, ok := c.project.of(ProjectTeam).get(c.params["teamId"])
	if !ok {
		return nil, fail("TEAM_NOT_FOUND", c.params["teamId"])
	}
	return it, nil
}

func (s *Server) getGroupTeam(c *call) *apiError {
	it, err := s.findGroupTeam(c)
	if err == nil {
		c.out = s.groupTeamView(c, it)
	}
	return err
}

func (s *Server) updateGroupTeam(c *call) *apiError {
	it, err := s.findGroupTeam(c)
	if err == nil {
		err = checkTeamRoles(c, listOf(c.in(), "roleNames"))
	}
	if err != nil {
		return err
	}
	it.Doc["roleNames"] = listOf(c.in(), "roleNames")
	return s.listGroupTeams(c)
}

func (s *Server) removeGroupTeam(c *call) *apiError {
	if _, err := s.findGroupTeam(c); err != nil {
		return err
	}
	c.project.of(ProjectTeam).remove(c.params["teamId"])
	c.status = http.StatusNoContent
	return nil
}
