package s3

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"mercator/apply/state"
)

// The journal is a row of slots, numbered from 1, for each version of the state. A slot is an object that is made
// once, on the condition that it is not there, and whoever wants to write takes the next one. So of two who believe
// that they hold the lease only one gets it, and the other finds the slot taken and learns from the lock who it was:
//
//   - A holder whose predecessor did not leave in order first takes the next slot with a seal. What the predecessor
//     wrote before is known then, and what it still means to write collides with the seal, however late it comes.
//   - To replace the state a holder takes a slot that says so, and only then writes the state, over the version that
//     it read. A seal that comes before that slot stops it. A successor that finds such a slot, and the version
//     unchanged, replaces the state itself: from then on the write that was on its way has nothing left to replace.
//   - A write that changes nothing in the state takes a slot from which on the journal begins anew.
//
// Slots are named after the version that they build on, so that those of a replaced state count for nobody, even if
// one comes late, and can be deleted at leisure; seals only after a while, for one who was sent away to collide with.
// Of the present version's, those before a new beginning are deleted, but never a seal: whoever stood still before it
// could take its number, and then replace a state that is still the one that it had read.

// kind is what a slot is for.
type kind string

const (
	records kind = "records" // of an apply
	seal    kind = "seal"    // keeps out whoever had the lease before
	replace kind = "replace" // the state is about to be replaced
	anew    kind = "anew"    // what is before is in the state
)

// head is the first line of a slot; a journal of the common form follows.
type head struct {
	Kind  kind   `json:"kind"`
	Fence uint64 `json:"fence"`
	// Write is another one for each write, by which its writer knows it again.
	Write string `json:"write"`
}

// slot is a decoded slot.
type slot struct {
	head
	number  int
	journal state.Journal
}

// encodeSlot returns the data of a slot that builds on base.
func encodeSlot(k kind, fence uint64, base state.Base, lines []byte) ([]byte, error) {
	first, err1 := json.Marshal(head{k, fence, uuid.NewString()})
	second, err2 := state.JournalHead(base)
	return slices.Concat(first, []byte("\n"), second, lines), errors.Join(err1, err2)
}

func (s *Store) decodeSlot(key string, data []byte) (slot, error) {
	damaged := func(err error) error {
		return s.config.failed(fmt.Sprintf("%s, a part of its journal, cannot be read: %v; "+
			"restore the object from an earlier version, or delete it to lose what it says", key, err), err)
	}
	sl := slot{}
	first, rest, _ := bytes.Cut(data, []byte("\n"))
	if err := json.Unmarshal(first, &sl.head); err != nil {
		return sl, damaged(err)
	}
	var err error
	if sl.journal, err = state.DecodeJournal(s.catalog, rest); err == nil && (sl.journal.Size != len(rest) || len(rest) == 0) {
		err = errors.New("its end is missing")
	}
	if err != nil {
		return sl, damaged(err)
	}
	_, name, _ := strings.Cut(strings.TrimPrefix(key, s.journalKey()), "/")
	if sl.number, err = strconv.Atoi(name); err != nil {
		return sl, damaged(errors.New("its name is no number"))
	}
	return sl, nil
}

func (s *Store) journalKey() string { return s.config.Key + ".journal/" }

// folder is where the slots are that build on base.
func (s *Store) folder(base state.Base) string {
	return fmt.Sprintf("%s%020d-%s/", s.journalKey(), base.Serial, base.Lineage)
}

func (s *Store) slotKey(base state.Base, number int) string {
	return fmt.Sprintf("%s%08d", s.folder(base), number)
}

// view is the state and its journal at one moment.
type view struct {
	store *Store
	base  state.Base
	// stored is the state's object, nil where none was written yet.
	stored *object
	// slots are those that build on the state, since they last began anew, in their order.
	slots []slot
	// last is the number of the last one that is taken.
	last int
	// stale are all objects of the journal that the state or a new beginning has made superfluous.
	stale []entry
	// now is the time of the view by the store's clock, zero if it does not say.
	now time.Time
}

// data is the encoded state, nil where none was written yet.
func (v *view) data() []byte {
	if v.stored == nil {
		return nil
	}
	return v.stored.data
}

// fence is the highest fencing number in the journal.
func (v *view) fence() uint64 {
	var highest uint64
	for i := range v.slots {
		highest = max(highest, v.slots[i].Fence)
	}
	return highest
}

// has reports whether one of the slots is of a kind.
func (v *view) has(k kind) bool {
	return slices.ContainsFunc(v.slots, func(sl slot) bool { return sl.Kind == k })
}

// folded returns the state with its journal folded in.
func (v *view) folded() (*state.State, error) {
	s := state.New()
	if v.stored != nil {
		var err error
		if s, err = state.Decode(v.store.catalog, v.stored.data); err != nil {
			return nil, v.store.config.failed(err.Error(), err)
		}
	}
	journal := state.Journal{Base: v.base}
	var fence uint64
	for i := range v.slots {
		if sl := &v.slots[i]; sl.Fence >= fence {
			fence = sl.Fence
			journal.Records = append(journal.Records, sl.journal.Records...)
		}
	}
	return journal.Over(s)
}

// missing says that a slot is not where it should be.
type missing struct{ key string }

// Error names the slot.
func (m *missing) Error() string {
	return m.key + ", a part of its journal, is missing, or the journal is being changed all the time; " +
		"restore the object from an earlier version, or run the command again"
}

// survey reads the state and its journal. It needs no lock: slots never change, so that those that were listed
// before the state was read, and build on it, are what there was when they were listed. If one is gone, or one is
// missing from the row, the journal was changed meanwhile, and it begins again.
func (s *Store) survey(ctx context.Context) (*view, error) {
	b, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		v, err := s.look(ctx, b)
		gone := (*missing)(nil)
		switch {
		case !errors.As(err, &gone):
			return v, err
		case n == tries:
			return nil, s.config.failed(gone.Error(), gone)
		}
	}
}

func (s *Store) look(ctx context.Context, b *bucket) (*view, error) {
	entries, now, err := b.list(ctx, s.journalKey())
	if err != nil {
		return nil, err
	}
	v := &view{store: s, now: now}
	if v.stored, err = s.readState(ctx, b); err != nil {
		return nil, err
	}
	if v.stored != nil {
		if v.base, err = state.Peek(v.stored.data); err != nil {
			return nil, s.config.failed(err.Error(), err)
		}
	}
	var own, foreign []entry
	for _, e := range entries {
		switch {
		case strings.HasPrefix(e.key, s.folder(v.base)):
			own = append(own, e)
		case s.olderThan(e.key, v.base):
			v.stale = append(v.stale, e)
		default:
			foreign = append(foreign, e)
		}
	}
	if err := s.refuse(ctx, b, foreign, v.base); err != nil {
		return nil, err
	}
	if v.slots, err = s.readSlots(ctx, b, own); err != nil {
		return nil, err
	}
	return v, v.arrange(own)
}

// readState returns the state's object, nil where there is none.
func (s *Store) readState(ctx context.Context, b *bucket) (*object, error) {
	s.mu.Lock()
	known := s.last
	s.mu.Unlock()
	o, err := b.get(ctx, s.config.Key, known)
	if err != nil {
		return nil, err
	}
	s.remember(o)
	return o, nil
}

func (s *Store) remember(o *object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = o
}

// arrange leaves the slots that count, given where all were found.
func (v *view) arrange(own []entry) error {
	begin := 0
	for i := range v.slots {
		if v.slots[i].Kind == anew {
			begin = i
		}
	}
	v.last = 0
	for i := range v.slots[begin:] {
		sl := &v.slots[begin+i]
		if sl.number != v.last+1 && (i > 0 || sl.Kind != anew) {
			return &missing{v.store.slotKey(v.base, v.last+1)}
		}
		v.last = sl.number
	}
	for i, e := range own[:begin] {
		if v.slots[i].Kind != seal {
			v.stale = append(v.stale, e)
		}
	}
	v.slots = v.slots[begin:]
	return nil
}

// olderThan reports whether a slot builds on an earlier version of the state.
func (s *Store) olderThan(key string, base state.Base) bool {
	folder, _, _ := strings.Cut(strings.TrimPrefix(key, s.journalKey()), "/")
	number, lineage, _ := strings.Cut(folder, "-")
	serial, err := strconv.ParseUint(number, 10, 64)
	return err == nil && serial < base.Serial && (lineage == "" || lineage == base.Lineage)
}

// refuse returns an error if one of the slots, which build on another state or a later one, holds records: the state
// was replaced by hand.
func (s *Store) refuse(ctx context.Context, b *bucket, foreign []entry, base state.Base) error {
	found, err := s.readSlots(ctx, b, foreign)
	if err != nil {
		return err
	}
	for i := range found {
		if _, err := found[i].journal.Continues(base); err != nil {
			return s.config.failed(fmt.Sprintf("%s: %v", foreign[i].key, err), err)
		}
	}
	return nil
}

// atOnce is how many slots are read at the same time.
const atOnce = 16

func (s *Store) readSlots(ctx context.Context, b *bucket, entries []entry) ([]slot, error) {
	found := make([]slot, len(entries))
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(atOnce)
	for i, e := range entries {
		all.Go(func() error {
			o, err := b.get(ctx, e.key, nil)
			switch {
			case err != nil:
				return err
			case o == nil:
				return &missing{e.key}
			}
			found[i], err = s.decodeSlot(e.key, o.data)
			return err
		})
	}
	return found, all.Wait()
}

// seal sees to it that what earlier holders still mean to write fails: it takes the next slot, and if they meant to
// replace the state, replaces it.
func (s *Store) seal(ctx context.Context, fence uint64) error {
	b, err := s.connect(ctx)
	if err != nil {
		return err
	}
	for range tries {
		v, err := s.survey(ctx)
		if err != nil {
			return err
		}
		data, err := encodeSlot(seal, fence, v.base, nil)
		if err == nil {
			_, err = b.place(ctx, s.slotKey(v.base, v.last+1), data, nil, nil)
		}
		if err == nil && !v.has(replace) {
			return nil
		}
		if err == nil {
			err = s.finish(ctx, v)
		}
		if err != nil && !isConflict(err) {
			return err
		}
	}
	return s.busy()
}

// finish replaces the state by what it and its journal amount to, as somebody else may be about to.
func (s *Store) finish(ctx context.Context, v *view) error {
	b, err := s.connect(ctx)
	if err != nil {
		return err
	}
	next, err := v.folded()
	if err != nil {
		return err
	}
	next = next.Clone()
	next.Serial++
	if next.Lineage == "" {
		next.Lineage = uuid.NewString()
	}
	data, err := state.Encode(s.catalog, next)
	if err != nil {
		return err
	}
	_, err = b.place(ctx, s.config.Key, data, v.stored, about(next.Base(), ""))
	return err
}
