package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	"mercator/apply"
	"mercator/apply/state"
	"mercator/cmd/mercator/internal/workflow"
	"mercator/plan"
	"mercator/plan/render"
	"mercator/schema"
	"mercator/schema/diag"
)

// jsonView writes a line of JSON per event, with the type names and keys of Terraform's machine-readable UI, so
// that tools which follow that can follow this.
type jsonView struct {
	screen
	now       func() time.Time
	operation string
	mu        sync.Mutex
}

// uiVersion is the version of the machine-readable UI whose names are used.
const uiVersion = "1.2"

func newJSONView(s screen, now func() time.Time, operation string) *jsonView {
	v := &jsonView{screen: s, now: now, operation: operation}
	v.emit("info", "version", "mercator "+version, map[string]any{"mercator": version, "ui": uiVersion})
	return v
}

// emit writes one line: the common keys, and the payload's.
func (v *jsonView) emit(level, kind, message string, payload map[string]any) {
	line := map[string]any{"@level": level, "@message": message, "@module": "mercator.ui",
		"@timestamp": v.now().UTC().Format("2006-01-02T15:04:05.000000Z"), "type": kind}
	for key, value := range payload {
		line[key] = value
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(line); err != nil {
		return // payloads are made of plain values
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.printf("%s", b.String())
}

func (v *jsonView) open(render.Options) {}

func (v *jsonView) locked(e *state.LockedError) {
	v.emit("warn", "log", "waiting for the state's lock, held by "+e.Holder.Who, map[string]any{"lock": e.Holder})
}

func (v *jsonView) quieting(d time.Duration) {
	v.emit("info", "log", "waiting until nothing of an apply that was cut off can be under way any more", map[string]any{"seconds": d.Seconds()})
}

// resourceJSON names a resource.
type resourceJSON struct {
	Addr     string `json:"addr"`
	Module   string `json:"module"`
	Resource string `json:"resource"`
	Provider string `json:"implied_provider"`
	Type     string `json:"resource_type"`
	Name     string `json:"resource_name"`
	Key      any    `json:"resource_key"`
}

func resourceOf(a schema.Address) resourceJSON {
	r := resourceJSON{Addr: string(a), Resource: string(a), Provider: "mercator"}
	last := a.Last()
	r.Type, r.Name = last.Kind, last.Label
	if n := len(last.Keys); n > 0 {
		key := last.Keys[n-1]
		r.Key = key.Text
		if key.Number {
			r.Key = json.Number(key.Text)
		}
	}
	return r
}

// actionJSON are the names of actions in the machine-readable UI.
var actionJSON = map[plan.Action]string{
	plan.NoOp: "noop", plan.Create: "create", plan.Update: "update", plan.Replace: "replace", plan.Delete: "delete",
	plan.Adopt: "import", plan.Forget: "remove",
}

func (v *jsonView) plan(p *plan.Plan) {
	for i := range p.Drift {
		d := &p.Drift[i]
		action := plan.Update
		if d.Deleted {
			action = plan.Delete
		}
		v.emit("info", "resource_drift", string(d.Address)+": drift ("+string(action)+")",
			map[string]any{"change": map[string]any{"resource": resourceOf(d.Address), "action": actionJSON[action]}})
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.Action == plan.NoOp {
			continue
		}
		change := map[string]any{"resource": resourceOf(c.Address), "action": actionJSON[c.Action]}
		if c.Previous != "" && c.Previous != c.Address {
			change["previous_resource"] = resourceOf(c.Previous)
		}
		if len(c.Reasons) > 0 {
			change["reason"] = c.Reasons[0].Code
		}
		v.emit("info", "planned_change", string(c.Address)+": plan to "+string(c.Action), map[string]any{"change": change})
	}
	v.summary("Plan: ", "plan", p.Summary())
	v.diagnostics(p.Diagnostics.Warnings(), nil)
}

func (v *jsonView) summary(lead, operation string, n plan.Summary) {
	text := fmt.Sprintf("%s%d to add, %d to change, %d to destroy.", lead, n.Create+n.Replace, n.Update, n.Delete+n.Replace)
	if operation != "plan" {
		text = fmt.Sprintf("%s%d added, %d changed, %d destroyed.", lead, n.Create+n.Replace, n.Update, n.Delete+n.Replace)
	}
	v.emit("info", "change_summary", text, map[string]any{"changes": map[string]any{
		"add": n.Create + n.Replace, "change": n.Update, "remove": n.Delete + n.Replace, "import": n.Adopt, "forget": n.Forget,
		"operation": operation}})
}

func (v *jsonView) begin() {}

func (v *jsonView) event(e apply.Event) {
	hook := map[string]any{"resource": resourceOf(e.Address), "action": actionJSON[e.Action]}
	if e.ID != "" {
		hook["id_key"], hook["id_value"] = "id", e.ID
	}
	if e.Type != apply.EventStart {
		hook["elapsed_seconds"] = int(e.Elapsed / time.Second)
	}
	level, message := "info", string(e.Address)+": "+strings.TrimPrefix(string(e.Type), "apply_")
	if e.Type == apply.EventErrored {
		level = "error"
	}
	v.emit(level, string(e.Type), message, map[string]any{"hook": hook})
}

func (v *jsonView) interrupted() {
	v.emit("warn", "log", "interrupted: nothing new is begun", nil)
}

func (v *jsonView) end(done workflow.Applied) {
	if !done.Ran {
		return
	}
	for i := range done.Result.Outcomes {
		o := &done.Result.Outcomes[i]
		if o.Status == apply.Skipped {
			v.emit("warn", "log", string(o.Address)+": skipped because "+string(o.Because)+" failed", nil)
		}
	}
	v.summary(diag.Sentence(v.operation)+" complete: ", v.operation, done.Result.Summary())
	if done.Saved == nil {
		return
	}
	if outputs, err := outputsJSON(done.Saved.Outputs); err == nil {
		v.emit("info", "outputs", "Outputs: "+count(len(outputs), "value"), map[string]any{"outputs": outputs})
	}
}

func (v *jsonView) diagnostics(list diag.List, sources map[string][]byte) {
	for _, d := range list {
		level := "error"
		if d.Severity == diag.Warning {
			level = "warn"
		}
		v.emit(level, "diagnostic", diag.Sentence(d.Severity.String())+": "+d.Summary, map[string]any{"diagnostic": d.JSON(sources)})
	}
}
