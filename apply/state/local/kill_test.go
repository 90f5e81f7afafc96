package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/apply/state"
	"mercator/apply/state/statetest"
	"mercator/schema"
)

var errKilled = errors.New("killed")

// killer stops a process at its nth file operation: just before it, or, if torn, having written half. Once it
// has struck, nothing more gets to the disk.
type killer struct {
	at    int
	torn  bool
	steps []string
}

func (k *killer) fault(op, path string, size int) (int, error) {
	if op == "read" {
		return size, nil // what is only read is not harmed
	}
	k.steps = append(k.steps, op+" "+strings.TrimPrefix(filepath.Base(path), "state.json"))
	switch n := len(k.steps); {
	case n < k.at:
		return size, nil
	case n == k.at && k.torn:
		return size / 2, errKilled
	}
	return 0, errKilled
}

// victim runs an apply on the store and returns the records that it was told are durable, in order, and those
// of the append during which it was killed. die frees what the system frees when a process ends.
type victim struct {
	store   *Store
	lease   *lease
	durable []state.Record
	pending []state.Record
}

func (v *victim) run(t *testing.T) error {
	ctx := context.Background()
	held, err := v.store.Lock(ctx, state.LockInfo{Operation: "apply", Who: "victim@host"})
	if err != nil {
		return err
	}
	v.lease = held.(*lease)
	for n := 1; n <= 4; n++ {
		v.pending = []state.Record{
			{Bind: statetest.Box(t, fmt.Sprintf("v%da", n), n)}, {Bind: statetest.Box(t, fmt.Sprintf("v%db", n), n)},
		}
		if n == 4 {
			v.pending[0] = state.Record{Drop: []schema.Address{"box.v1a"}}
		}
		if err := held.Append(ctx, v.pending...); err != nil {
			return err
		}
		v.durable = append(v.durable, v.pending...)
		v.pending = nil
		if err := held.Renew(ctx); err != nil {
			return err
		}
		if n%2 == 1 {
			continue
		}
		got, err := held.Read(ctx)
		if err == nil {
			err = held.Write(ctx, got)
		}
		if err != nil {
			return err
		}
	}
	return held.Release(ctx)
}

func (v *victim) die() {
	if v.lease != nil {
		_ = v.lease.alive.Close()
	}
}

// A process is killed at each of its file operations in turn. Whatever was durable is there for the next one,
// which gets the lock at once and can go on.
func TestRule_R26_KilledBetweenAnyTwoFileOperationsNothingIsLost(t *testing.T) {
	for _, torn := range []bool{false, true} {
		for at, done := 1, false; !done; at++ {
			t.Run(fmt.Sprintf("torn=%v/step=%d", torn, at), func(t *testing.T) {
				done = killAt(t, at, torn)
			})
			if t.Failed() {
				return
			}
		}
	}
}

// killAt reports whether the victim ended before it could be killed.
func killAt(t *testing.T, at int, torn bool) bool {
	path := filepath.Join(t.TempDir(), "state.json")
	clock := statetest.NewClock()
	k := &killer{at: at, torn: torn}
	v := &victim{store: New(path, statetest.Catalog(t), clock)}
	v.store.disk.fault = k.fault
	err := v.run(t)
	v.die()
	if err != nil && !errors.Is(err, errKilled) {
		t.Fatalf("after %v: %v", k.steps, err)
	}

	ctx := context.Background()
	next := New(path, statetest.Catalog(t), clock)
	got, readErr := next.Read(ctx)
	if readErr != nil {
		t.Fatalf("after %v: %v", k.steps, readErr)
	}
	v.expect(t, got, k)
	lease, lockErr := next.Lock(ctx, state.LockInfo{Who: "next@host"})
	if lockErr != nil {
		t.Fatalf("after %v: %v", k.steps, lockErr)
	}
	more := state.Record{Bind: statetest.Box(t, "more", 1)}
	want := state.Fold(got, []state.Record{more})
	if err := errors.Join(lease.Append(ctx, more), sameState(ctx, next, want), lease.Write(ctx, want),
		sameState(ctx, next, want), lease.Release(ctx)); err != nil {
		t.Fatalf("after %v: %v", k.steps, err)
	}
	noLitter(t, filepath.Dir(path))
	return err == nil
}

// expect checks that what was found holds all that was durable and, of what was under way, nothing, a part in
// order, or all.
func (v *victim) expect(t *testing.T, got *state.State, k *killer) {
	t.Helper()
	for n := 0; n <= len(v.pending); n++ {
		want := state.Fold(state.New(), slices.Concat(v.durable, v.pending[:n]))
		want.Lineage, want.Serial = got.Lineage, got.Serial
		if statetest.Diff(want, got) == "" {
			return
		}
	}
	want := state.Fold(state.New(), v.durable)
	t.Fatalf("killed after %v: the state differs (- durable, + found):\n%s", k.steps, statetest.Diff(want, got))
}

func sameState(ctx context.Context, store state.Store, want *state.State) error {
	got, err := store.Read(ctx)
	if err != nil {
		return err
	}
	if diff := statetest.Diff(want, got); diff != "" {
		return fmt.Errorf("the state differs (- wanted, + found):\n%s", diff)
	}
	return nil
}

func noLitter(t *testing.T, folder string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); name != "state.json" && name != "state.json.lock" && name != "state.json.lock.mutex" {
			t.Errorf("%s is left behind", name)
		}
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s can be read by others: %v, %v", e.Name(), info.Mode(), err)
		}
	}
}

// What a rename puts in place was synced before, and the folder after, so that a machine that loses power has
// the old file or the new one; an append is synced before it counts.
func TestEveryChangeIsSyncedBeforeItCounts(t *testing.T) {
	k := &killer{at: 1 << 30}
	v := &victim{store: New(filepath.Join(t.TempDir(), "d", "state.json"), statetest.Catalog(t), statetest.NewClock())}
	v.store.disk.fault = k.fault
	if err := v.run(t); err != nil {
		t.Fatal(err)
	}
	renames := 0
	for i, step := range k.steps {
		op, name, _ := strings.Cut(step, " ")
		switch op {
		case "write":
			if got, want := k.steps[i+1:i+3], []string{"sync " + name, "close " + name}; !slices.Equal(got, want) {
				t.Errorf("after %q comes %q, want %q", step, got, want)
			}
		case "rename":
			renames++
			if before, after := "sync "+name+".new", "sync d"; k.steps[i-2] != before || k.steps[i+1] != after {
				t.Errorf("around %q stand %q and %q, want %q and %q", step, k.steps[i-2], k.steps[i+1], before, after)
			}
		}
	}
	if renames < 8 {
		t.Errorf("only %d files were replaced: %v", renames, k.steps)
	}
}

// A failed append may have left half a line. The next one writes the journal anew.
func TestAppendAfterAFailedOne(t *testing.T) {
	ctx := context.Background()
	store := New(filepath.Join(t.TempDir(), "state.json"), statetest.Catalog(t), statetest.NewClock())
	lease, err := store.Lock(ctx, state.LockInfo{})
	if err != nil {
		t.Fatal(err)
	}
	records := []state.Record{{Bind: statetest.Box(t, "a", 1)}, {Bind: statetest.Box(t, "b", 1)}, {Bind: statetest.Box(t, "c", 1)}}
	if err := lease.Append(ctx, records[0]); err != nil {
		t.Fatal(err)
	}
	k := &killer{at: 2, torn: true} // the second operation is the write
	store.disk.fault = k.fault
	if err := lease.Append(ctx, records[1]); !errors.Is(err, errKilled) {
		t.Fatalf("the disk failed and the append returned %v", err)
	}
	store.disk.fault = nil
	want := state.Fold(state.New(), []state.Record{records[0], records[2]})
	if err := errors.Join(lease.Append(ctx, records[2]), sameState(ctx, store, want), lease.Release(ctx)); err != nil {
		t.Error(err)
	}
}

// A reader holds no lock, so a writer may fold the journal, and begin a new one, at any moment of its read.
// What was durable when the read began is in it all the same.
func TestAReadSeesOneMomentWhateverComesBetween(t *testing.T) {
	for reads := 1; reads <= 2; reads++ {
		for _, deed := range []string{"fold", "fold and append", "fold twice"} {
			t.Run(fmt.Sprintf("%s before read %d", deed, reads), func(t *testing.T) { interrupted(t, deed, reads) })
		}
	}
}

func interrupted(t *testing.T, deed string, before int) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "state.json")
	if err := writeOne(ctx, t, path); err != nil {
		t.Fatal(err)
	}
	writer, err := New(path, statetest.Catalog(t), statetest.NewClock()).Lock(ctx, state.LockInfo{})
	if err != nil {
		t.Fatal(err)
	}
	number := 0
	add := func() error {
		number++
		return writer.Append(ctx, state.Record{Bind: statetest.Box(t, fmt.Sprintf("j%d", number), 1)})
	}
	fold := func() error {
		s, err := writer.Read(ctx)
		return errors.Join(err, writer.Write(ctx, s))
	}
	if err := add(); err != nil {
		t.Fatal(err)
	}
	reader := New(path, statetest.Catalog(t), statetest.NewClock())
	reader.disk.fault = func(op, _ string, size int) (int, error) {
		if before--; op != "read" || before != 0 {
			return size, nil
		}
		err := fold()
		if deed != "fold" {
			err = errors.Join(err, add())
		}
		if deed == "fold twice" {
			err = errors.Join(err, fold())
		}
		return size, err
	}
	got, err := reader.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if before > 0 {
		t.Fatal("the writer did not come in between")
	}
	if got.Resources["box.n0"] == nil || got.Resources["box.j1"] == nil {
		t.Errorf("read %v; want what was written and what was in the journal", got.Resources)
	}
	if err := writer.Release(ctx); err != nil {
		t.Error(err)
	}
}

const childPath = "MERCATOR_TEST_STATE"

// TestMain serves as the process that TestRule_R28_ADeadHolderIsKnownAtOnce kills.
func TestMain(m *testing.M) {
	path := os.Getenv(childPath)
	if path == "" {
		os.Exit(m.Run())
	}
	store := New(path, &schema.Catalog{}, state.SystemClock())
	if _, err := store.Lock(context.Background(), state.LockInfo{Who: "child@host", PID: os.Getpid()}); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("locked")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // until killed
}

func TestRule_R28_ADeadHolderIsKnownAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.json")
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childPath+"="+path)
	in, err := child.StdinPipe() // open and silent
	out, err2 := child.StdoutPipe()
	if err := errors.Join(err, err2, child.Start()); err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "locked\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	ctx := context.Background()
	store := New(path, statetest.Catalog(t), state.SystemClock())
	var locked *state.LockedError
	if _, err := store.Lock(ctx, state.LockInfo{}); !errors.As(err, &locked) || locked.Holder.PID != child.Process.Pid {
		t.Fatalf("beside a living holder: %v", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	if holder, err := store.Holder(ctx); holder != nil || err != nil {
		t.Errorf("a dead process holds the lock: %+v, %v", holder, err)
	}
	lease, err := store.Lock(ctx, state.LockInfo{})
	if err != nil {
		t.Fatalf("after the holder's death: %v", err)
	}
	if lease.Info().Fence != 2 {
		t.Errorf("fence %d, want 2", lease.Info().Fence)
	}
}

// A request of a holder who was killed may still be on its way, so its successors are told when that is over.
func TestRule_R28_SuccessorsKnowWhenTheCallsOfTheDeadAreOver(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "state.json")
	clock := statetest.NewClock()
	began := clock.Now()
	store := New(path, statetest.Catalog(t), clock)
	lock := func(what string, want time.Duration) *lease {
		t.Helper()
		held, err := store.Lock(ctx, state.LockInfo{})
		if err != nil {
			t.Fatal(err)
		}
		got := held.Info().Quiet
		if want == 0 && !got.IsZero() || want != 0 && !got.Equal(began.Add(want)) {
			t.Errorf("%s: quiet at %v, want %v after %v", what, got, want, began)
		}
		return held.(*lease)
	}
	die := func(l *lease) { (&victim{lease: l}).die() }
	release := func(l *lease) {
		if err := l.Release(ctx); err != nil {
			t.Fatal(err)
		}
	}
	die(lock("the first", 0))
	clock.Advance(10 * time.Second)
	release(lock("after a death", 10*time.Second+state.CallLimit))
	die(lock("after a successor that did not wait", 10*time.Second+state.CallLimit))
	clock.Advance(50 * time.Second)
	release(lock("when the lease of the dead is nearly over", 10*time.Second+state.LeaseLength))
	clock.Advance(20 * time.Second)
	sent := lock("when all is over", 0)
	if err := store.Unlock(ctx, sent.Info().ID); err != nil {
		t.Fatal(err)
	}
	release(lock("after somebody was sent away", 80*time.Second+state.LeaseLength))
	die(sent)
}

// On another machine a holder's death does not show, so its lease is waited for.
func TestRule_R28_AHolderOnAnotherMachineIsWaitedFor(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "state.json")
	clock := statetest.NewClock()
	there := New(path, statetest.Catalog(t), clock)
	there.host = "there"
	held, err := there.Lock(ctx, state.LockInfo{})
	if err != nil {
		t.Fatal(err)
	}
	(&victim{lease: held.(*lease)}).die()
	here := New(path, statetest.Catalog(t), clock)
	var locked *state.LockedError
	if _, err := here.Lock(ctx, state.LockInfo{}); !errors.As(err, &locked) {
		t.Errorf("before it expired: %v", err)
	}
	clock.Advance(state.LeaseLength + state.CallLimit + state.Skew + 1)
	if _, err := here.Lock(ctx, state.LockInfo{}); err != nil {
		t.Errorf("after it expired: %v", err)
	}
}

// The fencing number goes on rising even if somebody removes the lock file, or the journal would be ignored.
func TestFenceSurvivesARemovedLockFile(t *testing.T) {
	ctx := context.Background()
	store := New(filepath.Join(t.TempDir(), "state.json"), statetest.Catalog(t), statetest.NewClock())
	for range 3 {
		lease, err := store.Lock(ctx, state.LockInfo{})
		if err == nil {
			err = errors.Join(lease.Append(ctx, state.Record{Bind: statetest.Box(t, "a", 1)}), lease.Release(ctx))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(store.lockPath()); err != nil {
		t.Fatal(err)
	}
	lease, err := store.Lock(ctx, state.LockInfo{})
	if err != nil || lease.Info().Fence != 4 {
		t.Errorf("lease %+v, %v, want fence 4", lease, err)
	}
}

func TestDamagedFilesAreNamed(t *testing.T) {
	ctx := context.Background()
	for _, suffix := range []string{"", ".journal", ".lock"} {
		store := New(filepath.Join(t.TempDir(), "state.json"), statetest.Catalog(t), statetest.NewClock())
		if err := os.WriteFile(store.path+suffix, []byte("x\nx\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := store.Read(ctx)
		if suffix == ".lock" {
			_, err = store.Lock(ctx, state.LockInfo{})
		}
		if err == nil || !strings.Contains(err.Error(), store.path+suffix+": ") && !strings.Contains(err.Error(), store.path+suffix+" is") {
			t.Errorf("a damaged %q: %v", suffix, err)
		}
	}
}

func TestASymbolicLinkStays(t *testing.T) {
	ctx := context.Background()
	folder := t.TempDir()
	target, link := filepath.Join(folder, "real.json"), filepath.Join(folder, "state.json")
	if err := errors.Join(writeOne(ctx, t, target), os.Symlink(target, link)); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	if err := writeOne(ctx, t, link); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v, %v", info, err)
	}
	if got, err := New(target, statetest.Catalog(t), statetest.NewClock()).Read(ctx); err != nil || got.Serial != 2 {
		t.Errorf("the target holds %+v, %v, want serial 2", got, err)
	}
}

// writeOne adds a box to the state at path.
func writeOne(ctx context.Context, t *testing.T, path string) error {
	lease, err := New(path, statetest.Catalog(t), statetest.NewClock()).Lock(ctx, state.LockInfo{})
	if err != nil {
		return err
	}
	s, err := lease.Read(ctx)
	if err != nil {
		return err
	}
	b := statetest.Box(t, fmt.Sprintf("n%d", s.Serial), 1)
	s.Resources[b.Address] = b
	return errors.Join(lease.Write(ctx, s), lease.Release(ctx))
}

// The cost of saving one result does not depend on how much the state holds.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{0, 10_000} {
		b.Run(fmt.Sprintf("resources=%d", size), func(b *testing.B) {
			ctx := context.Background()
			store := New(filepath.Join(b.TempDir(), "state.json"), statetest.Catalog(b), state.SystemClock())
			lease, err := store.Lock(ctx, state.LockInfo{})
			if err != nil {
				b.Fatal(err)
			}
			s := state.New()
			for i := range size {
				box := statetest.Box(b, fmt.Sprintf("n%d", i), i)
				s.Resources[box.Address] = box
			}
			if err := lease.Write(ctx, s); err != nil {
				b.Fatal(err)
			}
			record := state.Record{Bind: statetest.Box(b, "a", 1)}
			for b.Loop() {
				if err := lease.Append(ctx, record); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
