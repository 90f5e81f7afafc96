package kinds_test

import (
	"slices"
	"strings"
	"testing"

	"mercator/plan"
	"mercator/schema"
)

func TestAlertArgumentsFitEventAndTarget(t *testing.T) {
	k := catalog(t).Kind("alert_config")
	const group = `"notifications":[{"type_name":"GROUP","email_enabled":true,"interval_min":5}]`
	for _, tc := range []struct{ name, text, want string }{
		{"plain event", `{"event_type_name":"HOST_DOWN",` + group + `}`, ""},
		{"metric", `{"event_type_name":"OUTSIDE_METRIC_THRESHOLD","metric_threshold":{"metric_name":"CONNECTIONS"},` + group + `}`, ""},
		{"metric missing", `{"event_type_name":"OUTSIDE_METRIC_THRESHOLD",` + group + `}`, "argument_missing metric_threshold"},
		{"metric of a plain event", `{"event_type_name":"HOST_DOWN","metric_threshold":{"metric_name":"CONNECTIONS"},` + group + `}`,
			"argument_not_allowed metric_threshold"},
		{"threshold of billing", `{"event_type_name":"DAILY_BILL_OVER_THRESHOLD","threshold":{"operator":"GREATER_THAN","threshold":5},` + group + `}`, ""},
		{"threshold of a metric event", `{"event_type_name":"OUTSIDE_METRIC_THRESHOLD","metric_threshold":{"metric_name":"CONNECTIONS"},
			"threshold":{"threshold":5},` + group + `}`, "argument_not_allowed threshold"},
		{"an event of a newer Atlas", `{"event_type_name":"BRAND_NEW","metric_threshold":{"metric_name":"CONNECTIONS"},` + group + `}`, ""},
		{"mail", `{"event_type_name":"HOST_DOWN","notifications":[{"type_name":"EMAIL","email_address":"ops@example.com"}]}`, ""},
		{"mail to nobody", `{"event_type_name":"HOST_DOWN","notifications":[{"type_name":"EMAIL"}]}`, "argument_missing notifications[0].email_address"},
		{"Slack with a webhook", `{"event_type_name":"HOST_DOWN","notifications":[{"type_name":"GROUP"},
			{"type_name":"SLACK","channel_name":"ops","api_token":"t","webhook_url":"https://example.com"}]}`, "argument_not_allowed notifications[1].webhook_url"},
		{"Slack without a token", `{"event_type_name":"HOST_DOWN","notifications":[{"type_name":"SLACK","channel_name":"ops"}]}`, "argument_missing notifications[0].api_token"},
		{"Slack by an integration", `{"event_type_name":"HOST_DOWN","notifications":[{"type_name":"SLACK","channel_name":"ops","integration_id":"5f1d7c0e9b1e8a0a2c3d4e5f"}]}`, ""},
		{"PagerDuty with an interval", `{"event_type_name":"HOST_DOWN","notifications":[{"type_name":"PAGER_DUTY","service_key":"k","interval_min":5}]}`,
			"argument_not_allowed notifications[0].interval_min"},
		{"a target of a newer Atlas", `{"event_type_name":"HOST_DOWN","notifications":[{"type_name":"PIGEON","channel_name":"ops"}]}`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, m := range k.Misfits(decode(t, k, tc.text), true) {
				got = append(got, m.Finding.Code+" "+schema.PathString(m.Path))
			}
			if text := strings.Join(got, ", "); text != tc.want {
				t.Errorf("got %q, want %q", text, tc.want)
			}
		})
	}
}

func TestRule_R14_RedactedSecretsAreNotRead(t *testing.T) {
	k := catalog(t).Kind("alert_config")
	secrets := map[string]string{"apiToken": "SLACK", "datadogApiKey": "DATADOG", "microsoftTeamsWebhookUrl": "MICROSOFT_TEAMS",
		"notificationToken": "HIP_CHAT", "opsGenieApiKey": "OPS_GENIE", "serviceKey": "PAGER_DUTY",
		"victorOpsApiKey": "VICTOR_OPS", "victorOpsRoutingKey": "VICTOR_OPS", "webhookUrl": "WEBHOOK", "webhookSecret": "WEBHOOK"}
	list := k.Attribute("notifications")
	for field, typeName := range secrets {
		v, unknown := k.Answer(map[string]any{"id": "1", "notifications": []any{
			map[string]any{"typeName": typeName, field: "****0088", "notifierId": "n1"}}})
		if len(unknown) > 0 {
			t.Errorf("%s is unknown: %v", field, unknown)
		}
		i := slices.IndexFunc(list.Nested, func(a schema.Attribute) bool { return a.API == field })
		if i < 0 || !list.Nested[i].WriteOnly {
			t.Fatalf("%s is no write-only attribute", field)
		}
		target := v.GetAttr("notifications").AsValueSlice()[0]
		if got := target.GetAttr(list.Nested[i].Name); !got.IsNull() {
			t.Errorf("%s was read as %#v, want null", field, got)
		}
		if id := target.GetAttr("notifier_id"); id.IsNull() {
			t.Errorf("%s: notifierId was lost", field)
		}
	}
}

func TestRule_R12_NotificationsPairByTypeAndAddress(t *testing.T) {
	k := catalog(t).Kind("alert_config")
	live := decode(t, k, `{"event_type_name":"HOST_DOWN","matchers":[],"notifications":[
		{"type_name":"SLACK","channel_name":"ops","interval_min":5,"delay_min":0,"notifier_id":"a"},
		{"type_name":"EMAIL","email_address":"one@example.com","interval_min":5,"delay_min":0,"notifier_id":"b"},
		{"type_name":"EMAIL","email_address":"two@example.com","interval_min":60,"delay_min":0,"notifier_id":"c"}]}`)
	for _, tc := range []struct {
		name, text string
		want       []string
	}{
		{"another order", `{"notifications":[{"type_name":"EMAIL","email_address":"two@example.com","interval_min":60},
			{"type_name":"EMAIL","email_address":"one@example.com"},{"type_name":"SLACK","channel_name":"ops"}]}`, nil},
		{"one interval changed", `{"notifications":[{"type_name":"EMAIL","email_address":"two@example.com","interval_min":30},
			{"type_name":"EMAIL","email_address":"one@example.com"},{"type_name":"SLACK","channel_name":"ops"}]}`, []string{"notifications"}},
		{"enum in lower case", `{"event_type_name":"host_down"}`, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := plan.Differs(k, decode(t, k, tc.text), live)
			if len(got) != len(tc.want) {
				t.Errorf("differs in %q, want %q", got, tc.want)
			}
		})
	}
	file := decode(t, k, `{"notifications":[{"type_name":"EMAIL","email_address":"two@example.com","interval_min":30}]}`)
	sent := plan.Overlay(k, file, live).GetAttr("notifications").AsValueSlice()
	if len(sent) != 1 || sent[0].GetAttr("notifier_id").AsString() != "c" {
		t.Errorf("what is sent for two@example.com is %#v, want its own notifier id", sent)
	}
}
