package state

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strconv"

	"mercator/schema"
)

// A journal is text, one entry a line: checksum, length and JSON, so that a line that was being written when the
// machine died is told from a whole one, and an old fault of the disk from both.
//
//	7c9e6a1b 43 {"version":1,"lineage":"0b5f…","serial":4}
//	41d0f3aa 29 {"fence":7,"done":["2f6c…"]}
//
// The first line names the state that the journal builds on. That makes replacing the state and emptying the
// journal two steps that need no atomicity between them: after the first, the journal's base is older than the
// state, so that every reader knows it as folded in already. Whoever reads the journal before the state
// therefore sees one consistent moment without any lock.

// Journal is a decoded journal.
type Journal struct {
	// Base is the state that the records build on.
	Base    Base
	Records []Record
	// Size is how many bytes of the data hold whole lines; what follows was torn and never durable.
	Size int
}

type journalHead struct {
	Version int `json:"version"`
	Base
}

type recordJSON struct {
	Fence       uint64                `json:"fence"`
	Plan        []intentJSON          `json:"plan,omitzero"`
	Arm         *intentJSON           `json:"arm,omitempty"`
	Bind        *boundJSON            `json:"bind,omitempty"`
	Done        []string              `json:"done,omitzero"`
	Drop        []schema.Address      `json:"drop,omitzero"`
	Outputs     map[string]outputJSON `json:"outputs,omitzero"`
	Connections map[string]Connection `json:"connections,omitzero"`
}

func (j *recordJSON) fields() int {
	n := 0
	for _, set := range []bool{j.Plan != nil, j.Arm != nil, j.Bind != nil, j.Done != nil, j.Drop != nil,
		j.Outputs != nil, j.Connections != nil} {
		if set {
			n++
		}
	}
	return n
}

// JournalHead returns the first line of a journal that builds on the given state.
func JournalHead(base Base) ([]byte, error) {
	text, err := marshal(journalHead{FormatVersion, base}, "")
	return frame(text), err
}

// JournalLines returns the lines of records.
func JournalLines(catalog *schema.Catalog, records []Record) ([]byte, error) {
	var lines []byte
	for i := range records {
		j, err := codec{catalog}.recordOut(&records[i])
		if err != nil {
			return nil, fmt.Errorf("a record for the journal: %w", err)
		}
		text, err := marshal(j, "")
		if err != nil {
			return nil, err
		}
		lines = append(lines, frame(text)...)
	}
	return lines, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// frame puts checksum and length before a text that ends with its only newline.
func frame(text []byte) []byte {
	text = bytes.TrimSuffix(text, []byte("\n"))
	return fmt.Appendf(nil, "%08x %d %s\n", crc32.Checksum(text, castagnoli), len(text), text)
}

// unframe returns the JSON of a line, or false where the line is not whole.
func unframe(line []byte) ([]byte, bool) {
	line, whole := bytes.CutSuffix(line, []byte("\n"))
	sum, rest, ok1 := bytes.Cut(line, []byte(" "))
	size, text, ok2 := bytes.Cut(rest, []byte(" "))
	if !whole || !ok1 || !ok2 || string(size) != strconv.Itoa(len(text)) {
		return nil, false
	}
	want := fmt.Sprintf("%08x", crc32.Checksum(text, castagnoli))
	return text, string(sum) == want
}

// DecodeJournal reads a journal. A torn last line is left out; damage anywhere else is an error. The zero
// Journal is that of no data, and of data in which not even the first line is whole.
func DecodeJournal(catalog *schema.Catalog, data []byte) (Journal, error) {
	var j Journal
	for n := 1; j.Size < len(data); n++ {
		line := data[j.Size:]
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line = line[:end+1]
		}
		text, whole := unframe(line)
		if !whole && j.Size+len(line) == len(data) {
			return j, nil
		}
		if !whole {
			return Journal{}, fmt.Errorf("line %d of the state's journal is damaged, and whole ones follow it; "+
				"restore the file from a copy, or remove that line to lose what it says", n)
		}
		if err := j.add(catalog, text); err != nil {
			return Journal{}, fmt.Errorf("line %d of the state's journal cannot be read: %w", n, err)
		}
		j.Size += len(line)
	}
	return j, nil
}

func (j *Journal) add(catalog *schema.Catalog, text []byte) error {
	if j.Size == 0 {
		var head journalHead
		if err := unmarshal(text, &head); err != nil {
			return err
		}
		if head.Version != FormatVersion {
			return fmt.Errorf("its format is version %d and this Mercator reads %d; use a newer Mercator",
				head.Version, FormatVersion)
		}
		j.Base = head.Base
		return nil
	}
	var wire recordJSON
	if err := unmarshal(text, &wire); err != nil {
		return err
	}
	r, err := codec{catalog}.recordIn(&wire)
	if err != nil {
		return err
	}
	j.Records = append(j.Records, r)
	return nil
}

// Fence returns the highest fencing number in the journal.
func (j Journal) Fence() uint64 {
	var highest uint64
	for i := range j.Records {
		highest = max(highest, j.Records[i].Fence)
	}
	return highest
}

// Continues reports whether the journal builds on the given state; false means that it is empty or was folded in
// before. A journal that builds on a later state, or on another one, is an error: the state was replaced by hand.
func (j Journal) Continues(base Base) (bool, error) {
	switch {
	case len(j.Records) == 0 || j.Base.olderThan(base):
		return false, nil
	case j.Base == base:
		return true, nil
	}
	return false, fmt.Errorf("the journal builds on serial %d of lineage %q, but the state is serial %d of %q; "+
		"put back the state that belongs to the journal, or move the journal away to lose what it holds",
		j.Base.Serial, j.Base.Lineage, base.Serial, base.Lineage)
}

// Over returns the state with the journal folded in where it continues it, else the state as it is.
func (j Journal) Over(s *State) (*State, error) {
	continues, err := j.Continues(s.Base())
	if err != nil || !continues {
		return s, err
	}
	return Fold(s, j.Records), nil
}

// olderThan reports whether b is an earlier version of the same state.
func (b Base) olderThan(other Base) bool {
	return b.Serial < other.Serial && (b.Lineage == other.Lineage || b.Lineage == "")
}

func (c codec) recordOut(r *Record) (recordJSON, error) {
	j := recordJSON{Fence: r.Fence, Done: r.Done, Drop: r.Drop, Connections: r.Connections}
	var err error
	if r.Plan != nil {
		if j.Plan, err = c.intentsOut(r.Plan); err != nil {
			return j, err
		}
	}
	if r.Arm != nil {
		arm, err := c.intentOut(r.Arm)
		if err != nil {
			return j, err
		}
		j.Arm = &arm
	}
	if r.Bind != nil {
		bind, err := c.boundOut(r.Bind)
		if err != nil {
			return j, err
		}
		j.Bind = &bind
	}
	if r.Outputs != nil {
		if j.Outputs, err = outputsOut(r.Outputs); err != nil {
			return j, err
		}
	}
	if n := j.fields(); n != 1 {
		return j, fmt.Errorf("a record says one thing, and this one says %d", n)
	}
	return j, nil
}

func (c codec) recordIn(j *recordJSON) (Record, error) {
	r := Record{Fence: j.Fence, Done: j.Done, Drop: j.Drop, Connections: j.Connections}
	if n := j.fields(); n != 1 {
		return r, fmt.Errorf("a record says one thing, and this one says %d", n)
	}
	var err error
	if j.Plan != nil {
		if r.Plan, err = c.intentsIn(j.Plan); err != nil {
			return r, err
		}
	}
	if j.Arm != nil {
		arm, err := c.intentIn(j.Arm)
		if err != nil {
			return r, err
		}
		r.Arm = &arm
	}
	if j.Bind != nil {
		if r.Bind, err = c.boundIn(j.Bind.Address, *j.Bind); err != nil {
			return r, err
		}
	}
	if j.Outputs != nil {
		if r.Outputs, err = outputsIn(j.Outputs); err != nil {
			return r, err
		}
	}
	for _, a := range j.Drop {
		err = errors.Join(err, checkAddress(a))
	}
	return r, err
}

// Fold returns the state that a state and the records after it amount to. It changes neither. A record whose
// fence is lower than that of one before it was written by a holder that had lost its lease, and is ignored.
// Folding the same records in twice gives the same state as once.
func Fold(s *State, records []Record) *State {
	f := newFolder(s)
	for i := range records {
		f.add(&records[i])
	}
	return f.result()
}

// folder is a fold under way. Ended intents stay in their places, marked, until the result is asked for, so that
// a fold takes time in proportion to its records.
type folder struct {
	state *State // its own, but for Intents
	fence uint64
	open  []Intent
	ended []bool
	at    map[string]int // where in open the intent of an ID stands
}

func newFolder(s *State) *folder {
	f := &folder{state: s.Clone()}
	f.plan(s.Intents)
	return f
}

func (f *folder) plan(intents []Intent) {
	f.open = slices.Clone(intents)
	f.ended = make([]bool, len(intents))
	f.at = make(map[string]int, len(intents))
	for i := range f.open {
		f.at[f.open[i].ID] = i
	}
}

// arm replaces the intent of the same ID. One that no plan listed is added: what may have been sent must never
// be forgotten.
func (f *folder) arm(armed Intent) {
	i, known := f.at[armed.ID]
	if !known {
		i = len(f.open)
		f.at[armed.ID] = i
		f.open = append(f.open, Intent{})
		f.ended = append(f.ended, false)
	}
	f.open[i], f.ended[i] = armed, false
}

func (f *folder) add(r *Record) {
	if r.Fence < f.fence {
		return
	}
	f.fence = r.Fence
	switch {
	case r.Plan != nil:
		f.plan(r.Plan)
	case r.Arm != nil:
		f.arm(*r.Arm)
	case r.Bind != nil:
		f.state.Resources[r.Bind.Address] = r.Bind
	case r.Done != nil:
		for _, id := range r.Done {
			if i, known := f.at[id]; known {
				f.ended[i] = true
			}
		}
	case r.Drop != nil:
		for _, address := range r.Drop {
			delete(f.state.Resources, address)
		}
	case r.Outputs != nil:
		f.state.Outputs = maps.Clone(r.Outputs)
	case r.Connections != nil:
		f.state.Connections = maps.Clone(r.Connections)
	}
}

// result returns the state so far, which later records do not change.
func (f *folder) result() *State {
	s := f.state.Clone()
	s.Intents = nil
	for i := range f.open {
		if !f.ended[i] {
			s.Intents = append(s.Intents, f.open[i])
		}
	}
	return s
}
