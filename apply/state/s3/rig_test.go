package s3

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/apply/state/s3/s3test"
	"mercator/apply/state/statetest"
	"mercator/apply/state/statetest/faultproxy"
)

// rig is a server, a proxy before it, and a clock that stands still.
type rig struct {
	*testing.T
	server *s3test.Server
	proxy  *faultproxy.Proxy
	clock  *statetest.Clock
	key    string
	n      int
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return rigAt(t, s3test.Start(t))
}

func rigAt(t *testing.T, server *s3test.Server) *rig {
	t.Helper()
	r := &rig{T: t, server: server, proxy: faultproxy.Start(t, server.Endpoint)}
	r.next(t)
	return r
}

// next goes on with a new state, in a test of its own.
func (r *rig) next(t *testing.T) *rig {
	r.n++
	r.T, r.key, r.clock = t, fmt.Sprintf("%d.json", r.n), statetest.NewClock()
	r.proxy.Script(nil)
	r.proxy.Forget()
	return r
}

// direct opens the state without the proxy.
func (r *rig) direct() *Store {
	return New(configAt(r.server, r.server.Endpoint, r.key), statetest.Catalog(r), r.clock, WithRetries(2, time.Millisecond))
}

// through opens the state through the proxy.
func (r *rig) through(attempts int) *Store {
	return New(configAt(r.server, r.proxy.URL, r.key), statetest.Catalog(r), r.clock, WithRetries(attempts, time.Millisecond))
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) lock(s *Store) *lease {
	r.Helper()
	l, err := s.Lock(context.Background(), state.LockInfo{Operation: "apply", Who: "somebody@host"})
	r.must(err)
	return l.(*lease)
}

func (r *rig) read() *state.State {
	r.Helper()
	got, err := r.direct().Read(context.Background())
	r.must(err)
	return got
}

// bind is a record that remembers a box.
func (r *rig) bind(name string) state.Record { return state.Record{Bind: statetest.Box(r, name, 1)} }

// fold replaces the state by what the holder reads.
func fold(ctx context.Context, l state.Lease) error {
	s, err := l.Read(ctx)
	if err == nil {
		err = l.Write(ctx, s)
	}
	return err
}

// expectBoxes fails where a state does not remember exactly the boxes with these names.
func (r *rig) expectBoxes(got *state.State, names ...string) {
	r.Helper()
	want := state.New()
	want.Lineage, want.Serial = got.Lineage, got.Serial
	for _, name := range names {
		b := statetest.Box(r, name, 1)
		want.Resources[b.Address] = b
	}
	if diff := statetest.Diff(want, got); diff != "" {
		r.Errorf("the state differs (- wanted, + found):\n%s", diff)
	}
}

// slots returns the objects of the journal.
func (r *rig) slots() []entry {
	r.Helper()
	s := r.direct()
	b, err := s.connect(context.Background())
	r.must(err)
	list, _, err := b.list(context.Background(), s.journalKey())
	r.must(err)
	return list
}

// expectNoLitter fails where the journal holds more than seals, which stay a while.
func (r *rig) expectNoLitter() {
	r.Helper()
	s := r.direct()
	b, err := s.connect(context.Background())
	r.must(err)
	found, err := s.readSlots(context.Background(), b, r.slots())
	r.must(err)
	for _, sl := range found {
		if sl.Kind != seal && sl.Kind != anew {
			r.Errorf("slot %d of serial %d, for %s, is left behind", sl.number, sl.journal.Base.Serial, sl.Kind)
		}
	}
}

// mutates reports whether a request changes something.
func mutates(r faultproxy.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead
}

// what names a request: what is done to which of the state's objects.
func what(r faultproxy.Request) string {
	_, object, _ := strings.Cut(r.Path, ".json")
	switch {
	case r.Query.Has("list-type"):
		object = ".journal"
	case r.Method == http.MethodPost:
		return "DELETE several"
	case strings.HasPrefix(object, ".journal/"):
		_, rest, _ := strings.Cut(strings.TrimPrefix(object, ".journal/000000000000000000"), "/")
		serial := strings.TrimPrefix(object, ".journal/000000000000000000")[:2]
		object = " slot " + serial + "-" + rest[len(rest)-2:]
	case object == "":
		object = " state"
	}
	return r.Method + strings.Replace(object, ".", " ", 1)
}

// nth lets a fault befall the nth request, from 1, and notes which one that was.
type nth struct {
	at    int
	fault faultproxy.Fault
	// ever lets every later one be lost, too.
	ever bool
	// only counts just these, if not nil.
	only func(faultproxy.Request) bool

	mu    sync.Mutex
	count int
	name  string
}

// hit names the request that the fault befell, "" if there was none yet.
func (n *nth) hit() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.name
}

func (n *nth) script(r faultproxy.Request) faultproxy.Fault {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ever && n.name != "" {
		return faultproxy.Fault{Action: faultproxy.LoseRequest}
	}
	if n.only != nil && !n.only(r) {
		return faultproxy.Fault{}
	}
	if n.count++; n.count != n.at {
		return faultproxy.Fault{}
	}
	n.name = what(r)
	return n.fault
}

// later lets lists be made a while later by the store's clock, when seals are old.
func later(r faultproxy.Request) faultproxy.Fault {
	if !r.Query.Has("list-type") {
		return faultproxy.Fault{}
	}
	return faultproxy.Fault{Header: http.Header{"Date": {time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat)}}}
}
