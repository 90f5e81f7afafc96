package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"mercator/apply/state"
	"mercator/apply/state/statetest"
)

// write replaces the state by one with a box of that size.
func write(t *testing.T, s *Store, size int) *state.State {
	t.Helper()
	ctx := context.Background()
	lease, err := s.Lock(ctx, state.LockInfo{})
	if err != nil {
		t.Fatal(err)
	}
	st, err := lease.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	st = st.Clone()
	st.Resources["box.a"] = statetest.Box(t, "a", size)
	if err := errors.Join(lease.Write(ctx, st), lease.Release(ctx)); err != nil {
		t.Fatal(err)
	}
	return st
}

func serials(versions []state.Version) []uint64 {
	var out []uint64
	for _, v := range versions {
		out = append(out, v.Serial)
	}
	return out
}

func TestHistory(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), DefaultPath)
	s := New(path, statetest.Catalog(t), statetest.NewClock(), WithHistory(3))
	if versions, err := s.History(ctx); len(versions) != 0 || err != nil {
		t.Errorf("the history of nothing: %v, %v", versions, err)
	}
	var wrote []*state.State
	for size := range 6 {
		wrote = append(wrote, write(t, s, size))
	}
	versions, err := s.History(ctx)
	if err != nil || !slices.Equal(serials(versions), []uint64{6, 5, 4, 3}) {
		t.Fatalf("%v, %v", versions, err)
	}
	for _, v := range versions {
		got, err := s.Version(ctx, v.Serial)
		if err != nil || statetest.Diff(wrote[v.Serial-1], got) != "" {
			t.Errorf("version %d: %v", v.Serial, err)
		}
		if v.Lineage != wrote[0].Lineage || v.At.IsZero() || v.Size == 0 {
			t.Errorf("version %+v", v)
		}
	}
	var missing *state.NotKeptError
	for _, serial := range []uint64{0, 1, 2, 7} {
		if _, err := s.Version(ctx, serial); !errors.As(err, &missing) || missing.Serial != serial {
			t.Errorf("version %d: %v", serial, err)
		}
	}
	info, err := os.Stat(s.versionPath(5))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of an earlier state: %v, %v", info.Mode(), err)
	}
}

// Without being asked to, nothing is kept but what there is.
func TestNoHistory(t *testing.T) {
	s := New(filepath.Join(t.TempDir(), DefaultPath), statetest.Catalog(t), statetest.NewClock())
	write(t, s, 1)
	write(t, s, 2)
	versions, err := s.History(context.Background())
	if err != nil || !slices.Equal(serials(versions), []uint64{2}) {
		t.Errorf("%v, %v", versions, err)
	}
	if _, err := os.Stat(s.historyPath()); !os.IsNotExist(err) {
		t.Errorf("the folder: %v", err)
	}
}

// A writer that died between keeping a state and replacing it leaves a copy of the present one, which is no version
// of its own; the next write goes on as if nothing had been.
func TestHistoryOfOneCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), DefaultPath)
	s := New(path, statetest.Catalog(t), statetest.NewClock(), WithHistory(3))
	write(t, s, 1)
	stored, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.remember(stored); err != nil {
		t.Fatal(err)
	}
	versions, err := s.History(context.Background())
	if err != nil || !slices.Equal(serials(versions), []uint64{1}) {
		t.Errorf("%v, %v", versions, err)
	}
	write(t, s, 2)
	if versions, err = s.History(context.Background()); err != nil || !slices.Equal(serials(versions), []uint64{2, 1}) {
		t.Errorf("%v, %v", versions, err)
	}
}

func TestBackend(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ path, want string }{{"", filepath.Join(dir, DefaultPath)}, {"a/b.json", filepath.Join(dir, "a", "b.json")}, {"/x/y.json", "/x/y.json"}} {
		store, err := Backend().Open(state.Settings{Dir: dir, Values: map[string]string{"path": c.path, "history": "4"}, Catalog: statetest.Catalog(t)})
		if err != nil || store.(*Store).path != c.want || store.(*Store).keep != 4 {
			t.Errorf("%q: %+v, %v", c.path, store, err)
		}
	}
	for _, wrong := range []string{"-1", "many", "1001"} {
		if _, err := Backend().Open(state.Settings{Values: map[string]string{"history": wrong}}); err == nil {
			t.Errorf("history = %s is taken", wrong)
		}
	}
}
