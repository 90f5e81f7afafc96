package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mercator/apply/state"
	"mercator/apply/state/statetest"
	"mercator/apply/state/statetest/faultproxy"
)

// player is one of several clients of a state. It runs one operation at a time, and each of its requests waits until
// it is let through.
type player struct {
	name  string
	store *Store
	gate  chan faultproxy.Action
	// event says that a request waits, or, with what it came to, that the operation is over.
	event   chan *outcome
	waiting bool

	lease   *lease
	doing   string
	began   uint64 // the highest fence that was given out when the operation began
	fault   bool   // something befell one of its requests
	running bool
}

type outcome struct {
	err   error
	lease state.Lease
	found *state.State
}

// play is a game of several players under way.
type play struct {
	*rapid.T
	rig     *rig
	players []*player
	fences  uint64
	// fenceOf says with which fence somebody began to append a box; dead are those that must not come any more.
	fenceOf map[string]uint64
	durable []string
	dead    map[string]bool
}

// join adds a player whose requests go through a proxy.
func (p *play) join(t *testing.T, proxy *faultproxy.Proxy) {
	one := &player{name: fmt.Sprintf("player%d", len(p.players)), gate: make(chan faultproxy.Action), event: make(chan *outcome)}
	one.store = New(configAt(p.rig.server, proxy.URL, p.rig.key), statetest.Catalog(t), p.rig.clock, WithRetries(1, 0))
	proxy.Script(func(q faultproxy.Request) faultproxy.Fault {
		if q.Method == http.MethodGet && strings.Contains(q.Path, ".journal/0") {
			return faultproxy.Fault{} // several are under way at the same time, and none changes ever
		}
		one.event <- nil
		return faultproxy.Fault{Action: <-one.gate}
	})
	p.players = append(p.players, one)
}

// start has a player begin an operation.
func (p *play) start(one *player, doing string, do func(context.Context) outcome) {
	one.doing, one.began, one.running, one.fault = doing, p.fences, true, false
	go func() {
		o := do(context.Background())
		one.event <- &o
	}()
	p.await(one)
}

// await returns when a player's next request waits, or its operation is over.
func (p *play) await(one *player) {
	o := <-one.event
	one.waiting = o == nil
	if o != nil {
		one.running = false
		p.ended(one, o)
	}
}

// ended checks what an operation came to.
func (p *play) ended(one *player, o *outcome) {
	var lost *state.LostError
	var locked *state.LockedError
	name, appended := strings.CutPrefix(one.doing, "append ")
	switch {
	case o.err == nil && one.doing == "lock":
		one.lease = o.lease.(*lease)
		if f := one.lease.Info().Fence; f <= one.began {
			p.Fatalf("%s got the fence %d after %d", one.name, f, one.began)
		}
		p.fences = max(p.fences, one.lease.Info().Fence)
	case o.err == nil && one.doing == "read":
		p.bury(one.lease.Info().Fence, o.found)
	case o.err == nil && one.lease != nil && (appended || one.doing == "fold" || one.doing == "renew"):
		if f := one.lease.Info().Fence; f < one.began && one.doing != "fold" {
			p.Fatalf("%s with the fence %d could %s after somebody had got %d", one.name, f, one.doing, one.began)
		}
		if appended {
			p.durable = append(p.durable, name)
		}
	case errors.As(o.err, &lost):
		one.lease = nil
	case o.err != nil && !one.fault && !errors.As(o.err, &locked) && !strings.HasPrefix(one.doing, "unlock"):
		p.Fatalf("%s could not %s: %v", one.name, one.doing, o.err)
	}
	if one.doing == "release" {
		one.lease = nil
	}
}

// bury notes which boxes a holder has not found that earlier ones may have been about to append: they must not come
// behind its back.
func (p *play) bury(fence uint64, found *state.State) {
	for name, of := range p.fenceOf {
		if of < fence && found.Resources[statetest.Box(p.rig, name, 1).Address] == nil {
			p.dead[name] = true
		}
	}
}

// begin has an idle player begin something.
func (p *play) begin(one *player) {
	if one.lease == nil {
		if rapid.IntRange(0, 4).Draw(p.T, "sends away") == 0 {
			p.start(one, "unlock", func(ctx context.Context) outcome {
				holder, err := one.store.Holder(ctx)
				if holder != nil {
					err = one.store.Unlock(ctx, holder.ID)
				}
				return outcome{err: err}
			})
			return
		}
		p.start(one, "lock", func(ctx context.Context) outcome {
			l, err := one.store.Lock(ctx, state.LockInfo{Operation: "apply", Who: one.name})
			return outcome{lease: l, err: err}
		})
		return
	}
	held := one.lease
	switch doing := rapid.SampledFrom([]string{"append", "append", "append", "nothing", "read", "fold", "renew", "release", "die"}).Draw(p.T, "does"); doing {
	case "append":
		name := fmt.Sprintf("b%d", len(p.fenceOf))
		p.fenceOf[name] = held.Info().Fence
		record := p.rig.bind(name)
		p.start(one, "append "+name, func(ctx context.Context) outcome { return outcome{err: held.Append(ctx, record)} })
	case "nothing": // an append that changes nothing
		p.start(one, doing, func(ctx context.Context) outcome {
			return outcome{err: held.Append(ctx, state.Record{Done: []string{"i"}})}
		})
	case "read": // and make sure that it was read as the holder
		p.start(one, doing, func(ctx context.Context) outcome {
			found, err := held.Read(ctx)
			return outcome{found: found, err: errors.Join(err, held.Renew(ctx))}
		})
	case "die":
		one.lease = nil
	default:
		do := map[string]func(context.Context) error{"renew": held.Renew, "release": held.Release,
			"fold": func(ctx context.Context) error { return fold(ctx, held) }}[doing]
		p.start(one, doing, func(ctx context.Context) outcome { return outcome{err: do(ctx)} })
	}
}

// goOn lets a waiting request through, or not.
func (p *play) goOn(one *player) {
	actions := []faultproxy.Action{faultproxy.Pass, faultproxy.Pass, faultproxy.Pass, faultproxy.Pass, faultproxy.Pass,
		faultproxy.Pass, faultproxy.Pass, faultproxy.Pass, faultproxy.Pass, faultproxy.Pass, faultproxy.Pass, faultproxy.Pass,
		faultproxy.Pass, faultproxy.Pass, faultproxy.Pass, faultproxy.Pass, faultproxy.Pass, faultproxy.Pass, faultproxy.Pass,
		faultproxy.LoseRequest, faultproxy.LoseAnswer, faultproxy.Repeat}
	action := rapid.SampledFrom(actions).Draw(p.T, "fate")
	one.fault = one.fault || action != faultproxy.Pass
	one.gate <- action
	p.await(one)
}

// check reads the state without a lock: all that somebody was told is durable is there.
func (p *play) check() {
	got, err := p.rig.direct().Read(context.Background())
	if err != nil {
		p.Fatalf("reading: %v", err)
	}
	for _, name := range p.durable {
		if got.Resources[statetest.Box(p.rig, name, 1).Address] == nil {
			p.Fatalf("%s was durable and is gone; there are %v", name, got.Resources)
		}
	}
	for name := range p.dead {
		if got.Resources[statetest.Box(p.rig, name, 1).Address] != nil {
			p.Fatalf("%s came after a successor had read the state without it", name)
		}
	}
}

// However the requests of several holders come between each other, get lost, or come late: what somebody was told is
// durable stays, nobody goes on beside a successor, and the next holder can always go on.
func TestInterleavedHoldersLoseNothing(t *testing.T) {
	r := newRig(t)
	var proxies []*faultproxy.Proxy
	for range 3 {
		proxies = append(proxies, faultproxy.Start(t, r.server.Endpoint))
	}
	rapid.Check(t, func(rt *rapid.T) {
		p := &play{T: rt, rig: r.next(t), fenceOf: map[string]uint64{}, dead: map[string]bool{}}
		for _, proxy := range proxies {
			p.join(t, proxy)
		}
		for range rapid.IntRange(5, 25).Draw(rt, "steps") {
			if rapid.IntRange(0, 14).Draw(rt, "time passes") == 0 {
				r.clock.Advance(sealAge + time.Second)
			}
			one := rapid.SampledFrom(p.players).Draw(rt, "player")
			if !one.waiting {
				p.begin(one)
			}
			for n := rapid.IntRange(0, 10).Draw(rt, "requests"); n > 0 && one.waiting; n-- {
				p.goOn(one)
			}
		}
		p.check()
		for _, one := range p.players {
			for one.running {
				one.gate <- faultproxy.Pass
				p.await(one)
			}
		}
		p.check()
		r.clock.Advance(sealAge + time.Second)
		ctx := context.Background()
		last := r.lock(r.direct())
		p.check()
		r.must(fold(ctx, last))
		r.must(last.Release(ctx))
		p.check()
	})
}
