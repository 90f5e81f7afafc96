package workflow_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mercator/plan"
	"mercator/provider/sandbox"
	"mercator/schema"
)

// lawPeopleKinds are the kinds of which TestLawOfPeople makes configurations, and TestLaw none.
var lawPeopleKinds = []string{"team", "project_team", "organization", "org_user", "project_user"}

// lawPeople is what the files declare of an organization's people. Teams stand by their labels, and their roles in
// projects by label and project.
type lawPeople struct {
	teams  map[string]lawTeam
	grants map[[2]string][]string
	// users are the roles of those that are declared, by their labels, and access those of people in projects, by
	// their names and the project.
	users  map[string][]string
	access map[[2]string][]string
	// settings are those of the organization, by their lines; nil where it is not declared.
	settings map[string]string
}

type lawTeam struct {
	name  string
	users []string
}

// lawMembers belong to the organization, whatever the files say.
var lawMembers = []string{"ann@example.com", "bob@example.com", "cid@example.com"}

// TestLawOfPeople is the promise of the whole for what an organization has beside its projects, and for the roles of
// people in these: whatever is declared one after the other, whatever is changed by hand, and whatever requests fail
// meanwhile, there is in the end what the files say, once, and nothing else that was ours.
func TestLawOfPeople(t *testing.T) {
	setLawCases(t)
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t, sandbox.Options{NoDefaultAlerts: true, Restless: true})
		r.joined(lawMembers...)
		people := lawPeople{teams: map[string]lawTeam{}, grants: map[[2]string][]string{}, users: map[string][]string{}, access: map[[2]string][]string{}}
		for range rapid.IntRange(1, 4).Draw(rt, "steps") {
			people.step(rt)
			r.write(people.text(rt))
			r.peopleByHand(rt)
			fault := sandbox.Fault{Method: rapid.SampledFrom([]string{"", "POST", "PATCH", "DELETE"}).Draw(rt, "method"), Path: "/orgs/[^/]+$|/settings|/teams|/users",
				Nth: rapid.IntRange(1, 8).Draw(rt, "nth"), Action: rapid.SampledFrom([]sandbox.Action{sandbox.Lost, sandbox.Reset, sandbox.Status}).Draw(rt, "action")}
			if fault.Action == sandbox.Status {
				fault.Status = 500
			}
			r.faults(fault)
			r.apply(plan.Options{})
			r.faults()
			r.converge()
			if want, is := people.wanted(), r.livePeople(); !slices.Equal(want, is) {
				rt.Fatalf("Atlas has\n %s\nand declared is\n %s", strings.Join(is, "\n "), strings.Join(want, "\n "))
			}
			r.checkOrganization(rt, people.settings)
		}
	})
}

// drawSome draws one or two of several.
func drawSome(rt *rapid.T, name string, from ...string) []string {
	out := rapid.SliceOfNDistinct(rapid.SampledFrom(from), 1, 2, rapid.ID).Draw(rt, name)
	slices.Sort(out)
	return out
}

func (p *lawPeople) step(rt *rapid.T) {
	p.stepSettings(rt)
	chance := func(name string, of int) bool { return rapid.IntRange(1, of).Draw(rt, name) > 1 }
	members := p.stepUsers(rt)
	for _, label := range []string{"dev", "ops"} {
		if _, there := p.teams[label]; there && !chance("keep team", 4) {
			delete(p.teams, label)
		} else {
			p.teams[label] = lawTeam{rapid.SampledFrom([]string{label, label + " renamed"}).Draw(rt, "name"), drawSome(rt, "users", members...)}
		}
		for _, project := range []string{"shop", "lab"} {
			at := [2]string{label, project}
			delete(p.grants, at)
			if _, there := p.teams[label]; there && chance("grant", 3) {
				p.grants[at] = drawSome(rt, "roles", "GROUP_OWNER", "GROUP_READ_ONLY", "GROUP_DATA_ACCESS_ADMIN")
			}
		}
	}
}

// stepUsers declares users, changes their roles and lets them go, and does so with what people may do in projects. It
// returns who belongs to the organization.
func (p *lawPeople) stepUsers(rt *rapid.T) []string {
	members := slices.Clone(lawMembers)
	for _, label := range []string{"dee", "eve"} {
		delete(p.users, label)
		if rapid.IntRange(0, 3).Draw(rt, label) > 0 {
			p.users[label] = drawSome(rt, "roles of "+label, "ORG_MEMBER", "ORG_READ_ONLY", "ORG_BILLING_ADMIN")
			members = append(members, label+"@example.com")
		}
	}
	clear(p.access)
	for _, username := range members {
		for _, project := range []string{"shop", "lab"} {
			if rapid.IntRange(0, 2).Draw(rt, "access") == 0 {
				name, _, _ := strings.Cut(username, "@")
				p.access[[2]string{name, project}] = drawSome(rt, "access of "+name, "GROUP_OWNER", "GROUP_READ_ONLY", "GROUP_CLUSTER_MANAGER")
			}
		}
	}
	return members
}

// lawSettings are values of the organization's settings, by what they are called in the file, each with what Atlas shows.
var lawSettings = map[string]map[string]any{
	`name`:                                         {`"Shop"`: "Shop", `"Sandbox"`: "Sandbox"},
	`skip_default_alerts_settings`:                 {`true`: true, `false`: false},
	`api_access_list_required`:                     {`true`: true, `false`: false},
	`multi_factor_auth_required`:                   {`true`: true, `false`: false},
	`restrict_employee_access`:                     {`true`: true, `false`: false},
	`gen_ai_features_enabled`:                      {`true`: true, `false`: false},
	`streams_cross_group_enabled`:                  {`true`: true, `false`: false},
	`max_service_account_secret_validity_in_hours`: {`8`: 8, `"2160"`: 2160},
	`operations_contact`:                           {`"ops@example.com"`: "ops@example.com", `"night@example.com"`: "night@example.com"},
	`security_contact`:                             {`"security@example.com"`: "security@example.com", `""`: ""},
	`absolute_session_timeout_in_seconds`:          {`3600`: 3600, `7200`: 7200},
	`idle_session_timeout_in_seconds`:              {`300`: 300, `600`: 600},
}

// stepSettings sets, changes and releases settings of the organization.
func (p *lawPeople) stepSettings(rt *rapid.T) {
	if rapid.IntRange(0, 5).Draw(rt, "organization") == 0 {
		p.settings = nil
		return
	}
	p.settings = map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(lawSettings)) {
		if rapid.Bool().Draw(rt, name) {
			p.settings[name] = rapid.SampledFrom(slices.Sorted(maps.Keys(lawSettings[name]))).Draw(rt, "to")
		}
	}
}

func (p *lawPeople) organization() string {
	if p.settings == nil {
		return ""
	}
	own, settings, timeouts := "", "", ""
	for _, name := range slices.Sorted(maps.Keys(p.settings)) {
		line := fmt.Sprintf("%s = %s\n", name, p.settings[name])
		switch {
		case name == "name" || name == "skip_default_alerts_settings":
			own += line
		case strings.HasSuffix(name, "_in_seconds"):
			timeouts += line
		default:
			settings += line
		}
	}
	if timeouts != "" {
		settings += "custom_session_timeouts = {\n" + timeouts + "}\n"
	}
	if settings != "" {
		own += "settings = {\n" + settings + "}\n"
	}
	return "organization \"ours\" {\n" + own + "}\n"
}

// checkOrganization holds what Atlas shows of the organization against what is declared of it.
func (r *rig) checkOrganization(rt *rapid.T, declared map[string]string) {
	shown := map[string]any{}
	for _, kind := range []sandbox.Kind{sandbox.Organization, sandbox.OrgSettings} {
		doc, _ := r.box.Get(kind, sandbox.DefaultOrgID, "")
		maps.Copy(shown, doc)
	}
	timeouts, _ := shown["customSessionTimeouts"].(map[string]any)
	maps.Copy(shown, timeouts)
	for name, value := range declared {
		api := schema.CamelCase(name)
		if name == "gen_ai_features_enabled" {
			api = "genAIFeaturesEnabled"
		}
		if got, want := fmt.Sprint(shown[api]), fmt.Sprint(lawSettings[name][value]); got != want {
			rt.Fatalf("%s is %s in Atlas and %s in the file", name, got, want)
		}
	}
}

// text writes the declarations. Addresses are the same in any case, and so are they drawn.
func (p *lawPeople) text(rt *rapid.T) string {
	var b strings.Builder
	b.WriteString(p.organization())
	for _, label := range slices.Sorted(maps.Keys(p.users)) {
		fmt.Fprintf(&b, "org_user %q {\n username = %q\n roles = { org_roles = [%s] }\n}\n", label, label+"@Example.com", quoted(p.users[label]))
	}
	for _, label := range slices.Sorted(maps.Keys(p.teams)) {
		users := slices.Clone(p.teams[label].users)
		if rapid.Bool().Draw(rt, "capitals") {
			users[0] = strings.ToUpper(users[0])
		}
		fmt.Fprintf(&b, "team %q {\n name = %q\n usernames = [%s]\n}\n", label, p.teams[label].name, quoted(users))
	}
	for _, project := range []string{"shop", "lab"} {
		fmt.Fprintf(&b, "project %q {\n", project)
		for at, roles := range p.grants {
			if at[1] == project {
				fmt.Fprintf(&b, " project_team %q {\n  team_id = team.%s.id\n  role_names = [%s]\n }\n", at[0], at[0], quoted(roles))
			}
		}
		for at, roles := range p.access {
			if at[1] == project {
				fmt.Fprintf(&b, " project_user %q {\n  username = %q\n  roles = [%s]\n }\n", at[0], at[0]+"@example.com", quoted(roles))
			}
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// peopleByHand changes what is live, as somebody would in the console.
func (r *rig) peopleByHand(rt *rapid.T) {
	users, teams := r.box.List(sandbox.OrgUser, sandbox.DefaultOrgID), r.box.List(sandbox.Team, sandbox.DefaultOrgID)
	err := r.box.Change(sandbox.OrgSettings, sandbox.DefaultOrgID, "", map[string]any{
		rapid.SampledFrom([]string{"multiFactorAuthRequired", "restrictEmployeeAccess"}).Draw(rt, "setting"): rapid.Bool().Draw(rt, "by hand to")})
	if err != nil {
		rt.Fatal(err)
	}
	switch group, _ := r.box.ProjectID("shop"); rapid.SampledFrom([]string{"nothing", "leave", "join", "grant", "revoke", "expire"}).Draw(rt, "by hand") {
	case "expire": // an invitation that nobody accepts
		for _, user := range users {
			if user["orgMembershipStatus"] == "PENDING" {
				err = r.box.Change(sandbox.OrgUser, sandbox.DefaultOrgID, user["id"].(string), map[string]any{"orgMembershipStatus": "INVITATION_EXPIRED"})
			}
		}
	case "leave":
		err = r.box.Change(sandbox.OrgUser, sandbox.DefaultOrgID, users[len(users)-1]["id"].(string), map[string]any{"teamIds": []any{}})
	case "join":
		if len(teams) > 0 {
			err = r.box.Change(sandbox.OrgUser, sandbox.DefaultOrgID, users[0]["id"].(string), map[string]any{"teamIds": []any{teams[0]["id"]}})
		}
	case "grant":
		for _, grant := range r.box.List(sandbox.ProjectTeam, group) {
			err = r.box.Change(sandbox.ProjectTeam, group, grant["teamId"].(string), map[string]any{"roleNames": []any{"GROUP_CLUSTER_MANAGER"}})
		}
	case "revoke":
		for _, grant := range r.box.List(sandbox.ProjectTeam, group) {
			err = r.box.Delete(sandbox.ProjectTeam, group, grant["teamId"].(string))
		}
	}
	if err != nil {
		rt.Fatal(err)
	}
}

// wanted is what is declared, in a line for each object.
func (p *lawPeople) wanted() []string {
	var out []string
	for label, team := range p.teams {
		out = append(out, fmt.Sprintf("team %s %q", team.name, team.users))
		for at, roles := range p.grants {
			if at[0] == label {
				out = append(out, fmt.Sprintf("%s project_team %s %q", at[1], team.name, roles))
			}
		}
	}
	for at, roles := range p.access {
		out = append(out, fmt.Sprintf("%s@example.com %s %q", at[0], at[1], roles))
	}
	for label, roles := range p.users {
		out = append(out, fmt.Sprintf("%s@example.com %q", label, roles))
	}
	for _, username := range lawMembers {
		out = append(out, fmt.Sprintf("%s %q", username, []string{"ORG_MEMBER"}))
	}
	slices.Sort(out)
	return out
}

// livePeople is the same of what Atlas has.
func (r *rig) livePeople() []string {
	var out []string
	snapshot := r.box.Snapshot()
	maps.DeleteFunc(snapshot, func(_ string, v any) bool { // whose invitation came to nothing belongs to nothing
		doc, _ := v.(map[string]any)
		return doc["status"] == "INVITATION_EXPIRED"
	})
	members := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(snapshot)) {
		doc, _ := snapshot[name].(map[string]any)
		if parts := strings.Split(name, "/"); parts[1] == "org_user" {
			for _, team := range lawTexts(doc["teams"]) {
				members[team] = append(members[team], parts[2])
			}
		}
	}
	for name := range snapshot {
		parts := strings.Split(name, "/")
		doc, _ := snapshot[name].(map[string]any)
		switch {
		case parts[1] == "org_user" && parts[2] != sandbox.DefaultOwner:
			out = append(out, userLines(parts[2], lawTexts(doc["roles"]))...)
		case parts[1] == "team":
			out = append(out, fmt.Sprintf("team %s %q", parts[2], members[parts[2]]))
		case parts[2] == "project_team":
			out = append(out, fmt.Sprintf("%s project_team %s %q", parts[1], parts[3], lawTexts(doc["roleNames"])))
		}
	}
	slices.Sort(out)
	return out
}

// userLines are what somebody may do in the organization and in each project, a line each.
func userLines(username string, roles []string) []string {
	at := map[string][]string{"": {}}
	for _, role := range roles {
		project, name, in := strings.Cut(role, "/")
		if !in {
			project, name = "", role
		}
		at[project] = append(at[project], name)
	}
	var out []string
	for project, names := range at {
		out = append(out, strings.Replace(fmt.Sprintf("%s %s %q", username, project, names), "  ", " ", 1))
	}
	return out
}

// lawTexts are the texts in a list, sorted.
func lawTexts(list any) []string {
	out := []string{}
	elements, _ := list.([]any)
	for _, el := range elements {
		out = append(out, fmt.Sprint(el))
	}
	slices.Sort(out)
	return out
}
