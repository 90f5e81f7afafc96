package sandbox

import (
	"slices"
	"testing"
)

func TestIntegrationLife(t *testing.T) {
	c := start(t, Options{Dir: t.TempDir()})
	path := c.project("p") + "/integrations"
	pager := object{"type": "PAGER_DUTY", "serviceKey": "0123456789abcdef0123456789ab0022"}
	c.refuse("GET", path+"/PAGER_DUTY", nil, 404, "INTEGRATION_NOT_CONFIGURED")
	c.refuse("PUT", path+"/PAGER_DUTY", pager, 404, "INTEGRATION_NOT_CONFIGURED")
	made := c.do("POST", path+"/PAGER_DUTY", pager, 200).results()
	if len(made) != 1 || made[0]["serviceKey"] != "****************************0022" || made[0]["region"] != "US" {
		t.Errorf("made, the list is %v", made)
	}
	c.refuse("POST", path+"/PAGER_DUTY", pager, 409, "INTEGRATION_ALREADY_CONFIGURED")
	c.do("POST", path+"/WEBHOOK", object{"url": "https://example.com/hook/2101", "secret": "a-long-enough-secret", "bodyTemplate": "{}"}, 200)
	hook := c.do("GET", path+"/WEBHOOK", nil, 200).body
	if hook["url"] != "https://example.com/****2101" || hook["secret"] != "****************cret" || hook["bodyTemplate"] != "{}" || hook["headersTemplate"] != nil {
		t.Errorf("the webhook is %v", hook)
	}
	if !c.s.Received("a-long-enough-secret") || !c.s.Received("https://example.com/hook/2101") {
		t.Error("the secrets were not received")
	}

	// PUT leaves nothing of what was there.
	all := c.do("PUT", path+"/WEBHOOK", object{"url": "https://example.com/other"}, 200).results()
	if got := slices.Sorted(slices.Values(names(all, "type"))); !slices.Equal(got, []string{"PAGER_DUTY", "WEBHOOK"}) {
		t.Errorf("the list has %v", got)
	}
	again := c.do("GET", path+"/WEBHOOK", nil, 200).body
	if again["id"] != hook["id"] || again["secret"] != nil || again["bodyTemplate"] != nil {
		t.Errorf("replaced, it is %v", again)
	}
	c.do("DELETE", path+"/WEBHOOK", nil, 204)
	c.refuse("DELETE", path+"/WEBHOOK", nil, 404, "INTEGRATION_NOT_CONFIGURED")
}

func TestIntegrationRefusals(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p") + "/integrations"
	for name, tc := range map[string]struct {
		service string
		body    object
		code    string
	}{
		"without its secret":      {"DATADOG", object{"type": "DATADOG"}, "MISSING_ATTRIBUTE"},
		"of another type":         {"DATADOG", object{"type": "WEBHOOK", "apiKey": "0123456789abcdef"}, "INVALID_ATTRIBUTE"},
		"a field of another type": {"DATADOG", object{"apiKey": "0123456789abcdef", "serviceKey": "0123456789abcdef"}, "INVALID_ATTRIBUTE"},
		"an unknown field":        {"DATADOG", object{"apiKey": "0123456789abcdef", "colour": "red"}, "INVALID_ATTRIBUTE"},
		"its own stars":           {"DATADOG", object{"apiKey": "****************cdef"}, "INVALID_ATTRIBUTE"},
		"a URL with stars":        {"WEBHOOK", object{"url": "https://example.com/****2101"}, "INVALID_ATTRIBUTE"},
		"no region":               {"DATADOG", object{"apiKey": "0123456789abcdef", "region": "MOON"}, "INVALID_ENUM_VALUE"},
		"no account":              {"NEW_RELIC", object{"accountId": "1", "licenseKey": "2", "readToken": "3", "writeToken": "4"}, "VALIDATION_ERROR"},
		"no service":              {"HIP_CHAT", object{"apiToken": "0123456789abcdef"}, "INVALID_PATH_PARAMETER"},
	} {
		t.Run(name, func(t *testing.T) {
			c.refuse("POST", path+"/"+tc.service, tc.body, 400, tc.code)
		})
	}
}

// The password of Prometheus is not even shown masked.
func TestPrometheusShowsNoPassword(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p") + "/integrations/PROMETHEUS"
	c.do("POST", path, object{"enabled": true, "serviceDiscovery": "http", "username": "reader", "password": "correct-horse"}, 200)
	got := c.do("GET", path, nil, 200).body
	if _, shown := got["password"]; shown || got["username"] != "reader" || !c.s.Received("correct-horse") {
		t.Errorf("it is %v", got)
	}
}
