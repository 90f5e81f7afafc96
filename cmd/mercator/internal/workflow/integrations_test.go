package workflow_test

import (
	"slices"
	"strings"
	"testing"

	"mercator/apply"
	"mercator/plan"
	"mercator/provider/sandbox"
)

// integration is a project with one integration.
func integration(args string) string {
	return "project \"shop\" {\n  integration \"one\" {\n" + args + "\n  }\n}\n"
}

// services are an integration of each type, as it is made and as it is then changed.
var services = map[string][2]string{
	"DATADOG": {`api_key = env("KEY")
		region = "EU"`, `api_key = env("KEY")
		region = "US3"
		send_collection_latency_metrics = true
		send_database_metrics = true
		send_query_stats_metrics = true
		send_user_provided_resource_tags = true`},
	"MICROSOFT_TEAMS": {`microsoft_teams_webhook_url = env("URL")`, `microsoft_teams_webhook_url = "${env("URL")}/other"`},
	"NEW_RELIC": {`account_id = "bcc3c81b344a6030a3935c2527e2216535af7718"
		license_key = env("KEY")
		read_token = env("KEY")
		write_token = env("KEY")`, `account_id = "acc3c81b344a6030a3935c2527e2216535af7718"
		license_key = "${env("KEY")}1"
		read_token = "${env("KEY")}2"
		write_token = "${env("KEY")}3"`},
	"OPS_GENIE":  {`api_key = env("KEY")`, `api_key = "${env("KEY")}1"`},
	"PAGER_DUTY": {`service_key = env("KEY")`, "service_key = env(\"KEY\")\nregion = \"EU\""},
	"PROMETHEUS": {`enabled = true
		username = "reader"
		password = env("KEY")
		service_discovery = "http"`, `enabled = false
		username = "other"
		password = "${env("KEY")}1"
		service_discovery = "file"
		send_user_provided_resource_tags_enabled = true`},
	"SLACK": {`api_token = env("KEY")
		channel_name = "ops"`, `api_token = env("KEY")
		channel_name = "alerts"
		team_name = "shop"`},
	"VICTOR_OPS": {`api_key = env("KEY")`, "api_key = env(\"KEY\")\nrouting_key = \"shop\""},
	"WEBHOOK": {`url = env("URL")`, `url = env("URL")
		secret = env("KEY")
		body_template = "{}"
		headers_template = "{}"`},
}

// TestIntegrationsOfEveryType makes, reads, changes, loses to the state, takes over and deletes an integration of each
// type.
func TestIntegrationsOfEveryType(t *testing.T) {
	types := catalog.Kind("integration").Attribute("type").Enum
	for _, name := range types {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, sandbox.Options{NoDefaultAlerts: true})
			r.env["KEY"], r.env["URL"] = "0123456789abcdef0123456789abcdef", "https://example.com/hook/0123456789abcdef"
			write := func(i int) { r.write(integration("type = \"" + name + "\"\n" + services[name][i])) }
			write(0)
			r.converge()
			made := r.live(sandbox.Integration, "shop", name)
			write(1)
			r.box.ResetCalls()
			r.converge()
			equal(t, "writes", r.writes(), "updateGroupIntegration")
			changed := r.live(sandbox.Integration, "shop", name)
			if changed["id"] != made["id"] {
				t.Errorf("changed, it is another one: %v, was %v", changed, made)
			}

			// A change by hand is undone, and the secrets are sent again.
			r.change(sandbox.Integration, "shop", name, map[string]any{"region": "US1_FED", "username": "hand", "channelName": "hand",
				"routingKey": "hand", "bodyTemplate": "[]", "accountId": "hand", "microsoftTeamsWebhookUrl": nil})
			if name != "OPS_GENIE" { // of which nothing is declared that shows
				if p := r.plan(plan.Options{}); len(p.Drift) != 1 || !p.Drift[0].Reverts {
					t.Errorf("drift: %+v", p.Drift)
				}
			}
			r.converge()

			r.forget()
			if a := r.converge(); find(t, a.Plan, "project.shop.integration.one").Action != plan.Adopt {
				t.Errorf("without the state it is not adopted: %s", describe(a.Plan))
			}
			r.write("project \"shop\" {}\n")
			r.apply(plan.Options{})
			if r.live(sandbox.Integration, "shop", name) != nil {
				t.Error("it is not deleted")
			}
		})
	}
	if len(services) != len(types) {
		t.Errorf("%d services are tried, of %d", len(services), len(types))
	}
}

// The type has one spelling, whatever the file says, and two blocks of one type are one integration twice.
func TestTheTypeOfAnIntegrationIsItsName(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true}).write(integration("type = \"Victor_Ops\"\napi_key = \"0123456789abcdef\""))
	r.converge()
	if r.live(sandbox.Integration, "shop", "VICTOR_OPS") == nil {
		t.Error("it is not there by its name")
	}
	r.edit("main.hcl", "Victor_Ops", "VICTOR_OPS")
	r.expectEmpty()
	r.edit("main.hcl", "  }\n}", "  }\n  integration \"two\" {\n    type = \"victor_ops\"\n    api_key = \"0123456789abcdef\"\n  }\n}")
	finding(t, r.mistakes(), "duplicate_object")
	r.write(integration("type = \"DATADOG\"\napi_key = \"0123456789abcdef\"\nrouting_key = \"shop\""))
	finding(t, r.plan(plan.Options{}).Diagnostics, "argument_not_allowed")
	r.write(integration("type = \"DATADOG\""))
	finding(t, r.plan(plan.Options{}).Diagnostics, "argument_missing")
}

// TestRule_R14_AnIntegrationIsSentWithItsSecrets changes an integration with and without its secrets in the file, against
// an Atlas that loses one.
func TestRule_R14_AnIntegrationIsSentWithItsSecrets(t *testing.T) {
	r := newRig(t, sandbox.Options{NoDefaultAlerts: true})
	r.env["KEY"], r.env["URL"] = "0123456789abcdef-canary", "https://example.com/hook/canary"
	hook := func(more string) *rig { return r.write(integration("type = \"WEBHOOK\"\n" + more)) }
	hook(`url = env("URL")
		secret = env("KEY")`).converge()
	masked := r.live(sandbox.Integration, "shop", "WEBHOOK")["secret"]

	// What the file lets go of stays, and is needed as soon as anything else changes.
	hook(`url = env("URL")`)
	if a := r.converge(); len(a.Plan.StateOnly) != 1 {
		t.Errorf("the release of a secret: %s", describe(a.Plan))
	}
	if got := r.live(sandbox.Integration, "shop", "WEBHOOK")["secret"]; got != masked {
		t.Errorf("the secret became %v, it was %v", got, masked)
	}
	hook(`url = env("URL")
		body_template = "{}"`)
	if d := finding(t, r.plan(plan.Options{}).Diagnostics, "secret_needed"); d.Summary != "secret is needed" || d.Range.Start.Line != 5 {
		t.Errorf("it says %+v", d)
	}
	hook(`url = env("URL")
		secret = env("KEY")
		body_template = "{}"`).converge()

	// Another value is seen by its hash alone.
	r.env["KEY"] += "-2"
	r.box.ResetCalls()
	r.converge()
	equal(t, "writes", r.writes(), "updateGroupIntegration")

	// Atlas takes the call and not the secret.
	r.env["KEY"] += "-3"
	r.faults(sandbox.Fault{Method: "PUT", Path: "/integrations/", After: func(requestHook) {
		r.change(sandbox.Integration, "shop", "WEBHOOK", map[string]any{"secret": nil})
	}})
	a := r.apply(plan.Options{})
	if o := outcome(t, a.Result, "project.shop.integration.one"); o.Status != apply.Failed || o.Diagnostics[0].Code != "secret_lost" {
		t.Errorf("the outcome is %+v", o)
	}
	r.faults()
	if p := r.plan(plan.Options{}); !slices.Equal(find(t, p, "project.shop.integration.one").Secrets, []string{"secret"}) {
		t.Errorf("the next plan does not send it again:\n%s", describe(p))
	}
	r.converge()
}

// TestRule_R14_AnIntegrationTakesNoStars gives what Atlas shows in place of a secret.
func TestRule_R14_AnIntegrationTakesNoStars(t *testing.T) {
	for _, stars := range []string{"****************************0022", "https://example.com/****2101"} {
		r := newRig(t, sandbox.Options{NoDefaultAlerts: true})
		r.env["KEY"] = stars
		a := r.write(integration("type = \"PAGER_DUTY\"\nservice_key = env(\"KEY\")")).apply(plan.Options{})
		o := outcome(t, a.Result, "project.shop.integration.one")
		if o.Status != apply.Failed || !strings.Contains(o.Diagnostics[0].Error()+o.Diagnostics[0].Detail, "masked secret") {
			t.Errorf("%s: the outcome is %+v", stars, o)
		}
		if slices.Contains(r.writes(), "createGroupIntegration") {
			t.Errorf("%s was sent", stars)
		}
	}
}
