package kinds

import (
	"fmt"
	"strings"

	"mercator/schema"
)

// A person in the organization. Who is not in it is invited, and is pending until the invitation is accepted; one that
// came to nothing is shown no more, so that the next apply invites again. Roles are given and taken one by one, which
// leaves those in projects alone.
var _ = declare(schema.Kind{
	Name: "org_user",
	Doc:  "A user of the organization, known by an e-mail address. Who does not belong to it yet is invited.",

	Identity: schema.Identity{
		Binds: schema.ByKey, ID: "id", Key: []string{"username"}, Canonical: canonicalEmail,
		Params: map[string]string{"userId": "id"},
	},
	Attributes: append([]schema.Attribute{
		username,
		{Name: "roles", Type: schema.TypeObject, Required: true, Nested: []schema.Attribute{
			{Name: "org_roles", Type: schema.TypeList, Of: schema.TypeString, Required: true, MinItems: 1, Elem: schema.Elem{Whole: true},
				Enum: []string{"ORG_OWNER", "ORG_MEMBER", "ORG_GROUP_CREATOR", "ORG_BILLING_ADMIN", "ORG_BILLING_READ_ONLY", "ORG_READ_ONLY",
					"ORG_STREAM_PROCESSING_ADMIN"},
				Doc: "The roles in the organization, one at least."},
		}, Doc: "What the user may do in the organization; in projects, that is a project_user."},
	}, membership...),
	Ignored: append([]string{".roles.groupRoleAssignments", ".teamIds"}, unmanaged...),

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "listOrgUsers", Method: "GET", Path: orgUsers,
			Version: version20250219, Role: orgMember},
		Create: &schema.Endpoint{Operation: "createOrgUser", Method: "POST", Path: orgUsers,
			Version: version20250219, Role: orgOwner},
		Delete: &schema.Endpoint{Operation: "removeOrgUser", Method: "DELETE", Path: orgUsers + "/{userId}",
			Version: version20250219, Role: orgOwner},
	},
	Parts: []schema.Part{
		{Attribute: "roles", AtCreation: true, Members: &schema.Members{
			Add: &schema.Endpoint{Operation: "addOrgUserRole", Method: "POST", Path: orgUsers + "/{userId}:addRole",
				Version: version20250219, Role: orgOwner},
			Remove: &schema.Endpoint{Operation: "removeOrgUserRole", Method: "POST", Path: orgUsers + "/{userId}:removeRole",
				Version: version20250219, Role: orgOwner},
			Text: &schema.MemberText{In: "org_roles", Sent: "orgRole"},
		}},
	},
	Last: &schema.Last{Attribute: "roles.org_roles", Value: "ORG_OWNER", Among: schema.Condition{Attribute: "org_membership_status", Values: []string{"ACTIVE"}}},

	Risks: []schema.RiskRule{
		{Risk: schema.GrantsAccess, On: []schema.Event{schema.OnCreate}},
		{Risk: schema.GrantsAccess, Attribute: "roles.org_roles", When: schema.Added},
	},
})

const orgUsers = organization + "/users"

// username is how a person is known.
var username = schema.Attribute{Name: "username", Type: schema.TypeString, Required: true, Immutable: true,
	Doc: "The e-mail address, in any case. Another one is another user."}

// membership is what Atlas tells of a person.
var membership = []schema.Attribute{
	{Name: "id", Type: schema.TypeString, Owner: schema.Server,
		Doc: "The id that Atlas gives the user."},
	{Name: "org_membership_status", Type: schema.TypeString, Owner: schema.Server,
		Doc: "Whether the user is in the organization (ACTIVE) or invited to it (PENDING)."},
	{Name: "first_name", Type: schema.TypeString, Owner: schema.Server,
		Doc: "The first name, of an active user."},
	{Name: "last_name", Type: schema.TypeString, Owner: schema.Server,
		Doc: "The last name, of an active user."},
	{Name: "created_at", Type: schema.TypeTime, Owner: schema.Server,
		Doc: "When an active user's account was made."},
	{Name: "invitation_created_at", Type: schema.TypeTime, Owner: schema.Server,
		Doc: "When a pending user was invited."},
	{Name: "invitation_expires_at", Type: schema.TypeTime, Owner: schema.Server,
		Doc: "Until when a pending user can accept."},
	{Name: "inviter_username", Type: schema.TypeString, Owner: schema.Server,
		Doc: "Who invited a pending user."},
}

// unmanaged is what Atlas tells of a person and nobody needs to know here.
var unmanaged = []string{".links", ".country", ".mobileNumber", ".lastAuth"}

// canonicalEmail writes an e-mail address in lower case, as Atlas compares it.
func canonicalEmail(text string) (string, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if name, domain, ok := strings.Cut(text, "@"); !ok || name == "" || domain == "" || strings.ContainsAny(text, " \t\r\n/") {
		return "", fmt.Errorf("%q is no e-mail address; write it like name@example.com", text)
	}
	return text, nil
}
