package kinds

import (
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// A third-party service that a project is connected to. A project has one of each type, so the type is its name. PUT
// replaces it whole, and Atlas shows its secrets starred, so every write sends them again (R14).
var _ = declare(schema.Kind{
	Name:   "integration",
	Parent: "project",
	Doc:    "A service that the project sends its metrics or alerts to. A project has one of each type.",

	Identity: schema.Identity{
		Binds: schema.ByKey, ID: "id", Key: []string{"type"}, Canonical: integrationType,
		Params: map[string]string{"integrationType": "type"},
	},
	Attributes: []schema.Attribute{
		{Name: "type", Type: schema.TypeString, Required: true, Immutable: true,
			Enum: []string{"DATADOG", "MICROSOFT_TEAMS", "NEW_RELIC", "OPS_GENIE", "PAGER_DUTY", "PROMETHEUS", "SLACK", "VICTOR_OPS", "WEBHOOK"},
			Doc:  "The service."},

		serviceSecret("api_key", "The key by which Atlas calls Datadog, Opsgenie or Splunk On-Call.", "DATADOG", "OPS_GENIE", "VICTOR_OPS"),
		serviceSecret("service_key", "PagerDuty's service key.", "PAGER_DUTY"),
		serviceSecret("api_token", "Slack's token. Atlas makes new Slack integrations in its console only.", "SLACK"),
		serviceSecret("microsoft_teams_webhook_url", "The URL of the incoming webhook of a Teams channel.", "MICROSOFT_TEAMS"),
		serviceSecret("url", "The URL that is called. Most services put a secret into it, so it is kept as one.", "WEBHOOK"),
		optionalSecret("secret", "The secret by which the receiver knows that Atlas calls.", "WEBHOOK"),
		serviceSecret("license_key", "New Relic's license key.", "NEW_RELIC"),
		serviceSecret("read_token", "New Relic's query key.", "NEW_RELIC"),
		serviceSecret("write_token", "New Relic's insert key.", "NEW_RELIC"),
		{Name: "password", Type: schema.TypeString, WriteOnly: true, AllowedWhen: service("PROMETHEUS"), RequiredWhen: service("PROMETHEUS"),
			Doc: "The password by which Prometheus reads from Atlas. Atlas never shows it, not even starred."},

		{Name: "region", Type: schema.TypeString, Enum: []string{"US", "EU", "US3", "US5", "AP1", "US1_FED"},
			AllowedWhen: service("DATADOG", "OPS_GENIE", "PAGER_DUTY"),
			Doc:         "The region of the service. Opsgenie and PagerDuty know US and EU only."},
		serviceSwitch("send_collection_latency_metrics", "Whether the latencies of collections are sent, with the names of databases and collections."),
		serviceSwitch("send_database_metrics", "Whether the sizes of databases are sent, with their names."),
		serviceSwitch("send_query_stats_metrics", "Whether the shapes of queries are sent, with how often and how long they run."),
		serviceSwitch("send_user_provided_resource_tags", "Whether the tags of project and clusters are sent along."),
		{Name: "account_id", Type: schema.TypeString, AllowedWhen: service("NEW_RELIC"), RequiredWhen: service("NEW_RELIC"),
			Doc: "The New Relic account, 40 hexadecimal digits."},
		{Name: "channel_name", Type: schema.TypeString, MaxLen: 80, AllowedWhen: service("SLACK"), RequiredWhen: service("SLACK"),
			Doc: "The Slack channel that is written to."},
		{Name: "team_name", Type: schema.TypeString, AllowedWhen: service("SLACK"),
			Doc: "The Slack team, of integrations with a legacy token."},
		{Name: "routing_key", Type: schema.TypeString, AllowedWhen: service("VICTOR_OPS"),
			Doc: "Splunk On-Call's routing key. Atlas shows it."},
		{Name: "body_template", Type: schema.TypeString, AllowedWhen: service("WEBHOOK"),
			Doc: "A template of the body, which must render JSON; Atlas has one of its own."},
		{Name: "headers_template", Type: schema.TypeString, AllowedWhen: service("WEBHOOK"),
			Doc: "A template of further headers, which must render a JSON object."},
		{Name: "enabled", Type: schema.TypeBool, AllowedWhen: service("PROMETHEUS"), RequiredWhen: service("PROMETHEUS"),
			Doc: "Whether Prometheus may read."},
		{Name: "username", Type: schema.TypeString, AllowedWhen: service("PROMETHEUS"), RequiredWhen: service("PROMETHEUS"),
			Doc: "The user name by which Prometheus reads."},
		{Name: "service_discovery", Type: schema.TypeString, Enum: []string{"http", "file"},
			AllowedWhen: service("PROMETHEUS"), RequiredWhen: service("PROMETHEUS"),
			Doc: "How Prometheus finds what it reads."},
		{Name: "send_user_provided_resource_tags_enabled", Type: schema.TypeBool, AllowedWhen: service("PROMETHEUS"), Default: cty.False,
			Doc: "Whether the tags of project and clusters are sent along, to Prometheus."},

		{Name: "id", Type: schema.TypeString, Owner: schema.Server,
			Doc: "The integration's id, which the notifications of alert configurations can name."},
	},
	Ignored: []string{".customEndpoint"}, // answered and not in the specification

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "listGroupIntegrations", Method: "GET", Path: group + "/integrations",
			Version: version20230101, Role: projectReadOnly},
		Get: &schema.Endpoint{Operation: "getGroupIntegration", Method: "GET", Path: oneIntegration,
			Version: version20230101, Role: projectReadOnly},
		Create: &schema.Endpoint{Operation: "createGroupIntegration", Method: "POST", Path: oneIntegration,
			Version: version20230101, Role: projectOwner, AnswersList: true},
		Update: &schema.Endpoint{Operation: "updateGroupIntegration", Method: "PUT", Path: oneIntegration,
			Version: version20230101, Role: projectOwner, AnswersList: true, Replaces: true},
		Delete: &schema.Endpoint{Operation: "deleteGroupIntegration", Method: "DELETE", Path: oneIntegration,
			Version: version20230101, Role: projectOwner},
	},
})

const oneIntegration = group + "/integrations/{integrationType}"

// integrationType is the one spelling of a type: in capitals, as Atlas writes it.
func integrationType(text string) (string, error) { return strings.ToUpper(text), nil }

// service holds for integrations of the given types.
func service(types ...string) []schema.Condition {
	return []schema.Condition{{Attribute: "type", Values: types}}
}

// optionalSecret is a secret that integrations of the types can have, and that Atlas shows starred.
func optionalSecret(name, doc string, types ...string) schema.Attribute {
	return schema.Attribute{Name: name, Type: schema.TypeString, WriteOnly: true, Masked: true, AllowedWhen: service(types...), Doc: doc}
}

// serviceSecret is a secret without which integrations of the types are not made.
func serviceSecret(name, doc string, types ...string) schema.Attribute {
	a := optionalSecret(name, doc, types...)
	a.RequiredWhen = service(types...)
	return a
}

// serviceSwitch says whether Datadog is sent more than the metrics of hosts.
func serviceSwitch(name, doc string) schema.Attribute {
	return schema.Attribute{Name: name, Type: schema.TypeBool, AllowedWhen: service("DATADOG"), Default: cty.False, Doc: doc}
}
