package sandbox

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const integrationPath = apiRoot + "/groups/{groupId}/integrations"

// service is one type of third-party integration: its fields, beside id and type.
type service struct {
	required []string
	secrets  []string // come back masked; those in hidden do not come back at all
	hidden   []string
	other    []string
	initial  object // what is shown where nothing was sent
}

// services are the types that can be made. HIP_CHAT is still in the specification's list of types, which has no fields
// for it. The values in initial were recorded, but for those of Prometheus, Slack and Teams, of which there is no
// recording.
var services = map[string]service{
	"DATADOG": {required: []string{"apiKey"}, secrets: []string{"apiKey"},
		other: []string{"region", "sendCollectionLatencyMetrics", "sendDatabaseMetrics", "sendQueryStatsMetrics", "sendUserProvidedResourceTags"},
		initial: object{"customEndpoint": nil, "region": "US", "sendCollectionLatencyMetrics": false, "sendDatabaseMetrics": false,
			"sendQueryStatsMetrics": false, "sendUserProvidedResourceTags": false}},
	"MICROSOFT_TEAMS": {required: []string{"microsoftTeamsWebhookUrl"}, secrets: []string{"microsoftTeamsWebhookUrl"}},
	"NEW_RELIC": {required: []string{"accountId", "licenseKey", "readToken", "writeToken"},
		secrets: []string{"licenseKey", "readToken", "writeToken"}},
	"OPS_GENIE":  {required: []string{"apiKey"}, secrets: []string{"apiKey"}, other: []string{"region"}, initial: object{"region": "US"}},
	"PAGER_DUTY": {required: []string{"serviceKey"}, secrets: []string{"serviceKey"}, other: []string{"region"}, initial: object{"region": "US"}},
	"PROMETHEUS": {required: []string{"enabled", "serviceDiscovery", "username", "password"}, hidden: []string{"password"},
		other: []string{"sendUserProvidedResourceTagsEnabled"}, initial: object{"sendUserProvidedResourceTagsEnabled": false}},
	"SLACK":      {required: []string{"apiToken", "channelName"}, secrets: []string{"apiToken"}, other: []string{"teamName"}},
	"VICTOR_OPS": {required: []string{"apiKey"}, secrets: []string{"apiKey"}, other: []string{"routingKey"}},
	"WEBHOOK": {required: []string{"url"}, secrets: []string{"url", "secret"}, other: []string{"bodyTemplate", "headersTemplate"},
		initial: object{"bodyTemplate": nil, "headersTemplate": nil}},
}

// integrationRule is the rule of an integration, whichever its type; which fields go with which type is the handler's.
// New Relic's keys are no longer the 40 hexadecimal digits that the specification asks for, so any text is taken.
var integrationRule = of(shape{
	"id": owned, "type": enum(sortedKeys(services)...),
	"apiKey": text.hidden(), "serviceKey": text.hidden(), "apiToken": text.hidden(), "microsoftTeamsWebhookUrl": text.hidden(),
	"url": text.hidden(), "secret": text.hidden(), "licenseKey": text.hidden(), "readToken": text.hidden(),
	"writeToken": text.hidden(), "password": text.hidden(), "accountId": text.like(`^([0-9a-f]){40}$`),
	"region": enum("US", "EU", "US3", "US5", "AP1", "US1_FED"), "channelName": text.between(1, 80), "teamName": text, "routingKey": text,
	"sendCollectionLatencyMetrics": boolean, "sendDatabaseMetrics": boolean, "sendQueryStatsMetrics": boolean,
	"sendUserProvidedResourceTags": boolean, "sendUserProvidedResourceTagsEnabled": boolean,
	"bodyTemplate": text, "headersTemplate": text, "enabled": boolean, "username": text, "serviceDiscovery": enum("http", "file"),
})

var integrationOperations = []*operation{
	{id: "listGroupIntegrations", method: "GET", path: integrationPath, versions: since("2023-01-01"), limits: "integrations", serve: (*Server).listIntegrations},
	{id: "createGroupIntegration", method: "POST", path: integrationPath + "/{integrationType}", versions: since("2023-01-01"), limits: "integrations", body: &integrationRule, serve: (*Server).createIntegration},
	{id: "getGroupIntegration", method: "GET", path: integrationPath + "/{integrationType}", versions: since("2023-01-01"), limits: "integrations", serve: (*Server).getIntegration},
	{id: "updateGroupIntegration", method: "PUT", path: integrationPath + "/{integrationType}", versions: since("2023-01-01"), limits: "integrations", body: &integrationRule, serve: (*Server).replaceIntegration},
	{id: "deleteGroupIntegration", method: "DELETE", path: integrationPath + "/{integrationType}", versions: since("2023-01-01"), limits: "integrations", serve: (*Server).deleteIntegration},
}

func (s *Server) listIntegrations(c *call) *apiError {
	return servePage(c, c.project.of(Integration), func(it *item) any { return it.Doc })
}

func findIntegration(c *call) (*item, *apiError) {
	it, ok := c.project.of(Integration).get(c.params["integrationType"])
	if !ok {
		return nil, fail("INTEGRATION_NOT_CONFIGURED", c.params["integrationType"])
	}
	return it, nil
}

func (s *Server) getIntegration(c *call) *apiError {
	it, err := findIntegration(c)
	if err == nil {
		c.out = it.Doc
	}
	return err
}

func (s *Server) createIntegration(c *call) *apiError {
	if it, _ := findIntegration(c); it != nil {
		return fail("INTEGRATION_ALREADY_CONFIGURED", c.params["integrationType"])
	}
	return s.putIntegration(c, s.newID())
}

// replaceIntegration leaves nothing of what was there but the id.
func (s *Server) replaceIntegration(c *call) *apiError {
	it, err := findIntegration(c)
	if err != nil {
		return err
	}
	return s.putIntegration(c, textOf(it.Doc, "id"))
}

// putIntegration checks and stores the body, and answers the list of all integrations.
func (s *Server) putIntegration(c *call, id string) *apiError {
	name := c.params["integrationType"]
	kind, known := services[name]
	in := c.in()
	switch {
	case !known:
		return fail("INVALID_PATH_PARAMETER", "integrationType") // code not recorded
	case in["type"] != nil && in["type"] != name:
		return fail("INVALID_ATTRIBUTE", "type")
	}
	doc, err := kind.read(in)
	if err != nil {
		return err
	}
	doc["id"], doc["type"] = id, name
	c.project.store(Integration, name, &item{Doc: doc})
	return s.listIntegrations(c)
}

// read checks the fields of an integration and returns what is shown of them. What Atlas does with a secret in its own
// masked form is not known; taking it would lose the secret.
func (k service) read(in object) (object, *apiError) {
	doc := maps.Clone(k.initial)
	if doc == nil {
		doc = object{}
	}
	for _, field := range sortedKeys(in) {
		value := in[field]
		masked := slices.Contains(k.secrets, field)
		switch {
		case field == "type":
		case !masked && !slices.Contains(k.required, field) && !slices.Contains(k.other, field):
			return nil, fail("INVALID_ATTRIBUTE", field)
		case masked && strings.Contains(textOf(in, field), "****"):
			return nil, fail("INVALID_ATTRIBUTE", field)
		case masked:
			doc[field] = mask(field, textOf(in, field))
		case !slices.Contains(k.hidden, field):
			doc[field] = value
		}
	}
	for _, field := range k.required {
		if in[field] == nil || in[field] == "" {
			return nil, fail("MISSING_ATTRIBUTE", field)
		}
	}
	return doc, nil
}

// mask is what answers show of an integration's secret: of a URL the host and the last letters of the rest, of anything
// else the last four letters, at its length.
func mask(field, value string) string {
	last := value[max(0, len(value)-4):]
	if u, err := url.Parse(value); err == nil && u.Host != "" && strings.HasSuffix(strings.ToLower(field), "url") {
		return u.Scheme + "://" + u.Host + "/****" + last
	}
	return strings.Repeat("*", max(len(value), 8)-len(last)) + last
}

func (s *Server) deleteIntegration(c *call) *apiError {
	if _, err := findIntegration(c); err != nil {
		return err
	}
	c.project.of(Integration).remove(c.params["integrationType"])
	c.status = http.StatusNoContent
	return nil
}
