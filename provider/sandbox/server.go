package sandbox

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const maxBody = 8 << 20

// Server is a sandbox. Its methods may be called from any goroutine, also while it serves.
type Server struct {
	opts   Options
	clock  Clock
	log    *slog.Logger
	orgs   []*Org
	routes router

	instance string // another one for every Server
	controls http.Handler

	mu         sync.Mutex // guards everything below
	offset     time.Duration
	ids        uint64
	generation string
	projects   index[*project]
	dirty      map[string]bool // ids of projects to be written
	holdings   map[string]*holding
	dirtyOrgs  map[string]bool // ids of organizations whose holdings are to be written
	files      *folder         // nil in memory
	closed     bool

	nonces        map[string]*nonce
	revoked       map[string]bool
	tokenRequests map[string][]time.Time
	limits        map[string]*bucketState
	secrets       map[[sha256.Size]byte]bool
	reads         uint64

	calls  callLog
	faults faultSet
}

// New makes a sandbox. It fails if an option is wrong or the folder can't be used.
func New(opts Options) (*Server, error) {
	orgs, err := opts.orgs()
	if err != nil {
		return nil, err
	}
	s := &Server{opts: opts, clock: opts.Clock, log: opts.Log, orgs: orgs, routes: allOperations(), instance: rand.Text(),
		dirty: map[string]bool{}, holdings: map[string]*holding{}, dirtyOrgs: map[string]bool{}, nonces: map[string]*nonce{}, revoked: map[string]bool{},
		tokenRequests: map[string][]time.Time{}, limits: map[string]*bucketState{}, secrets: map[[sha256.Size]byte]bool{}}
	if s.clock == nil {
		s.clock = WallClock()
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.controls = s.newControls()
	s.projects.seed = hash64(opts.Seed, "projects")
	if err := s.SetFaults(opts.Faults...); err != nil {
		return nil, err
	}
	if opts.Dir != "" {
		if err := s.load(opts.Dir); err != nil {
			return nil, err
		}
	}
	for _, org := range orgs {
		s.holding(org.ID) // which is there from the start
	}
	return s, nil
}

// Handler returns the sandbox as an http.Handler: the API below /api/, and below /sandbox/ the controls
// that tests in other processes use.
func (s *Server) Handler() http.Handler { return s }

// Close ends the sandbox: data in a folder is complete and the folder free, and later requests are
// answered by 503.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	err := s.flush()
	if s.files != nil {
		err = errors.Join(err, s.writeHeader(), s.files.lock.Unlock())
	}
	return err
}

// now is the time of the sandbox: its clock and what it was advanced by.
func (s *Server) now() time.Time { return s.clock.Now().Add(s.offset).UTC() }

// Now returns the time of the sandbox.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

// Advance moves the time of the sandbox, on any clock.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
	if s.files != nil && !s.closed {
		if err := s.writeHeader(); err != nil {
			s.log.Error("the time of the sandbox could not be saved", "error", err)
		}
	}
}

// call is one request on its way through the sandbox.
type call struct {
	req     *http.Request
	body    []byte
	op      *operation
	params  map[string]string
	version version
	who     identity
	project *project
	input   any // the checked body
	base    string
	entry   *Call

	status  int
	header  http.Header
	out     any
	encoded []byte
	untyped bool // the answer has no body and says its version in a header of its own
}

func (c *call) in() object { o, _ := c.input.(object); return o }

// path returns the request's path with its parameters encoded, for links.
func (c *call) path() string { return c.base + c.req.URL.EscapedPath() }

func (c *call) setJSON(status int, out any) { c.status, c.out = status, out }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/sandbox" || strings.HasPrefix(r.URL.Path, "/sandbox/") {
		s.serveControl(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, "the request body could not be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	c := &call{req: r, body: body, header: http.Header{}, base: "http://" + r.Host}
	if r.TLS != nil {
		c.base = "https://" + r.Host
	}
	c.op, c.params = s.routes.find(r.Method, r.URL.EscapedPath())
	fault := s.begin(c)
	if s.answerFault(c, fault) {
		s.finish(w, c, fault)
		return
	}
	s.perform(c)
	s.finish(w, c, fault)
}

// begin enters the call in the log, finds the fault that befalls it, and lets its delays pass.
func (s *Server) begin(c *call) *Fault {
	s.mu.Lock()
	s.offset += s.opts.Tick
	c.entry = s.calls.begin(c, s.now())
	fault := s.faults.strike(c.req.Method, c.req.URL.EscapedPath())
	s.mu.Unlock()
	wait := s.opts.Latency
	if fault != nil {
		c.entry.setFault(fault)
		wait += time.Duration(fault.Delay)
		if fault.Before != nil {
			fault.Before(c.req)
		}
	}
	if wait > 0 {
		// A client that gave up in the meantime gets no answer, but the request has arrived.
		_ = s.clock.Sleep(context.WithoutCancel(c.req.Context()), wait)
	}
	return fault
}

// perform does what is asked and encodes the answer, one call at a time.
func (s *Server) perform(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.dispatch(c)
	if err == nil && len(s.dirty)+len(s.dirtyOrgs) > 0 {
		if failed := s.flush(); failed != nil {
			s.log.Error("sandbox data could not be saved", "error", failed)
			err = fail("UNEXPECTED_ERROR")
		}
	}
	if err != nil {
		c.setError(err)
	}
	if c.out != nil && c.encoded == nil {
		encoded, failed := json.Marshal(c.out)
		if failed != nil {
			c.setError(fail("UNEXPECTED_ERROR"))
			encoded, _ = json.Marshal(c.out)
		}
		c.encoded = encoded
	}
}

// setError turns the answer into an error.
func (c *call) setError(e *apiError) {
	c.status, c.out, c.encoded = e.status, e.body(), nil
	c.header.Set("Content-Type", "application/json")
	if e.parameters != nil {
		c.header.Set("X-Error-Code", e.code)
	}
	if e.retryAfter > 0 {
		c.header.Set("Retry-After", strconv.Itoa(e.retryAfter))
	}
	if e.challenge != "" {
		c.header.Set("Www-Authenticate", e.challenge)
	}
	c.entry.setErrorCode(e.code)
}

// dispatch takes the request through authentication, routing, version, rate limit and validation to
// its operation.
func (s *Server) dispatch(c *call) *apiError {
	if s.closed {
		return failDetail(http.StatusServiceUnavailable, "UNEXPECTED_ERROR", "The sandbox has been closed.")
	}
	switch c.req.Method + " " + c.req.URL.Path {
	case "POST /api/oauth/token":
		c.header.Set("Content-Type", "application/json")
		return s.serveToken(c)
	case "POST /api/oauth/revoke":
		return s.serveRevoke(c)
	}
	var err *apiError
	if c.who, err = s.authenticate(c.req); err != nil {
		return err
	}
	if c.op == nil {
		return fail("RESOURCE_NOT_FOUND", c.req.URL.Path)
	}
	if c.version, err = resolveVersion(c.op, c.req); err != nil {
		return err
	}
	limit, remaining, err := s.take(c.op.limits, c.scope(), c.req.URL.Path)
	c.header.Set("RateLimit-Limit", strconv.Itoa(limit))
	c.header.Set("RateLimit-Remaining", strconv.Itoa(remaining))
	if err != nil {
		return err
	}
	if err := s.enter(c); err != nil {
		return err
	}
	if err := s.readBody(c); err != nil {
		return err
	}
	c.status = http.StatusOK
	if err := c.op.serve(s, c); err != nil {
		return err
	}
	s.answerVersion(c)
	return nil
}

// scope is what the rate limit of the operation counts by.
func (c *call) scope() string {
	for _, name := range []string{"groupId", "orgId"} {
		if id := c.params[name]; id != "" {
			return id
		}
	}
	return c.who.credential.name()
}

// enter finds the project or the organization of the path and checks that the caller belongs to it.
func (s *Server) enter(c *call) *apiError {
	if id, ok := c.params["orgId"]; ok && id != c.who.org.ID {
		switch {
		case !hexID.MatchString(id):
			return fail("INVALID_ORG_ID", id)
		case s.org(id) == nil:
			return fail("ORG_NOT_FOUND", id)
		}
		return fail("USER_CANNOT_ACCESS_ORG")
	}
	id, ok := c.params["groupId"]
	if !ok {
		return nil
	}
	if !hexID.MatchString(id) {
		return fail("INVALID_GROUP_ID", id)
	}
	p, ok := s.projects.get(id)
	if !ok {
		return fail("GROUP_NOT_FOUND", id)
	}
	if textOf(p.Doc, "orgId") != c.who.org.ID {
		return fail("NOT_IN_GROUP")
	}
	c.project = p
	s.catchUp(p)
	if c.op.mutating() {
		s.dirty[id] = true
	}
	return nil
}

// catchUp lets what time has done to a project happen.
func (s *Server) catchUp(p *project) {
	if p.expire(s.now()) {
		s.dirty[p.id()] = true
	}
	s.settleAll(p, Cluster, false)
	s.settleAll(p, FlexCluster, false)
	s.settleSnapshots(p, "", false)
	for kind := range works {
		s.concludeAll(p, kind, false)
	}
	s.settleRestores(p, "", false)
}

// readBody checks the body against the operation's rule.
func (s *Server) readBody(c *call) *apiError {
	if c.op.body == nil {
		return nil
	}
	if err := checkContentType(c.op, c.req); err != nil {
		return err
	}
	value, err := decodeBody(c.body)
	if err != nil {
		return err
	}
	c.input, err = checker{secret: s.see}.check("", value, *c.op.body)
	return err
}

// answerVersion sets the headers that tell which version was served.
func (s *Server) answerVersion(c *call) {
	if c.untyped {
		c.header.Set("X-Content-Type", "application/vnd.atlas."+c.version.date+"+json")
	} else {
		c.header.Set("Content-Type", "application/vnd.atlas."+c.version.date+"+json;charset=utf-8")
	}
	if c.version.deprecation != "" {
		c.header.Set("Deprecation", c.version.deprecation)
	}
	if c.version.sunset != "" {
		c.header.Set("Sunset", c.version.sunset)
	}
}

// finish sends the answer, as far as the fault lets it.
func (s *Server) finish(w http.ResponseWriter, c *call, fault *Fault) {
	s.calls.end(c.entry, c, s.Now())
	s.log.Info("request", "method", c.req.Method, "path", c.req.URL.EscapedPath(), "status", c.status)
	if fault != nil && fault.After != nil {
		fault.After(c.req)
	}
	if fault != nil && (fault.Action == Reset || fault.Action == Lost) {
		cut(w)
		return
	}
	for name, values := range c.header {
		w.Header()[name] = values
	}
	w.Header().Set("Server", "mdbws")
	w.Header().Set("Date", s.Now().Format(http.TimeFormat))
	if c.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(len(c.encoded)))
	}
	w.WriteHeader(c.status)
	body := c.encoded
	if fault != nil && fault.Action == Truncate {
		_, _ = w.Write(body[:min(fault.Bytes, len(body)/2)])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	_, _ = io.Copy(w, bytes.NewReader(body)) // the client may be gone
}

// org returns the organization of an id, or nil.
func (s *Server) org(id string) *Org {
	for _, org := range s.orgs {
		if org.ID == id {
			return org
		}
	}
	return nil
}

// see takes note of a secret that reached the server. Only its hash is kept, in memory.
func (s *Server) see(secret string) {
	if secret != "" {
		s.secrets[sha256.Sum256([]byte(secret))] = true
	}
}

// Received reports whether a secret value reached the server, in a request body or as a credential.
func (s *Server) Received(value string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.secrets[sha256.Sum256([]byte(value))]
}
