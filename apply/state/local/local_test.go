package local

import (
	"path/filepath"
	"testing"

	"mercator/apply/state"
	"mercator/apply/state/statetest"
)

func TestConformance(t *testing.T) {
	statetest.Run(t, func(t *testing.T) statetest.Opener {
		path := filepath.Join(t.TempDir(), "made", "mercator.state.json")
		return func(t *testing.T, clock state.Clock) state.Store {
			return New(path, statetest.Catalog(t), clock)
		}
	})
}
