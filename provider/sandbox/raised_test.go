package sandbox

import "testing"

// TestRaisedAlerts lists alerts by status.
func TestRaisedAlerts(t *testing.T) {
	c := start(t, Options{})
	path := c.project("shop")
	id := path[len("/api/atlas/v2/groups/"):]
	for _, doc := range []object{
		{"eventTypeName": "NO_PRIMARY", "clusterName": "orders"},
		{"eventTypeName": "HOST_DOWN", "status": "TRACKING"},
		{"eventTypeName": "HOST_DOWN", "status": "CLOSED", "resolved": stamp(testStart)},
	} {
		if err := c.s.Put(Alert, id, doc); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]int{"": 3, "?status=OPEN": 1, "?status=TRACKING": 1, "?status=CLOSED": 1} {
		if got := c.do("GET", path+"/alerts"+query, nil, 200); len(got.results()) != want {
			t.Errorf("%q lists %s", query, got.raw)
		}
	}
	c.refuse("GET", path+"/alerts?status=SHUT", nil, 400, "INVALID_QUERY_PARAMETER")
	one := c.do("GET", path+"/alerts?status=OPEN", nil, 200).results()[0]
	if got := c.do("GET", path+"/alerts/"+textOf(one, "id"), nil, 200).body; textOf(got, "clusterName") != "orders" || textOf(got, "status") != "OPEN" || textOf(got, "groupId") != id {
		t.Errorf("one alert: %v", got)
	}
	c.refuse("GET", path+"/alerts/"+id, nil, 404, "RESOURCE_NOT_FOUND")
}

// TestRecordedAlerts shows recorded alerts as they were recorded.
func TestRecordedAlerts(t *testing.T) {
	c := newConformance(t, "alerts")
	for _, list := range c.recorded {
		for _, r := range list {
			c.fresh(t, r)
			body := r.Body.(object)
			alerts := []object{body}
			if body["results"] != nil {
				alerts = objectsOf(body, "results")
			}
			for _, a := range alerts {
				c.put(t, Alert, r.Params["groupId"], a)
			}
			if status := r.Query["status"]; status != "" {
				r.RawPath += "?status=" + status
			}
			c.compare(t, r, nil)
		}
	}
	c.report(t)
}
