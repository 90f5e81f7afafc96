package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestFaultsByOccurrence(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p")
	statuses := func(n int) string {
		var out []string
		for range n {
			a, err := c.send("GET", path, "2023-01-01", nil)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, http.StatusText(a.status)[:2])
		}
		return strings.Join(out, " ")
	}
	for _, tt := range []struct {
		fault Fault
		want  string
	}{
		{Fault{Nth: 2}, "OK Se OK OK"},
		{Fault{Every: 2}, "OK Se OK Se"},
		{Fault{Every: 2, Count: 1}, "OK Se OK OK"},
		{Fault{Count: 3}, "Se Se Se OK"},
		{Fault{Method: "POST"}, "OK OK OK OK"},
		{Fault{Path: "/clusters$"}, "OK OK OK OK"},
		{Fault{Path: "/groups/[a-f0-9]+$"}, "Se Se Se Se"},
		{Fault{Probability: 1}, "Se Se Se Se"},
	} {
		tt.fault.Action, tt.fault.Status = Status, 503
		if err := c.s.SetFaults(tt.fault); err != nil {
			t.Fatal(err)
		}
		if got := statuses(4); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.fault, got, tt.want)
		}
	}
	half := Fault{Probability: 0.5, Action: Status, Status: 503}
	var runs []string
	for range 2 {
		if err := c.s.SetFaults(half); err != nil {
			t.Fatal(err)
		}
		runs = append(runs, statuses(20))
	}
	if runs[0] != runs[1] || !strings.Contains(runs[0], "OK") || !strings.Contains(runs[0], "Se") {
		t.Errorf("half of the requests, twice with the same seed: %q", runs)
	}
}

func TestFaultAnswers(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p")
	set := func(f Fault) {
		t.Helper()
		if err := c.s.SetFaults(f); err != nil {
			t.Fatal(err)
		}
	}
	set(Fault{Action: Status, Status: 429, ErrorCode: "RATE_LIMITED", RetryAfter: 7, Detail: "Slow down."})
	got := c.refuse("GET", path, nil, 429, "RATE_LIMITED")
	if got.header.Get("Retry-After") != "7" || textOf(got.body, "detail") != "Slow down." || got.header.Get("X-Error-Code") != "RATE_LIMITED" {
		t.Errorf("%v %s", got.header, got.raw)
	}
	set(Fault{Action: Status, Status: 502, Body: []byte(`"<html>"`)})
	if got := c.do("GET", path, nil, 502); got.raw != `"<html>"` {
		t.Errorf("body %s", got.raw)
	}

	create := path + "/databaseUsers"
	set(Fault{Method: "POST", Action: Reset})
	if _, err := c.send("POST", create, "2023-01-01", scramUser("reset")); err == nil {
		t.Error("a reset connection gave an answer")
	}
	set(Fault{Method: "POST", Action: Lost})
	if _, err := c.send("POST", create, "2023-01-01", scramUser("lost")); err == nil {
		t.Error("a lost answer arrived")
	}
	set(Fault{Method: "POST", Action: Truncate, Bytes: 20})
	if a, err := c.send("POST", create, "2023-01-01", scramUser("truncated")); err == nil || len(a.raw) != 20 {
		t.Errorf("a truncated answer arrived whole: %q", a.raw)
	}
	set(Fault{Method: "POST", Delay: Duration(time.Hour)})
	c.do("POST", create, scramUser("delayed"), 201)
	if got := c.clock.Now(); !got.Equal(testStart.Add(time.Hour)) {
		t.Errorf("after a delay of an hour it is %s", got)
	}
	for user, want := range map[string]int{"reset": 404, "lost": 200, "truncated": 200, "delayed": 200} {
		if a := c.do("GET", create+"/admin/"+user, nil, want); a.status != want {
			t.Errorf("%s: %d", user, a.status)
		}
	}
	var faults []string
	for _, call := range c.s.Calls() {
		if call.Operation == "createGroupDatabaseUser" {
			faults = append(faults, call.Fault)
		}
	}
	if got := strings.Join(faults, " "); got != "reset lost truncate delay" {
		t.Errorf("faults in the call log: %s", got)
	}
}

func TestFaultHooks(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p") + "/databaseUsers"
	var seen []int
	count := func(*http.Request) {
		n := 0
		for _, call := range c.s.Calls() {
			n += btoi(call.Status == 201)
		}
		seen = append(seen, n, len(c.s.List(DatabaseUser, strings.Split(path, "/")[5])))
	}
	if err := c.s.SetFaults(Fault{Method: "POST", Before: count, After: count}); err != nil {
		t.Fatal(err)
	}
	c.do("POST", path, scramUser("u"), 201)
	if len(seen) != 4 || seen[1] != 0 || seen[3] != 1 {
		t.Errorf("users before and after: %v", seen)
	}
}

func TestOverlapsAreSeen(t *testing.T) {
	for _, refuse := range []bool{false, true} {
		c := start(t, Options{RefuseOverlaps: refuse})
		path := c.project("p") + "/accessList"
		other := c.project("other") + "/accessList"
		arrived, release := make(chan struct{}), make(chan struct{})
		if err := c.s.SetFaults(Fault{Method: "POST", Nth: 1, Before: func(*http.Request) { close(arrived); <-release }}); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if a, err := c.send("POST", path, "2023-01-01", []any{object{"ipAddress": "203.0.113.1"}}); err != nil || a.status != 201 {
				t.Errorf("first: %d %v", a.status, err)
			}
		})
		<-arrived
		want := map[bool]int{false: 201, true: 409}[refuse]
		c.do("POST", path, []any{object{"ipAddress": "203.0.113.2"}}, want)
		c.do("DELETE", path+"/203.0.113.2", nil, map[bool]int{false: 204, true: 404}[refuse])
		c.do("POST", other, []any{object{"ipAddress": "203.0.113.2"}}, 201)
		close(release)
		wg.Wait()
		c.do("POST", path, []any{object{"ipAddress": "203.0.113.3"}}, 201)
		var overlapping []bool
		for _, call := range c.s.Calls() {
			if strings.Contains(call.Operation, "AccessListEntry") {
				overlapping = append(overlapping, call.Overlapping)
			}
		}
		if want := []bool{false, true, true, false, false}; !slices.Equal(overlapping, want) {
			t.Errorf("overlapping %v, want %v", overlapping, want)
		}
		c.s.ResetCalls()
		if len(c.s.Calls()) != 0 {
			t.Error("the log is not empty after its reset")
		}
	}
}

func TestCallLogHoldsNoSecrets(t *testing.T) {
	c := start(t, Options{})
	path := c.project("p") + "/databaseUsers"
	c.do("POST", path, scramUser("u"), 201)
	c.do("GET", path+"?itemsPerPage=5", nil, 200)
	calls := c.s.Calls()
	if got := canonical(calls); strings.Contains(got, "correct-horse") || strings.Contains(got, DefaultAccessToken) {
		t.Errorf("a secret is in the call log: %s", got)
	}
	last := calls[len(calls)-1]
	want := Call{Number: 3, Time: testStart, Ended: testStart, Method: "GET", Path: path, Query: "itemsPerPage=5", Operation: "listGroupDatabaseUsers",
		Version: "2023-01-01", Org: DefaultOrgID, Credential: "token", Project: strings.Split(path, "/")[5], Status: 200}
	if canonical(last) != canonical(want) {
		t.Errorf("got %+v, want %+v", last, want)
	}
	if !calls[0].Mutating || calls[0].Operation != "createGroup" {
		t.Errorf("first call %+v", calls[0])
	}
}

func TestParseFaults(t *testing.T) {
	good := `{"faults": [
		{"method": "POST", "path": "/clusters$", "nth": 2, "action": "status", "status": 503, "retryAfter": 3},
		{"delay": "1.5s"}, {"action": "reset", "probability": 0.1}]}`
	faults, err := ParseFaults(strings.NewReader(good))
	if err != nil || len(faults) != 3 || faults[1].Delay != Duration(1500*time.Millisecond) {
		t.Errorf("%v %v", faults, err)
	}
	for text, want := range map[string]string{
		`{"faults": [{"verb": "POST"}]}`:                                       `unknown field "verb"`,
		`{"faults": [{"action": "explode"}]}`:                                  `action "explode": want`,
		`{"faults": [{"action": "status"}]}`:                                   `needs one from 200 to 599`,
		`{"faults": [{"action": "lost", "status": 500}]}`:                      `belong to the action "status"`,
		`{"faults": [{}]}`:                                                     `it does nothing`,
		`{"faults": [{"action": "lost", "nth": 1, "every": 2}]}`:               `keep one`,
		`{"faults": [{"action": "lost", "nth": -1}]}`:                          `can't be negative`,
		`{"faults": [{"action": "lost", "probability": 2}]}`:                   `from 0 to 1`,
		`{"faults": [{"action": "lost", "path": "("}]}`:                        `missing closing`,
		`{"faults": [{"action": "lost", "method": "post"}]}`:                   `upper case`,
		`{"faults": [{"delay": 5}]}`:                                           `a duration is text`,
		`{"faults": [{"delay": "soon"}]}`:                                      `"soon" is not a duration`,
		`{"faults": []} {}`:                                                    `after the closing brace`,
		`{"faults": [{"action": "lost", "path": "("}, {"action": "explode"}]}`: `fault 2: action`,
	} {
		if _, err := ParseFaults(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func FuzzParseFaults(f *testing.F) {
	f.Add(`{"faults": [{"method": "POST", "path": "/clusters$", "nth": 2, "action": "status", "status": 503}]}`)
	f.Add(`{"faults": [{"delay": "1.5s"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		faults, err := ParseFaults(strings.NewReader(text))
		if err != nil {
			return
		}
		s, err := New(Options{Faults: faults})
		if err != nil {
			t.Fatalf("faults that were accepted are refused: %v", err)
		}
		s.faults.strike("GET", "/api/atlas/v2/groups")
	})
}
