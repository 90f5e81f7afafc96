package kinds

import (
	"slices"

	"github.com/zclconf/go-cty/cty"

	"mercator/schema"
)

// An alert configuration. It has no natural key: several equal ones may exist, and Atlas adds some by itself.
// Its PUT replaces everything and gives every notification a new id; secrets come back redacted.
var _ = declare(schema.Kind{
	Name:   "alert_config",
	Parent: "project",
	Doc:    "What Atlas watches in the project, and whom it tells.",

	Identity: schema.Identity{
		Binds: schema.ByContent, ID: "id", Params: map[string]string{"alertConfigId": "id"},
		Similar: []string{"event_type_name", "matchers", "metric_threshold.metric_name"},
	},
	Attributes: []schema.Attribute{
		{Name: "event_type_name", Type: schema.TypeString, Required: true, Enum: alertEvents,
			Doc: "The event that raises the alert."},
		{Name: "enabled", Type: schema.TypeBool, Filled: true,
			Doc: "Whether the alert is on; set it, since Atlas decides where nothing is said. Changed by itself it is switched in place and no notification is rewritten."},
		{Name: "severity_override", Type: schema.TypeString, Enum: []string{"INFO", "WARNING", "ERROR", "CRITICAL"},
			Doc: "A severity in place of Atlas's own."},
		{Name: "metric_threshold", Type: schema.TypeObject, Nested: metricThreshold,
			AllowedWhen:  []schema.Condition{{Attribute: "event_type_name", Values: slices.Concat(metricEvents, streamMetricEvents)}},
			RequiredWhen: []schema.Condition{{Attribute: "event_type_name", Values: metricEvents}},
			Doc:          "The bound of a metric, for events that are about metrics."},
		{Name: "threshold", Type: schema.TypeObject, Nested: eventThreshold,
			AllowedWhen: []schema.Condition{{Attribute: "event_type_name", Values: slices.Concat(thresholdEvents, streamMetricEvents)}},
			Doc:         "The bound of events that count or measure something else than a metric."},
		{Name: "matchers", Type: schema.TypeList, Elem: schema.Elem{Whole: true}, Nested: alertMatchers,
			Default: cty.ListValEmpty(schema.ObjectType(alertMatchers)),
			Doc:     "Which hosts, replica sets or clusters are meant; all of the project where the list is empty."},
		{Name: "notifications", Type: schema.TypeList, Required: true, Nested: notifications,
			Elem: schema.Elem{Tag: "type_name", Tags: map[string][]string{
				"EMAIL": {"email_address"}, "SLACK": {"channel_name"}, "TEAM": {"team_id"}, "USER": {"username"},
				"SMS": {"mobile_number"}, "HIP_CHAT": {"room_name"}}},
			Doc: "Whom Atlas tells, how often, and how long it waits before the first time."},

		{Name: "id", Type: schema.TypeString, Owner: schema.Server,
			Doc: "The configuration's id, 24 hexadecimal digits."},
		{Name: "created", Type: schema.TypeTime, Owner: schema.Server,
			Doc: "When it was created."},
		{Name: "updated", Type: schema.TypeTime, Owner: schema.Server, Volatile: true,
			Doc: "When it was last changed."},
	},
	Ignored: []string{".groupId", ".links"},

	Endpoints: schema.Endpoints{
		List: &schema.Endpoint{Operation: "listGroupAlertConfigs", Method: "GET", Path: group + "/alertConfigs",
			Version: version20230101, Role: projectReadOnly},
		Get: &schema.Endpoint{Operation: "getGroupAlertConfig", Method: "GET", Path: oneAlert,
			Version: version20230101, Role: projectReadOnly},
		Create: &schema.Endpoint{Operation: "createGroupAlertConfig", Method: "POST", Path: group + "/alertConfigs",
			Version: version20230101, Role: projectAlertsManager},
		Update: &schema.Endpoint{Operation: "updateGroupAlertConfig", Method: "PUT", Path: oneAlert,
			Version: version20230101, Role: projectAlertsManager, Replaces: true},
		Partial: []*schema.Endpoint{
			{Operation: "toggleGroupAlertConfig", Method: "PATCH", Path: oneAlert,
				Version: version20230101, Role: projectAlertsManager, Only: []string{"enabled"}},
		},
		Delete: &schema.Endpoint{Operation: "deleteGroupAlertConfig", Method: "DELETE", Path: oneAlert,
			Version: version20230101, Role: projectAlertsManager},
	},
	Siblings: true,

	Advice: []schema.Advice{
		{Code: "alert_reaches_nobody", Summary: "notifies nobody",
			When: []schema.Condition{{Attribute: "notifications", Every: []schema.Condition{
				{Attribute: "email_enabled", Values: []string{"false"}, Unset: true},
				{Attribute: "sms_enabled", Values: []string{"false"}, Unset: true},
				{Attribute: "type_name", Values: []string{"GROUP", "ORG", "TEAM", "USER"}},
			}}},
			Why:  "People are told by e-mail or text message only where a notification says so; an alert of which all notifications are silent is seen by those alone who look for it.",
			Mend: "Set email_enabled = true or sms_enabled = true in a notification, or add one that goes to a service."},
		{Code: "alert_switched_off", Summary: "does not say that it is on",
			When: []schema.Condition{{Attribute: "enabled", Unset: true}},
			Why:  "Atlas creates an alert switched off where nothing is said, and nothing tells of what such an alert does not see.",
			Mend: "Set enabled = true, or enabled = false where that is meant."},
	},
})

const oneAlert = group + "/alertConfigs/{alertConfigId}"

var metricThreshold = []schema.Attribute{
	{Name: "metric_name", Type: schema.TypeString, Required: true, Enum: alertMetrics,
		Doc: "The metric."},
	{Name: "operator", Type: schema.TypeString, Enum: alertOperators,
		Doc: "Whether the alert is raised above or below the threshold."},
	{Name: "threshold", Type: schema.TypeNumber,
		Doc: "The value beyond which the alert is raised."},
	{Name: "units", Type: schema.TypeString, Enum: alertUnits,
		Doc: "The unit of the threshold; RAW for counts and percentages."},
	{Name: "mode", Type: schema.TypeString, Enum: []string{"AVERAGE"}, Default: cty.StringVal("AVERAGE"),
		Doc: "How the metric is computed; Atlas knows the average only."},
}

var eventThreshold = []schema.Attribute{
	{Name: "operator", Type: schema.TypeString, Enum: alertOperators,
		Doc: "Whether the alert is raised above or below the threshold."},
	{Name: "threshold", Type: schema.TypeInteger,
		Doc: "The value beyond which the alert is raised."},
	{Name: "units", Type: schema.TypeString, Enum: alertUnits,
		Doc: "The unit of the threshold; RAW for counts and amounts."},
	{Name: "metric_name", Type: schema.TypeString, Enum: streamMetrics,
		Doc: "The metric, for stream processors only."},
	{Name: "mode", Type: schema.TypeString, Enum: []string{"AVERAGE"},
		Doc: "How the metric is computed, for stream processors only."},
}

var alertOperators = []string{"LESS_THAN", "GREATER_THAN"}

var alertUnits = []string{
	"RAW", "COUNT", "THOUSAND", "MILLION", "BILLION",
	"NANOSECONDS", "MILLISECONDS", "SECONDS", "MINUTES", "MILLION_MINUTES", "HOURS", "DAYS",
	"BITS", "KILOBITS", "MEGABITS", "GIGABITS",
	"BYTES", "KILOBYTES", "MEGABYTES", "GIGABYTES", "TERABYTES", "PETABYTES",
	"RPU", "THOUSAND_RPU", "MILLION_RPU", "WPU", "THOUSAND_WPU", "MILLION_WPU",
}

var alertMatchers = []schema.Attribute{
	{Name: "field_name", Type: schema.TypeString, Required: true,
		Enum: []string{"APPLICATION_ID", "ATLAS_NODE_TYPE", "CLUSTER_NAME", "HOSTNAME", "HOSTNAME_AND_PORT", "INSTANCE_NAME",
			"PORT", "PROCESSOR_NAME", "REPLICA_SET_NAME", "SHARD_NAME", "TYPE_NAME"},
		Doc: "The property that is compared."},
	{Name: "operator", Type: schema.TypeString, Required: true,
		Enum: []string{"EQUALS", "CONTAINS", "STARTS_WITH", "ENDS_WITH", "NOT_EQUALS", "NOT_CONTAINS", "REGEX"},
		Doc:  "How it is compared."},
	{Name: "value", Type: schema.TypeString, Required: true,
		Doc: "What it is compared with. For TYPE_NAME: STANDALONE, PRIMARY, SECONDARY, ARBITER, MONGOS, CONFIG or MONGOT."},
}
