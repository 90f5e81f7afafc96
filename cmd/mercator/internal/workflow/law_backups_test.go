package workflow_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mercator/plan"
	"mercator/provider/sandbox"
	"mercator/schema"
)

// lawBackups is what a file declares in its cluster, by label.
type lawBackups struct {
	kind      string // of snapshots, by the cluster's type
	snapshots map[string]lawObject
	kept      map[string]int // for how long at most, by label; a snapshot that is kept for less may vanish at once
}

// TestLawOfBackups is the promise of the whole for what is done once: whatever snapshots are declared one after the
// other, whatever requests fail meanwhile and however much time passes, each declared one was taken once, is as the file
// says until it expires, and is then left alone; and nothing else was taken.
func TestLawOfBackups(t *testing.T) {
	cases := setLawCases(t)
	cover := newLawCoverOf(func(k *schema.Kind) bool { return k.Once })
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(lawTB{t, rt}, sandbox.Options{NoDefaultAlerts: true, Polls: 1})
		b := lawBackups{rapid.SampledFrom([]string{"backup_snapshot", "sharded_backup_snapshot"}).Draw(rt, "kind"), map[string]lawObject{}, map[string]int{}}
		r.write(b.hcl())
		r.converge()
		bound := map[string]string{} // ids that labels have had, by label
		for range rapid.IntRange(1, 4).Draw(rt, "steps") {
			r.clock.advance(time.Duration(rapid.SampledFrom([]int{0, 0, 30, 200}).Draw(rt, "hours")) * time.Hour)
			b = b.draw(rt, cover)
			r.write(b.hcl())
			r.faults(drawLawFault(rt, "/snapshots"))
			r.apply(plan.Options{})
			r.faults()
			r.converge()
			r.checkSnapshots(rt, b, bound)
		}
	})
	t.Log(cover.table())
	if missing := cover.missing(); cases >= lawFull && len(missing) > 0 {
		t.Errorf("never tried:\n%s", strings.Join(missing, "\n"))
	}
}

func drawLawFault(rt *rapid.T, path string) sandbox.Fault {
	fault := sandbox.Fault{Method: rapid.SampledFrom([]string{"", "POST", "PATCH", "DELETE"}).Draw(rt, "method"), Path: path,
		Nth: rapid.IntRange(1, 6).Draw(rt, "nth"), Action: rapid.SampledFrom([]sandbox.Action{sandbox.Lost, sandbox.Reset, sandbox.Status}).Draw(rt, "action")}
	if fault.Action == sandbox.Status {
		fault.Status = 500
	}
	return fault
}

// draw makes the next configuration out of this one.
func (b lawBackups) draw(rt *rapid.T, cover *lawCover) lawBackups {
	next := lawBackups{b.kind, map[string]lawObject{}, b.kept}
	for _, label := range []string{"one", "two", "three"} {
		old, there := b.snapshots[label]
		if there && rapid.IntRange(0, 4).Draw(rt, "touch") == 0 || !there && rapid.Bool().Draw(rt, "none") {
			continue
		}
		args := lawObject{}
		if text := rapid.SampledFrom([]string{"nightly", "before", ""}).Draw(rt, "description"); text != "" {
			args["description"] = text
		}
		if days := rapid.SampledFrom([]int{0, 1, 5, 9}).Draw(rt, "retention"); days > 0 && days >= b.kept[label] {
			args["retention_in_days"], b.kept[label] = days, days
		}
		cover.object(catalog.Kind(b.kind).Attributes, b.kind, old, args)
		next.snapshots[label] = args
	}
	return next
}

func (b lawBackups) hcl() string {
	shape := `provider_name = "AWS", region_name = "EU_WEST_1", priority = 7, electable_specs = { instance_size = "M30", node_count = 3 }`
	cluster := map[string]string{"backup_snapshot": "REPLICASET", "sharded_backup_snapshot": "SHARDED"}[b.kind]
	text := fmt.Sprintf("project \"shop\" {\n cluster \"orders\" {\n backup_enabled = true\n cluster_type = %q\n replication_specs = [{ region_configs = [{ %s }] }]\n", cluster, shape)
	for _, label := range slices.Sorted(maps.Keys(b.snapshots)) {
		text += fmt.Sprintf(" %s %q {\n", b.kind, label)
		for _, name := range slices.Sorted(maps.Keys(b.snapshots[label])) {
			text += fmt.Sprintf("  %s = %#v\n", name, b.snapshots[label][name])
		}
		text += " }\n"
	}
	return text + " }\n}\n"
}

// checkSnapshots holds the snapshots against the files.
func (r *rig) checkSnapshots(rt *rapid.T, b lawBackups, bound map[string]string) {
	live, owned := map[string]map[string]any{}, map[string]bool{}
	for _, s := range r.snapshots() {
		live[s["id"].(string)] = s
	}
	st := r.read()
	for label, args := range b.snapshots {
		entry := st.Resources[schema.Address("project.shop.cluster.orders."+b.kind+"."+label)]
		if entry == nil || entry.Waiting != "" {
			rt.Fatalf("the state has %s as %+v", label, entry)
		}
		owned[entry.ID] = true
		s, there := live[entry.ID]
		switch {
		case !there && bound[label] != entry.ID:
			rt.Fatalf("%s was bound to %s, which is not there", label, entry.ID)
		case there && (s["status"] != "completed" || args["description"] != nil && s["description"] != args["description"]):
			rt.Fatalf("%s is %v, and the file says %v", label, s, args)
		}
		bound[label] = entry.ID
	}
	for id, s := range live {
		if !owned[id] {
			rt.Fatalf("nobody's snapshot is there: %v", s)
		}
	}
	if want := 2 + len(b.snapshots); len(st.Resources) != want {
		rt.Fatalf("the state has %d resources, want %d", len(st.Resources), want)
	}
}
