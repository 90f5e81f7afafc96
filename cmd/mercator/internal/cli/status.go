package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"mercator/cmd/mercator/internal/status"
	"mercator/schema"
)

// watching is what the status command is asked for.
type watching struct {
	in       inputs
	json     bool
	expiring time.Duration
}

func statusCommand(w *World, g *globals) *cobra.Command {
	var x watching
	cmd := &cobra.Command{
		Use:   "status [DIR]",
		Short: "Show how what is managed is doing",
		Long: "Status shows, for the projects and clusters of the configuration and the state, what Atlas says about them now: states and " +
			"versions, open alerts, maintenance, when the last snapshot was complete, and which credentials end. It says what needs a person, " +
			"and changes nothing.",
		Example:     "  mercator status\n  mercator status environments/prod --expiring 720h\n  mercator status --json | jq .needs_attention",
		Args:        planArgs,
		Annotations: codes("0    nothing needs a person", codeFailed, "2    something needs a person", codeInterrupted),
		RunE:        func(cmd *cobra.Command, args []string) error { return x.run(cmd.Context(), w, g, args) },
	}
	cmd.Flags().BoolVar(&x.json, "json", false, "print JSON")
	cmd.Flags().DurationVar(&x.expiring, "expiring", 336*time.Hour, "a secret that ends within `DURATION` needs a person")
	x.in.registerState(cmd)
	return cmd
}

func (x *watching) run(ctx context.Context, w *World, g *globals, args []string) error {
	_, s, err := sessionOf(w, g, args, x.in)
	if err != nil {
		return err
	}
	defer s.close()
	report, err := status.Look(ctx, s.Session, x.expiring)
	if err != nil {
		return err
	}
	stdout := newScreen(w, g, w.Stdout)
	if x.json {
		err = stdout.json(report)
	} else {
		stdout.status(report)
	}
	if err == nil && len(report.Needs) > 0 {
		err = exit(exitDifference)
	}
	return err
}

// status prints a report: the table, alerts, what ends, and what needs a person, which is nearest to the prompt.
func (s screen) status(r status.Report) {
	if len(r.Projects) > 0 {
		s.table(columns, statusRows(r))
	} else {
		s.printf("There is no project to look at.\n")
	}
	s.openAlerts(r)
	for i, e := range r.Expiring {
		if i == 0 {
			s.printf("\n%s\n", s.paint("Ends by itself:", color.Bold))
		}
		what := string(e.Address)
		if !e.Meant {
			what += ", its " + e.What
		}
		s.printf("%s\n", indent(visible(what)+", "+distance(e.Ends, r.Now), "  ", s.width))
	}
	if len(r.Needs) == 0 {
		s.printf("\n%s\n", s.paint("Nothing needs a person.", color.FgGreen))
		return
	}
	s.printf("\n%s\n", s.paint("Needs a person:", color.Bold))
	for _, n := range r.Needs {
		s.printf("%s\n", indent(fmt.Sprintf("%s: %s", visible(string(n.Address)), visible(n.Text)), "  ", s.width))
	}
}

// columns are the table's, the name of what a row is about first.
var columns = []string{"", "STATE", "VERSION", "ALERTS", "SNAPSHOT", "MAINTENANCE"}

// statusRows has a row for each project, and below it one for each cluster in it.
func statusRows(r status.Report) [][]string {
	var rows [][]string
	for _, p := range r.Projects {
		maintenance := p.Maintenance.Window
		if p.Maintenance.Pending != "" {
			maintenance = strings.TrimPrefix(maintenance+", "+p.Maintenance.Pending, ", ")
		}
		alerts := fmt.Sprint(len(p.Alerts))
		if p.ID == "" {
			alerts = ""
		}
		rows = append(rows, []string{p.Shown(), p.Missing, "", alerts, "", maintenance})
		for _, c := range p.Clusters {
			row := []string{"  " + inside(c.Address, p.Address), c.State, c.Version, "", "", ""}
			if c.Alerts > 0 {
				row[3] = fmt.Sprint(c.Alerts)
			}
			if c.Backups {
				row[4] = "none"
			}
			if !c.Snapshot.IsZero() {
				row[4] = distance(c.Snapshot, r.Now)
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// inside is an address as it reads below that of what it lives in.
func inside(a, parent schema.Address) string {
	if rest, ok := strings.CutPrefix(string(a), string(parent)+"."); ok && parent != "" {
		return rest
	}
	return string(a)
}

// distance is how far a time is from now, in the two largest units: "2d3h ago", "in 5m".
func distance(t, now time.Time) string {
	d := now.Sub(t).Abs().Truncate(time.Second)
	var parts []string
	for _, unit := range []struct {
		name string
		d    time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if n := d / unit.d; n > 0 && len(parts) < 2 {
			parts = append(parts, fmt.Sprintf("%d%s", n, unit.name))
			d -= n * unit.d
		} else if len(parts) > 0 {
			break
		}
	}
	text := strings.Join(parts, "")
	if text == "" {
		return "now"
	}
	if t.After(now) {
		return "in " + text
	}
	return text + " ago"
}

// table prints rows in columns, without those that are empty; where the screen is too narrow for that, a row is a
// block of lines.
func (s screen) table(head []string, rows [][]string) {
	widths := make([]int, len(head))
	for _, row := range rows {
		for i, cell := range row {
			if cell != "" {
				widths[i] = max(widths[i], utf8.RuneCountInString(visible(cell)), utf8.RuneCountInString(head[i]))
			}
		}
	}
	total := 0
	for _, n := range widths {
		if n > 0 {
			total += n + 2
		}
	}
	if total-2 > s.width {
		s.blocks(head, rows)
		return
	}
	line := func(cells []string, ink ...color.Attribute) {
		var b strings.Builder
		for i, cell := range cells {
			if widths[i] > 0 {
				fmt.Fprintf(&b, "%-*s  ", widths[i], visible(cell))
			}
		}
		s.printf("%s\n", s.paint(strings.TrimRight(b.String(), " "), ink...))
	}
	line(head, color.Faint)
	for _, row := range rows {
		line(row)
	}
}

// blocks prints a row as a block of lines, one for each cell that is not empty.
func (s screen) blocks(head []string, rows [][]string) {
	for _, row := range rows {
		lead := row[0][:len(row[0])-len(strings.TrimLeft(row[0], " "))] + "  "
		s.printf("%s\n", visible(row[0]))
		for i, cell := range row[1:] {
			if cell != "" {
				s.printf("%s\n", indent(strings.ToLower(head[i+1])+": "+visible(cell), lead, s.width))
			}
		}
	}
}

// openAlerts lists the open alerts of each project, those alike together.
func (s screen) openAlerts(r status.Report) {
	titled := false
	for _, p := range r.Projects {
		for _, line := range alertLines(p.Alerts, r.Now) {
			if !titled {
				s.printf("\n%s\n", s.paint("Open alerts:", color.Bold))
				titled = true
			}
			s.printf("%s\n", indent(visible(p.Shown())+": "+visible(line), "  ", s.width))
		}
	}
}

// alertLines says of alerts what they are about and since when, the oldest first.
func alertLines(alerts []status.Alert, now time.Time) []string {
	type alike struct{ event, metric, cluster string }
	var order []alike
	groups := map[alike][]status.Alert{}
	for _, a := range alerts { // the oldest first
		key := alike{a.Event, a.Metric, a.Cluster}
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], a)
	}
	var out []string
	for _, key := range order {
		list := groups[key]
		words := []string{key.event}
		if key.metric != "" {
			words = append(words, key.metric)
		}
		if key.cluster != "" {
			words = append(words, "of "+key.cluster)
		} else if list[0].Host != "" && len(list) == 1 {
			words = append(words, "of "+list[0].Host)
		}
		text := strings.Join(words, " ")
		if len(list) > 1 {
			text += fmt.Sprintf(", %d times", len(list))
		}
		text += ", since " + strings.TrimSuffix(distance(list[0].Since, now), " ago")
		if !slices.ContainsFunc(list, func(a status.Alert) bool { return !a.Acknowledged.After(now) }) {
			text += ", acknowledged"
		}
		out = append(out, text)
	}
	return out
}
