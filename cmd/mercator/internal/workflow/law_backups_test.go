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
	jobs      map[string]lawObject
}

// TestLawOfBackups is the promise of the whole for what is done once: whatever snapshots are declared one after the
// other, whatever requests fail meanwhile and however much time passes, each declared one was taken once, is as the file
// says until it expires, and is then left alone; and nothing else was taken. A restore is run once for all that its
// block ever said, and for nothing else.
func TestLawOfBackups(t *testing.T) {
	cases := setLawCases(t)
	cover := newLawCoverOf(func(k *schema.Kind) bool { return k.Once })
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(lawTB{t, rt}, sandbox.Options{NoDefaultAlerts: true, Polls: 1})
		b := lawBackups{rapid.SampledFrom([]string{"backup_snapshot", "sharded_backup_snapshot"}).Draw(rt, "kind"), map[string]lawObject{}, map[string]int{}, map[string]lawObject{}}
		runs := 0 // restores that the files asked for
		r.write(b.hcl())
		r.converge()
		bound := map[string]string{} // ids that labels have had, by label
		for range rapid.IntRange(1, 4).Draw(rt, "steps") {
			r.clock.advance(time.Duration(rapid.SampledFrom([]int{0, 0, 30, 200}).Draw(rt, "hours")) * time.Hour)
			b = b.draw(rt, cover)
			runs += b.drawJobs(rt, cover)
			r.write(b.hcl())
			r.faults(drawLawFault(rt, rapid.SampledFrom([]string{"/snapshots", "/restoreJobs"}).Draw(rt, "path")))
			r.apply(plan.Options{})
			r.faults()
			r.converge()
			r.checkSnapshots(rt, b, bound)
			if got := len(r.restores()); got != runs {
				rt.Fatalf("%d restores were run, and the files asked for %d", got, runs)
			}
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
	next := lawBackups{b.kind, map[string]lawObject{}, b.kept, b.jobs}
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

// lawExpression is a text that is written into a file as it is.
type lawExpression string

// drawJobs changes the restores that the cluster declares, and returns how many are asked for anew: every change is
// another one. Two snapshots that are always there serve them.
func (b lawBackups) drawJobs(rt *rapid.T, cover *lawCover) (asked int) {
	for _, label := range []string{"back", "again"} {
		old := b.jobs[label]
		switch rapid.IntRange(0, 4).Draw(rt, "job") {
		case 0:
			delete(b.jobs, label)
			continue
		case 1:
			continue
		}
		args := lawObject{"target_group_id": lawExpression("project.shop.id"), "target_cluster_name": rapid.SampledFrom([]string{"orders", "lab"}).Draw(rt, "target")}
		second := 1772366400 + rapid.IntRange(0, 1).Draw(rt, "second")
		switch args["delivery_type"] = "pointInTime"; rapid.IntRange(0, 2).Draw(rt, "form") {
		case 0:
			args["delivery_type"] = "automated"
			args["snapshot_id"] = lawExpression("parent." + b.kind + rapid.SampledFrom([]string{".base", ".other"}).Draw(rt, "snapshot") + ".id")
		case 1:
			args["point_in_time_utc_seconds"] = second
		default:
			args["oplog_ts"], args["oplog_inc"] = second, rapid.IntRange(1, 2).Draw(rt, "operation")
		}
		cover.object(catalog.Kind("backup_restore_job").Attributes, "backup_restore_job", old, args)
		if !maps.Equal(old, args) {
			asked++
		}
		b.jobs[label] = args
	}
	return asked
}

func (b lawBackups) hcl() string {
	shape := `provider_name = "AWS", region_name = "EU_WEST_1", priority = 7, electable_specs = { instance_size = "M30", node_count = 3 }`
	cluster := map[string]string{"backup_snapshot": "REPLICASET", "sharded_backup_snapshot": "SHARDED"}[b.kind]
	text := fmt.Sprintf("cluster_type = %q\n replication_specs = [{ region_configs = [{ %s }] }]\n", cluster, shape)
	text = "project \"shop\" {\n cluster \"lab\" {\n " + text + " }\n cluster \"orders\" {\n backup_enabled = true\n pit_enabled = true\n " + text
	blocks := map[string]lawObject{b.kind + ` "base"`: {"retention_in_days": 900}, b.kind + ` "other"`: {"retention_in_days": 900}}
	for label, args := range b.snapshots {
		blocks[fmt.Sprintf("%s %q", b.kind, label)] = args
	}
	for label, args := range b.jobs {
		blocks[fmt.Sprintf("backup_restore_job %q", label)] = args
	}
	for _, head := range slices.Sorted(maps.Keys(blocks)) {
		text += " " + head + " {\n"
		for _, name := range slices.Sorted(maps.Keys(blocks[head])) {
			value := fmt.Sprintf("%#v", blocks[head][name])
			if x, ok := blocks[head][name].(lawExpression); ok {
				value = string(x)
			}
			text += "  " + name + " = " + value + "\n"
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
	for _, label := range []string{"base", "other"} {
		owned[st.Resources[schema.Address("project.shop.cluster.orders."+b.kind+"."+label)].ID] = true
	}
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
	if want := 5 + len(b.snapshots) + len(b.jobs); len(st.Resources) != want {
		rt.Fatalf("the state has %d resources, want %d", len(st.Resources), want)
	}
}
