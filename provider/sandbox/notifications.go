package sandbox

import (
	"net/url"
	"slices"
	"strings"
)

// channel is one type of notification: the fields of its own, beside those that all have.
type channel struct {
	required []string // must be there
	secrets  []string // come back redacted; those that are required may be left out where they are known
	other    []string
	noRepeat bool // it has no intervalMin
}

// channels are the types of notifications. The specification calls only typeName required; that a channel
// needs its address or key is in the descriptions of the fields.
var channels = map[string]channel{
	"DATADOG":         {required: []string{"datadogApiKey"}, secrets: []string{"datadogApiKey"}, other: []string{"datadogRegion", "integrationId"}},
	"EMAIL":           {required: []string{"emailAddress"}},
	"GROUP":           {other: []string{"emailEnabled", "smsEnabled", "roles"}},
	"HIP_CHAT":        {required: []string{"notificationToken", "roomName"}, secrets: []string{"notificationToken"}, other: []string{"integrationId"}},
	"MICROSOFT_TEAMS": {required: []string{"microsoftTeamsWebhookUrl"}, secrets: []string{"microsoftTeamsWebhookUrl"}, other: []string{"integrationId"}},
	"OPS_GENIE":       {required: []string{"opsGenieApiKey"}, secrets: []string{"opsGenieApiKey"}, other: []string{"opsGenieRegion", "integrationId"}, noRepeat: true},
	"ORG":             {other: []string{"emailEnabled", "smsEnabled", "roles"}},
	"PAGER_DUTY":      {required: []string{"serviceKey"}, secrets: []string{"serviceKey"}, other: []string{"region", "integrationId"}, noRepeat: true},
	"SLACK":           {required: []string{"apiToken", "channelName"}, secrets: []string{"apiToken"}, other: []string{"integrationId"}},
	"SMS":             {required: []string{"mobileNumber"}},
	"TEAM":            {required: []string{"teamId"}, other: []string{"teamName", "emailEnabled", "smsEnabled"}},
	"USER":            {required: []string{"username"}, other: []string{"emailEnabled", "smsEnabled"}},
	"VICTOR_OPS":      {required: []string{"victorOpsApiKey"}, secrets: []string{"victorOpsApiKey"}, other: []string{"victorOpsRoutingKey", "integrationId"}, noRepeat: true},
	"WEBHOOK":         {required: []string{"webhookUrl"}, secrets: []string{"webhookUrl", "webhookSecret"}, other: []string{"webhookBodyTemplate", "webhookHeadersTemplate", "integrationId"}},
}

// notificationFields is the rule of a notification, whichever its type.
func notificationFields() shape {
	fields := shape{
		"delayMin": integer.between(0, 1<<31-1), "intervalMin": integer, "notifierId": text.like(`^([a-f0-9]{24})$`),
		"typeName": enum(sortedKeys(channels)...).need(),
	}
	for _, ch := range channels {
		for _, names := range [][]string{ch.required, ch.other} {
			for _, name := range names {
				fields[name] = text
			}
		}
	}
	for _, ch := range channels {
		for _, name := range ch.secrets {
			fields[name] = text.hidden()
		}
	}
	fields["emailEnabled"], fields["smsEnabled"], fields["roles"] = boolean, boolean, list(text)
	return fields
}

func (ch channel) has(field string) bool {
	switch field {
	case "delayMin", "intervalMin", "notifierId", "typeName":
		return true
	}
	return slices.Contains(ch.required, field) || slices.Contains(ch.secrets, field) || slices.Contains(ch.other, field)
}

// readNotifications checks and completes the notifications of an alert configuration, redacts their
// secrets and gives them ids. live are the ones that they replace.
func (s *Server) readNotifications(doc object, live []object) *apiError {
	notifications := objectsOf(doc, "notifications")
	if len(notifications) == 0 {
		return fail("MISSING_NOTIFICATIONS")
	}
	groups := 0
	for _, n := range notifications {
		if textOf(n, "typeName") == "GROUP" {
			groups++
		}
		if err := readNotification(n, live); err != nil {
			return err
		}
	}
	if groups > 1 {
		return fail("TOO_MANY_GROUP_NOTIFICATIONS")
	}
	for _, n := range notifications {
		n["notifierId"] = s.newID()
	}
	return nil
}

// readNotification completes one notification. A secret that is left out is kept if notifierId names a
// live notification of the same type; without that it is lost, and an error where it is required.
func readNotification(n object, live []object) *apiError {
	kind := textOf(n, "typeName")
	ch := channels[kind]
	for _, field := range sortedKeys(n) {
		if !ch.has(field) {
			return fail("INVALID_ATTRIBUTE", "notifications."+field)
		}
	}
	var known object
	for _, old := range live {
		if id := textOf(n, "notifierId"); id != "" && textOf(old, "notifierId") == id && textOf(old, "typeName") == kind {
			known = old
		}
	}
	for _, field := range ch.secrets {
		switch value := textOf(n, field); {
		case value == "" && known[field] != nil:
			n[field] = known[field]
		case value == "":
			delete(n, field)
		case strings.Contains(value, "***"):
			// What Atlas does with its own redacted form is not known; taking it would lose the secret.
			return fail("INVALID_ATTRIBUTE", "notifications."+field)
		default:
			n[field] = redact(field, value)
		}
	}
	for _, field := range ch.required {
		if textOf(n, field) == "" && textOf(n, "integrationId") == "" {
			return fail("MISSING_ATTRIBUTE", "notifications."+field)
		}
	}
	setDefault(n, "delayMin", 0)
	if ch.noRepeat {
		delete(n, "intervalMin")
	} else {
		setDefault(n, "intervalMin", 60) // the default of Atlas was not recorded
		if intOf(n, "intervalMin") < 5 {
			return fail("NOTIFICATION_INTERVAL_OUT_OF_RANGE")
		}
	}
	if ch.has("emailEnabled") {
		setDefault(n, "emailEnabled", false)
		setDefault(n, "smsEnabled", false)
	}
	if kind == "GROUP" && !boolOf(n, "emailEnabled") && !boolOf(n, "smsEnabled") {
		return fail("EMAIL_OR_SMS_REQUIRED_FOR_GROUP_NOTIFICATION")
	}
	if len(listOf(n, "roles")) == 0 {
		delete(n, "roles") // absent when there are none
	}
	return nil
}

// redact is what answers show of a secret: nothing of a webhook's secret, the host of a URL, and the last
// four letters of a key. It was recorded for integrations, where the length is kept too.
func redact(field, value string) string {
	stars := func(n int) string { return strings.Repeat("*", n) }
	if field == "webhookSecret" {
		return stars(8)
	}
	if u, err := url.Parse(value); err == nil && u.Host != "" {
		return u.Scheme + "://" + u.Host + "/" + stars(4)
	}
	if len(value) <= 8 {
		return stars(max(len(value), 4))
	}
	return stars(len(value)-4) + value[len(value)-4:]
}
