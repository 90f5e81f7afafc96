// Package httptestserver is a server of the protocol of Terraform's http backend for tests, written from the
// protocol's documentation and from GitLab's, with a proxy before it that loses, cuts and refuses requests.
package httptestserver

import (
	"bytes"
	"crypto/md5" //nolint:gosec // the protocol's checksum
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
)

// Dialect is how a server speaks the protocol.
type Dialect int

// The dialects.
const (
	// Terraform answers a held lock with 423 and what its holder said, as the documentation of the http backend has it.
	Terraform Dialect = iota
	// GitLab locks by POST and DELETE at /lock, answers a held lock with 409 and the asker's own words beside the
	// holder's id and name, asks for every key, takes writes only under the lock, and no serial twice.
	GitLab
)

// Path is where the state is on the server.
const Path = "/api/v4/projects/1/terraform/state/shop"

// Server keeps one state and its lock.
type Server struct {
	*httptest.Server
	dialect            Dialect
	username, password string
	faithful           bool

	mu       sync.Mutex
	stored   []byte
	lock     []byte // the holder's own words
	lockID   string
	serials  map[json.Number]bool
	faults   []*Fault
	requests []string
	received bytes.Buffer
}

// New returns a server that runs until it is closed.
func New(d Dialect) *Server { return start(d, (*httptest.Server).Start) }

// NewTLS returns one that speaks TLS; prepare may set how before it begins.
func NewTLS(d Dialect, prepare func(*httptest.Server)) *Server {
	return start(d, func(s *httptest.Server) { prepare(s); s.StartTLS() })
}

func start(d Dialect, begin func(*httptest.Server)) *Server {
	s := &Server{dialect: d, serials: map[json.Number]bool{}}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	begin(s.Server)
	return s
}

// Require makes the server ask for a user and a password.
func (s *Server) Require(username, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.username, s.password = username, password
}

// Faithful has even a server like GitLab say all of the holder's own words.
func (s *Server) Faithful() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faithful = true
}

// Arguments are what the state block needs to find the server.
func (s *Server) Arguments() map[string]string {
	address := s.URL + Path
	if s.dialect == GitLab {
		return map[string]string{"address": address, "lock_address": address + "/lock", "unlock_address": address + "/lock",
			"lock_method": http.MethodPost, "unlock_method": http.MethodDelete}
	}
	return map[string]string{"address": address, "lock_address": address}
}

// Stored returns the state as it is stored, nil where none is.
func (s *Server) Stored() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stored
}

// Store puts a state there, as somebody would who ignores the lock.
func (s *Server) Store(data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stored = data
}

// LockID returns the id of the lock, "" where nobody holds it.
func (s *Server) LockID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lockID
}

// SetLock puts a lock there, or ends it with "": words are those of its holder.
func (s *Server) SetLock(id, words string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lockID, s.lock = id, []byte(words)
}

// Requests returns the methods and paths of what was asked so far.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.requests...)
}

// Received returns every byte of every body that was ever sent here.
func (s *Server) Received() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.received.Bytes())
}

// answer is what the server says to one request.
type answer struct {
	status int
	body   []byte
}

// carryOut does what a request asks for.
func (s *Server) carryOut(r *http.Request, body []byte) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.received.Write(body)
	if user, password, _ := r.BasicAuth(); user != s.username || password != s.password {
		return answer{http.StatusUnauthorized, []byte(`{"message":"401 Unauthorized"}`)}
	}
	if sum := r.Header.Get("Content-MD5"); len(body) > 0 && sum != checksum(body) {
		return answer{status: http.StatusBadRequest}
	}
	switch s.verb(r) {
	case "GET":
		if s.stored == nil {
			return answer{status: http.StatusNotFound}
		}
		return answer{http.StatusOK, s.stored}
	case "POST":
		return s.write(r.URL.Query().Get("ID"), body)
	case "DELETE":
		s.stored = nil
		return answer{status: http.StatusOK}
	case "LOCK":
		return s.take(body)
	case "UNLOCK":
		return s.release(body)
	}
	return answer{status: http.StatusMethodNotAllowed}
}

// verb returns what a request means in the words of the protocol, "" for nothing.
func (s *Server) verb(r *http.Request) string {
	if s.dialect == GitLab && r.URL.Path == Path+"/lock" {
		return map[string]string{http.MethodPost: "LOCK", http.MethodDelete: "UNLOCK"}[r.Method]
	}
	if r.URL.Path != Path || s.dialect == GitLab && (r.Method == "LOCK" || r.Method == "UNLOCK") {
		return ""
	}
	return r.Method
}

func (s *Server) write(id string, body []byte) answer {
	if s.lockID != "" && id != s.lockID || s.lockID == "" && id != "" {
		return answer{http.StatusConflict, s.lock}
	}
	if s.dialect == GitLab {
		var head struct{ Serial json.Number }
		if json.Unmarshal(body, &head) != nil || head.Serial == "" {
			return answer{http.StatusUnprocessableEntity, []byte(`{"message":"No serial in payload"}`)}
		}
		if s.serials[head.Serial] {
			return answer{http.StatusUnprocessableEntity, []byte(`{"message":"PG::UniqueViolation: duplicate key"}`)}
		}
		s.serials[head.Serial] = true
	}
	s.stored = body
	return answer{status: http.StatusOK}
}

func (s *Server) take(body []byte) answer {
	var asked map[string]any
	if json.Unmarshal(body, &asked) != nil {
		return answer{status: http.StatusBadRequest}
	}
	for _, key := range []string{"ID", "Operation", "Info", "Who", "Version", "Created", "Path"} {
		if _, ok := asked[key].(string); !ok && s.dialect == GitLab {
			return answer{http.StatusBadRequest, []byte(`{"error":"` + key + ` is missing"}`)}
		}
	}
	if s.lockID == "" {
		s.lockID, _ = asked["ID"].(string)
		s.lock = body
		return answer{http.StatusOK, body}
	}
	switch {
	case s.dialect == Terraform:
		return answer{http.StatusLocked, s.lock}
	case s.faithful:
		return answer{http.StatusConflict, s.lock}
	}
	var holder map[string]any
	_ = json.Unmarshal(s.lock, &holder) // it was read when it came
	asked["ID"], asked["Who"], asked["Created"] = holder["ID"], holder["Who"], holder["Created"]
	words, err := json.Marshal(asked)
	if err != nil {
		return answer{status: http.StatusInternalServerError}
	}
	return answer{http.StatusConflict, words}
}

func (s *Server) release(body []byte) answer {
	var asked struct{ ID string }
	_ = json.Unmarshal(body, &asked) // then it is no id that fits
	if s.lockID == "" || asked.ID != s.lockID {
		return answer{http.StatusConflict, s.lock}
	}
	s.lockID, s.lock = "", nil
	return answer{status: http.StatusOK}
}

func checksum(data []byte) string {
	sum := md5.Sum(data) //nolint:gosec // see the import
	return base64.StdEncoding.EncodeToString(sum[:])
}

// serve lets a request pass through the faults.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	f := s.faultOf(r)
	if f.Before != nil {
		f.Before()
	}
	a := answer{status: f.Status, body: []byte(f.Body)}
	switch {
	case f.Cut:
		panic(http.ErrAbortHandler)
	case f.Status == 0:
		a = s.carryOut(r, body)
	}
	if f.Lost {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-MD5", checksum(a.body))
	if f.Damage && len(a.body) > 0 {
		a.body = append([]byte{a.body[0] ^ 1}, a.body[1:]...)
	}
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
	if f.Half {
		a.body = a.body[:len(a.body)/2]
	}
	_, _ = w.Write(a.body) // who went away does not hear it
	if f.Half {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}
