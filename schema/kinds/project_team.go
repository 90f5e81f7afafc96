package kinds

import "mercator/schema"

// The roles of a team in a project. Atlas takes several teams at once and answers with all of the project's.
var _ = declare(schema.Kind{
	Name:   "project_team",
	Parent: "project",
	Doc:    "A team of the organization in the project, and what its users may do there.",

	Identity: schema.Identity{Binds: schema.ByKey, Key: []string{"team_id"}},
	Attributes: []schema.Attribute{
		{Name: "team_id", Type: schema.TypeString, Required: true, Immutable: true,
			Doc: "The team's id, mostly team.LABEL.id."},
		{Name: "role_names", Type: schema.TypeList, Of: schema.TypeString, Required: true, MinItems: 1, Elem: schema.Elem{Whole: true},
			Doc: "What the team's users may do in the project, one role at least: GROUP_READ_ONLY, GROUP_OWNER and so on."},
	},
	Ignored: []string{".links"},

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "listGroupTeams", Method: "GET", Path: group + "/teams",
			Version: version20230101, Role: projectReadOnly},
		Get: &schema.Endpoint{Operation: "getGroupTeam", Method: "GET", Path: group + "/teams/{teamId}",
			Version: version20230101, Role: projectReadOnly},
		Create: &schema.Endpoint{Operation: "addGroupTeams", Method: "POST", Path: group + "/teams",
			Version: version20230101, Role: projectAccessManager, Batch: 1, AnswersList: true},
		Update: &schema.Endpoint{Operation: "updateGroupTeam", Method: "PATCH", Path: group + "/teams/{teamId}",
			Version: version20230101, Role: projectAccessManager, Omit: []string{"team_id"}, AnswersList: true},
		Delete: &schema.Endpoint{Operation: "removeGroupTeam", Method: "DELETE", Path: group + "/teams/{teamId}",
			Version: version20230101, Role: projectAccessManager},
	},

	Risks: []schema.RiskRule{
		{Risk: schema.GrantsAccess, Attribute: "role_names", When: schema.Added},
	},
})
