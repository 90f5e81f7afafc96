package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/apply/state/s3/s3test"
	"mercator/apply/state/statetest"
	"mercator/apply/state/statetest/faultproxy"
)

// cost is what something takes, in requests and bytes.
type cost struct {
	requests, writes, lists, deletes int
	sent, received                   int
}

func costOf(requests []faultproxy.Request) cost {
	var c cost
	for _, r := range requests {
		c.requests++
		c.sent += len(r.Body)
		c.received += r.Answered
		switch {
		case r.Method == http.MethodPut:
			c.writes++
		case r.Method == http.MethodPost || r.Method == http.MethodDelete:
			c.deletes++
		case r.Query.Has("list-type"):
			c.lists++
		}
	}
	return c
}

// An append is one request, and a state is written once, however much it holds.
func TestWhatAnApplyWrites(t *testing.T) {
	r := newRig(t)
	const boxes, changes = 10_000, 10
	size := statetest.Fill(t, r.direct(), boxes)
	statetest.Change(t, r.direct(), 1) // what the first holder left is swept
	r.proxy.Script(later)
	statetest.Change(t, r.through(1), changes)
	c := costOf(r.proxy.Requests())
	t.Logf("s3: a state of %d bytes, %d bytes sent and %d received in %d requests", size, c.sent, c.received, c.requests)
	const appends, fixed = 1 + 2*changes, 6 // take and free the lock, two probes, replacing the state
	if c.writes != appends+fixed || c.deletes > 2 || c.lists != 1 || c.requests > appends+fixed+7 {
		t.Errorf("it takes %+v", c)
	}
	if c.sent > size*11/10 || c.received > size*11/10 {
		t.Errorf("it sends %d bytes and receives %d for a state of %d", c.sent, c.received, size)
	}
}

// What does not fit on one page of a list, or into one deletion, is read and deleted all the same.
func TestALongJournal(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	const appends = batch + 20
	l := r.lock(r.direct())
	for i := range appends {
		r.must(l.Append(ctx, state.Record{Done: []string{fmt.Sprint(i)}}, r.bind(fmt.Sprintf("b%d", i%7))))
	}
	if got := len(r.slots()); got != appends+1 {
		t.Errorf("%d objects, want a seal and %d", got, appends)
	}
	r.expectBoxes(r.read(), "b0", "b1", "b2", "b3", "b4", "b5", "b6")
	r.must(errors.Join(fold(ctx, l), l.Release(ctx)))
	if got := len(r.slots()); got != 1 {
		t.Errorf("%d objects are left, want the seal", got)
	}
}

// A store that can't delete several objects at once is asked to delete them one by one; one that must not delete any
// for us has its error shown, after the state is written.
func TestDeletingTheJournal(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	refused := `<?xml version="1.0"?><DeleteResult><Error><Key>k</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>`
	for name, c := range map[string]struct {
		fault faultproxy.Fault
		want  string
	}{
		"not known":     {faultproxy.Fault{Status: http.StatusNotImplemented}, ""},
		"not like that": {faultproxy.Fault{Status: http.StatusBadRequest}, ""},
		"denied":        {faultproxy.Fault{Status: http.StatusOK, Body: refused}, "deleting k: access is denied"},
	} {
		t.Run(name, func(t *testing.T) {
			r.next(t)
			l := r.lock(r.through(1))
			r.must(errors.Join(l.Append(ctx, r.bind("a")), l.Append(ctx, r.bind("b"))))
			r.proxy.Script(func(q faultproxy.Request) faultproxy.Fault {
				if q.Method != http.MethodPost {
					return faultproxy.Fault{}
				}
				return c.fault
			})
			err := fold(ctx, l)
			switch {
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %q", err, c.want)
			case c.want == "":
				r.must(err)
				r.expectNoLitter()
			}
			r.expectBoxes(r.read(), "a", "b")
			r.must(errors.Join(l.Append(ctx, r.bind("c")), l.Release(ctx)))
			r.expectBoxes(r.read(), "a", "b", "c")
		})
	}
}

// A seal stays while somebody who was sent away may not know of it yet, and is deleted then.
func TestSealsGoAfterAWhile(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	for n := range 3 { // holders who die
		l := r.lock(r.direct())
		r.must(errors.Join(l.Append(ctx, r.bind(fmt.Sprint("b", n))), fold(ctx, l)))
		r.clock.Advance(sealAge + time.Second)
	}
	if got := len(r.slots()); got != 3 {
		t.Errorf("%d objects, want three seals", got)
	}
	r.proxy.Script(later)
	l := r.lock(r.through(1))
	r.must(errors.Join(l.Append(ctx, r.bind("end")), fold(ctx, l), l.Release(ctx)))
	if got := r.slots(); len(got) != 1 {
		t.Errorf("%d objects are left, want the last holder's seal: %v", len(got), got)
	}
}

// BenchmarkApply changes 10 of 10,000 resources.
func BenchmarkApply(b *testing.B) {
	server := s3test.Start(b)
	proxy := faultproxy.Start(b, server.Endpoint)
	s := New(configAt(server, proxy.URL, "k.json"), statetest.Catalog(b), state.SystemClock())
	size := statetest.Fill(b, s, 10_000)
	proxy.Forget()
	n := 0
	for b.Loop() {
		n++
		statetest.Change(b, s, 10)
	}
	c := costOf(proxy.Requests())
	b.ReportMetric(float64(c.requests)/float64(n), "requests/op")
	b.ReportMetric(float64(c.sent)/float64(n), "sent-B/op")
	b.ReportMetric(float64(c.received)/float64(n), "received-B/op")
	b.ReportMetric(float64(size), "state-B")
}
