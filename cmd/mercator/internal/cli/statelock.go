package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"mercator/apply/state"
)

func (m *mending) lock() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "lock",
		Short: "Say who holds the state's lock",
		Long: "Lock says whether somebody is at work on the state, and who: the user and the machine, the job and its commit, since when, " +
			"and when it was heard of last. It takes no lock. A store that can't be asked is tried: the lock is taken and given back at once.",
		Example:     "  mercator state lock\n  mercator state lock --json | jq .holder.job",
		Args:        cobra.NoArgs,
		Annotations: codes("0    done, whether it is locked or not", codeFailed),
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, store, err := m.open()
			if err != nil {
				return err
			}
			holder, err := store.Holder(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return m.screen().json(lockJSON{Locked: holder != nil, Holder: holder})
			}
			m.screen().holder(holder, f.now)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// lockJSON is what state lock --json prints.
type lockJSON struct {
	Locked bool            `json:"locked"`
	Holder *state.LockInfo `json:"holder,omitempty"`
}

// json prints a value as indented JSON.
func (s screen) json(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		s.printf("%s\n", text)
	}
	return err
}

// holder prints who holds a lock, as far as the store knows.
func (s screen) holder(h *state.LockInfo, now time.Time) {
	if h == nil {
		s.line("The state is not locked.")
		return
	}
	s.line("The state is locked.")
	who := h.Who
	if h.PID != 0 {
		who += fmt.Sprintf(", process %d", h.PID)
	}
	for _, fact := range [][2]string{{"by", who}, {"for", h.Operation}, {"since", moment(h.Since, now)}, {"heartbeat", moment(h.Renewed, now)},
		{"expires", moment(h.Expires, now)}, {"job", h.Job}, {"commit", h.Commit}, {"id", h.ID}} {
		if fact[1] != "" {
			s.printf("  %-11s%s\n", fact[0], visible(fact[1]))
		}
	}
}

// moment is a time as people read it: "2026-03-01T12:00:00Z, 5m0s ago"; "" for none.
func moment(t, now time.Time) string {
	switch ago := now.Sub(t).Round(time.Second); {
	case t.IsZero():
		return ""
	case ago < 0:
		return fmt.Sprintf("%s, in %s", t.Format(time.RFC3339), -ago)
	default:
		return fmt.Sprintf("%s, %s ago", t.Format(time.RFC3339), ago)
	}
}

func (m *mending) unlock() *cobra.Command {
	return &cobra.Command{
		Use:   "unlock ID",
		Short: "Take the lock away from its holder",
		Long: "Unlock ends the lock with that id. Whoever holds it makes no further call to Atlas, in stores with leases. There, a lock whose " +
			"holder died also expires by itself, so this is rarely needed. mercator state lock names the id, and so does a command that found " +
			"the state locked.",
		Example:     "  mercator state unlock 1f0e8a5c-5e5d-4b6e-9a57-6d6a4a8c0f51",
		Args:        cobra.ExactArgs(1),
		Annotations: codes(codeDone, codeFailed),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, store, err := m.open()
			if err != nil {
				return err
			}
			err = store.Unlock(cmd.Context(), args[0])
			var other *state.LockedError
			if errors.As(err, &other) { // a wrong id, not a lock in the way
				return fmt.Errorf("there is no lock with the id %s; the state is locked by %s with the id %s", args[0], other.Holder.Who, other.Holder.ID)
			}
			if err != nil {
				return err
			}
			m.screen().line("The state is no longer locked.")
			return nil
		},
	}
}
