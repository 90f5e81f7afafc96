package main

import (
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"mercator/apply/state/http/httptestserver"
)

// statesKey is under which a script keeps its server of states.
type statesKey struct{}

// states serves a state until the script ends, as GitLab does, and sets the variables by which its documentation has
// Terraform find it. "states fail METHOD STATUS [NTH]" has it answer requests, or one of them, with a status, "states
// mend" ends that, and "states lock ID" locks the state.
func states(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) > 0 {
		server, ok := ts.Value(statesKey{}).(*scriptStates)
		if !ok || server.Server == nil {
			ts.Fatalf("there is no server of states")
		}
		server.do(ts, args)
		return
	}
	s := httptestserver.New(httptestserver.GitLab)
	ts.Defer(s.Close)
	s.Require("gitlab-ci-token", "canary-job-token")
	ts.Value(statesKey{}).(*scriptStates).Server = s
	address := s.URL + httptestserver.Path
	for name, value := range map[string]string{"ADDRESS": address, "LOCK_ADDRESS": address + "/lock", "UNLOCK_ADDRESS": address + "/lock",
		"LOCK_METHOD": "POST", "UNLOCK_METHOD": "DELETE", "USERNAME": "gitlab-ci-token", "PASSWORD": "canary-job-token"} {
		ts.Setenv("TF_HTTP_"+name, value)
	}
}

// scriptStates is the server of states of one script.
type scriptStates struct{ *httptestserver.Server }

func (s *scriptStates) do(ts *testscript.TestScript, args []string) {
	switch {
	case args[0] == "mend":
		s.Fail()
	case args[0] == "lock" && len(args) == 2:
		s.SetLock(args[1], `{"ID":"`+args[1]+`","Who":"ann","Created":"2026-03-01T12:00:00.000Z"}`)
	case args[0] == "fail" && len(args) >= 3:
		f := httptestserver.Fault{Method: args[1], Path: httptestserver.Path}
		var err error
		f.Status, err = strconv.Atoi(args[2])
		ts.Check(err)
		if len(args) > 3 {
			f.Nth, err = strconv.Atoi(args[3])
			ts.Check(err)
		}
		s.Fail(f)
	default:
		ts.Fatalf("states %v is unknown", args)
	}
}
