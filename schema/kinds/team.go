package kinds

import "mercator/schema"

// A team of an organization's users. Atlas makes it with its users and shows these, and takes one in or out, at
// endpoints of their own, where a user is called by an id. The roles that it has in a project are a project_team.
var _ = declare(schema.Kind{
	Name: "team",
	Doc:  "A team of users of the organization, which can be given roles in projects and be told of alerts.",

	Identity: schema.Identity{
		Binds: schema.ByID, ID: "id", Key: []string{"name"}, LabelIs: "name",
		Params: map[string]string{"teamId": "id", "teamName": "name"},
	},
	Attributes: []schema.Attribute{
		{Name: "name", Type: schema.TypeString, Required: true,
			Doc: "The team's name, unique in the organization. It can be changed in place."},
		inOrganization(schema.Attribute{Name: "usernames", Type: schema.TypeList, Of: schema.TypeString, Required: true, MinItems: 1, AnyCase: true, Elem: schema.Elem{Whole: true},
			Doc: "The e-mail addresses of the users in the team, one at least and 250 at most. They must belong to the organization or be invited to it."}),

		{Name: "id", Type: schema.TypeString, Owner: schema.Server,
			Doc: "The id that Atlas gives the team, by which alerts and projects name it."},
	},
	Ignored: []string{".links"},

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "listOrgTeams", Method: "GET", Path: teams,
			Version: version20230101, Role: orgMember},
		Get: &schema.Endpoint{Operation: "getOrgTeam", Method: "GET", Path: oneTeam,
			Version: version20230101, Role: orgMember},
		Find: &schema.Endpoint{Operation: "getOrgTeamByName", Method: "GET", Path: teams + "/byName/{teamName}",
			Version: version20230101, Role: orgMember},
		Create: &schema.Endpoint{Operation: "createOrgTeam", Method: "POST", Path: teams,
			Version: version20230101, Role: orgOwner},
		Update: &schema.Endpoint{Operation: "renameOrgTeam", Method: "PATCH", Path: oneTeam,
			Version: version20230101, Role: orgOwner},
		Delete: &schema.Endpoint{Operation: "deleteOrgTeam", Method: "DELETE", Path: oneTeam,
			Version: version20230101, Role: orgOwner},
	},
	Parts: []schema.Part{
		{Attribute: "usernames", AtCreation: true,
			Read: &schema.Endpoint{Operation: "listOrgTeamUsers", Method: "GET", Path: oneTeam + "/users",
				Version: version20250219, Role: orgMember},
			Members: &schema.Members{
				Add: &schema.Endpoint{Operation: "addOrgTeamUser", Method: "POST", Path: oneTeam + ":addUser",
					Version: version20250219, Role: orgOwner},
				Remove: &schema.Endpoint{Operation: "removeOrgTeamUser", Method: "POST", Path: oneTeam + ":removeUser",
					Version: version20250219, Role: orgOwner},
				Text: &schema.MemberText{Sent: "id", Shown: "username",
					IDs: &schema.Endpoint{Operation: "listOrgUsers", Method: "GET", Path: orgUsers,
						Version: version20250219, Role: orgMember}},
			}},
	},

	Risks: []schema.RiskRule{
		{Risk: schema.GrantsAccess, Attribute: "usernames", When: schema.Added},
	},
})

const (
	teams   = organization + "/teams"
	oneTeam = teams + "/{teamId}"
)
