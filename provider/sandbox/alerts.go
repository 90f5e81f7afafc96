package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

const alertPath = apiRoot + "/groups/{groupId}/alertConfigs"

// matcherFields is what GET /alertConfigs/matchers/fieldNames answered in 2026.
var matcherFields = []any{"CLUSTER_NAME", "HOSTNAME", "PORT", "HOSTNAME_AND_PORT", "APPLICATION_ID", "REPLICA_SET_NAME",
	"TYPE_NAME", "SHARD_NAME", "ATLAS_NODE_TYPE"}

var (
	comparison  = enum("GREATER_THAN", "LESS_THAN")
	alertRule   = of(alertFields)
	alertToggle = of(shape{"enabled": boolean.need()})
	alertFields = shape{
		"created": owned, "groupId": owned, "id": owned, "links": owned, "updated": owned,
		"enabled":       boolean,
		"eventTypeName": text.need().like(`^[A-Z][A-Z0-9_]*$`),
		"matchers": list(of(shape{
			"fieldName": text.need().like(`^[A-Z][A-Z0-9_]*$`), "value": text.need(),
			"operator": enum("EQUALS", "CONTAINS", "STARTS_WITH", "ENDS_WITH", "NOT_EQUALS", "NOT_CONTAINS", "REGEX").need(),
		})),
		"metricThreshold":  of(shape{"metricName": text.need(), "mode": enum("AVERAGE", "TOTAL"), "operator": comparison, "threshold": number, "units": text}),
		"notifications":    list(of(notificationFields())),
		"severityOverride": enum("INFO", "WARNING", "ERROR", "CRITICAL"),
		"threshold":        of(shape{"metricName": text, "mode": text, "operator": comparison, "threshold": integer, "units": text}),
	}
)

var alertOperations = []*operation{
	{id: "listAlertConfigMatcherFieldNames", method: "GET", path: apiRoot + "/alertConfigs/matchers/fieldNames", versions: since("2023-01-01"), limits: "unscoped", serve: (*Server).listMatcherFields},
	{id: "listGroupAlertConfigs", method: "GET", path: alertPath, versions: since("2023-01-01"), limits: "alertConfigs", serve: (*Server).listAlerts},
	{id: "createGroupAlertConfig", method: "POST", path: alertPath, versions: since("2023-01-01"), limits: "alertConfigs", body: &alertRule, serve: (*Server).createAlert},
	{id: "getGroupAlertConfig", method: "GET", path: alertPath + "/{alertConfigId}", versions: since("2023-01-01"), limits: "alertConfigs", serve: (*Server).getAlert},
	{id: "updateGroupAlertConfig", method: "PUT", path: alertPath + "/{alertConfigId}", versions: since("2023-01-01"), limits: "alertConfigs", body: &alertRule, serve: (*Server).replaceAlert},
	{id: "toggleGroupAlertConfig", method: "PATCH", path: alertPath + "/{alertConfigId}", versions: since("2023-01-01"), limits: "alertConfigs", body: &alertToggle, serve: (*Server).toggleAlert},
	{id: "deleteGroupAlertConfig", method: "DELETE", path: alertPath + "/{alertConfigId}", versions: since("2023-01-01"), limits: "alertConfigs", serve: (*Server).deleteAlert},
}

// family is what an event type asks of an alert configuration.
type family struct {
	metric    bool   // it has a metricThreshold
	threshold string // it has a threshold: "required", "optional" or ""
	operator  string // the only one its threshold can have, or ""
}

// families lists the event types that have a threshold. An event whose name ends in METRIC_THRESHOLD has
// a metric threshold; any other has neither. Names are not checked: there are hundreds, and new ones come.
var families = map[string]family{
	"PENDING_INVOICE_OVER_THRESHOLD":                                   {threshold: "required", operator: "GREATER_THAN"},
	"DAILY_BILL_OVER_THRESHOLD":                                        {threshold: "required", operator: "GREATER_THAN"},
	"DAILY_BILLING_CHANGE_OVER_THRESHOLD":                              {threshold: "required", operator: "GREATER_THAN"},
	"WEEKLY_BILLING_CHANGE_OVER_THRESHOLD":                             {threshold: "required", operator: "GREATER_THAN"},
	"MONTHLY_BILLING_CHANGE_OVER_THRESHOLD":                            {threshold: "required", operator: "GREATER_THAN"},
	"CPS_SNAPSHOT_BEHIND":                                              {threshold: "required", operator: "GREATER_THAN"},
	"CPS_PREV_SNAPSHOT_OLD":                                            {threshold: "required", operator: "GREATER_THAN"},
	"CPS_OPLOG_BEHIND":                                                 {threshold: "required", operator: "GREATER_THAN"},
	"AWS_ENCRYPTION_KEY_NEEDS_ROTATION":                                {threshold: "required", operator: "GREATER_THAN"},
	"AZURE_ENCRYPTION_KEY_NEEDS_ROTATION":                              {threshold: "required", operator: "GREATER_THAN"},
	"GCP_ENCRYPTION_KEY_NEEDS_ROTATION":                                {threshold: "required", operator: "GREATER_THAN"},
	"AWS_ENCRYPTION_KEY_INVALID":                                       {threshold: "optional"},
	"AZURE_ENCRYPTION_KEY_INVALID":                                     {threshold: "optional"},
	"GCP_ENCRYPTION_KEY_INVALID":                                       {threshold: "optional"},
	"TOO_MANY_ELECTIONS":                                               {threshold: "required", operator: "GREATER_THAN"},
	"REPLICATION_OPLOG_WINDOW_RUNNING_OUT":                             {threshold: "required", operator: "LESS_THAN"},
	"TOO_FEW_HEALTHY_MEMBERS":                                          {threshold: "required"},
	"TOO_MANY_UNHEALTHY_MEMBERS":                                       {threshold: "required"},
	"NO_PRIMARY":                                                       {threshold: "optional"},
	"PRIMARY_ELECTED":                                                  {threshold: "optional"},
	"OUTSIDE_STREAM_PROCESSOR_METRIC_THRESHOLD":                        {metric: true, threshold: "optional"},
	"NDS_X509_USER_AUTHENTICATION_CUSTOMER_CA_EXPIRATION_CHECK":        {threshold: "required", operator: "LESS_THAN"},
	"NDS_X509_USER_AUTHENTICATION_CUSTOMER_CRL_EXPIRATION_CHECK":       {threshold: "required", operator: "LESS_THAN"},
	"NDS_X509_USER_AUTHENTICATION_MANAGED_USER_CERTS_EXPIRATION_CHECK": {threshold: "required", operator: "LESS_THAN"},
}

func familyOf(event string) family {
	if f, ok := families[event]; ok {
		return f
	}
	return family{metric: strings.HasSuffix(event, "METRIC_THRESHOLD")}
}

func (s *Server) listMatcherFields(c *call) *apiError {
	c.out = matcherFields
	return nil
}

// alertView is an alert configuration as answers show it; in lists it has only the link to itself.
func (s *Server) alertView(c *call, it *item, inList bool) object {
	id := textOf(it.Doc, "id")
	href := c.base + apiRoot + "/groups/" + c.project.id() + "/alertConfigs/" + id
	links := []any{self(href)}
	if !inList {
		links = append(links, object{"href": href + "/alerts", "rel": c.base + "/alerts"})
	}
	doc := s.view(it.Doc, id, links, "notifications", "matchers")
	notifications := slices.Clone(listOf(doc, "notifications"))
	for i, n := range notifications {
		if notification, ok := n.(object); ok {
			notifications[i] = s.view(notification, id+textOf(notification, "notifierId"), nil, "roles")
		}
	}
	doc["notifications"] = notifications
	return doc
}

func (s *Server) listAlerts(c *call) *apiError {
	return servePage(c, c.project.of(AlertConfig), func(it *item) any { return s.alertView(c, it, true) })
}

func (s *Server) createAlert(c *call) *apiError {
	doc := c.in()
	if err := s.readAlert(doc, nil); err != nil {
		return err
	}
	it := s.addAlert(c.project, doc)
	c.setJSON(http.StatusCreated, s.alertView(c, it, false))
	c.header.Set("Location", c.path()+"/"+textOf(doc, "id"))
	return nil
}

// addAlert stores a new alert configuration.
func (s *Server) addAlert(p *project, doc object) *item {
	doc["id"], doc["groupId"] = s.newID(), p.id()
	doc["created"], doc["updated"] = stamp(s.now()), stamp(s.now())
	it := &item{Doc: doc}
	p.store(AlertConfig, textOf(doc, "id"), it)
	return it
}

// readAlert checks and completes the body of a POST or PUT. live are the notifications that a PUT
// replaces.
func (s *Server) readAlert(doc object, live []object) *apiError {
	event := textOf(doc, "eventTypeName")
	f := familyOf(event)
	metric, threshold := objectOf(doc, "metricThreshold"), objectOf(doc, "threshold")
	switch {
	case f.metric && metric == nil:
		return fail("MISSING_METRIC_THRESHOLD")
	case !f.metric && metric != nil:
		return fail("METRIC_THRESHOLD_PRESENT")
	case f.threshold == "required" && threshold == nil:
		return fail("MISSING_THRESHOLD")
	case f.threshold == "" && threshold != nil:
		return fail("THRESHOLD_PRESENT")
	case threshold != nil && f.operator != "" && textOf(threshold, "operator") != f.operator:
		return fail("INVALID_OPERATOR_FOR_EVENT_TYPE", textOf(threshold, "operator"), event)
	}
	if metric != nil {
		setDefault(metric, "mode", "AVERAGE")
	}
	// The specification says so; what Atlas does without the field was not recorded.
	setDefault(doc, "enabled", false)
	setDefault(doc, "matchers", []any{})
	return s.readNotifications(doc, live)
}

func findAlert(c *call) (*item, *apiError) {
	it, ok := c.project.of(AlertConfig).get(c.params["alertConfigId"])
	if !ok {
		return nil, fail("ALERT_CONFIG_NOT_FOUND", c.params["alertConfigId"], c.project.id())
	}
	return it, nil
}

func (s *Server) getAlert(c *call) *apiError {
	it, err := findAlert(c)
	if err == nil {
		c.out = s.alertView(c, it, false)
	}
	return err
}

// replaceAlert replaces everything but id and created. All notifications get new notifierIds.
func (s *Server) replaceAlert(c *call) *apiError {
	it, err := findAlert(c)
	if err != nil {
		return err
	}
	doc := c.in()
	if err := s.readAlert(doc, objectsOf(it.Doc, "notifications")); err != nil {
		return err
	}
	for _, field := range []string{"id", "groupId", "created"} {
		doc[field] = it.Doc[field]
	}
	doc["updated"] = stamp(s.now())
	it = &item{Doc: doc}
	c.project.store(AlertConfig, textOf(doc, "id"), it)
	c.out = s.alertView(c, it, false)
	return nil
}

func (s *Server) toggleAlert(c *call) *apiError {
	it, err := findAlert(c)
	if err != nil {
		return err
	}
	it.Doc["enabled"], it.Doc["updated"] = c.in()["enabled"], stamp(s.now())
	c.out = s.alertView(c, it, false)
	return nil
}

func (s *Server) deleteAlert(c *call) *apiError {
	it, err := findAlert(c)
	if err != nil {
		return err
	}
	c.project.of(AlertConfig).remove(textOf(it.Doc, "id"))
	c.status = http.StatusNoContent
	return nil
}

// defaultAlerts are the alert configurations that Atlas gives a new project, as far as the oldest recorded
// project shows them: event, delay in minutes, interval in minutes and threshold.
var defaultAlerts = []struct {
	event           string
	delay, interval int
	metric          object
	threshold       object
}{
	{"REPLICATION_OPLOG_WINDOW_RUNNING_OUT", 0, 60, nil, object{"operator": "LESS_THAN", "threshold": 1, "units": "HOURS"}},
	{"NO_PRIMARY", 15, 60, nil, nil},
	{"CLUSTER_MONGOS_IS_MISSING", 15, 60, nil, nil},
	{"OUTSIDE_METRIC_THRESHOLD", 0, 60, above("CONNECTIONS_PERCENT", "80.0"), nil},
	{"OUTSIDE_METRIC_THRESHOLD", 0, 60, above("DISK_PARTITION_SPACE_USED_DATA", "90.0"), nil},
	{"OUTSIDE_METRIC_THRESHOLD", 10, 60, above("QUERY_TARGETING_SCANNED_OBJECTS_PER_RETURNED", "1000.0"), nil},
	{"OUTSIDE_METRIC_THRESHOLD", 0, 60, above("NORMALIZED_SYSTEM_CPU_USER", "95.0"), nil},
	{"OUTSIDE_METRIC_THRESHOLD", 0, 60, above("NORMALIZED_SYSTEM_CPU_STEAL", "50.0"), nil},
	{"CREDIT_CARD_ABOUT_TO_EXPIRE", 0, 1440, nil, nil},
	{"HOST_HAS_INDEX_SUGGESTIONS", 10, 60, nil, nil},
	{"JOINED_GROUP", 0, 60, nil, nil},
}

func above(metric string, value json.Number) object {
	return object{"metricName": metric, "mode": "AVERAGE", "operator": "GREATER_THAN", "threshold": value, "units": "RAW"}
}

// addDefaultAlerts gives a new project its alert configurations.
func (s *Server) addDefaultAlerts(p *project) {
	for _, d := range defaultAlerts {
		notification := object{"typeName": "GROUP", "delayMin": d.delay, "intervalMin": d.interval, "emailEnabled": true,
			"smsEnabled": false, "notifierId": s.newID(), "roles": []any{"GROUP_OWNER"}}
		if d.event == "JOINED_GROUP" {
			delete(notification, "roles")
		}
		doc := object{"eventTypeName": d.event, "enabled": true, "matchers": []any{}, "notifications": []any{notification}}
		if d.metric != nil {
			doc["metricThreshold"] = clone(d.metric)
		}
		if d.threshold != nil {
			doc["threshold"] = clone(d.threshold)
		}
		s.addAlert(p, doc)
	}
}
