package kinds

import "mercator/schema"

// What a person may do in a project. Who is not in the organization yet is invited to it as a member.
var _ = declare(schema.Kind{
	Name:   "project_user",
	Parent: "project",
	Doc:    "A user in the project, and what the user may do there beside what teams allow. Who does not belong to the organization yet is invited to it.",

	Identity: schema.Identity{
		Binds: schema.ByKey, ID: "id", Key: []string{"username"}, Canonical: canonicalEmail,
		Params: map[string]string{"userId": "id"},
	},
	Attributes: append([]schema.Attribute{
		inOrganization(username),
		{Name: "roles", Type: schema.TypeList, Of: schema.TypeString, Required: true, MinItems: 1, Elem: schema.Elem{Whole: true},
			Doc: "The roles in the project, one at least: GROUP_READ_ONLY, GROUP_OWNER and so on."},
	}, membership...),
	Ignored: unmanaged,

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "listGroupUsers", Method: "GET", Path: groupUsers,
			Version: version20250219, Role: projectReadOnly},
		Create: &schema.Endpoint{Operation: "addGroupUsers", Method: "POST", Path: groupUsers,
			Version: version20250219, Role: projectAccessManager},
		Delete: &schema.Endpoint{Operation: "removeGroupUser", Method: "DELETE", Path: groupUsers + "/{userId}",
			Version: version20250219, Role: projectAccessManager},
	},
	Parts: []schema.Part{
		{Attribute: "roles", AtCreation: true, Members: &schema.Members{
			Add: &schema.Endpoint{Operation: "addGroupUserRole", Method: "POST", Path: groupUsers + "/{userId}:addRole",
				Version: version20250219, Role: projectAccessManager},
			Remove: &schema.Endpoint{Operation: "removeGroupUserRole", Method: "POST", Path: groupUsers + "/{userId}:removeRole",
				Version: version20250219, Role: projectAccessManager},
			Text: &schema.MemberText{Sent: "groupRole"},
		}},
	},

	Risks: []schema.RiskRule{
		{Risk: schema.GrantsAccess, On: []schema.Event{schema.OnCreate}},
		{Risk: schema.GrantsAccess, Attribute: "roles", When: schema.Added},
	},
})

const groupUsers = group + "/users"

// inOrganization lets an attribute that names people wait for the organization's users that it names.
func inOrganization(a schema.Attribute) schema.Attribute {
	a.Refers = []schema.Refer{{Kind: "org_user", Attribute: "username"}}
	return a
}
