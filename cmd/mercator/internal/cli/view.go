package cli

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/fatih/color"

	"mercator/apply"
	"mercator/apply/state"
	"mercator/plan"
	"mercator/plan/render"
	"mercator/schema/diag"
)

// textView shows an apply to people: a line for each event, and on a terminal, below those, a line in place for
// each resource that is being worked on.
type textView struct {
	out, err screen
	options  render.Options

	mu      sync.Mutex
	began   bool
	running []running
	drawn   int // lines below the last permanent one
	stop    func()
}

// running is a resource that is being worked on.
type running struct {
	apply.Event
	since time.Time
}

// redrawEvery is how often elapsed times on a terminal move on.
const redrawEvery = time.Second

// maxRunning is how many resources are shown in place.
const maxRunning = 8

func newView(out, err screen) *textView { return &textView{out: out, err: err, stop: func() {}} }

func (v *textView) open(o render.Options) { v.options = o }

func (v *textView) limits(text string) { v.err.line("%s", text) }

func (v *textView) locked(e *state.LockedError) {
	h := e.Holder
	v.err.line("Waiting for the state's lock: %s, %s since %s.", visible(h.Who), visible(h.Operation), h.Since.Format(time.TimeOnly))
}

func (v *textView) quieting(d time.Duration) {
	v.err.line("An earlier apply was cut off. In %s nothing of it can be under way any more; waiting for that.", d.Round(time.Second))
}

func (v *textView) plan(p *plan.Plan) {
	o := v.options
	o.Width, o.Color = v.out.width, v.out.color
	var b bytes.Buffer
	_ = render.Text(o).Plan(&b, p) // a buffer takes everything
	v.out.printf("%s", b.String())
	if !p.Empty() {
		v.out.printf("\n")
	}
}

func (v *textView) begin() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.began = true
	if !v.out.terminal {
		return
	}
	ticker, done := time.NewTicker(redrawEvery), make(chan struct{})
	v.stop = sync.OnceFunc(func() { ticker.Stop(); close(done) })
	go func() {
		for {
			select {
			case <-ticker.C:
				v.mu.Lock()
				v.draw("")
				v.mu.Unlock()
			case <-done:
				return
			}
		}
	}()
}

func (v *textView) event(e apply.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch e.Type {
	case apply.EventStart:
		v.running = append(v.running, running{e, time.Now()})
	case apply.EventProgress:
		for i := range v.running {
			if v.running[i].Address == e.Address && v.running[i].Action == e.Action {
				v.running[i].Note = e.Note
			}
		}
	default:
		for i := range v.running {
			if v.running[i].Address == e.Address && v.running[i].Action == e.Action {
				v.running = append(v.running[:i], v.running[i+1:]...)
				break
			}
		}
	}
	line := v.eventLine(e)
	if v.out.terminal && (e.Type == apply.EventStart || e.Type == apply.EventProgress) {
		line = ""
	}
	v.draw(line)
}

// draw writes a permanent line, if there is one, and the lines in place below it. The lock is held.
func (v *textView) draw(line string) {
	var b strings.Builder
	if v.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", v.drawn)
	}
	v.drawn = 0
	if line != "" {
		b.WriteString(line + "\n")
	}
	if v.out.terminal {
		for i := range v.running {
			if i == maxRunning && len(v.running) > maxRunning+1 {
				fmt.Fprintf(&b, "  and %d more\n", len(v.running)-maxRunning)
				v.drawn++
				break
			}
			r := &v.running[i]
			tail := fmt.Sprintf(": %s, %s", doing(r.Action, r.Note), seconds(time.Since(r.since)))
			room := v.out.width - 3 - utf8.RuneCountInString(tail)
			b.WriteString("  " + ending(visible(string(r.Address)), room) + tail + "\n")
			v.drawn++
		}
	}
	v.out.printf("%s", b.String())
}

// ending shortens an address from its front to the width, so that its line stays one line on the screen.
func ending(address string, width int) string {
	if r := []rune(address); len(r) > max(width, 1) {
		return "…" + string(r[len(r)-max(width, 1)+1:])
	}
	return address
}

func (v *textView) eventLine(e apply.Event) string {
	address := visible(string(e.Address))
	switch e.Type {
	case apply.EventStart:
		return fmt.Sprintf("%s: %s", address, doing(e.Action, e.Note))
	case apply.EventProgress:
		return fmt.Sprintf("%s: still %s, %s", address, doing(e.Action, e.Note), seconds(e.Elapsed))
	case apply.EventErrored:
		return v.out.paint(fmt.Sprintf("%s: failed after %s", address, seconds(e.Elapsed)), color.FgRed)
	default:
		line := fmt.Sprintf("%s: %s in %s", address, done(e.Action), seconds(e.Elapsed))
		if e.ID != "" && e.Action != plan.Delete {
			line += v.out.paint(" (id "+visible(e.ID)+")", color.Faint)
		}
		return line
	}
}

// seconds rounds a duration for people: "0s", "12s", "3m4s".
func seconds(d time.Duration) string { return d.Truncate(time.Second).String() }

// words are how an action is called while it goes on and when it is done.
var words = map[plan.Action][2]string{
	plan.Create: {"creating", "created"}, plan.Update: {"updating", "updated"}, plan.Replace: {"replacing", "replaced"},
	plan.Delete: {"deleting", "deleted"}, plan.Adopt: {"adopting", "adopted"}, plan.Forget: {"forgetting", "forgotten"},
	plan.NoOp: {"waiting for Atlas", "settled"},
}

func doing(a plan.Action, note string) string {
	if note != "" {
		return words[a][0] + " (" + visible(note) + ")"
	}
	return words[a][0]
}

func done(a plan.Action) string { return words[a][1] }

func (v *textView) interrupted() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.began {
		return
	}
	v.draw(fold("Interrupted: nothing new is begun, running calls may end, and the state is saved. A second Ctrl-C ends the program at once.", v.out.width))
}

func (v *textView) diagnostics(list diag.List, sources map[string][]byte) {
	v.err.findings(list, sources)
}
