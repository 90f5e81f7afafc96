package cli

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"mercator/apply"
	"mercator/plan"
	"mercator/schema"
)

// terminalText plays what a view wrote as a terminal would: a cursor that goes up erases what is below it.
func terminalText(written string) []string {
	var lines []string
	up := regexp.MustCompile(`^\x1b\[(\d+)A\x1b\[J`)
	for written != "" {
		if m := up.FindStringSubmatch(written); m != nil {
			var n int
			_, _ = fmt.Sscan(m[1], &n)
			lines = lines[:max(0, len(lines)-n)]
			written = written[len(m[0]):]
			continue
		}
		line, rest, _ := strings.Cut(written, "\n")
		lines, written = append(lines, line), rest
	}
	return lines
}

func TestLiveView(t *testing.T) {
	var b bytes.Buffer
	v := newView(screen{w: &b, width: 40, terminal: true}, screen{w: &b, width: 40})
	long := schema.Address(`project.shop.access_list.office["203.0.113.0/24"]`)
	event := func(kind apply.EventType, a schema.Address, action plan.Action, note string) {
		v.event(apply.Event{Type: kind, Address: a, Action: action, Note: note})
	}
	event(apply.EventStart, "project.shop", plan.Create, "")
	event(apply.EventComplete, "project.shop", plan.Create, "")
	event(apply.EventStart, "project.shop.cluster.orders", plan.Create, "")
	event(apply.EventStart, long, plan.Create, "")
	event(apply.EventProgress, "project.shop.cluster.orders", plan.Create, "CREATING")
	want := []string{
		"project.shop: created in 0s",
		"  …ster.orders: creating (CREATING), 0s",
		`  …fice["203.0.113.0/24"]: creating, 0s`,
	}
	got := terminalText(b.String())
	for i := range got {
		if n := utf8.RuneCountInString(got[i]); i > 0 && n >= 40 {
			t.Errorf("a line in place has %d columns: %s", n, got[i])
		}
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the terminal shows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for i := range 12 {
		event(apply.EventStart, schema.Address(fmt.Sprintf("project.p%d", i)), plan.Create, "")
	}
	got = terminalText(b.String())
	if last := got[len(got)-1]; last != "  and 6 more" || len(got) != 1+maxRunning+1 {
		t.Errorf("with many at work the terminal shows\n%s", strings.Join(got, "\n"))
	}
}

func TestPlainLines(t *testing.T) {
	var b bytes.Buffer
	v := newView(screen{w: &b, width: 60}, screen{w: &b, width: 60})
	for _, e := range []apply.Event{
		{Type: apply.EventStart, Address: "project.shop", Action: plan.Create},
		{Type: apply.EventProgress, Address: "project.shop", Action: plan.Create, Note: "CREATING", Elapsed: 10 * time.Second},
		{Type: apply.EventComplete, Address: "project.shop", Action: plan.Create, ID: "abc", Elapsed: 12345 * time.Millisecond},
		{Type: apply.EventErrored, Address: "project.shop", Action: plan.Delete, Elapsed: 90 * time.Second},
	} {
		v.event(e)
	}
	want := `project.shop: creating
project.shop: still creating (CREATING), 10s
project.shop: created in 12s (id abc)
project.shop: failed after 1m30s
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &b, want)
	}
}
