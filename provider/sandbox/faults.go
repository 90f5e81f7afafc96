package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Action is what happens to a request that a fault befalls.
type Action string

// The actions. Without one, only the delay and the hooks of a fault happen.
const (
	Status   Action = "status"   // answer an error without doing anything
	Reset    Action = "reset"    // cut the connection without doing anything
	Lost     Action = "lost"     // do it, then cut the connection before the answer
	Truncate Action = "truncate" // do it, then cut the connection within the answer's body
)

// Fault makes requests go wrong on demand.
type Fault struct {
	// Method and Path (a regular expression on the encoded path) say which requests; empty means all.
	// A request that is only answered by a Digest challenge counts too.
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	// Nth befalls only the nth of them (from 1), Every each nth, Probability some, by the seed.
	// Without any of the three, all of them.
	Nth         int     `json:"nth,omitempty"`
	Every       int     `json:"every,omitempty"`
	Probability float64 `json:"probability,omitempty"`
	// Count is how often the fault strikes at most; 0 means no limit.
	Count int `json:"count,omitempty"`

	Action Action `json:"action,omitempty"`
	// Status, ErrorCode, Detail, Body and RetryAfter (seconds) are the answer of the action Status.
	// Body, if given, is sent as it is.
	Status     int             `json:"status,omitempty"`
	ErrorCode  string          `json:"errorCode,omitempty"`
	Detail     string          `json:"detail,omitempty"`
	Body       json.RawMessage `json:"body,omitempty"`
	RetryAfter int             `json:"retryAfter,omitempty"`
	// Bytes is how much of the body the action Truncate lets through; never more than half of it.
	Bytes int `json:"bytes,omitempty"`
	// Delay passes on the sandbox's clock before the request is looked at.
	Delay Duration `json:"delay,omitempty"`

	// Before and After are called before the request is looked at, and when it is done but not yet
	// answered. No lock is held.
	Before func(*http.Request) `json:"-"`
	After  func(*http.Request) `json:"-"`
}

// Duration is a time.Duration that is written as text ("1.5s") in JSON.
type Duration time.Duration

// UnmarshalJSON reads "1.5s".
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("a duration is text such as \"1.5s\", not %s", b)
	}
	parsed, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("%q is not a duration; write for example \"1.5s\" or \"200ms\"", s)
	}
	*d = Duration(parsed)
	return nil
}

// MarshalJSON writes "1.5s".
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// ParseFaults reads a faults file: {"faults": [{"method": "POST", "path": "/clusters$", "nth": 2,
// "action": "status", "status": 503}]}. The error names every mistake.
func ParseFaults(r io.Reader) ([]Fault, error) {
	var file struct {
		Faults []Fault `json:"faults"`
	}
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		return nil, fmt.Errorf("faults file: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("faults file: there is something after the closing brace; remove it")
	}
	if _, err := newFaultSet(0, file.Faults); err != nil {
		return nil, fmt.Errorf("faults file: %w", err)
	}
	return file.Faults, nil
}

// check returns what is wrong with the fault.
func (f Fault) check() (problems []string) {
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if f.Method != strings.ToUpper(f.Method) {
		say("method %q: write it in upper case", f.Method)
	}
	if f.Nth < 0 || f.Every < 0 || f.Count < 0 || f.RetryAfter < 0 || f.Bytes < 0 || f.Delay < 0 {
		say("nth, every, count, retryAfter, bytes and delay can't be negative")
	}
	if f.Probability < 0 || f.Probability > 1 {
		say("probability %v: want a number from 0 to 1", f.Probability)
	}
	if chosen := btoi(f.Nth > 0) + btoi(f.Every > 0) + btoi(f.Probability > 0); chosen > 1 {
		say("nth, every and probability exclude each other: keep one")
	}
	switch f.Action {
	case Status:
		if f.Status < 200 || f.Status > 599 {
			say("status %d: the action \"status\" needs one from 200 to 599", f.Status)
		}
	case "", Reset, Lost, Truncate:
		if f.Status != 0 || f.Body != nil || f.ErrorCode != "" || f.Detail != "" || f.RetryAfter != 0 {
			say("status, errorCode, detail, body and retryAfter belong to the action \"status\", not to %q", f.Action)
		}
		if f.Action == "" && f.Delay == 0 && f.Before == nil && f.After == nil {
			say("it does nothing: give it an action or a delay")
		}
	default:
		say("action %q: want \"status\", \"reset\", \"lost\" or \"truncate\"", f.Action)
	}
	return problems
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// name is what the call log shows.
func (f *Fault) name() string {
	if f.Action == "" {
		return "delay"
	}
	return string(f.Action)
}

// faultSet is a list of faults with their counters.
type faultSet struct {
	rules []*faultRule
	dice  *rand.Rand
}

type faultRule struct {
	fault   Fault
	path    *regexp.Regexp
	matched int
	struck  int
}

func newFaultSet(seed uint64, faults []Fault) (faultSet, error) {
	set := faultSet{dice: rand.New(rand.NewPCG(seed, 0xfa017))}
	var problems []error
	for i, f := range faults {
		path, err := regexp.Compile(f.Path)
		if err != nil {
			problems = append(problems, fmt.Errorf("fault %d: path: %w", i+1, err))
		}
		for _, p := range f.check() {
			problems = append(problems, fmt.Errorf("fault %d: %s", i+1, p))
		}
		set.rules = append(set.rules, &faultRule{fault: f, path: path})
	}
	return set, errors.Join(problems...)
}

// strike returns the fault that befalls a request, or nil. Every matching rule counts the request; the
// first that strikes wins.
func (s *faultSet) strike(method, path string) *Fault {
	var found *Fault
	for _, r := range s.rules {
		if r.fault.Method != "" && r.fault.Method != method || !r.path.MatchString(path) {
			continue
		}
		r.matched++
		if found == nil && r.due(s.dice) {
			r.struck++
			found = &r.fault
		}
	}
	return found
}

func (r *faultRule) due(dice *rand.Rand) bool {
	f := r.fault
	if f.Count > 0 && r.struck >= f.Count {
		return false
	}
	switch {
	case f.Nth > 0:
		return r.matched == f.Nth
	case f.Every > 0:
		return r.matched%f.Every == 0
	case f.Probability > 0:
		return dice.Float64() < f.Probability
	}
	return true
}

// SetFaults replaces the faults and starts their counters anew; none ends all faults. The error names
// every mistake, and then nothing has changed.
func (s *Server) SetFaults(faults ...Fault) error {
	set, err := newFaultSet(s.opts.Seed, faults)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = set
	return nil
}

// answerFault prepares the answer of a fault that keeps the request from being done, and reports
// whether there is one.
func (s *Server) answerFault(c *call, f *Fault) bool {
	if f == nil || f.Action != Status && f.Action != Reset {
		return false
	}
	c.status = f.Status
	if f.Action == Reset {
		return true
	}
	code := f.ErrorCode
	if code == "" {
		code = "UNEXPECTED_ERROR"
	}
	e := failDetail(f.Status, code, f.Detail)
	if f.Detail == "" {
		e.detail = fail(code).detail
	}
	e.retryAfter = f.RetryAfter
	c.setError(e)
	if f.Body != nil {
		c.encoded = f.Body
	} else {
		c.encoded, _ = json.Marshal(c.out)
	}
	return true
}

// cut ends the connection without another byte: by a reset where that is possible.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	raw := conn
	if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok {
		raw = wrapped.NetConn()
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = raw.Close()
}

// String describes the fault for messages.
func (f Fault) String() string {
	return f.name() + " " + f.Method + " " + f.Path + " " + strconv.Itoa(f.Status)
}
