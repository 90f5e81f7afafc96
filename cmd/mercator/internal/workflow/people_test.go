package workflow_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/plan"
	"mercator/provider/sandbox"
)

// joined makes somebody an active member of the organization by hand.
func (r *rig) joined(usernames ...string) {
	r.t.Helper()
	for _, username := range usernames {
		if err := r.box.Put(sandbox.OrgUser, sandbox.DefaultOrgID, map[string]any{"username": username, "orgMembershipStatus": "ACTIVE",
			"roles": map[string]any{"orgRoles": []any{"ORG_MEMBER"}, "groupRoleAssignments": []any{}}, "teamIds": []any{}}); err != nil {
			r.t.Fatal(err)
		}
	}
}

// expectMutations holds what was called since the last time, in any order, against what was to be called.
func (r *rig) expectMutations(want ...string) {
	r.t.Helper()
	got := r.writes()
	slices.Sort(got)
	if !slices.Equal(got, want) {
		r.t.Errorf("called %q, want %q", got, want)
	}
	r.box.ResetCalls()
}

const devTeam = `team "dev" {
	usernames = ["ann@example.com", "Bob@example.com"]
}
project "shop" {
	project_team "dev" {
		team_id    = team.dev.id
		role_names = ["GROUP_READ_ONLY"]
	}
	alert_config "primary" {
		event_type_name = "NO_PRIMARY"
		enabled         = true
		notifications   = [{ type_name = "TEAM", team_id = team.dev.id, delay_min = 0, interval_min = 15, email_enabled = true }]
	}
}
`

// A team is made with its users, changes by one user at a time, and keeps its id under another name.
func TestTeamsChangeInPlace(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(devTeam)
	r.joined("ann@example.com", "bob@example.com", "cid@example.com")
	r.converge()
	r.expectMutations("addGroupTeams", "createGroup", "createGroupAlertConfig", "createOrgTeam")

	r.write(strings.Replace(devTeam, "ann@", "cid@", 1))
	changes := func(want ...string) { // the users in Atlas stand in no order
		t.Helper()
		p := r.plan(plan.Options{})
		for i := range p.Changes {
			for j := range p.Changes[i].Diffs {
				if d := &p.Changes[i].Diffs[j]; d.Op == plan.DiffRemove && strings.HasPrefix(d.Path, "usernames[") {
					d.Path = "usernames[gone]"
				}
			}
		}
		expect(t, p, want...)
	}
	changes("update team.dev usernames[0] usernames[gone]")
	r.converge()
	r.expectMutations("addOrgTeamUser", "removeOrgTeamUser")

	r.write(strings.Replace(strings.Replace(devTeam, "usernames", "name = \"Developers\"\nusernames", 1), "GROUP_READ_ONLY", "GROUP_OWNER", 1))
	changes("update project.shop.project_team.dev role_names[0] role_names[0]", "update team.dev name usernames[0] usernames[gone]")
	r.converge()
	r.expectMutations("addOrgTeamUser", "removeOrgTeamUser", "renameOrgTeam", "updateGroupTeam")

	snapshot := r.box.Snapshot()
	if team := snapshot[sandbox.DefaultOrgID+"/shop/project_team/Developers"]; team == nil {
		t.Errorf("the project has %v", snapshot)
	}
	for who, in := range map[string]int{"ann": 1, "bob": 1, "cid": 0} {
		user := snapshot[sandbox.DefaultOrgID+"/org_user/"+who+"@example.com"].(map[string]any)
		if teams := user["teams"].([]any); len(teams) != in {
			t.Errorf("%s is in the teams %v", who, teams)
		}
	}
}

// What was made by hand is adopted by its name, with the users that differ, and left behind in the end.
func TestTeamsAreAdopted(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(devTeam)
	r.joined("ann@example.com", "bob@example.com")
	const id = "5a0db0000000000000000009"
	if err := r.box.Put(sandbox.Team, sandbox.DefaultOrgID, map[string]any{"id": id, "name": "dev"}); err != nil {
		t.Fatal(err)
	}
	expect(t, r.plan(plan.Options{}), "create project.shop", "create project.shop.alert_config.primary", "create project.shop.project_team.dev", "adopt team.dev usernames[0] usernames[1]")
	r.converge()
	if b := r.read().Resources["team.dev"]; b == nil || b.ID != id || !b.Adopted {
		t.Errorf("the state knows the team as %+v", b)
	}
}

// A team goes after the project that takes its roles along, and what a user brings about by hand is drift.
func TestTeamsGoAfterTheirProjects(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(devTeam)
	r.joined("ann@example.com", "bob@example.com")
	r.converge()
	r.write("")
	r.box.ResetCalls()
	r.converge()
	r.expectMutations("deleteGroup", "deleteOrgTeam")
	if teams := r.box.List(sandbox.Team, sandbox.DefaultOrgID); len(teams) > 0 {
		t.Errorf("left are %v", teams)
	}
}

// A team that has roles in a project of somebody else stays, and Atlas's reason is told: its 404 does not mean gone.
func TestATeamInUseElsewhereStays(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(devTeam)
	r.joined("ann@example.com", "bob@example.com")
	r.converge()
	id := r.read().Resources["team.dev"].ID
	const other = "5a0db0000000000000000042"
	if err := r.box.Put(sandbox.Project, "", map[string]any{"id": other, "name": "theirs"}); err != nil {
		t.Fatal(err)
	}
	if err := r.box.Put(sandbox.ProjectTeam, other, map[string]any{"teamId": id, "roleNames": []any{"GROUP_OWNER"}}); err != nil {
		t.Fatal(err)
	}
	r.write("")
	a := r.apply(plan.Options{})
	errs := a.Result.All().Errors()
	if len(errs) != 1 || !strings.Contains(errs[0].Error(), "Remove the team from its projects first") {
		t.Errorf("the apply says %v", errs)
	}
	if r.read().Resources["team.dev"] == nil {
		t.Error("the state forgot the team")
	}
}

// Who does not belong to the organization cannot be taken into a team: the change fails, and says who.
func TestAStrangerInATeam(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(devTeam)
	r.joined("ann@example.com", "bob@example.com")
	r.converge()
	r.write(strings.Replace(devTeam, "ann@", "zoe@", 1))
	a := r.apply(plan.Options{})
	if errs := a.Result.All().Errors(); len(errs) != 1 || !strings.Contains(errs[0].Error(), "nobody has the username zoe@example.com") {
		t.Errorf("the apply says %v", errs)
	}
	r.write(devTeam)
	r.converge()
}

// The organization is taken over, changed in place, and left as it is where the block is removed. What an object inside
// its settings holds beside what is managed stays.
func TestTheOrganizationIsSet(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(`organization "ours" {
	name     = "Shop"
	settings = { multi_factor_auth_required = true, custom_session_timeouts = { absolute_session_timeout_in_seconds = 7200, idle_session_timeout_in_seconds = 900 } }
}`)
	expect(t, r.plan(plan.Options{}), "adopt organization.ours name settings.multi_factor_auth_required "+
		"settings.custom_session_timeouts.absolute_session_timeout_in_seconds settings.custom_session_timeouts.idle_session_timeout_in_seconds")
	r.converge()
	r.expectMutations("updateOrg", "updateOrgSettings")

	r.write(`organization "ours" {
	skip_default_alerts_settings = true
	settings = { custom_session_timeouts = { idle_session_timeout_in_seconds = 600 } }
}`).converge()
	org, _ := r.box.Get(sandbox.Organization, sandbox.DefaultOrgID, "")
	settings, _ := r.box.Get(sandbox.OrgSettings, sandbox.DefaultOrgID, "")
	timeouts := settings["customSessionTimeouts"].(map[string]any)
	if org["name"] != "Shop" || org["skipDefaultAlertsSettings"] != true || settings["multiFactorAuthRequired"] != true ||
		fmt.Sprintf("%v %v", timeouts["absoluteSessionTimeoutInSeconds"], timeouts["idleSessionTimeoutInSeconds"]) != "7200 600" {
		t.Errorf("the organization is %v with %v", org, settings)
	}

	r.write("")
	r.box.ResetCalls()
	expect(t, r.plan(plan.Options{}), "forget organization.ours")
	r.converge()
	r.expectMutations()

	r.write("organization \"a\" {}\norganization \"b\" {}\n")
	expectCodes(t, r.mistakes(), "duplicate_object")
	r.write("organization {}\n")
	expectCodes(t, r.mistakes(), "block_labels")
}

const annAndBob = `org_user "ann" {
	username = "Ann@example.com"
	roles    = { org_roles = ["ORG_MEMBER"] }
}
team "dev" { usernames = ["ann@example.com"] }
project "shop" {
	project_user "ann" {
		username = "ann@example.com"
		roles    = ["GROUP_READ_ONLY"]
	}
}
`

// Users are invited before what names them, their roles change one by one, an invitation that expired is made anew, and
// in the end they go after what names them.
func TestUsersAreInvitedAndChanged(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(annAndBob)
	r.converge()
	calls := r.writes()
	for _, later := range []string{"addGroupUsers", "createOrgTeam"} {
		if slices.Index(calls, later) < slices.Index(calls, "createOrgUser") {
			t.Errorf("the calls were %q", calls)
		}
	}
	r.box.ResetCalls()

	changed := strings.NewReplacer(`"ORG_MEMBER"`, `"ORG_READ_ONLY"`, `"GROUP_READ_ONLY"`, `"GROUP_READ_ONLY", "GROUP_OWNER"`).Replace(annAndBob)
	r.write(changed)
	expect(t, r.plan(plan.Options{}), "update org_user.ann roles.org_roles[0] roles.org_roles[0]", "update project.shop.project_user.ann roles[1]")
	r.converge()
	r.expectMutations("addGroupUserRole", "addOrgUserRole", "removeOrgUserRole")

	r.clock.advance(31 * 24 * time.Hour)
	expect(t, r.plan(plan.Options{}), "create org_user.ann", "create project.shop.project_user.ann", "update team.dev usernames[0]")
	r.converge()
	r.box.ResetCalls()

	r.write(`project "shop" {}`)
	r.converge()
	calls = r.writes()
	if slices.Index(calls, "removeOrgUser") != len(calls)-1 {
		t.Errorf("the calls were %q", calls)
	}
}

// Who is there already is adopted, and left in the organization in the end.
func TestUsersAreAdopted(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(`org_user "ann" {
	username = "ann@example.com"
	roles    = { org_roles = ["ORG_MEMBER", "ORG_GROUP_CREATOR"] }
}`)
	r.joined("ann@example.com")
	expectCodes(t, r.alone(plan.Options{}).Refused, "needs_allow_adopt")
	r.converge()
	r.expectMutations("addOrgUserRole")
	r.write("")
	expect(t, r.plan(plan.Options{}), "forget org_user.ann")
}

// The last owner of an organization neither leaves it nor becomes a mere member: Atlas would refuse it half-way.
func TestTheLastOwnerStays(t *testing.T) {
	owner := func(roles string) string {
		return fmt.Sprintf("org_user \"owner\" {\n username = %q\n roles = { org_roles = [%s] }\n}\n", sandbox.DefaultOwner, roles)
	}
	r := newRig(t, sandbox.Options{}).write(owner(`"ORG_OWNER"`))
	r.converge()
	r.write(owner(`"ORG_MEMBER"`))
	expectCodes(t, r.plan(plan.Options{}).Diagnostics, "last_of_its_kind")
	r.write("")
	expectCodes(t, r.plan(plan.Options{AllowDestroy: []string{"org_user.owner"}}).Diagnostics, "last_of_its_kind")

	r.joined("ann@example.com")
	ann := "org_user \"ann\" {\n username = \"ann@example.com\"\n roles = { org_roles = [\"ORG_OWNER\"] }\n}\n"
	r.write(owner(`"ORG_OWNER"`) + ann).converge()
	r.write(owner(`"ORG_MEMBER"`) + ann).converge()
}
