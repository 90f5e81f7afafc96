package kinds

import (
	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// notifications are the targets of an alert. Which fields a target has depends on its type; secrets come back
// redacted, and Atlas keeps one that is left out where notifierId names the target that holds it (R14).
var notifications = []schema.Attribute{
	{Name: "type_name", Type: schema.TypeString, Required: true,
		Enum: []string{"DATADOG", "EMAIL", "GROUP", "HIP_CHAT", "MICROSOFT_TEAMS", "OPS_GENIE", "ORG", "PAGER_DUTY",
			"SLACK", "SMS", "TEAM", "USER", "VICTOR_OPS", "WEBHOOK"},
		Doc: "The kind of target: people of the project (GROUP) or the organization (ORG), one address, or a service."},
	{Name: "delay_min", Type: schema.TypeInteger, Min: new(0.0), Default: cty.Zero,
		Doc: "Minutes that Atlas waits after the alert is raised before it tells anyone."},
	{Name: "interval_min", Type: schema.TypeInteger, Min: new(5.0),
		AllowedWhen: of("DATADOG", "EMAIL", "GROUP", "HIP_CHAT", "MICROSOFT_TEAMS", "ORG", "SLACK", "SMS", "TEAM", "USER", "WEBHOOK"),
		Doc:         "Minutes between two notifications until someone acknowledges; at least 5. PagerDuty, Opsgenie and Splunk On-Call repeat by rules of their own, so that Atlas keeps none for them."},

	people("email_enabled", "Whether people are told by e-mail."),
	people("sms_enabled", "Whether people are told by text message."),
	{Name: "roles", Type: schema.TypeList, Of: schema.TypeString, Elem: schema.Elem{Whole: true}, AllowedWhen: of("GROUP", "ORG"),
		Doc: "Roles of the people who are told, such as GROUP_OWNER; everyone where there are none."},

	address("email_address", "EMAIL", "The address that is written to."),
	address("username", "USER", "The Atlas user who is told; it must belong to the project."),
	address("team_id", "TEAM", "The id of the team that is told."),
	{Name: "team_name", Type: schema.TypeString, Owner: schema.Server,
		Doc: "The name of the team that is told."},
	address("mobile_number", "SMS", "The telephone number that text messages go to."),
	address("channel_name", "SLACK", "The Slack channel that is written to."),
	address("room_name", "HIP_CHAT", "The HipChat room that is written to."),

	credential("api_token", "SLACK", "Slack's token."),
	credential("datadog_api_key", "DATADOG", "Datadog's API key."),
	region("datadog_region", "DATADOG", "The region of Datadog.", "US", "EU", "US3", "US5", "AP1", "US1_FED"),
	credential("microsoft_teams_webhook_url", "MICROSOFT_TEAMS", "The URL of the incoming webhook of a Teams channel."),
	credential("notification_token", "HIP_CHAT", "HipChat's token."),
	credential("ops_genie_api_key", "OPS_GENIE", "Opsgenie's API key."),
	region("ops_genie_region", "OPS_GENIE", "The region of Opsgenie.", "US", "EU"),
	credential("service_key", "PAGER_DUTY", "PagerDuty's service key."),
	region("region", "PAGER_DUTY", "The region of PagerDuty.", "US", "EU"),
	credential("victor_ops_api_key", "VICTOR_OPS", "Splunk On-Call's API key."),
	secret("victor_ops_routing_key", "VICTOR_OPS", "Splunk On-Call's routing key."),
	credential("webhook_url", "WEBHOOK", "The URL that is called."),
	secret("webhook_secret", "WEBHOOK", "The secret by which the receiver knows that Atlas calls."),
	{Name: "webhook_body_template", Type: schema.TypeString, AllowedWhen: of("WEBHOOK"),
		Doc: "A template of the body, which must render JSON; Atlas has one of its own."},
	{Name: "webhook_headers_template", Type: schema.TypeString, AllowedWhen: of("WEBHOOK"),
		Doc: "A template of further headers, which must render a JSON object."},
	{Name: "integration_id", Type: schema.TypeString,
		AllowedWhen: of("DATADOG", "HIP_CHAT", "MICROSOFT_TEAMS", "OPS_GENIE", "PAGER_DUTY", "SLACK", "VICTOR_OPS", "WEBHOOK"),
		Doc:         "The id of the project's integration whose credentials are used."},
	{Name: "notifier_id", Type: schema.TypeString, Handle: true,
		Doc: "Atlas's id of the target; it is new after every change."},
}

// of holds for notifications of the given types.
func of(types ...string) []schema.Condition {
	return []schema.Condition{{Attribute: "type_name", Values: types}}
}

// people is a switch of the notifications that go to people of Atlas.
func people(name, doc string) schema.Attribute {
	return schema.Attribute{Name: name, Type: schema.TypeBool, Filled: true, AllowedWhen: of("GROUP", "ORG", "TEAM", "USER"), Doc: doc}
}

// address says where a notification of a type goes.
func address(name, typeName, doc string) schema.Attribute {
	return schema.Attribute{Name: name, Type: schema.TypeString,
		AllowedWhen: of(typeName), RequiredWhen: of(typeName), Doc: doc}
}

// secret is a credential of the service that a notification of a type goes to.
func secret(name, typeName, doc string) schema.Attribute {
	return schema.Attribute{Name: name, Type: schema.TypeString, WriteOnly: true, AllowedWhen: of(typeName), Doc: doc}
}

// credential is a secret without which a notification goes nowhere, unless an integration of the project holds it.
func credential(name, typeName, doc string) schema.Attribute {
	a := secret(name, typeName, doc)
	a.RequiredWhen = append(of(typeName), schema.Condition{Attribute: "integration_id", Unset: true})
	return a
}

func region(name, typeName, doc string, values ...string) schema.Attribute {
	return schema.Attribute{Name: name, Type: schema.TypeString, Enum: values, AllowedWhen: of(typeName), Doc: doc}
}
