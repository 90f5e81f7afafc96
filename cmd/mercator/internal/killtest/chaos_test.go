//go:build unix

package killtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/apply/state/http/httptestserver"
	"mercator/apply/state/postgres/postgrestest"
	"mercator/apply/state/statetest/faultproxy"
	"mercator/provider/sandbox"
)

// crowd is how many applies are under way at a time, and haste how many seconds pass for them in one.
const (
	crowd = 32
	haste = 40
)

// fast is the clock of a crowd: the machine's, much faster, so that leases run out while a test can wait for it.
type fast struct{ since time.Time }

// Elapsed implements [state.Clock].
func (c fast) Elapsed() time.Duration { return haste * time.Since(c.since) }

// Now implements [state.Clock].
func (c fast) Now() time.Time { return start.Add(c.Elapsed()) }

// Sleep implements [state.Clock].
func (c fast) Sleep(ctx context.Context, d time.Duration) error {
	return state.SystemClock().Sleep(ctx, d/haste)
}

// news is what one of the crowd tells before it goes on: that it has the lock, that it is about to write, or that a
// write was taken.
type news struct {
	PID   int
	What  string
	Fence uint64
	Write int // its number
}

const (
	gotLock  = "locked"
	writing  = "writing"
	accepted = "accepted"
)

// tell tells the news and waits until they have arrived.
func (v *victim) tell(n news) {
	n.PID = os.Getpid()
	text, err := json.Marshal(n)
	if err == nil {
		var answer *http.Response
		if answer, err = http.Post(v.News, "application/json", bytes.NewReader(text)); err == nil { //nolint:noctx // it is on this machine
			err = answer.Body.Close()
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) // the test is over
	}
}

// told is a store that tells what is done with it.
type told struct {
	state.Store
	v *victim
}

func (s told) Lock(ctx context.Context, info state.LockInfo) (state.Lease, error) {
	l, err := s.Store.Lock(ctx, info)
	if err != nil {
		return nil, err
	}
	s.v.tell(news{What: gotLock, Fence: l.Info().Fence})
	return toldLease{l, s.v}, nil
}

type toldLease struct {
	state.Lease
	v *victim
}

func (l toldLease) write(do func() error) error {
	n := int(l.v.calls.Add(1))
	l.v.tell(news{What: writing, Fence: l.Info().Fence, Write: n})
	err := do()
	if err == nil {
		l.v.tell(news{What: accepted, Fence: l.Info().Fence, Write: n})
	}
	return err
}

func (l toldLease) Append(ctx context.Context, records ...state.Record) error {
	return l.write(func() error { return l.Lease.Append(ctx, records...) })
}

func (l toldLease) Write(ctx context.Context, s *state.State) error {
	return l.write(func() error { return l.Lease.Write(ctx, s) })
}

// pidHeader says in a request to Atlas whose it is.
const pidHeader = "X-Mercator-Test-Pid"

// chaos is a crowd at work, and what is known of it.
type chaos struct {
	t     *testing.T
	stage *stage
	store state.Store // for whoever looks after locks of the dead
	kind  string
	base  fast
	dice  *rand.Rand

	mu      sync.Mutex
	running map[int]*process
	dead    map[int]bool
	turn    int         // the number of the last lock that was told
	turns   map[int]int // by process, the number of its lock
	late    map[[2]int]bool

	begun, done, locked, failed, killed, stopped int
	writes, calls                                int
	wrong                                        []string
}

// hear takes the news of the crowd.
func (c *chaos) hear(w http.ResponseWriter, r *http.Request) {
	var n news
	if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch n.What {
	case gotLock:
		c.turn++
		c.turns[n.PID] = c.turn
	case writing:
		c.late[[2]int{n.PID, n.Write}] = c.turns[n.PID] < c.turn
	case accepted:
		c.writes++
		if c.late[[2]int{n.PID, n.Write}] {
			c.wrong = append(c.wrong, fmt.Sprintf("process %d wrote under fence %d although somebody had the lock after it", n.PID, n.Fence))
		}
	}
}

// serve hands requests on to Atlas, and notes who changes something after somebody else got the lock. What the dead
// sent may still arrive.
func (c *chaos) serve(w http.ResponseWriter, r *http.Request) {
	var pid int
	if _, err := fmt.Sscan(r.Header.Get(pidHeader), &pid); err == nil && r.Method != http.MethodGet && !strings.Contains(r.URL.Path, "/oauth/") {
		c.mu.Lock()
		c.calls++
		if c.turns[pid] < c.turn && !c.dead[pid] {
			c.wrong = append(c.wrong, fmt.Sprintf("process %d called %s %s although somebody had the lock after it", pid, r.Method, r.URL.Path))
		}
		c.mu.Unlock()
	}
	c.stage.box.Load().ServeHTTP(w, r)
}

// variant is one of the configurations that the crowd applies.
func variant(n int) string {
	return fmt.Sprintf(`
project "crowd" {
  with_default_alerts_settings = false
  tags = { variant = "%[1]d" }

  access_list "office" {
    entries = { for i in range(9) : "10.0.${i}.0/24" => "variant %[1]d" if (i + %[1]d) %% 3 != 0 }
  }
  custom_role "role" {
    for_each  = toset([for i in range(4) : "role${i}" if (i + %[1]d) %% 4 != 0])
    role_name = each.key
    actions   = [{ action = "FIND", resources = [{ db = "db%[1]d" }] }]
  }
  database_user "user" {
    for_each  = toset([for i in range(6) : "user${i}" if (i + %[1]d) %% 3 != 1])
    username  = each.key
    x509_type = "CUSTOMER"
    roles     = [{ role_name = "read", database_name = "db%[1]d" }]
  }
  alert_config "connections" {
    for_each         = toset([for i in range(5) : tostring(i) if (i + %[1]d) %% 2 == 0])
    enabled          = true
    event_type_name  = "OUTSIDE_METRIC_THRESHOLD"
    metric_threshold = { metric_name = "CONNECTIONS", operator = "GREATER_THAN", threshold = 100 + tonumber(each.key), units = "RAW", mode = "AVERAGE" }
    notifications    = [{ type_name = "EMAIL", email_address = "ops%[1]d@example.com", interval_min = 60, delay_min = 0 }]
  }
}
`, n)
}

const variants = 8

// TestChaos has a crowd of processes apply different configurations to one state, for a while, on each store. They
// are killed, stopped and continued at random, and between them and the store requests are lost, repeated, cut and
// delayed. In the end everything that Atlas has is in the state once, nobody who was sent away has written, and nobody
// who lives has changed anything after losing the lock. By default a few seconds each; longer, and their figures:
//
//	MERCATOR_CHAOS=10m go test -v -timeout 2h -run TestChaos ./cmd/mercator/internal/killtest
//
// MERCATOR_CHAOS_SEED=S makes the same choices again, as far as the machine does.
func TestChaos(t *testing.T) {
	length := 6 * time.Second
	if text := os.Getenv("MERCATOR_CHAOS"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatalf("MERCATOR_CHAOS: %v", err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("MERCATOR_CHAOS_SEED"); text != "" {
		if _, err := fmt.Sscan(text, &seed); err != nil {
			t.Fatalf("MERCATOR_CHAOS_SEED: %v", err)
		}
	}
	t.Logf("MERCATOR_CHAOS_SEED=%d", seed)
	for i, kind := range append([]string{""}, shared...) {
		t.Run(map[bool]string{true: "local", false: kind}[kind == ""], func(t *testing.T) {
			runChaos(t, kind, length, rand.New(rand.NewPCG(seed, uint64(i))))
		})
	}
}

func runChaos(t *testing.T, kind string, length time.Duration, dice *rand.Rand) {
	c := &chaos{t: t, kind: kind, base: fast{time.Now()}, dice: dice, running: map[int]*process{}, dead: map[int]bool{},
		turns: map[int]int{}, late: map[[2]int]bool{}}
	c.stage = newStage(t)
	c.stage.server.Config.Handler = http.HandlerFunc(c.serve)
	sc := c.stage.write(t, variant(0))
	newsAt := httptest.NewServer(http.HandlerFunc(c.hear))
	t.Cleanup(newsAt.Close)
	folders := make([]string, variants)
	for n := range folders {
		folders[n] = t.TempDir()
		if err := os.WriteFile(filepath.Join(folders[n], "main.hcl"), []byte(variant(n)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	shaken, calm := c.values(sc)
	var err error
	if c.store, err = storeAt(kind, calm, sc.configuration(), c.base); err != nil {
		t.Fatal(err)
	}
	o := orders{URL: c.stage.server.URL, Start: start, Since: c.base.since, News: newsAt.URL, Kept: kind, Values: shaken,
		StateDir: sc.configuration(), LockTimeout: 2 * state.LeaseLength, Chaos: true}
	for over := time.Now().Add(length); time.Now().Before(over); {
		c.fill(o, folders)
		c.shake()
		c.release()
		_ = c.base.Sleep(context.Background(), haste*20*time.Millisecond)
	}
	c.end()
	if kind != "" {
		sc.keeper = &keeper{kind: kind, values: calm}
	}
	sc.time = &quick{passed: c.base.Elapsed() + over}
	sc.converge()
	sc.ending()
	c.expectOwned(sc)
	for _, wrong := range c.wrong {
		t.Error(wrong)
	}
	t.Logf("%s, %s: %d processes, %d applied, %d found it locked, %d failed, %d killed, %d stops; %d locks, %d writes accepted, %d changes in Atlas",
		t.Name(), length, c.begun, c.done, c.locked, c.failed, c.killed, c.stopped, c.turn, c.writes, c.calls)
	if enough := length >= time.Minute; enough && (c.done == 0 || c.killed == 0 || c.stopped == 0 || c.turn < 3) {
		t.Error("that was no chaos: somebody must apply, be killed and be stopped") // in seconds a busy machine may not come to it
	}
}

// values returns where the store is, for the crowd behind a network that is not to be relied on, and directly.
func (c *chaos) values(sc *scene) (shaken, calm map[string]string) {
	c.t.Helper()
	var mu sync.Mutex
	dice := rand.New(rand.NewPCG(c.dice.Uint64(), 0))
	roll := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return dice.IntN(n)
	}
	before := func() {
		if roll(30) == 0 {
			_ = c.base.Sleep(context.Background(), time.Duration(roll(int(state.CallLimit/2))))
		}
	}
	script := func(faultproxy.Request) faultproxy.Fault {
		f := faultproxy.Fault{Before: before}
		switch roll(80) {
		case 0:
			f.Action = faultproxy.LoseRequest
		case 1:
			f.Action = faultproxy.LoseAnswer
		case 2:
			f.Action = faultproxy.Repeat
		case 3:
			f.Action = faultproxy.Cut
		}
		return f
	}
	if c.kind == "" {
		return nil, nil
	}
	servers := newServers(c.t, c.kind)
	calm = servers.keep(c.t).values
	shaken = maps.Clone(calm)
	switch c.kind {
	case inS3:
		proxy := faultproxy.Start(c.t, calm["endpoint"])
		proxy.Script(script)
		shaken["endpoint"] = proxy.URL
	case inPostgres:
		proxy := postgrestest.NewProxy(c.t, servers.pg.PoolerAddress, func(string) postgrestest.Action {
			before()
			switch roll(80) {
			case 0, 1:
				return postgrestest.LoseRequest
			case 2, 3:
				return postgrestest.LoseAnswer
			}
			return postgrestest.Pass
		})
		shaken["conn_str"] = servers.pg.ConnString(proxy.Address)
	case behindHTTP:
		server := httptestserver.New(httptestserver.Terraform)
		c.t.Cleanup(server.Close)
		calm = server.Arguments()
		proxy := faultproxy.Start(c.t, server.URL)
		proxy.Script(script)
		shaken = map[string]string{"retry_wait_max": "1"}
		for name, value := range calm {
			u, err := url.Parse(value)
			if err != nil {
				c.t.Fatal(err)
			}
			if u.Host != "" {
				value = proxy.URL + u.Path
			}
			shaken[name] = value
		}
	}
	return shaken, calm
}

// fill starts as many processes as are missing, a few at a time.
func (c *chaos) fill(o orders, folders []string) {
	c.mu.Lock()
	missing := min(crowd-len(c.running), 4)
	c.mu.Unlock()
	for range missing {
		o.Dir = folders[c.dice.IntN(len(folders))]
		p, err := begin(o)
		if err != nil {
			c.t.Fatal(err)
		}
		pid := p.command.Process.Pid
		c.mu.Lock()
		c.running[pid] = p
		c.begun++
		c.mu.Unlock()
		go c.await(pid, p)
	}
}

// await notes what became of a process.
func (c *chaos) await(pid int, p *process) {
	<-p.ended
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.running, pid)
	var r report
	switch {
	case !p.command.ProcessState.Exited():
	case json.Unmarshal(p.out.Bytes(), &r) != nil:
		c.wrong = append(c.wrong, fmt.Sprintf("process %d ended with %v and says: %s", pid, p.command.ProcessState, p.out.String()))
	case r.Done:
		c.done++
	case r.Holder != 0 || strings.Contains(r.Error, "is locked by"):
		c.locked++
	default:
		c.failed++
	}
}

// shake kills, stops or continues somebody, now and then.
func (c *chaos) shake() {
	c.mu.Lock()
	pids := slices.Sorted(maps.Keys(c.running))
	c.mu.Unlock()
	if len(pids) == 0 {
		return
	}
	pid := pids[c.dice.IntN(len(pids))]
	if holder := c.holder(); holder != 0 && c.dice.IntN(4) == 0 {
		pid = holder
	}
	switch c.dice.IntN(20) {
	case 0:
		c.mu.Lock()
		c.dead[pid] = true
		c.killed++
		c.mu.Unlock()
		_ = syscall.Kill(pid, syscall.SIGKILL) // or it is gone already
	case 1:
		c.mu.Lock()
		c.stopped++
		c.mu.Unlock()
		if syscall.Kill(pid, syscall.SIGSTOP) == nil {
			pause := time.Duration(c.dice.Int64N(int64(over + state.LeaseLength)))
			go func() {
				_ = c.base.Sleep(context.Background(), pause)
				_ = syscall.Kill(pid, syscall.SIGCONT)
			}()
		}
	}
}

// holder returns the process that told last that it has the lock, if it is there, else 0.
func (c *chaos) holder() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for pid := range c.running {
		if c.turns[pid] == c.turn && c.turn > 0 {
			return pid
		}
	}
	return 0
}

// release does what a person does where locks last until they are taken away: it unlocks what a dead process holds.
func (c *chaos) release() {
	if c.kind != behindHTTP || c.dice.IntN(5) > 0 {
		return
	}
	ctx := context.Background()
	holder, err := c.store.Holder(ctx)
	if err != nil || holder == nil || holder.PID == 0 {
		return
	}
	c.mu.Lock()
	_, lives := c.running[holder.PID]
	c.mu.Unlock()
	if !lives && holder.PID != os.Getpid() {
		_ = c.store.Unlock(ctx, holder.ID) // or it was released meanwhile
	}
}

// end lets everybody go on who was stopped, and kills who does not come to an end soon.
func (c *chaos) end() {
	for patience := time.Now().Add(10 * time.Second); ; {
		c.mu.Lock()
		left := slices.Collect(maps.Values(c.running))
		c.mu.Unlock()
		if len(left) == 0 {
			break
		}
		for _, p := range left {
			_ = p.command.Process.Signal(syscall.SIGCONT)
			if time.Now().After(patience) {
				c.mu.Lock()
				c.dead[p.command.Process.Pid] = true
				c.mu.Unlock()
				_ = p.command.Process.Kill()
			}
		}
		c.release()
		_ = c.base.Sleep(context.Background(), haste*20*time.Millisecond)
	}
	if c.kind != behindHTTP {
		return
	}
	ctx := context.Background()
	if holder, err := c.store.Holder(ctx); err != nil {
		c.t.Fatal(err)
	} else if holder != nil {
		if err := c.store.Unlock(ctx, holder.ID); err != nil {
			c.t.Fatal(err)
		}
	}
}

// expectOwned makes sure that Atlas has as many objects of each kind as the state.
func (c *chaos) expectOwned(sc *scene) {
	c.t.Helper()
	st, err := sc.store().Read(context.Background())
	if err != nil {
		c.t.Fatal(err)
	}
	known := map[string]int{}
	for _, b := range st.Resources {
		known[b.Kind]++
	}
	projects := sc.box.List(sandbox.Project, "")
	if len(projects) != 1 || known["project"] != 1 {
		c.t.Fatalf("there are %d projects, and the state knows %d", len(projects), known["project"])
	}
	id, _ := projects[0]["id"].(string)
	for _, kind := range []sandbox.Kind{sandbox.AccessList, sandbox.CustomRole, sandbox.DatabaseUser, sandbox.AlertConfig} {
		if there := len(sc.box.List(kind, id)); there != known[string(kind)] {
			c.t.Errorf("Atlas has %d of %s, and the state knows %d", there, kind, known[string(kind)])
		}
	}
}
