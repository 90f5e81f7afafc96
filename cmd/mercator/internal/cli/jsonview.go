package cli

import (
	"bytes"
	"cmp"
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

func (v *jsonView) limits(text string) { v.emit("info", "log", text, nil) }

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
	last := a.Last()
	r := resourceJSON{Addr: string(a), Resource: string(a), Provider: "mercator", Type: last.Kind, Name: cmp.Or(last.Label, last.Kind)}
	for module := a.Parent(); module != ""; module = module.Parent() {
		if module.Kind() == "module" {
			r.Module, r.Resource = string(module), strings.TrimPrefix(string(a), string(module)+".")
			break
		}
	}
	switch n := len(last.Keys); {
	case n == 1 && last.Keys[0].Number:
		r.Key = json.Number(last.Keys[0].Text)
	case n > 0:
		texts := make([]string, n)
		for i, key := range last.Keys {
			texts[i] = key.Text
		}
		r.Key = strings.Join(texts, "/")
	}
	return r
}

// actionJSON are the names of actions in the machine-readable UI.
var actionJSON = map[plan.Action]string{
	plan.NoOp: "noop", plan.Create: "create", plan.Update: "update", plan.Replace: "replace", plan.Delete: "delete",
	plan.Adopt: "import", plan.Forget: "remove",
}

// reasonJSON are the machine-readable UI's words for the reasons of replacements and deletions, where it has one.
var reasonJSON = map[string]string{
	"by_request": "requested", "not_declared": "delete_because_no_resource_config", "adopted_undeclared": "delete_because_no_resource_config",
}

// changeJSON describes a planned change, and reports whether there is one.
func changeJSON(c *plan.Change) (map[string]any, bool) {
	change := map[string]any{"resource": resourceOf(c.Address), "action": actionJSON[c.Action]}
	moved := c.Previous != "" && c.Previous != c.Address
	if moved {
		change["previous_resource"] = resourceOf(c.Previous)
	}
	switch c.Action {
	case plan.NoOp:
		change["action"] = "move"
		return change, moved
	case plan.Adopt:
		change["importing"] = map[string]string{"id": cmp.Or(c.ID, schema.KeyText(c.Key))}
		if c.Writes() || len(c.Diffs) > 0 {
			change["action"] = actionJSON[plan.Update]
		}
	case plan.Replace, plan.Delete:
		if len(c.Reasons) > 0 {
			change["reason"] = cmp.Or(reasonJSON[c.Reasons[0].Code], c.Reasons[0].Code)
		}
	}
	return change, true
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
		if change, ok := changeJSON(c); ok {
			what := string(c.Action)
			if c.Action == plan.NoOp {
				what = "move"
			}
			v.emit("info", "planned_change", string(c.Address)+": plan to "+what, map[string]any{"change": change})
		}
	}
	v.summary("plan", p.Summary(), true)
	v.plannedOutputs(p)
	v.diagnostics(p.Diagnostics.Warnings(), nil)
}

// plannedOutputs tells which outputs change, without their values.
func (v *jsonView) plannedOutputs(p *plan.Plan) {
	outputs := map[string]any{}
	for i := range p.Outputs {
		if o := &p.Outputs[i]; o.Action != plan.NoOp {
			outputs[o.Name] = map[string]any{"sensitive": o.Sensitive, "action": actionJSON[o.Action]}
		}
	}
	if len(outputs) > 0 {
		v.emit("info", "outputs", fmt.Sprintf("Outputs: %d", len(outputs)), map[string]any{"outputs": outputs})
	}
}

// summary tells what is planned or was done, in the words of the machine-readable UI: programs read the sentences too.
// What was not done as a whole is not called complete.
func (v *jsonView) summary(operation string, n plan.Summary, whole bool) {
	add, remove := n.Create+n.Replace, n.Delete+n.Replace
	var text string
	ended := "complete!"
	if !whole {
		ended = "incomplete."
	}
	switch operation {
	case "plan":
		if n.Adopt > 0 {
			text = fmt.Sprintf("%d to import, ", n.Adopt)
		}
		text = fmt.Sprintf("Plan: %s%d to add, %d to change, %d to destroy.", text, add, n.Update, remove)
	case "destroy":
		text = fmt.Sprintf("Destroy %s Resources: %d destroyed.", ended, remove)
	default:
		if n.Adopt > 0 {
			text = fmt.Sprintf("%d imported, ", n.Adopt)
		}
		text = fmt.Sprintf("Apply %s Resources: %s%d added, %d changed, %d destroyed.", ended, text, add, n.Update, remove)
	}
	v.emit("info", "change_summary", text, map[string]any{"changes": map[string]any{
		"add": add, "change": n.Update, "remove": remove, "import": n.Adopt, "forget": n.Forget, "operation": operation}})
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
	v.summary(v.operation, done.Result.Summary(), done.Result.OK())
	if done.Saved == nil {
		return
	}
	if outputs, err := outputsJSON(done.Saved.Outputs); err == nil {
		v.emit("info", "outputs", fmt.Sprintf("Outputs: %d", len(outputs)), map[string]any{"outputs": outputs})
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
