package local

import (
	"path/filepath"
	"strings"
	"testing"

	"mercator/apply/state/statetest"
)

// The state is written once, however many results are saved before; where earlier states are kept, the one before it
// is copied, too.
func TestWhatAnApplyWrites(t *testing.T) {
	const boxes, changes = 10_000, 10
	for name, c := range map[string]struct{ keep, states int }{"alone": {0, 1}, "with history": {10, 2}} {
		t.Run(name, func(t *testing.T) {
			wrote := map[string]int{}
			path := filepath.Join(t.TempDir(), "state.json")
			count := func(op, file string, size int) (int, error) {
				if op == "write" {
					wrote[strings.TrimSuffix(strings.TrimPrefix(file, path), ".new")] += size
				}
				return size, nil
			}
			store := New(path, statetest.Catalog(t), statetest.NewClock(), WithHistory(c.keep), WithFaults(count))
			size := statetest.Fill(t, store, boxes)
			clear(wrote)
			statetest.Change(t, store, changes)
			all := 0
			for _, n := range wrote {
				all += n
			}
			t.Logf("local, %s: a state of %d bytes, %d bytes written: the state %d, its journal %d, its lock %d",
				name, size, all, wrote[""], wrote[".journal"], wrote[".lock"])
			if wrote[".journal"] == 0 || wrote[".lock"] == 0 || all < c.states*size || all > c.states*size+size/10 {
				t.Errorf("%d bytes were written for a state of %d: %v", all, size, wrote)
			}
		})
	}
}
