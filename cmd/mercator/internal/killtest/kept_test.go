//go:build unix

package killtest

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/uuid"

	"mercator/apply/state"
	httpstate "mercator/apply/state/http"
	"mercator/apply/state/http/httptestserver"
	"mercator/apply/state/local"
	"mercator/apply/state/postgres"
	"mercator/apply/state/postgres/postgrestest"
	"mercator/apply/state/s3"
	"mercator/apply/state/s3/s3test"
)

// The kinds of stores that several machines share. States are in files where orders name none.
const (
	inS3       = "s3"
	inPostgres = "postgres"
	behindHTTP = "http"
)

var shared = []string{inS3, inPostgres, behindHTTP}

// keeper is a server that keeps the state of one scene.
type keeper struct {
	kind   string
	values map[string]string
	// ahead is by how much the time of those who come later is ahead.
	ahead time.Duration
}

// servers makes keepers of one kind, which share a server where that can keep several states.
type servers struct {
	kind string
	s3   *s3test.Server
	pg   *postgrestest.Server
}

func newServers(t testing.TB, kind string) *servers {
	t.Helper()
	s := &servers{kind: kind}
	switch kind {
	case inS3:
		s.s3 = s3test.Start(t)
	case inPostgres:
		s.pg = postgrestest.Shared(t)
	}
	return s
}

// keep returns the keeper of a new state.
func (s *servers) keep(t testing.TB) *keeper {
	t.Helper()
	k := &keeper{kind: s.kind}
	switch s.kind {
	case inS3:
		k.values = map[string]string{"endpoint": s.s3.Endpoint, "bucket": s.s3.Bucket, "key": uuid.NewString()}
	case inPostgres:
		k.values = map[string]string{"conn_str": s.pg.ConnString(s.pg.PoolerAddress), "name": uuid.NewString()}
	case behindHTTP:
		server := httptestserver.New(httptestserver.GitLab)
		t.Cleanup(server.Close)
		k.values = server.Arguments()
	}
	return k
}

// storeAt opens a store of a kind, that of the folder's file where kind is "".
func storeAt(kind string, values map[string]string, dir string, clock state.Clock) (state.Store, error) {
	switch kind {
	case "":
		return local.New(filepath.Join(dir, local.DefaultPath), catalog, clock), nil
	case inS3:
		return s3.New(s3.Config{Endpoint: values["endpoint"], Bucket: values["bucket"], Key: values["key"], Region: s3test.Region,
			Credentials: credentials.NewStaticCredentialsProvider(s3test.AccessKey, s3test.SecretKey, "")}, catalog, clock), nil
	case inPostgres:
		return postgres.New(postgres.Config{ConnString: values["conn_str"], Name: values["name"]}, catalog, clock, postgres.ByItsClock())
	case behindHTTP:
		return httpstate.Backend().Open(state.Settings{Values: values, Catalog: catalog, Clock: clock})
	}
	return nil, fmt.Errorf("there is no store %q", kind)
}

// over is when the lease of a holder who died is over for everybody.
const over = state.LeaseLength + state.CallLimit + state.Skew + time.Second

// expire lets the dead holder's lease run out. A store without leases knows nothing of that: somebody has to look, and
// to unlock.
func (sc *scene) expire() {
	sc.t.Helper()
	if sc.keeper.kind != behindHTTP {
		sc.keeper.ahead += over
		return
	}
	store, ctx := sc.store(), context.Background()
	holder, err := store.Holder(ctx)
	if err == nil && holder != nil {
		err = store.Unlock(ctx, holder.ID)
	}
	if err != nil {
		sc.t.Fatal(err)
	}
}

// store opens the scene's state in this process.
func (sc *scene) store() state.Store {
	sc.t.Helper()
	var s state.Store
	var err error
	if sc.keeper == nil {
		s, err = storeAt("", nil, sc.configuration(), sc.now())
	} else {
		s, err = storeAt(sc.keeper.kind, sc.keeper.values, "", sc.now())
	}
	if err != nil {
		sc.t.Fatal(err)
	}
	return s
}

// hand gives the state that the scene begins with to its keeper.
func (sc *scene) hand(k *keeper) {
	sc.t.Helper()
	ctx := context.Background()
	st, err := sc.store().Read(ctx)
	if err != nil {
		sc.t.Fatal(err)
	}
	sc.keeper = k
	lease, err := sc.store().Lock(ctx, state.LockInfo{Operation: "state push"})
	if err != nil {
		sc.t.Fatal(err)
	}
	st = st.Clone()
	st.Lineage, st.Serial = "", 0
	if err := lease.Write(ctx, st); err != nil {
		sc.t.Fatal(err)
	}
	if err := lease.Release(ctx); err != nil {
		sc.t.Fatal(err)
	}
}

// mortal is a store that counts as steps what is asked of it, and lets its victim die before or after one.
type mortal struct {
	state.Store
	v *victim
}

func (m mortal) Lock(ctx context.Context, info state.LockInfo) (state.Lease, error) {
	defer m.v.ask("lock")()
	l, err := m.Store.Lock(ctx, info)
	if err != nil {
		return nil, err
	}
	return mortalLease{l, m.v}, nil
}

type mortalLease struct {
	state.Lease
	v *victim
}

func (l mortalLease) Append(ctx context.Context, records ...state.Record) error {
	defer l.v.ask("append")()
	return l.Lease.Append(ctx, records...)
}

func (l mortalLease) Write(ctx context.Context, s *state.State) error {
	defer l.v.ask("write")()
	return l.Lease.Write(ctx, s)
}

func (l mortalLease) Release(ctx context.Context) error {
	defer l.v.ask("release")()
	return l.Lease.Release(ctx)
}

// ask counts a step. What it returns is to be called when the step is done.
func (v *victim) ask(step string) (done func()) {
	v.mu.Lock()
	v.steps = append(v.steps, step)
	mine := len(v.steps) == v.N
	v.mu.Unlock()
	if mine && v.Moment == beforeStep {
		die()
	}
	return func() {
		if mine && v.Moment == afterStep {
			die()
		}
	}
}
