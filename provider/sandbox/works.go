package sandbox

import "time"

// work says how Atlas works on the objects of a kind that is no cluster: which field tells what they are busy with,
// and what becomes of them by itself.
type work struct {
	state string
	// after maps each state that does not last to the one after it; "" means that the object is gone then.
	after map[string]string
	// done fills in what an object has once it has come to rest; it may be nil.
	done func(*Server, *project, object)
}

// works are the kinds that Atlas works on besides clusters.
var works = map[Kind]work{
	BackupCompliance: {state: "state", after: map[string]string{"ENABLING": "ACTIVE", "UPDATING": "ACTIVE"}},

	SearchIndex: {state: "status", after: map[string]string{"PENDING": "READY", "BUILDING": "READY", "DELETING": ""}, done: (*Server).indexed},
	CloudRole:   {state: "status", after: map[string]string{"IN_PROGRESS": "COMPLETE"}, done: (*Server).serviceAccountMade},
	Peering: {state: peerState, after: map[string]string{"INITIATING": "PENDING_ACCEPTANCE", "ADDING_PEER": "WAITING_FOR_USER", "FINALIZING": "AVAILABLE",
		"TERMINATING": "", "DELETING": ""}, done: (*Server).peered},
	PrivateService:  {state: "status", after: map[string]string{"INITIATING": "AVAILABLE", "DELETING": ""}, done: (*Server).privateServiceMade},
	PrivateEndpoint: {state: "status", after: map[string]string{"INITIATING": "AVAILABLE", "PENDING_ACCEPTANCE": "AVAILABLE", "PENDING": "AVAILABLE", "DELETING": ""}, done: (*Server).privateEndpointMade},
}

// toil sends an object into a state, and to work if that one does not last. It takes a tenth of a cluster's time.
func (s *Server) toil(kind Kind, it *item, state string, takes time.Duration) {
	it.Doc[works[kind].state], it.Progress = state, nil
	if _, passes := works[kind].after[state]; passes {
		it.Progress = &progress{Until: s.now().Add(takes / 10), Polls: s.opts.Polls}
	}
}

// conclude ends what an object was busy with, if its time has come. polled says that a client reads it.
func (s *Server) conclude(p *project, kind Kind, key string, it *item, polled bool) {
	if !s.due(p, it, polled) {
		return
	}
	w := works[kind]
	next := w.after[textOf(it.Doc, w.state)]
	if next == "" {
		p.of(kind).remove(key)
		return
	}
	it.Doc = clone(it.Doc)
	it.Doc[w.state] = next
	if w.done != nil {
		w.done(s, p, it.Doc)
	}
}

// concludeAll ends what the objects of a kind were busy with, as far as their time has come.
func (s *Server) concludeAll(p *project, kind Kind, polled bool) {
	for key, it := range p.of(kind).all() {
		s.conclude(p, kind, key, it, polled)
	}
}

// seek returns an object of a project, as it is now. A read counts as one where polls count.
func (s *Server) seek(c *call, kind Kind, key string) (*item, bool) {
	if it, ok := c.project.of(kind).get(key); ok {
		s.conclude(c.project, kind, key, it, c.op.method == "GET")
	}
	return c.project.of(kind).get(key)
}
