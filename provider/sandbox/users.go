package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"time"
)

const userPath = apiRoot + "/groups/{groupId}/databaseUsers"

var labelRule = of(shape{"key": text.between(1, 255), "value": text.between(1, 255)})

var userFields = shape{
	"awsIAMType":      enum("NONE", "USER", "ROLE"),
	"databaseName":    enum("admin", "$external").need(),
	"deleteAfterDate": date,
	"description":     text.between(0, 100),
	"groupId":         text,
	"labels":          list(labelRule),
	"ldapAuthType":    enum("NONE", "GROUP", "USER"),
	"links":           owned,
	"oidcAuthType":    enum("NONE", "IDP_GROUP", "USER"),
	"password":        text.hidden(),
	"roles":           list(of(shape{"collectionName": text, "databaseName": text.need(), "roleName": text.need()})).need(),
	"scopes":          list(of(shape{"name": text.need().like(`^[a-zA-Z0-9][a-zA-Z0-9-]*$`), "type": enum("CLUSTER", "DATA_LAKE", "STREAM").need()})),
	"username":        text.need().between(1, 1024),
	"x509Type":        enum("NONE", "CUSTOMER", "MANAGED"),
}

var userRule = of(userFields)

// userUpdateRule asks for nothing: the specification calls the same fields required as for a creation,
// but the CLI sends only what changes.
var userUpdateRule = of(optional(userFields))

// optional returns the same fields without any that is required.
func optional(fields shape) shape {
	out := make(shape, len(fields))
	for name, r := range fields {
		r.required = false
		out[name] = r
	}
	return out
}

var userOperations = []*operation{
	{id: "listGroupDatabaseUsers", method: "GET", path: userPath, versions: since("2023-01-01"), limits: "databaseUsers", serve: (*Server).listUsers},
	{id: "createGroupDatabaseUser", method: "POST", path: userPath, versions: since("2023-01-01"), limits: "databaseUsers", body: &userRule, serve: (*Server).createUser},
	{id: "getGroupDatabaseUser", method: "GET", path: userPath + "/{databaseName}/{username}", versions: since("2023-01-01"), limits: "databaseUsers", serve: (*Server).getUser},
	{id: "updateGroupDatabaseUser", method: "PATCH", path: userPath + "/{databaseName}/{username}", versions: since("2023-01-01"), limits: "databaseUsers", body: &userUpdateRule, serve: (*Server).updateUser},
	{id: "deleteGroupDatabaseUser", method: "DELETE", path: userPath + "/{databaseName}/{username}", versions: since("2023-01-01"), limits: "databaseUsers", serve: (*Server).deleteUser},
}

// authTypes are the fields of which at most one says something else than NONE; it decides how the user
// logs in. All NONE means by password.
var authTypes = []string{"awsIAMType", "ldapAuthType", "oidcAuthType", "x509Type"}

// builtInRoles are the roles that need no definition.
var builtInRoles = []string{"atlasAdmin", "backup", "clusterMonitor", "dbAdmin", "dbAdminAnyDatabase", "enableSharding",
	"killOpSession", "read", "readAnyDatabase", "readWrite", "readWriteAnyDatabase"}

func userKey(doc object) string { return textOf(doc, "databaseName") + "/" + textOf(doc, "username") }

func (s *Server) userView(c *call, it *item) object {
	href := c.base + apiRoot + "/groups/" + c.project.id() + "/databaseUsers/" + textOf(it.Doc, "databaseName") + "/" +
		url.PathEscape(textOf(it.Doc, "username"))
	return s.view(it.Doc, userKey(it.Doc), []any{self(href)}, "roles", "scopes", "labels")
}

func (s *Server) listUsers(c *call) *apiError {
	return servePage(c, c.project.of(DatabaseUser), func(it *item) any { return s.userView(c, it) })
}

func (s *Server) createUser(c *call) *apiError {
	doc := c.in()
	key, users := userKey(doc), c.project.of(DatabaseUser)
	password := textOf(doc, "password")
	delete(doc, "password")
	doc["groupId"] = c.project.id()
	for _, field := range authTypes {
		setDefault(doc, field, "NONE")
	}
	setDefault(doc, "labels", []any{})
	setDefault(doc, "scopes", []any{})
	if err := s.checkUser(c.project, doc, password, true); err != nil {
		return err
	}
	if err := s.checkExpiry(doc); err != nil {
		return err
	}
	if _, exists := users.get(key); exists {
		return fail("USER_ALREADY_EXISTS", textOf(doc, "username"))
	}
	if most := c.project.limit("atlas.project.security.databaseAccess.users"); users.len() >= most {
		return fail("GROUP_USERS_LIMIT_EXCEEDED", most)
	}
	it := &item{Doc: doc}
	c.project.store(DatabaseUser, key, it)
	c.setJSON(http.StatusCreated, s.userView(c, it))
	return nil
}

// checkUser checks what the fields of a user say together.
func (s *Server) checkUser(p *project, doc object, password string, creating bool) *apiError {
	name, external := textOf(doc, "username"), false
	byPassword := true
	for _, field := range authTypes {
		if value := textOf(doc, field); value != "NONE" {
			byPassword = false
			external = value != "IDP_GROUP" // a workforce group lives in admin
		}
	}
	switch {
	case external && textOf(doc, "databaseName") != "$external":
		return fail("DATABASE_NAME_INVALID_EXTERNAL")
	case !external && textOf(doc, "databaseName") != "admin":
		return fail("DATABASE_NAME_INVALID_ADMIN", name)
	case textOf(doc, "x509Type") != "NONE" && password != "":
		return fail("ATLAS_X509_USER_CANNOT_USE_SCRAM")
	case byPassword && creating && password == "":
		return fail("MISSING_ATTRIBUTE", "password")
	case byPassword && password != "" && len(password) < 8:
		return fail("WEAK_PASSWORD")
	}
	for _, role := range objectsOf(doc, "roles") {
		name, database := textOf(role, "roleName"), textOf(role, "databaseName")
		_, defined := p.of(CustomRole).get(name)
		if !slices.Contains(builtInRoles, name) && !(defined && database == "admin") {
			return fail("ATLAS_INVALID_ROLE", name, database)
		}
	}
	return nil
}

// checkExpiry checks a deleteAfterDate: in the future, and at most a week away.
func (s *Server) checkExpiry(doc object) *apiError {
	when, err := time.Parse(time.RFC3339, textOf(doc, "deleteAfterDate"))
	switch {
	case err != nil: // absent: readBody has checked its form
		return nil
	case !when.After(s.now()):
		return fail("EXPIRATION_DATE_IN_PAST")
	case when.After(s.now().Add(7 * 24 * time.Hour)):
		return fail("EXPIRATION_DATE_EXCEEDS_MAX", 7)
	}
	return nil
}

func findUser(c *call) (*item, *apiError) {
	it, ok := c.project.of(DatabaseUser).get(c.params["databaseName"] + "/" + c.params["username"])
	if !ok {
		return nil, fail("USERNAME_NOT_FOUND", c.params["username"])
	}
	return it, nil
}

func (s *Server) getUser(c *call) *apiError {
	it, err := findUser(c)
	if err == nil {
		c.out = s.userView(c, it)
	}
	return err
}

// updateUser replaces the fields that the body names.
func (s *Server) updateUser(c *call) *apiError {
	it, err := findUser(c)
	if err != nil {
		return err
	}
	in := c.in()
	password := textOf(in, "password")
	delete(in, "password")
	delete(in, "groupId")
	changed := func(field string) bool { return in[field] != nil && in[field] != it.Doc[field] }
	switch {
	case changed("username"):
		return fail("DATABASE_USERNAME_CANNOT_BE_CHANGED")
	case changed("databaseName"):
		return fail("DATABASE_NAME_CANNOT_BE_CHANGED")
	case slices.ContainsFunc(authTypes, changed):
		return fail("AUTH_TYPE_CANNOT_BE_CHANGED")
	case in["deleteAfterDate"] != nil && it.Doc["deleteAfterDate"] == nil:
		return fail("PERMANENT_ENTITY_CANNOT_BE_MADE_TEMPORARY")
	}
	doc := clone(it.Doc)
	for field, value := range in {
		doc[field] = value
	}
	if err := s.checkUser(c.project, doc, password, false); err != nil {
		return err
	}
	if changed("deleteAfterDate") {
		if err := s.checkExpiry(doc); err != nil {
			return err
		}
	}
	it = &item{Doc: doc}
	c.project.store(DatabaseUser, userKey(doc), it)
	c.out = s.userView(c, it)
	return nil
}

func (s *Server) deleteUser(c *call) *apiError {
	it, err := findUser(c)
	if err != nil {
		return err
	}
	c.project.of(DatabaseUser).remove(userKey(it.Doc))
	c.status = http.StatusNoContent
	return nil
}
