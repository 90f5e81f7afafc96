package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fatih/color"

	"mercator/apply"
	"mercator/cmd/mercator/internal/workflow"
	"mercator/plan"
)

// end implements view: what was done, what failed, what was skipped because of it, and that the state is saved.
func (v *textView) end(done workflow.Applied) {
	v.stop()
	v.mu.Lock()
	v.running = nil
	v.draw("")
	v.mu.Unlock()
	if !done.Ran {
		return
	}
	result := &done.Result
	s := v.out
	if len(result.Outcomes)+len(result.Recorded) > 0 || len(done.Plan.StateOnly) > 0 {
		s.printf("\n%s\n", s.paint(fold(doneLine(done), s.width), color.Bold))
	}
	for _, part := range []struct {
		title  string
		status apply.Status
	}{{"Failed", apply.Failed}, {"Skipped", apply.Skipped}, {"Interrupted", apply.Interrupted}} {
		v.outcomes(part.title, result, part.status)
	}
	if result.Count(apply.Interrupted) > 0 {
		s.line("The next apply goes on with these.")
	}
	if done.Saved != nil && !done.Plan.Empty() {
		s.line("The state is saved.")
	} else if done.Recovered {
		s.line("%s", s.paint("The state could not be saved, and is kept in a file.", color.FgRed))
	} else if done.Saved == nil {
		s.line("%s", s.paint("The state could not be saved whole; its journal is kept and the next run goes on from it.", color.FgRed))
	}
	v.outputs(done)
}

// doneLine counts what was done.
func doneLine(done workflow.Applied) string {
	n := done.Result.Summary()
	var parts []string
	for _, p := range []struct {
		n      int
		action plan.Action
	}{{n.Create, plan.Create}, {n.Update, plan.Update}, {n.Replace, plan.Replace}, {n.Delete, plan.Delete}, {n.Adopt, plan.Adopt}, {n.Forget, plan.Forget}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, words[p.action][1]))
		}
	}
	if len(parts) == 0 && done.Result.OK() {
		return "Done: only the state changed."
	}
	if len(parts) == 0 {
		return "Done: nothing."
	}
	return "Done: " + strings.Join(parts, ", ") + "."
}

func (v *textView) outcomes(title string, result *apply.Result, status apply.Status) {
	n := result.Count(status)
	if n == 0 {
		return
	}
	v.out.printf("%s\n", v.out.paint(fmt.Sprintf("%s: %d", title, n), color.FgRed))
	for i := range result.Outcomes {
		o := &result.Outcomes[i]
		if o.Status != status {
			continue
		}
		line := visible(string(o.Address))
		if o.Because != "" {
			line += ", because " + visible(string(o.Because)) + " failed"
		} else {
			line += ", " + string(o.Action)
		}
		v.out.printf("%s\n", indent(line, "  ", v.out.width))
	}
}

func (v *textView) outputs(done workflow.Applied) {
	if done.Saved == nil || len(done.Saved.Outputs) == 0 || !done.Result.OK() {
		return
	}
	v.out.printf("\n%s\n", v.out.paint("Outputs:", color.Bold))
	for _, name := range slices.Sorted(maps.Keys(done.Saved.Outputs)) {
		o := done.Saved.Outputs[name]
		text := "(sensitive, not stored)"
		if !o.Sensitive {
			text, _ = valueJSON(o.Value) // stored values are plain JSON
		}
		v.out.printf("  %s = %s\n", name, strings.ReplaceAll(text, "\n", "\n  "))
	}
}
