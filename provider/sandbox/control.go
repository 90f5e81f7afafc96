package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// newControls routes the requests below /sandbox/, by which tests in other processes, and people, look at a
// sandbox and change it. They need no credentials and are answered to this machine only.
//
//	GET    /sandbox/health                            {"instance", "time", "orgs"}
//	GET    /sandbox/snapshot                          see Server.Snapshot
//	GET    /sandbox/calls                             the call log; DELETE empties it
//	POST   /sandbox/clock                             {"advance": "10m"}
//	PUT    /sandbox/faults                            a faults file; DELETE ends all faults
//	GET    /sandbox/objects/{kind}?project=ID         all of a kind; of projects without project
//	PUT    /sandbox/objects/{kind}?project=ID         one object as it stands, see Server.Put
//	PATCH  /sandbox/objects/{kind}?project=ID&key=K   fields to change; DELETE removes the object
//	POST   /sandbox/scale                             {"project", "cluster", "size"}
//	POST   /sandbox/upgrade                           the same, for an M0
//	POST   /sandbox/received                          {"value": "..."}: did this secret arrive?
func (s *Server) newControls() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, f func(*http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { answerControl(w, r, f) })
	}
	handle("GET /sandbox/health", func(*http.Request) (any, error) { return s.health(), nil })
	handle("GET /sandbox/snapshot", func(*http.Request) (any, error) { return s.Snapshot(), nil })
	handle("GET /sandbox/calls", func(*http.Request) (any, error) { return s.Calls(), nil })
	handle("DELETE /sandbox/calls", func(*http.Request) (any, error) { s.ResetCalls(); return object{}, nil })
	handle("POST /sandbox/clock", s.controlClock)
	handle("PUT /sandbox/faults", s.controlFaults)
	handle("DELETE /sandbox/faults", func(*http.Request) (any, error) { return object{}, s.SetFaults() })
	handle("GET /sandbox/objects/{kind}", s.controlList)
	handle("PUT /sandbox/objects/{kind}", s.controlPut)
	handle("PATCH /sandbox/objects/{kind}", s.controlChange)
	handle("DELETE /sandbox/objects/{kind}", s.controlDelete)
	handle("POST /sandbox/scale", func(r *http.Request) (any, error) { return controlSize(r, s.ScaleCluster) })
	handle("POST /sandbox/upgrade", func(r *http.Request) (any, error) { return controlSize(r, s.UpgradeTenant) })
	handle("POST /sandbox/received", s.controlReceived)
	return mux
}

// serveControl keeps other machines out, and web pages that a browser on this one shows.
func (s *Server) serveControl(w http.ResponseWriter, r *http.Request) {
	if !local(r.RemoteAddr) || !local(r.Host) || r.Header.Get("Origin") != "" {
		http.Error(w, "the controls of a sandbox are for this machine only", http.StatusForbidden)
		return
	}
	s.controls.ServeHTTP(w, r)
}

// local reports whether an address, with or without a port, is this machine's loopback.
func local(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

func answerControl(w http.ResponseWriter, r *http.Request, f func(*http.Request) (any, error)) {
	out, err := f(r)
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		out = object{"error": err.Error()}
	}
	_ = json.NewEncoder(w).Encode(out) // the client may be gone
}

func (s *Server) health() object {
	ids := []string{}
	for _, org := range s.orgs {
		ids = append(ids, org.ID)
	}
	return object{"instance": s.instance, "time": stamp(s.Now()), "orgs": ids}
}

// readControl decodes a body; unknown fields are an error. Numbers in objects stay as they are written.
func readControl(r *http.Request, into any) error {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return fmt.Errorf("request body: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("request body: %w", err)
	}
	return nil
}

func (s *Server) controlClock(r *http.Request) (any, error) {
	var in struct {
		Advance Duration `json:"advance"`
	}
	if err := readControl(r, &in); err != nil {
		return nil, err
	}
	s.Advance(time.Duration(in.Advance))
	return s.health(), nil
}

func (s *Server) controlFaults(r *http.Request) (any, error) {
	faults, err := ParseFaults(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return nil, err
	}
	return object{"faults": len(faults)}, s.SetFaults(faults...)
}

func (s *Server) controlList(r *http.Request) (any, error) {
	out := s.List(Kind(r.PathValue("kind")), r.URL.Query().Get("project"))
	if out == nil {
		out = []map[string]any{}
	}
	return out, nil
}

func (s *Server) controlPut(r *http.Request) (any, error) {
	doc := object{}
	if err := readControl(r, &doc); err != nil {
		return nil, err
	}
	return object{}, s.Put(Kind(r.PathValue("kind")), r.URL.Query().Get("project"), doc)
}

func (s *Server) controlChange(r *http.Request) (any, error) {
	doc, query := object{}, r.URL.Query()
	if err := readControl(r, &doc); err != nil {
		return nil, err
	}
	return object{}, s.Change(Kind(r.PathValue("kind")), query.Get("project"), query.Get("key"), doc)
}

func (s *Server) controlDelete(r *http.Request) (any, error) {
	query := r.URL.Query()
	return object{}, s.Delete(Kind(r.PathValue("kind")), query.Get("project"), query.Get("key"))
}

func controlSize(r *http.Request, do func(group, name, size string) error) (any, error) {
	var in struct{ Project, Cluster, Size string }
	if err := readControl(r, &in); err != nil {
		return nil, err
	}
	return object{}, do(in.Project, in.Cluster, in.Size)
}

func (s *Server) controlReceived(r *http.Request) (any, error) {
	var in struct{ Value string }
	if err := readControl(r, &in); err != nil {
		return nil, err
	}
	return object{"received": s.Received(in.Value)}, nil
}
