package httptestserver

import "net/http"

// Fault is something that goes wrong with requests on their way.
type Fault struct {
	// Method and Path say with which; "" means any.
	Method, Path string
	// Nth is with which one of those, counted from 1; 0 means all. From means that one and all after it.
	Nth, From int
	// Before is done before the request is carried out.
	Before func()
	// Cut ends the connection before the request is carried out, Lost after that and before the answer, Half in the
	// middle of the answer. Damage changes the answer's first byte.
	Cut, Lost, Half, Damage bool
	// Status answers, with Header and Body, in place of the server.
	Status int
	Header map[string]string
	Body   string

	seen int
}

// Fail lets requests go wrong from now on, in place of what went wrong before.
func (s *Server) Fail(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
	for i := range faults {
		s.faults = append(s.faults, &faults[i])
	}
}

// faultOf counts a request, and returns what goes wrong with it: the zero Fault for nothing.
func (s *Server) faultOf(r *http.Request) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path)
	var hit Fault
	for _, f := range s.faults {
		if f.Method != "" && f.Method != r.Method || f.Path != "" && f.Path != r.URL.Path {
			continue
		}
		f.seen++
		if (f.Nth == 0 || f.Nth == f.seen) && f.seen >= f.From {
			hit = *f
		}
	}
	return hit
}
