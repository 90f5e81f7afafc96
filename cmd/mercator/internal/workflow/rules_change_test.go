package workflow_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mercator/apply"
	"mercator/plan"
	"mercator/provider/sandbox"
)

// shop is a project with what stands in it.
func shop(inside ...string) string {
	return "project \"shop\" {\n" + strings.Join(inside, "\n") + "\n}\n"
}

func small(label, more string) string {
	return fmt.Sprintf("cluster %q {\n provider_name = \"AWS\"\n region_name = \"EU_WEST_1\"\n %s\n}", label, more)
}

func entries(inside string) string { return "access_list \"office\" {\n entries = {" + inside + "}\n}" }

// specs are the hardware of a cluster's first region.
func specs(cluster map[string]any) map[string]any {
	spec := cluster["replicationSpecs"].([]any)[0].(map[string]any)
	return spec["regionConfigs"].([]any)[0].(map[string]any)["electableSpecs"].(map[string]any)
}

// TestRule_R01_ALabelIsNoName renames every label and moves a block out of its parent, names kept.
func TestRule_R01_ALabelIsNoName(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(small("orders", `instance_size = "M10"`), entries(`"203.0.113.7" = "Office"`)))
	r.converge()
	r.write(`project "store" { name = "shop" }
		cluster "main" {
			project       = project.store
			name          = "orders"
			provider_name = "AWS"
			region_name   = "EU_WEST_1"
			instance_size = "M10"
		}
		access_list "all" {
			project = project.store
			entries = { "203.0.113.7" = "Office" }
		}`)
	r.box.ResetCalls()
	a := r.converge()
	expect(t, a.Plan)
	equal(t, "calls", r.writes())
	for address, b := range r.read().Resources {
		if b.Adopted {
			t.Errorf("%s was ours and counts as adopted", address)
		}
	}
}

// TestRule_R03_ALostStateDoublesNoAlert loses the state of an alert configuration with a secret.
func TestRule_R03_ALostStateDoublesNoAlert(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(shop(slackAlert("one", `api_token = "xoxb-0001-canary"`, 5)))
	r.converge()
	r.forget()
	p := r.plan(plan.Options{})
	expect(t, p, "adopt project.shop", "adopt project.shop.alert_config.one notifications[1].api_token")
	r.converge()
	if n := len(r.box.List(sandbox.AlertConfig, r.project("shop"))); n != 1 {
		t.Errorf("there are %d alert configurations, want 1", n)
	}
}

func slackAlert(label, secret string, delay int) string {
	return fmt.Sprintf(`alert_config %q {
		event_type_name = "NO_PRIMARY"
		notifications   = [
			{ type_name = "GROUP", interval_min = 15, delay_min = 0, email_enabled = true, sms_enabled = false, roles = ["GROUP_OWNER"] },
			{ type_name = "SLACK", interval_min = 15, delay_min = %d, channel_name = "ops", %s },
		]
	}`, label, delay, secret)
}

// TestRule_R06_RenamedClustersAreKept renames a cluster in the file, by its label, and then a project.
func TestRule_R06_RenamedClustersAreKept(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(small("orders", `instance_size = "M10"`)))
	r.converge()
	r.write(shop(small("orders", "name = \"renamed\"\n instance_size = \"M10\"")))
	a := r.apply(plan.Options{})
	says(t, finding(t, a.Plan.Diagnostics, "rename_destroys").Detail, `name = "orders"`)
	if a.Ran || r.live(sandbox.Cluster, "shop", "orders") == nil {
		t.Error("the rename was carried out")
	}
	r.write("project \"shop\" {\n name = \"store\"\n" + small("orders", `instance_size = "M10"`) + "\n}")
	r.box.ResetCalls()
	r.converge()
	equal(t, "calls", r.writes(), "updateGroup")
	r.put(sandbox.Project, "", map[string]any{"name": "taken"})
	r.write("project \"shop\" {\n name = \"taken\"\n" + small("orders", `instance_size = "M10"`) + "\n}")
	finding(t, r.plan(plan.Options{}).Diagnostics, "name_taken")
}

// TestRule_R10_WhatIsNoLongerWrittenStaysAsItIs removes arguments from the file: nothing is sent, said once.
func TestRule_R10_WhatIsNoLongerWrittenStaysAsItIs(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(small("orders", "instance_size = \"M10\"\n backup_enabled = true\n tags = { team = \"shop\" }")))
	r.converge()
	r.write(shop(small("orders", "instance_size = \"M10\"\n backup_enabled = null")))
	r.box.ResetCalls()
	a := r.converge()
	var texts []string
	for _, s := range a.Plan.StateOnly {
		texts = append(texts, s.Text)
	}
	slices.Sort(texts)
	equal(t, "announced", texts, "no longer managed: backup_enabled, stays true", "no longer managed: tags, stays as it is")
	equal(t, "calls", r.writes())
	if c := r.live(sandbox.Cluster, "shop", "orders"); c["backupEnabled"] != true || len(c["tags"].([]any)) != 1 {
		t.Errorf("what was released has changed: %v", c)
	}
}

// TestRule_R11_MapsAreOwnedWhole empties tags that somebody added to, and sets one of many settings.
func TestRule_R11_MapsAreOwnedWhole(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(`project "shop" {
		tags     = { team = "shop" }
		settings = { is_data_explorer_enabled = false }
	}`)
	r.converge()
	r.change(sandbox.Project, "shop", "", map[string]any{"tags": []any{map[string]any{"key": "team", "value": "shop"}, map[string]any{"key": "by", "value": "hand"}}})
	r.change(sandbox.Settings, "shop", "", map[string]any{"isSchemaAdvisorEnabled": false})
	expect(t, r.plan(plan.Options{}), `update project.shop tags["by"]`)
	r.write(`project "shop" { tags = {} }`).converge()
	if tags := r.live(sandbox.Project, "shop", "")["tags"].([]any); len(tags) != 0 {
		t.Errorf("tags are left: %v", tags)
	}
	if r.live(sandbox.Settings, "shop", "")["isSchemaAdvisorEnabled"] != false {
		t.Error("a setting that nobody manages was changed")
	}
}

// TestRule_R12_GrantsPairByTheirWholeValue reorders grants, and narrows one to a collection.
func TestRule_R12_GrantsPairByTheirWholeValue(t *testing.T) {
	user := func(roles string) string {
		return shop("database_user \"app\" {\n password = \"long-enough-password\"\n roles = [" + roles + "]\n}")
	}
	r := newRig(t, sandbox.Options{Restless: true}).write(user(`
		{ role_name = "read", database_name = "orders" }, { role_name = "readWrite", database_name = "carts" },
		{ role_name = "read", database_name = "bills", collection_name = "open" }`))
	r.converge()
	r.write(user(`
		{ role_name = "read", database_name = "bills", collection_name = "open" },
		{ role_name = "readWrite", database_name = "carts" }, { role_name = "read", database_name = "orders" }`))
	r.expectEmpty()
	r.write(user(`
		{ role_name = "read", database_name = "bills" },
		{ role_name = "readWrite", database_name = "carts" }, { role_name = "read", database_name = "orders" }`))
	p := r.plan(plan.Options{})
	if c := find(t, p, "project.shop.database_user.app"); c.Action != plan.Update || len(c.Diffs) != 2 {
		t.Errorf("a whole database is not one collection of it: %s", describe(p))
	}
	r.converge()
}

// TestRule_R13_AutoScaledSizesAreNotSentBack changes the node count of a cluster that Atlas has scaled up.
func TestRule_R13_AutoScaledSizesAreNotSentBack(t *testing.T) {
	scaled := func(nodes int) string {
		return shop(small("orders", fmt.Sprintf(`instance_size = "M30"
			node_count   = %d
			auto_scaling = { compute = { enabled = true, scale_down_enabled = true, min_instance_size = "M30", max_instance_size = "M60" } }`, nodes)))
	}
	r := newRig(t, sandbox.Options{}).write(scaled(3))
	r.converge()
	if err := r.box.ScaleCluster(r.project("shop"), "orders", "M50"); err != nil {
		t.Fatal(err)
	}
	r.expectEmpty()
	r.write(scaled(5)).converge()
	if got := specs(r.live(sandbox.Cluster, "shop", "orders")); got["instanceSize"] != "M50" || fmt.Sprint(got["nodeCount"]) != "5" {
		t.Errorf("the cluster became %v, want five nodes of M50", got)
	}
}

// TestRule_R14_SecretsSurviveWhatIsWrittenBesideThem rewrites notifications whose secret the file no longer holds.
func TestRule_R14_SecretsSurviveWhatIsWrittenBesideThem(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(shop(slackAlert("one", `api_token = "xoxb-0001-canary"`, 5)))
	r.converge()
	secret := func() any {
		for _, n := range r.box.List(sandbox.AlertConfig, r.project("shop"))[0]["notifications"].([]any) {
			if n := n.(map[string]any); n["typeName"] == "SLACK" {
				return n["apiToken"]
			}
		}
		return nil
	}
	before := secret()
	r.write(shop(slackAlert("one", "", 30))).converge() // another delay, and no secret in the file
	if got := secret(); got == nil || got != before {
		t.Errorf("the secret became %v, it was %v", got, before)
	}
	// A target that Atlas does not know yet has no secret that could be kept.
	r.write(shop(slackAlert("one", "", 30)[:len(slackAlert("one", "", 30))-5] + `
			{ type_name = "PAGER_DUTY", delay_min = 0, region = "EU" },
		]
	}`))
	finding(t, r.plan(plan.Options{}).Diagnostics, "secret_needed")
}

// TestRule_R15_EntriesLeaveNoGap changes comments and addresses of an access list while Atlas watches for gaps.
func TestRule_R15_EntriesLeaveNoGap(t *testing.T) {
	r := newRig(t, sandbox.Options{RefuseOverlaps: true}).write(shop(entries(`"203.0.113.7" = "Office", "198.51.100.0/24" = "Runners"`)))
	r.converge()
	t.Run("a comment", func(t *testing.T) {
		r.t = t
		r.write(shop(entries(`"203.0.113.7" = "Head office", "198.51.100.0/24" = "Runners"`)))
		r.box.ResetCalls()
		r.converge()
		equal(t, "calls", r.writes(), "createGroupAccessListEntry")
	})
	t.Run("an address", func(t *testing.T) {
		r.t = t
		r.write(shop(entries(`"203.0.113.8" = "Head office", "198.51.100.0/24" = "Runners"`)))
		r.box.ResetCalls()
		r.converge()
		equal(t, "calls", r.writes(), "createGroupAccessListEntry", "deleteGroupAccessListEntry")
	})
	t.Run("a new address that fails", func(t *testing.T) {
		r.t = t
		r.write(shop(entries(`"203.0.113.9" = "Head office", "198.51.100.0/24" = "Runners"`)))
		r.faults(sandbox.Fault{Method: "POST", Path: "/accessList$", Action: sandbox.Status, Status: 403, ErrorCode: "USER_CANNOT_ACCESS_ORG"})
		a := r.apply(plan.Options{})
		if o := outcome(t, a.Result, `project.shop.access_list.office["203.0.113.8"]`); o.Status != apply.Skipped {
			t.Errorf("the old entry is %s, want it kept", o.Status)
		}
		if r.live(sandbox.AccessList, "shop", "203.0.113.8/32") == nil {
			t.Error("the old entry is gone and the new one failed")
		}
		r.faults()
		r.converge()
	})
	t.Run("the same address twice", func(t *testing.T) {
		r.t = t
		r.write(shop(entries(`"203.0.113.7" = "a", "203.0.113.7/32" = "b"`)))
		expectCodes(t, r.mistakes(), "duplicate_entry")
		r.write(shop(entries(`"203.0.113.7/24" = "host bits"`)))
		expectCodes(t, r.mistakes(), "invalid_entry")
	})
	for _, c := range r.box.Calls() {
		if c.Overlapping {
			t.Errorf("%s overlapped another write to the list", c.Operation)
		}
	}
}

// TestRule_R15_ACommentThatDoesNotTakeIsSaid meets an Atlas that ignores the repeated entry.
func TestRule_R15_ACommentThatDoesNotTakeIsSaid(t *testing.T) {
	r := newRig(t, sandbox.Options{IgnoreRepeatedEntries: true}).write(shop(entries(`"203.0.113.7" = "Office"`)))
	r.converge()
	r.write(shop(entries(`"203.0.113.7" = "Head office"`)))
	r.box.ResetCalls()
	a := r.apply(plan.Options{})
	expectCodes(t, outcome(t, a.Result, `project.shop.access_list.office["203.0.113.7"]`).Diagnostics, "upsert_not_taken")
	if slices.Contains(r.writes(), "deleteGroupAccessListEntry") || r.live(sandbox.AccessList, "shop", "203.0.113.7/32") == nil {
		t.Error("the entry was deleted")
	}
}

// TestRule_R16_ProtectionAloneIsApplied turns protection on with nothing else to do, then removes the block.
func TestRule_R16_ProtectionAloneIsApplied(t *testing.T) {
	r := newRig(t, sandbox.Options{}).write(shop(small("orders", `instance_size = "M10"`)))
	r.converge()
	r.write(shop(small("orders", "instance_size = \"M10\"\n lifecycle { prevent_destroy = true }")))
	if p := r.plan(plan.Options{}); p.Empty() || len(p.Tasks) != 0 {
		t.Errorf("want a change of the state alone: %s", describe(p))
	}
	r.box.ResetCalls()
	r.converge()
	equal(t, "calls", r.writes())
	r.write(shop(""))
	a := r.apply(plan.Options{})
	finding(t, a.Plan.Diagnostics, "prevent_destroy")
	if a.Ran || r.live(sandbox.Cluster, "shop", "orders") == nil {
		t.Error("what is protected is gone with its block")
	}
}

// TestRule_R17_PausingGoesAlone takes a cluster through every order of pausing and changing.
func TestRule_R17_PausingGoesAlone(t *testing.T) {
	paused := func(size string, paused bool) string {
		return shop(small("orders", fmt.Sprintf("instance_size = %q\n paused = %t", size, paused)))
	}
	r := newRig(t, sandbox.Options{Polls: 1})
	for _, step := range []struct {
		what string
		text string
		want []string
	}{
		{"created paused", paused("M10", true), []string{"createGroup", "createGroupCluster", "updateGroupCluster"}},
		{"paused to running with changes", paused("M20", false), []string{"updateGroupCluster", "updateGroupCluster"}},
		{"running to paused with changes", paused("M30", true), []string{"updateGroupCluster", "updateGroupCluster"}},
	} {
		r.box.ResetCalls()
		r.write(step.text).converge()
		equal(t, step.what, r.writes(), step.want...)
	}
	r.write(paused("M10", true))
	finding(t, r.plan(plan.Options{}).Diagnostics, "cluster_paused")
	// After thirty days Atlas starts it by itself: drift, and the plan says why.
	r.write(paused("M30", true))
	r.change(sandbox.Cluster, "shop", "orders", map[string]any{"paused": false})
	p := r.plan(plan.Options{})
	expect(t, p, "update project.shop.cluster.orders paused")
	if len(p.Drift) != 1 {
		t.Fatalf("want the resumption as drift: %+v", p.Drift)
	}
	says(t, p.Drift[0].Note, "30 days")
}

// TestRule_R18_BackupsOutliveTheirCluster deletes clusters whose block is gone and looks at the call.
func TestRule_R18_BackupsOutliveTheirCluster(t *testing.T) {
	for name, c := range map[string]struct{ more, want string }{
		"kept where backups are on": {"backup_enabled = true", "retainBackups=true"},
		"kept as written":           {"backup_enabled = true\n retain_backups = true", "retainBackups=true"},
		"given up as written":       {"backup_enabled = true\n retain_backups = false", "retainBackups=false"},
		"given up without changes":  {"backup_enabled = true\n retain_backups = true", "retainBackups=false"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, sandbox.Options{}).write(shop(small("orders", "instance_size = \"M10\"\n"+c.more)))
			r.converge()
			if name == "given up without changes" {
				r.write(shop(small("orders", "instance_size = \"M10\"\n backup_enabled = true\n retain_backups = false"))).converge()
			}
			r.write(shop("")).apply(plan.Options{})
			var got []string
			for _, c := range r.box.Calls() {
				if c.Operation == "deleteGroupCluster" {
					got = append(got, c.Query)
				}
			}
			equal(t, "deletion", got, c.want)
		})
	}
}

// TestRule_R19_ValuesAreDecodedAgainstTheirKind writes numbers as text, entries as objects, and misspelt names.
func TestRule_R19_ValuesAreDecodedAgainstTheirKind(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(shop(`
		access_list "office" {
			entries = { for name, e in { a = { ip = "203.0.113.7", who = "Office" }, b = { ip = "203.0.113.8", who = null } } :
				e.ip => e.who if e.who != null }
		}
		access_list "more" { entries = { "198.51.100.1" = { comment = "Build" }, "198.51.100.2" = "Test", "198.51.100.3" = null } }
		alert_config "cpu" {
			event_type_name  = "outside_metric_threshold"
			metric_threshold = { metric_name = "NORMALIZED_SYSTEM_CPU_USER", operator = "GREATER_THAN", threshold = "90", units = "raw", mode = null }
			notifications    = [
				{ type_name = "GROUP", interval_min = "15", delay_min = 0, email_enabled = "true", sms_enabled = false, roles = ["GROUP_OWNER"] },
				{ type_name = "EMAIL", interval_min = 15, delay_min = 0, email_address = "oncall@example.com" },
			]
		}`))
	r.converge()
	alert := r.box.List(sandbox.AlertConfig, r.project("shop"))[0]
	if alert["eventTypeName"] != "OUTSIDE_METRIC_THRESHOLD" || fmt.Sprint(alert["metricThreshold"].(map[string]any)["threshold"]) != "90" {
		t.Errorf("Atlas has %v", alert)
	}
	if n := len(r.box.List(sandbox.AccessList, r.project("shop"))); n != 3 {
		t.Errorf("there are %d entries, want 3: null is not declared", n)
	}
	r.write(shop(small("orders", "instance_size = \"M10\"\n backup_enable = true")))
	says(t, finding(t, r.mistakes(), "unknown_argument").Error()+finding(t, r.mistakes(), "unknown_argument").Detail, "backup_enabled")
	r.write(shop(small("orders", `instance_size = "M999"`)))
	p := r.plan(plan.Options{})
	finding(t, p.Diagnostics, "unknown_enum_value")
	if p.Diagnostics.HasErrors() {
		t.Errorf("a value that a newer Atlas may know is an error: %v", p.Diagnostics.Errors())
	}
}
