package sandbox

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// maxCalls is how many calls the log keeps; older ones are dropped.
const maxCalls = 100_000

// Call is what the log keeps of one request. It holds no body, no header and so no secret.
type Call struct {
	Number     int       `json:"number"` // from 1
	Time       time.Time `json:"time"`
	Ended      time.Time `json:"ended,omitzero"` // zero while it runs
	Method     string    `json:"method"`
	Path       string    `json:"path"` // encoded, without query
	Query      string    `json:"query,omitempty"`
	Operation  string    `json:"operation,omitempty"` // "" for unknown paths
	Version    string    `json:"version,omitempty"`   // the one served
	Org        string    `json:"org,omitempty"`
	Credential string    `json:"credential,omitempty"` // its public part
	Project    string    `json:"project,omitempty"`
	Status     int       `json:"status"` // 0 while it runs
	ErrorCode  string    `json:"errorCode,omitempty"`
	Mutating   bool      `json:"mutating"`
	// Overlapping says that this call changes something and that another one to the same collection of
	// the same project (its access list, its roles) was running when it came.
	Overlapping bool   `json:"overlapping"`
	Fault       string `json:"fault,omitempty"` // the action of the fault that befell it

	log      *callLog
	lanes    []string // what it occupies while it runs
	repeated bool     // the same operation in the same project was running
}

// callLog is the list of calls. It has a lock of its own, so that it can be read while a request waits.
type callLog struct {
	mu      sync.Mutex
	entries []*Call
	number  int
	running map[string]int
}

func (l *callLog) begin(c *call, now time.Time) *Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.number++
	e := &Call{Number: l.number, Time: now, Method: c.req.Method, Path: c.req.URL.EscapedPath(), Query: c.req.URL.RawQuery, log: l}
	if c.op != nil {
		e.Operation, e.Project, e.Org = c.op.id, c.params["groupId"], c.params["orgId"]
		e.Mutating = c.op.mutating()
	} else if strings.HasPrefix(e.Path, "/api/oauth/") {
		e.Operation = "oauth" + e.Path[len("/api/oauth"):]
	}
	if l.running == nil {
		l.running = map[string]int{}
	}
	if e.Mutating {
		e.lanes = []string{e.Operation + " " + e.Project, "any " + c.op.limits + " " + e.Project}
		e.repeated, e.Overlapping = l.running[e.lanes[0]] > 0, l.running[e.lanes[1]] > 0
	}
	for _, lane := range e.lanes {
		l.running[lane]++
	}
	if len(l.entries) >= maxCalls {
		l.entries = slices.Delete(l.entries, 0, maxCalls/2)
	}
	l.entries = append(l.entries, e)
	return e
}

func (l *callLog) end(e *Call, c *call, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.Ended, e.Status, e.Version = now, c.status, c.version.date
	if c.who.org != nil {
		e.Org, e.Credential = c.who.org.ID, c.who.credential.name()
	}
	for _, lane := range e.lanes {
		if l.running[lane]--; l.running[lane] <= 0 {
			delete(l.running, lane)
		}
	}
}

func (e *Call) setFault(f *Fault) {
	e.log.mu.Lock()
	defer e.log.mu.Unlock()
	e.Fault = f.name()
}

func (e *Call) setErrorCode(code string) {
	e.log.mu.Lock()
	defer e.log.mu.Unlock()
	e.ErrorCode = code
}

// Calls returns the calls so far, oldest first.
func (s *Server) Calls() []Call {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	out := make([]Call, len(s.calls.entries))
	for i, e := range s.calls.entries {
		out[i] = *e
		out[i].log, out[i].lanes = nil, nil
	}
	return out
}

// ResetCalls empties the call log. Calls that are running are not in the new one.
func (s *Server) ResetCalls() {
	s.calls.mu.Lock()
	defer s.calls.mu.Unlock()
	s.calls.entries = nil
}
