package state_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"mercator/apply/state"
	"mercator/apply/state/statetest"
	"mercator/schema"
)

func allRecords(t testing.TB) []state.Record {
	nothing := cty.NullVal(statetest.Catalog(t).Kind("box").Type())
	return []state.Record{
		{Fence: 7, Plan: []state.Intent{{ID: "i-1", Address: "box.new", Kind: "box", Verb: schema.CallCreate, Content: nothing}}},
		{Fence: 7, Connections: map[string]state.Connection{"": {OrgID: "o1", BaseURL: "https://cloud.example"}}},
		{Fence: 7, Arm: statetest.Armed(t, "i-1", "box.new")},
		{Fence: 7, Bind: statetest.Box(t, "new", 1)},
		{Fence: 7, Done: []string{"i-1"}},
		{Fence: 8, Drop: []schema.Address{"box.old"}},
		{Fence: 8, Outputs: map[string]state.Output{"n": {Value: cty.NumberIntVal(1)}}},
		{Fence: 8, Outputs: map[string]state.Output{}},
		{Fence: 8, Plan: []state.Intent{}},
	}
}

func journal(t testing.TB, base state.Base, records ...state.Record) []byte {
	t.Helper()
	head, err := state.JournalHead(base)
	lines, err2 := state.JournalLines(statetest.Catalog(t), records)
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return append(head, lines...)
}

func TestJournalVersion1IsReadForEver(t *testing.T) {
	base := state.Base{Lineage: "8a6c3bb4-2f5b-4c4e-9d1c-0e6f3b8f7a10", Serial: 42}
	golden(t, "journal.v1", journal(t, base, allRecords(t)...))
	data, err := os.ReadFile("testdata/journal.v1")
	if err != nil {
		t.Fatal(err)
	}
	got, err := state.DecodeJournal(statetest.Catalog(t), data)
	if err != nil {
		t.Fatal(err)
	}
	if got.Base != base || got.Size != len(data) || got.Fence() != 8 {
		t.Errorf("base %+v, size %d of %d, fence %d", got.Base, got.Size, len(data), got.Fence())
	}
	if again := journal(t, got.Base, got.Records...); !bytes.Equal(data, again) {
		t.Errorf("read and written:\n%s\nwant:\n%s", again, data)
	}
}

// However much of the last append reached the disk, what was there before is read and the rest is nothing.
func TestTornJournalKeepsWhatIsWhole(t *testing.T) {
	records := allRecords(t)
	whole := journal(t, state.Base{}, records[:4]...)
	data := journal(t, state.Base{}, records...)
	last := len(journal(t, state.Base{}, records[:5]...))
	for cut := 0; cut < last; cut++ {
		got, err := state.DecodeJournal(statetest.Catalog(t), data[:cut])
		if err != nil {
			t.Fatalf("cut at byte %d: %v", cut, err)
		}
		if cut >= len(whole) && (len(got.Records) != 4 || got.Size != len(whole)) {
			t.Fatalf("cut at byte %d: %d records in %d bytes, want 4 in %d", cut, len(got.Records), got.Size, len(whole))
		}
	}
}

func TestDamagedJournalIsAnError(t *testing.T) {
	catalog := statetest.Catalog(t)
	data := journal(t, state.Base{}, allRecords(t)...)
	lines := bytes.SplitAfter(data, []byte("\n"))
	second := len(lines[0])
	for name, damaged := range map[string][]byte{
		"a flipped bit": append(append(bytes.Clone(data[:second+20]), data[second+20]^1), data[second+21:]...),
		"a lost line":   append(append(bytes.Clone(lines[0]), lines[1][:10]...), bytes.Join(lines[2:], nil)...),
		"a lost head":   data[5:],
		"no journal":    []byte("hello\nworld\n"),
	} {
		if got, err := state.DecodeJournal(catalog, damaged); err == nil {
			t.Errorf("%s was read: %+v", name, got)
		} else if !strings.Contains(err.Error(), "line ") {
			t.Errorf("%s: the error %q names no line", name, err)
		}
	}
}

func TestJournalRefusesRecordsOfSeveralThings(t *testing.T) {
	for _, r := range []state.Record{{}, {Done: []string{"i"}, Drop: []schema.Address{"box.a"}}} {
		if _, err := state.JournalLines(statetest.Catalog(t), []state.Record{r}); err == nil {
			t.Errorf("%+v was written", r)
		}
	}
}

func TestJournalOverState(t *testing.T) {
	bound := statetest.Box(t, "new", 1)
	at := func(lineage string, serial uint64) *state.State {
		s := state.New()
		s.Lineage, s.Serial = lineage, serial
		return s
	}
	for name, c := range map[string]struct {
		base   state.Base
		on     *state.State
		folded bool
		fails  bool
	}{
		"same":                   {state.Base{Lineage: "L", Serial: 4}, at("L", 4), true, false},
		"never written":          {state.Base{}, at("", 0), true, false},
		"already folded in":      {state.Base{Lineage: "L", Serial: 3}, at("L", 4), false, false},
		"folded by first write":  {state.Base{}, at("L", 1), false, false},
		"older state put back":   {state.Base{Lineage: "L", Serial: 5}, at("L", 4), false, true},
		"state removed":          {state.Base{Lineage: "L", Serial: 5}, at("", 0), false, true},
		"another state put back": {state.Base{Lineage: "M", Serial: 3}, at("L", 4), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			j := state.Journal{Base: c.base, Records: []state.Record{{Bind: bound}}}
			got, err := j.Over(c.on)
			if (err != nil) != c.fails {
				t.Fatalf("error %v", err)
			}
			if err == nil && (len(got.Resources) == 1) != c.folded {
				t.Errorf("folded: %+v", got.Resources)
			}
		})
	}
	if got, err := (state.Journal{Base: state.Base{Lineage: "M"}}).Over(at("L", 4)); err != nil || got.Serial != 4 {
		t.Errorf("an empty journal of another state: %v", err)
	}
}

func TestRule_R26_FoldIsPureAndIdempotent(t *testing.T) {
	before := statetest.Full(t)
	for n := range allRecords(t) {
		records := allRecords(t)[:n+1]
		once := state.Fold(before, records)
		twice := state.Fold(once, records)
		if diff := statetest.Diff(once, twice); diff != "" {
			t.Errorf("%d records folded twice (- once, + twice):\n%s", n+1, diff)
		}
		if diff := statetest.Diff(statetest.Full(t), before); diff != "" {
			t.Fatalf("folding %d records changed the state before:\n%s", n+1, diff)
		}
	}
}

func TestRule_R26_FoldKeepsArmedIntentsInPlanOrder(t *testing.T) {
	intent := func(id string) state.Intent { return *statetest.Armed(t, id, schema.Address("box."+id)) }
	planned := func(id string) state.Intent {
		i := intent(id)
		i.Armed = false
		return i
	}
	b, x := intent("b"), intent("x")
	got := state.Fold(state.New(), []state.Record{
		{Plan: []state.Intent{planned("a"), planned("b"), planned("c")}},
		{Arm: &b},
		{Done: []string{"a", "unheard-of"}},
		{Arm: &x}, // one that the plan did not list may have been sent all the same
	})
	var order []string
	for _, i := range got.Intents {
		order = append(order, fmt.Sprintf("%s:%v", i.ID, i.Armed))
	}
	if want := "b:true c:false x:true"; strings.Join(order, " ") != want {
		t.Errorf("intents %v, want %s", order, want)
	}
}

func TestRule_R28_FoldIgnoresAFencedOffHolder(t *testing.T) {
	late := statetest.Box(t, "late", 1)
	got := state.Fold(state.New(), []state.Record{
		{Fence: 3, Bind: statetest.Box(t, "first", 1)},
		{Fence: 4, Bind: statetest.Box(t, "second", 1)},
		{Fence: 3, Bind: late},
		{Fence: 3, Drop: []schema.Address{"box.second"}},
		{Fence: 4, Bind: statetest.Box(t, "third", 1)},
	})
	if got.Resources["box.late"] != nil || len(got.Resources) != 3 {
		t.Errorf("folded %v, want first, second and third", got.Resources)
	}
}

func FuzzDecodeJournal(f *testing.F) {
	catalog := statetest.Catalog(f)
	data := journal(f, state.Base{Lineage: "L", Serial: 1}, allRecords(f)...)
	f.Add(data)
	f.Add(data[:len(data)-3])
	f.Add([]byte("00000000 0 \n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		j, err := state.DecodeJournal(catalog, data)
		if err != nil || j.Size == 0 {
			return
		}
		if j.Size > len(data) {
			t.Fatalf("%d whole bytes of %d", j.Size, len(data))
		}
		again, err := state.DecodeJournal(catalog, journal(t, j.Base, j.Records...))
		if err != nil || len(again.Records) != len(j.Records) {
			t.Fatalf("written and read: %d records of %d, %v", len(again.Records), len(j.Records), err)
		}
		state.Fold(state.New(), j.Records)
	})
}

func BenchmarkFold10000(b *testing.B) {
	var plan []state.Intent
	var records []state.Record
	for i := range 10_000 {
		intent := *statetest.Armed(b, fmt.Sprint(i), "box.new")
		plan = append(plan, intent)
		records = append(records, state.Record{Arm: &intent}, state.Record{Done: []string{intent.ID}})
	}
	records = append([]state.Record{{Plan: plan}}, records...)
	s := state.New()
	for b.Loop() {
		if got := state.Fold(s, records); len(got.Intents) > 0 {
			b.Fatal("intents are left open")
		}
	}
}
