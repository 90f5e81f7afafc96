package sandbox

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

const rolePath = apiRoot + "/groups/{groupId}/customDBRoles/roles"

// roleFields don't ask for cluster, collection and db together, though the specification does: no
// recorded role has all three.
var roleFields = shape{
	"actions": list(of(shape{
		"action":    text.need().like(`^[A-Z][A-Z0-9_]*$`),
		"resources": list(of(shape{"cluster": boolean, "collection": text, "db": text})).need(),
	})),
	"inheritedRoles": list(of(shape{"db": text.need(), "role": text.need()})),
}

var (
	roleUpdateRule = of(roleFields)
	roleRule       = of(shape{"actions": roleFields["actions"], "inheritedRoles": roleFields["inheritedRoles"], "roleName": text.need()})
	roleName       = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_-]*$`)
)

var roleOperations = []*operation{
	{id: "listGroupCustomDbRoleRoles", method: "GET", path: rolePath, versions: since("2023-01-01"), limits: "customDBRoles", serve: (*Server).listRoles},
	{id: "createGroupCustomDbRoleRole", method: "POST", path: rolePath, versions: since("2023-01-01"), limits: "customDBRoles", body: &roleRule, serve: (*Server).createRole},
	{id: "getGroupCustomDbRoleRole", method: "GET", path: rolePath + "/{roleName}", versions: since("2023-01-01"), limits: "customDBRoles", serve: (*Server).getRole},
	{id: "updateGroupCustomDbRoleRole", method: "PATCH", path: rolePath + "/{roleName}", versions: since("2023-01-01"), limits: "customDBRoles", body: &roleUpdateRule, serve: (*Server).updateRole},
	{id: "deleteGroupCustomDbRoleRole", method: "DELETE", path: rolePath + "/{roleName}", versions: since("2023-01-01"), limits: "customDBRoles", serve: (*Server).deleteRole},
}

// roleView shows a role; it has no links.
func (s *Server) roleView(it *item) object {
	name := textOf(it.Doc, "roleName")
	doc := s.view(it.Doc, name, nil, "actions", "inheritedRoles")
	actions := slices.Clone(listOf(doc, "actions"))
	for i, a := range actions {
		if action, ok := a.(object); ok {
			actions[i] = s.view(action, name+"/"+textOf(action, "action"), nil, "resources")
		}
	}
	doc["actions"] = actions
	return doc
}

// listRoles answers a bare array, without pages.
func (s *Server) listRoles(c *call) *apiError {
	out := []any{}
	for _, it := range c.project.of(CustomRole).all() {
		out = append(out, s.roleView(it))
	}
	c.out = out
	return nil
}

func (s *Server) createRole(c *call) *apiError {
	doc := c.in()
	name, roles := textOf(doc, "roleName"), c.project.of(CustomRole)
	setDefault(doc, "actions", []any{})
	setDefault(doc, "inheritedRoles", []any{})
	if !roleName.MatchString(name) {
		return fail("ATLAS_CUSTOM_ROLE_INVALID_NAME", name)
	}
	if _, exists := roles.get(name); exists {
		return fail("ATLAS_CUSTOM_ROLE_NAME_ALREADY_EXISTS", name)
	}
	if err := checkRole(c.project, doc); err != nil {
		return err
	}
	it := &item{Doc: doc}
	c.project.store(CustomRole, name, it)
	c.setJSON(http.StatusAccepted, s.roleView(it))
	return nil
}

// checkRole checks that a role permits something and inherits only what exists.
func checkRole(p *project, doc object) *apiError {
	if len(listOf(doc, "actions"))+len(listOf(doc, "inheritedRoles")) == 0 {
		return fail("ATLAS_CUSTOM_ROLE_HAS_NO_PERMISSIONS")
	}
	for _, role := range objectsOf(doc, "inheritedRoles") {
		name := textOf(role, "role")
		_, defined := p.of(CustomRole).get(name)
		if name == textOf(doc, "roleName") || !defined && !slices.Contains(builtInRoles, name) {
			return fail("ATLAS_INVALID_ROLE", name, textOf(role, "db"))
		}
	}
	return nil
}

func findRole(c *call) (*item, *apiError) {
	it, ok := c.project.of(CustomRole).get(c.params["roleName"])
	if !ok {
		return nil, fail("ATLAS_CUSTOM_ROLE_NOT_FOUND", c.params["roleName"])
	}
	return it, nil
}

func (s *Server) getRole(c *call) *apiError {
	it, err := findRole(c)
	if err == nil {
		c.out = s.roleView(it)
	}
	return err
}

// updateRole replaces the lists that the body names.
func (s *Server) updateRole(c *call) *apiError {
	it, err := findRole(c)
	if err != nil {
		return err
	}
	doc := clone(it.Doc)
	for field, value := range c.in() {
		doc[field] = value
	}
	if err := checkRole(c.project, doc); err != nil {
		return err
	}
	it = &item{Doc: doc}
	c.project.store(CustomRole, textOf(doc, "roleName"), it)
	c.out = s.roleView(it)
	return nil
}

// deleteRole refuses to leave a user without a role, or a role without permissions.
func (s *Server) deleteRole(c *call) *apiError {
	it, err := findRole(c)
	if err != nil {
		return err
	}
	name := textOf(it.Doc, "roleName")
	var users, roles []string
	for _, user := range c.project.of(DatabaseUser).all() {
		if onlyRole(user.Doc, "roles", "roleName", name) {
			users = append(users, textOf(user.Doc, "username"))
		}
	}
	for _, role := range c.project.of(CustomRole).all() {
		if len(listOf(role.Doc, "actions")) == 0 && onlyRole(role.Doc, "inheritedRoles", "role", name) {
			roles = append(roles, textOf(role.Doc, "roleName"))
		}
	}
	slices.Sort(users)
	slices.Sort(roles)
	switch {
	case len(users) > 0:
		return fail("ATLAS_CUSTOM_ROLE_IN_USE_BY_USERS", strings.Join(users, ", "))
	case len(roles) > 0:
		return fail("ATLAS_CUSTOM_ROLE_IN_USE_BY_ROLES", strings.Join(roles, ", "))
	}
	s.dropRole(c.project, name)
	c.status = http.StatusNoContent
	return nil
}

// onlyRole reports whether a list of roles is not empty and holds nothing but one name.
func onlyRole(doc object, list, field, name string) bool {
	roles := objectsOf(doc, list)
	return len(roles) > 0 && !slices.ContainsFunc(roles, func(r object) bool { return textOf(r, field) != name })
}

// dropRole removes a role, and its name from the users and roles that have others beside it.
func (s *Server) dropRole(p *project, name string) {
	p.of(CustomRole).remove(name)
	for _, user := range p.of(DatabaseUser).all() {
		dropFrom(user.Doc, "roles", "roleName", name)
	}
	for _, role := range p.of(CustomRole).all() {
		dropFrom(role.Doc, "inheritedRoles", "role", name)
	}
}

func dropFrom(doc object, list, field, name string) {
	if roles := listOf(doc, list); roles != nil {
		doc[list] = slices.DeleteFunc(slices.Clone(roles), func(r any) bool {
			role, ok := r.(object)
			return ok && textOf(role, field) == name
		})
	}
}
