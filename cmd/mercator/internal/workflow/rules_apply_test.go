package workflow_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/apply"
	"mercator/apply/state"
	"mercator/cmd/mercator/internal/workflow"
	"mercator/plan"
	"mercator/plan/planfile"
	"mercator/provider/sandbox"
)

func user(label, more string) string {
	return "database_user \"" + label + "\" {\n password = \"long-enough-password\"\n" + more + "\n}"
}

// handmade is a user as Atlas shows one that somebody made in the UI.
func handmade(name string) map[string]any {
	return map[string]any{"username": name, "databaseName": "admin", "roles": []any{}, "scopes": []any{}, "labels": []any{},
		"x509Type": "NONE", "awsIAMType": "NONE", "ldapAuthType": "NONE", "oidcAuthType": "NONE"}
}

const readsOrders = `roles = [{ role_name = "read", database_name = "orders" }]`

// TestRule_R20_SensitiveValuesInOrdinaryPlaces sends a sensitive description: Atlas has it, nobody else.
func TestRule_R20_SensitiveValuesInOrdinaryPlaces(t *testing.T) {
	text := `variable "why" {
		type      = string
		sensitive = true
	}
	` + shop(user("app", readsOrders+"\n description = var.why"))
	r := newRig(t, sandbox.Options{}).set("why", "for-the-merger").write(text)
	r.converge()
	if got := r.live(sandbox.DatabaseUser, "shop", "admin/app")["description"]; got != "for-the-merger" {
		t.Errorf("Atlas has the description %v", got)
	}
	bound := r.read().Resources["project.shop.database_user.app"]
	if !state.Verify(bound.Secrets["description"], "for-the-merger") || !bound.Applied.GetAttr("description").IsNull() {
		t.Errorf("the state has %v and %#v, want a hash", bound.Secrets, bound.Applied.GetAttr("description"))
	}
	r.set("why", "for-the-sale")
	p := r.plan(plan.Options{})
	expect(t, p, "update project.shop.database_user.app description")
	if d := find(t, p, "project.shop.database_user.app").Diffs[0]; !d.Sensitive || strings.Contains(describe(p), "merger") || strings.Contains(describe(p), "sale") {
		t.Errorf("the difference is not masked: %s", describe(p))
	}
	r.converge()
	for _, place := range []string{"username = var.why\n" + readsOrders, readsOrders + "\n for_each = toset([var.why])"} {
		r.write(strings.Replace(text, readsOrders+"\n description = var.why", place, 1))
		expectCodes(t, r.mistakes(), "sensitive_key")
	}
	r.write(strings.Replace(text, "description = var.why\n}", "}\n"+entries(`(var.why) = "x"`), 1))
	expectCodes(t, r.mistakes(), "sensitive_key")
}

// TestRule_R21_ARoleOutlivesItsLastUser takes a role away while a user is moved off it, both by plain names.
func TestRule_R21_ARoleOutlivesItsLastUser(t *testing.T) {
	role := "custom_role \"reader\" {\n actions = [{ action = \"FIND\", resources = [{ db = \"orders\" }] }]\n}"
	r := newRig(t, sandbox.Options{}).write(shop(role, user("app", `roles = [{ role_name = "reader", database_name = "admin" }]`)))
	r.converge()
	equal(t, "creation", r.writes(), "createGroup", "createGroupCustomDbRoleRole", "createGroupDatabaseUser")
	r.box.ResetCalls()
	r.write(shop(user("app", readsOrders))).converge()
	equal(t, "removal", r.writes(), "updateGroupDatabaseUser", "deleteGroupCustomDbRoleRole")
}

// TestRule_R22_AProjectGoesWithWhatIsOurs deletes projects in which strangers live.
func TestRule_R22_AProjectGoesWithWhatIsOurs(t *testing.T) {
	start := func() *rig {
		r := newRig(t, sandbox.Options{}).write(shop(small("orders", `instance_size = "M10"`), user("app", readsOrders)))
		r.converge()
		return r.write(`project "other" {}`)
	}
	r := start().put(sandbox.DatabaseUser, "shop", handmade("stranger"))
	r.box.ResetCalls()
	a := r.converge()
	if c := find(t, a.Plan, "project.shop.database_user.app"); c.GoesWith != "project.shop" {
		t.Errorf("the user goes with %q", c.GoesWith)
	}
	if !slices.ContainsFunc(a.Plan.Unmanaged, func(u plan.Unmanaged) bool { return u.Key == "admin/stranger" }) {
		t.Errorf("the stranger is not listed: %+v", a.Plan.Unmanaged)
	}
	deletions := r.operations(func(c sandbox.Call) bool { return c.Method == "DELETE" })
	equal(t, "deletions", deletions, "deleteGroupCluster", "deleteGroup")

	r = start().put(sandbox.Cluster, "shop", map[string]any{"name": "stranger", "clusterType": "REPLICASET", "replicationSpecs": []any{}})
	a = r.apply(plan.Options{})
	finding(t, a.Plan.Diagnostics, "deletion_blocked")
	if a.Ran {
		t.Error("a project with somebody else's cluster was deleted")
	}
	r = start().write(`project "shop" { region_usage_restrictions = "GOV_REGIONS_ONLY" }` + "\n" +
		strings.Replace(small("orders", "instance_size = \"M10\"\n project = project.shop"), "label", "label", 1))
	finding(t, r.apply(plan.Options{}).Plan.Diagnostics, "replace_holds_data")
}

// defaultAlert is one that Atlas gives every new project.
const defaultAlert = `alert_config "no_primary" {
	event_type_name = "NO_PRIMARY"
	enabled         = true
	notifications   = [{ type_name = "GROUP", delay_min = 15, interval_min = 60, email_enabled = true, sms_enabled = false, roles = ["GROUP_OWNER"] }]
}`

// TestRule_R24_DefaultAlertsAreNotDoubled declares an alert that Atlas adds to the project by itself.
func TestRule_R24_DefaultAlertsAreNotDoubled(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(defaultAlert))
	a := r.converge()
	if o := outcome(t, a.Result, "project.shop.alert_config.no_primary"); o.Action != plan.Create || o.Status != apply.Done {
		t.Errorf("it is %s %s, want created", o.Action, o.Status)
	}
	equal(t, "calls", r.writes(), "createGroup")
	if r.read().Resources["project.shop.alert_config.no_primary"].Adopted {
		t.Error("it counts as adopted, and was created")
	}
}

// save makes a plan and keeps it in a file, as plan --out does.
func (r *rig) save() *planfile.File {
	r.t.Helper()
	s := r.open()
	p, err := s.Plan(context.Background(), plan.Options{AllowDestroy: []string{"all"}, AllowAdopt: []string{"all"}})
	if err != nil {
		r.t.Fatal(err)
	}
	source, err := s.Source()
	if err != nil {
		r.t.Fatal(err)
	}
	f, err := planfile.New(p, source, "0.1.0", catalog)
	if err != nil {
		r.t.Fatal(err)
	}
	path := filepath.Join(r.t.TempDir(), "plan.bin")
	if err := f.Write(path); err != nil {
		r.t.Fatal(err)
	}
	if f, err = planfile.Read(path); err != nil {
		r.t.Fatal(err)
	}
	return f
}

// applySaved carries a saved plan out.
func (r *rig) applySaved(f *planfile.File) (workflow.Applied, error) {
	r.t.Helper()
	o := applyAll()
	o.Saved = f
	return r.open().Apply(context.Background(), o)
}

// wantStale fails unless the saved plan is refused before anything is written.
func (r *rig) wantStale(t *testing.T, f *planfile.File, word string) {
	t.Helper()
	r.box.ResetCalls()
	_, err := r.applySaved(f)
	var stale *workflow.StaleError
	if !errors.As(err, &stale) {
		t.Errorf("want the plan refused as stale, got %v", err)
	} else {
		says(t, stale.Error(), word)
	}
	equal(t, "calls", r.writes())
}

// TestRule_R25_WhatAtlasTellsIsFilledInWhenItIsDue uses values that only Atlas can tell, and a secret that the
// saved plan does not hold.
func TestRule_R25_WhatAtlasTellsIsFilledInWhenItIsDue(t *testing.T) {
	r := newRig(t, sandbox.Options{Polls: 2}).write(shop(small("orders", `instance_size = "M10"`),
		`database_user "app" {
			password    = env("APP_PASSWORD")
			roles       = [{ role_name = "read", database_name = "orders" }]
			description = substr(cluster.orders.id, 0, 24)
			labels      = { project = parent.id }
		}`))
	r.env["APP_PASSWORD"] = "canary-of-the-first-run"
	saved := r.save()
	text, err := os.ReadFile(filepath.Join(r.dir, "main.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	r.env["APP_PASSWORD"] = "canary-of-the-second-run" // secrets come from the environment of the apply
	if a, err := r.applySaved(saved); err != nil || !a.Result.OK() {
		t.Fatalf("the saved plan was not carried out: %v %v", err, a.Result.All())
	}
	u, c := r.live(sandbox.DatabaseUser, "shop", "admin/app"), r.live(sandbox.Cluster, "shop", "orders")
	if u["description"] != c["id"] {
		t.Errorf("the description is %v, want the cluster's id %v", u["description"], c["id"])
	}
	if r.box.Received("canary-of-the-first-run") || !r.box.Received("canary-of-the-second-run") {
		t.Error("the password is not that of the environment in which the plan was applied")
	}
	r.expectEmpty()
	r.write(strings.Replace(string(text), "M10", "M20", 1))
	saved = r.save()
	r.write(string(text) + "\n# another word\n")
	r.wantStale(t, saved, "main.hcl")
}

// copyState copies the state and its journal as they lie on the disk: what a killed process leaves.
func (r *rig) copyState() map[string][]byte {
	files := map[string][]byte{}
	names, _ := filepath.Glob(filepath.Join(r.dir, "mercator.state*"))
	for _, name := range names {
		if text, err := os.ReadFile(name); err == nil {
			files[name] = text
		}
	}
	return files
}

// restore puts a copy of the state back.
func (r *rig) restore(files map[string][]byte) {
	r.t.Helper()
	names, _ := filepath.Glob(filepath.Join(r.dir, "mercator.state*"))
	for _, name := range names {
		if err := os.Remove(name); err != nil {
			r.t.Fatal(err)
		}
	}
	for name, text := range files {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
}

// TestRule_R26_KilledBetweenCallAndAnswer loses everything that was not on the disk when Atlas had made the alert
// and the answer was not there yet.
func TestRule_R26_KilledBetweenCallAndAnswer(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop())
	r.converge()
	r.write(shop(slackAlert("one", `api_token = "xoxb-0001-canary"`, 5)))
	var left map[string][]byte
	r.faults(sandbox.Fault{Method: "POST", Path: "/alertConfigs$", After: func(requestHook) { left = r.copyState() }})
	before := len(r.box.List(sandbox.AlertConfig, r.project("shop")))
	r.apply(plan.Options{})
	r.faults()
	r.restore(left)
	r.forgetLock()
	// Today's file wants another delay; what was sent is what is looked for.
	r.write(shop(slackAlert("one", `api_token = "xoxb-0001-canary"`, 30)))
	r.converge()
	if n := len(r.box.List(sandbox.AlertConfig, r.project("shop"))); n != before+1 {
		t.Errorf("there are %d alert configurations, want %d", n, before+1)
	}
	for a, b := range r.read().Resources {
		if b.Adopted {
			t.Errorf("%s was made by us and counts as adopted", a)
		}
	}
}

// forgetLock removes the lock of a process that is dead.
func (r *rig) forgetLock() {
	r.t.Helper()
	names, _ := filepath.Glob(filepath.Join(r.dir, "*lock*"))
	for _, name := range names {
		if err := os.Remove(name); err != nil {
			r.t.Fatal(err)
		}
	}
}

// TestRule_R27_AStalePlanWritesNothing changes Atlas between a plan and its apply.
func TestRule_R27_AStalePlanWritesNothing(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(user("app", readsOrders)))
	r.converge()
	r.write(shop(user("app", `roles = [{ role_name = "readWrite", database_name = "orders" }]`)))
	saved := r.save()
	r.change(sandbox.DatabaseUser, "shop", "admin/app", map[string]any{"roles": []any{map[string]any{"roleName": "dbAdmin", "databaseName": "orders"}}})
	r.wantStale(t, saved, "project.shop.database_user.app")
	saved = r.save()
	r.change(sandbox.DatabaseUser, "shop", "admin/app", map[string]any{"description": "nobody manages this"})
	if a, err := r.applySaved(saved); err != nil || !a.Result.OK() {
		t.Errorf("what nobody manages made the plan stale: %v %v", err, a.Result.All())
	}
	r.expectEmpty()
}

// TestRule_R27_ChangedWhileApplying changes an object a minute after it was read, before its turn comes.
func TestRule_R27_ChangedWhileApplying(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(user("app", readsOrders), entries(`"203.0.113.7" = "Office"`)))
	r.converge()
	r.write(shop(user("app", `roles = [{ role_name = "readWrite", database_name = "orders" }]`), entries(`"203.0.113.7" = "Head office"`)))
	o := applyAll()
	o.Parallelism = 1
	r.faults(sandbox.Fault{Method: "POST", Path: "/accessList$", Count: 1, After: func(requestHook) {
		r.clock.advance(20 * time.Second)
		r.change(sandbox.DatabaseUser, "shop", "admin/app", map[string]any{"roles": []any{}})
	}})
	a, err := r.open().Apply(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	expectCodes(t, outcome(t, a.Result, "project.shop.database_user.app").Diagnostics, "changed_meanwhile")
	if slices.Contains(r.writes()[2:], "updateGroupDatabaseUser") {
		t.Error("somebody's change was overwritten")
	}
}

// TestRule_R28_OneApplyAtATime starts a second apply while the first is at work.
func TestRule_R28_OneApplyAtATime(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(entries(`"203.0.113.7" = "Office"`)))
	var second error
	r.faults(sandbox.Fault{Method: "POST", Path: "/groups$", Before: func(requestHook) {
		_, second = r.open().Apply(context.Background(), applyAll())
	}})
	r.converge()
	var locked *state.LockedError
	if !errors.As(second, &locked) {
		t.Fatalf("the second apply got %v, want the lock", second)
	}
	if locked.Holder.Operation != "apply" || locked.Holder.Since.IsZero() {
		t.Errorf("the holder is not told: %+v", locked.Holder)
	}
	equal(t, "calls", r.writes(), "createGroup", "createGroupAccessListEntry")
}

// TestRule_R28_NoCallWithoutTheLock lets the lease run out in the middle of an apply while somebody else takes it.
func TestRule_R28_NoCallWithoutTheLock(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(entries(`"203.0.113.7" = "Office"`)))
	r.faults(sandbox.Fault{Method: "POST", Path: "/groups$", After: func(requestHook) {
		r.clock.advance(10 * time.Minute)
		lease, err := r.open().Store.Lock(context.Background(), state.LockInfo{Operation: "apply", Who: "somebody else"})
		if err != nil {
			t.Errorf("an expired lease cannot be taken: %v", err)
			return
		}
		t.Cleanup(func() { _ = lease.Release(context.Background()) })
	}})
	a := r.apply(plan.Options{})
	r.faults()
	if !a.Result.LeaseLost {
		t.Errorf("the lease ran out and nobody noticed: %+v", a.Result)
	}
	equal(t, "calls", r.writes(), "createGroup")
}

// TestRule_R29_SignalsEndGracefully stops an apply while a call runs.
func TestRule_R29_SignalsEndGracefully(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(entries(`"203.0.113.7" = "Office"`)))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r.faults(sandbox.Fault{Method: "POST", Path: "/groups$", Before: func(requestHook) { cancel() }})
	a, err := r.open().Apply(ctx, applyAll())
	if err != nil {
		t.Fatal(err)
	}
	r.faults()
	if !a.Result.Interrupted || outcome(t, a.Result, "project.shop").Status != apply.Done {
		t.Errorf("want the running call to end and be recorded: %+v", a.Result.Outcomes)
	}
	equal(t, "calls", r.writes(), "createGroup")
	if b := r.read().Resources["project.shop"]; b == nil || b.Adopted {
		t.Errorf("the state has %+v", b)
	}
	r.converge()
}

// TestRule_R30_NobodyAnswers deletes, adopts and removes much where no human is asked.
func TestRule_R30_NobodyAnswers(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(small("orders", `instance_size = "M10"`)))
	r.converge()
	r.write(shop())
	r.box.ResetCalls()
	a := r.alone(plan.Options{})
	expectCodes(t, a.Refused, "needs_allow_destroy")
	says(t, a.Refused[0].Detail, "--allow-destroy project.shop.cluster.orders")
	a = r.alone(plan.Options{AllowDestroy: []string{"project.shop"}}) // never the children
	expectCodes(t, a.Refused, "needs_allow_destroy")
	equal(t, "calls", r.writes())
	if a = r.alone(plan.Options{AllowDestroy: []string{"project.shop.cluster.orders"}}); !a.Ran || !a.Result.OK() {
		t.Errorf("named, it was not done: %v %v", a.Refused, a.Result.All())
	}
	r.put(sandbox.DatabaseUser, "shop", handmade("app"))
	r.write(shop(user("app", readsOrders)))
	a = r.alone(plan.Options{})
	expectCodes(t, a.Refused, "needs_allow_adopt")
	if a = r.alone(plan.Options{AllowAdopt: []string{"project.shop.database_user.app"}}); !a.Ran || !a.Result.OK() {
		t.Errorf("named, it was not done: %v %v", a.Refused, a.Result.All())
	}
	var many []string
	for _, digit := range strings.Split("0 1 2 3 4 5 6 7 8 9", " ") {
		many = append(many, `"203.0.113.10`+digit+`" = "x"`)
	}
	r.write(shop(entries(strings.Join(many, ", ")))).converge()
	r.write(shop())
	expectCodes(t, r.alone(plan.Options{}).Refused, "blast_radius")
}

// TestRule_R31_AdoptedIsLeftBehind adopts somebody's user, removes its block, and then does the same with one that
// an import block names.
func TestRule_R31_AdoptedIsLeftBehind(t *testing.T) {
	their := handmade("app")
	r := newRig(t, sandbox.Options{}).write(shop())
	r.converge()
	r.put(sandbox.DatabaseUser, "shop", their)
	r.write(shop(user("app", readsOrders))).converge()
	r.write(shop())
	a := r.alone(plan.Options{AllowDestroy: []string{"project.other"}})
	expect(t, a.Plan, "forget project.shop.database_user.app")
	if r.live(sandbox.DatabaseUser, "shop", "admin/app") == nil || r.read().Resources["project.shop.database_user.app"] != nil {
		t.Error("want it forgotten and left in Atlas")
	}
	r.write(shop(user("app", readsOrders)) + "import {\n to = project.shop.database_user.app\n id = \"admin/app\"\n}\n").converge()
	r.write(shop())
	if a = r.alone(plan.Options{}); !a.Result.OK() || r.live(sandbox.DatabaseUser, "shop", "admin/app") != nil {
		t.Errorf("an import makes it owned, so that it is deleted: %v", a.Refused)
	}
	r.write(shop(user("app", readsOrders+"\n lifecycle { destroy = false }"))).converge()
	r.write(shop()).converge()
	if r.live(sandbox.DatabaseUser, "shop", "admin/app") == nil {
		t.Error("lifecycle { destroy = false } did not keep it")
	}
}

// TestRule_R32_StrangersGoOnlyFromAWholeList makes an access list exclusive.
func TestRule_R32_StrangersGoOnlyFromAWholeList(t *testing.T) {
	text := "project \"shop\" {\n exclusive = [\"access_list\"]\n" + entries(`"203.0.113.7" = "Office"`) + "\n" + user("app", readsOrders) + "\n}"
	r := newRig(t, sandbox.Options{}).write(text)
	r.converge()
	r.put(sandbox.AccessList, "shop", map[string]any{"cidrBlock": "0.0.0.0/0"})
	r.put(sandbox.DatabaseUser, "shop", handmade("stranger"))
	a := r.alone(plan.Options{})
	expect(t, a.Plan, `delete project.shop.access_list["0.0.0.0/0"]`)
	expectCodes(t, a.Refused, "needs_allow_destroy")
	r.faults(sandbox.Fault{Method: "GET", Path: "/accessList$", Action: sandbox.Status, Status: 503})
	if _, err := r.open().Apply(context.Background(), applyAll()); err == nil {
		t.Error("strangers were looked for in a list that could not be read")
	}
	r.faults()
	r.converge()
	if r.live(sandbox.AccessList, "shop", "0.0.0.0/0") != nil || r.live(sandbox.DatabaseUser, "shop", "admin/stranger") == nil {
		t.Error("want the stranger gone from the exclusive kind only")
	}
}
