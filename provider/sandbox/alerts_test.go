package sandbox

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func group(minutes int) object {
	return object{"typeName": "GROUP", "intervalMin": minutes, "delayMin": 0, "emailEnabled": true}
}

func alert(event string, notifications ...any) object {
	return object{"eventTypeName": event, "enabled": true, "notifications": notifications}
}

func notifierIDs(a answer) []string {
	ids := names(objectsOf(a.body, "notifications"), "notifierId")
	slices.Sort(ids)
	return ids
}

func TestDefaultAlerts(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p") + "/alertConfigs"
	got := c.do("GET", path, nil, 200)
	if len(got.results()) != len(defaultAlerts) {
		t.Errorf("%d alert configurations", len(got.results()))
	}
	for _, a := range got.results() {
		if !boolOf(a, "enabled") || len(objectsOf(a, "links")) != 1 || len(objectsOf(a, "notifications")) != 1 {
			t.Errorf("default alert configuration %v", a)
		}
	}
	without := c.do("POST", "/api/atlas/v2/groups", object{"name": "q", "orgId": DefaultOrgID, "withDefaultAlertsSettings": false}, 201)
	if got := c.do("GET", "/api/atlas/v2/groups/"+textOf(without.body, "id")+"/alertConfigs", nil, 200).results(); len(got) != 0 {
		t.Errorf("alert configurations that nobody asked for: %v", got)
	}
	if got := c.do("GET", "/api/atlas/v2/alertConfigs/matchers/fieldNames", nil, 200).list; len(got) != 9 {
		t.Errorf("field names %v", got)
	}
}

func TestAlertLife(t *testing.T) {
	c := start(t, Options{NoDefaultAlerts: true})
	path := c.project("p") + "/alertConfigs"
	created := c.do("POST", path, alert("NO_PRIMARY", group(5)), 201)
	one := path + "/" + textOf(created.body, "id")
	if got := created.header.Get("Location"); got != c.url+one {
		t.Errorf("Location %s", got)
	}
	if got := canonical(created.body["matchers"]); got != "[]" {
		t.Errorf("matchers %s", got)
	}
	if got := objectsOf(created.body, "notifications")[0]; boolOf(got, "smsEnabled") || got["roles"] != nil {
		t.Errorf("notification %v", got)
	}
	c.do("POST", path, alert("NO_PRIMARY", group(5)), 201) // no natural key: a second one
	if got := c.do("GET", path, nil, 200).results(); len(got) != 2 {
		t.Errorf("%d alert configurations", len(got))
	}

	c.clock.Advance(time.Minute)
	replaced := c.do("PUT", one, alert("NO_PRIMARY", group(15), object{"typeName": "EMAIL", "emailAddress": "ops@example.com"}), 200)
	if replaced.body["created"] != created.body["created"] || replaced.body["updated"] == created.body["updated"] || replaced.body["id"] != created.body["id"] {
		t.Errorf("replaced %s", replaced.raw)
	}
	for _, id := range notifierIDs(replaced) {
		if slices.Contains(notifierIDs(created), id) {
			t.Errorf("notifierId %s survived a PUT", id)
		}
	}
	toggled := c.do("PATCH", one, object{"enabled": false}, 200)
	if boolOf(toggled.body, "enabled") || !slices.Equal(notifierIDs(toggled), notifierIDs(replaced)) {
		t.Errorf("toggled %s", toggled.raw)
	}
	c.refuse("PATCH", one, object{"enabled": true, "matchers": []any{}}, 400, "INVALID_ATTRIBUTE")
	c.do("DELETE", one, nil, 204)
	c.refuse("GET", one, nil, 404, "ALERT_CONFIG_NOT_FOUND")
	c.refuse("PUT", one, alert("NO_PRIMARY", group(15)), 404, "ALERT_CONFIG_NOT_FOUND")
}

func TestAlertFamilies(t *testing.T) {
	c := start(t, Options{NoDefaultAlerts: true})
	path := c.project("p") + "/alertConfigs"
	metric := object{"metricName": "CONNECTIONS", "operator": "GREATER_THAN", "threshold": 100.5, "units": "RAW"}
	limit := func(operator string) object { return object{"operator": operator, "threshold": 1, "units": "HOURS"} }
	for _, tt := range []struct {
		event             string
		metric, threshold object
		code              string
	}{
		{"OUTSIDE_METRIC_THRESHOLD", metric, nil, ""},
		{"OUTSIDE_METRIC_THRESHOLD", nil, nil, "MISSING_METRIC_THRESHOLD"},
		{"OUTSIDE_FLEX_METRIC_THRESHOLD", nil, nil, "MISSING_METRIC_THRESHOLD"},
		{"OUTSIDE_METRIC_THRESHOLD", metric, limit("LESS_THAN"), "THRESHOLD_PRESENT"},
		{"HOST_DOWN", nil, nil, ""},
		{"HOST_DOWN", metric, nil, "METRIC_THRESHOLD_PRESENT"},
		{"HOST_DOWN", nil, limit("LESS_THAN"), "THRESHOLD_PRESENT"},
		{"REPLICATION_OPLOG_WINDOW_RUNNING_OUT", nil, limit("LESS_THAN"), ""},
		{"REPLICATION_OPLOG_WINDOW_RUNNING_OUT", nil, nil, "MISSING_THRESHOLD"},
		{"REPLICATION_OPLOG_WINDOW_RUNNING_OUT", nil, limit("GREATER_THAN"), "INVALID_OPERATOR_FOR_EVENT_TYPE"},
		{"DAILY_BILL_OVER_THRESHOLD", nil, limit("GREATER_THAN"), ""},
		{"NO_PRIMARY", nil, limit("LESS_THAN"), ""},
		{"no such event", nil, nil, "VALIDATION_ERROR"},
	} {
		doc := alert(tt.event, group(5))
		if tt.metric != nil {
			doc["metricThreshold"] = tt.metric
		}
		if tt.threshold != nil {
			doc["threshold"] = tt.threshold
		}
		if tt.code != "" {
			c.refuse("POST", path, doc, 400, tt.code)
			continue
		}
		created := c.do("POST", path, doc, 201)
		if tt.metric != nil && textOf(objectOf(created.body, "metricThreshold"), "mode") != "AVERAGE" {
			t.Errorf("metric threshold %s", created.raw)
		}
	}
}

func TestNotificationChecks(t *testing.T) {
	c := start(t, Options{NoDefaultAlerts: true})
	path := c.project("p") + "/alertConfigs"
	for _, tt := range []struct {
		notifications []any
		code          string
	}{
		{nil, "MISSING_NOTIFICATIONS"},
		{[]any{group(4)}, "NOTIFICATION_INTERVAL_OUT_OF_RANGE"},
		{[]any{group(5), group(10)}, "TOO_MANY_GROUP_NOTIFICATIONS"},
		{[]any{object{"typeName": "GROUP"}}, "EMAIL_OR_SMS_REQUIRED_FOR_GROUP_NOTIFICATION"},
		{[]any{object{"typeName": "PIGEON"}}, "INVALID_ENUM_VALUE"},
		{[]any{object{"emailEnabled": true}}, "MISSING_ATTRIBUTE"},
		{[]any{object{"typeName": "EMAIL"}}, "MISSING_ATTRIBUTE"},
		{[]any{object{"typeName": "SLACK", "channelName": "#ops"}}, "MISSING_ATTRIBUTE"},
		{[]any{object{"typeName": "EMAIL", "emailAddress": "a@example.com", "serviceKey": "x"}}, "INVALID_ATTRIBUTE"},
		{[]any{object{"typeName": "PAGER_DUTY", "serviceKey": "****************************0088"}}, "INVALID_ATTRIBUTE"},
	} {
		c.refuse("POST", path, alert("HOST_DOWN", tt.notifications...), 400, tt.code)
	}
	pager := c.do("POST", path, alert("HOST_DOWN", object{"typeName": "PAGER_DUTY", "integrationId": "0123456789abcdef01234567"}), 201)
	if n := objectsOf(pager.body, "notifications")[0]; n["intervalMin"] != nil || n["delayMin"] == nil {
		t.Errorf("notification %v", n)
	}
}

func TestNotificationSecrets(t *testing.T) {
	c := start(t, Options{NoDefaultAlerts: true})
	path := c.project("p") + "/alertConfigs"
	secrets := []string{"xoxb-token-0001", "https://hooks.example.com/very/secret", "hush-hush-hush", "0123456789abcdef0123456789ab0088"}
	created := c.do("POST", path, alert("HOST_DOWN",
		object{"typeName": "SLACK", "apiToken": secrets[0], "channelName": "#ops"},
		object{"typeName": "WEBHOOK", "webhookUrl": secrets[1], "webhookSecret": secrets[2]},
		object{"typeName": "PAGER_DUTY", "serviceKey": secrets[3]}), 201)
	one := path + "/" + textOf(created.body, "id")
	for _, secret := range secrets {
		if strings.Contains(created.raw, secret) {
			t.Errorf("the answer shows the secret %s", secret)
		}
		if !c.s.Received(secret) {
			t.Errorf("%s is not among the received secrets", secret)
		}
	}
	shown := func(a answer) string {
		var out []string
		for _, n := range objectsOf(a.body, "notifications") {
			for _, field := range []string{"apiToken", "webhookUrl", "webhookSecret", "serviceKey"} {
				if v := textOf(n, field); v != "" {
					out = append(out, v)
				}
			}
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	const redacted = "******** ****************************0088 ***********0001 https://hooks.example.com/****"
	if got := shown(created); got != redacted {
		t.Errorf("redacted: %s", got)
	}

	// With its notifierId a secret that is left out is kept.
	var echoed []any
	for _, n := range objectsOf(created.body, "notifications") {
		keep := object{"typeName": n["typeName"], "notifierId": n["notifierId"], "delayMin": 5}
		if n["channelName"] != nil {
			keep["channelName"] = n["channelName"]
		}
		echoed = append(echoed, keep)
	}
	kept := c.do("PUT", one, alert("HOST_DOWN", echoed...), 200)
	if got := shown(kept); got != redacted {
		t.Errorf("after a PUT with notifierIds: %s", got)
	}
	// These ids were replaced by the PUT: now they name nothing.
	c.refuse("PUT", one, alert("HOST_DOWN", echoed...), 400, "MISSING_ATTRIBUTE")
	// An optional secret that is left out without an id is lost.
	lost := c.do("PUT", one, alert("HOST_DOWN", object{"typeName": "WEBHOOK", "webhookUrl": secrets[1]}), 200)
	if got := shown(lost); got != "https://hooks.example.com/****" {
		t.Errorf("after a PUT without ids: %s", got)
	}
}
