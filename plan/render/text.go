package render

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"mercator/plan"
	"mercator/schema"
)

// Text returns the renderer for terminals and logs.
func Text(o Options) Renderer { return text{o} }

type text struct{ options Options }

// Plan implements Renderer. What could surprise comes first, what must be decided comes last.
func (t text) Plan(w io.Writer, p *plan.Plan) error {
	s := newSheet(t.options)
	s.blast(p)
	t.drift(s, p)
	title := "Changes:"
	if p.Destroying {
		title = "Everything that the state owns is removed:"
	}
	t.changes(s, title, p, func(c *plan.Change) bool { return shown(c) && !c.Exclusive })
	t.changes(s, "Deleted because their kind is exclusive here and they are not declared:", p,
		func(c *plan.Change) bool { return shown(c) && c.Exclusive })
	s.waiting(p)
	s.stateOnly(p)
	s.blank()
	s.add(s.paint.strong(summaryLine(p)))
	s.checks(p)
	s.risks(p)
	s.roles(p)
	s.flags(p, t.options.command())
	s.unmanaged(p)
	t.outputs(s, p)
	t.diagnostics(s, p)
	return s.write(w)
}

func (s *sheet) write(w io.Writer) error {
	b := bufio.NewWriter(w)
	for i, line := range s.lines {
		if line == "" && (i == 0 || i == len(s.lines)-1) {
			continue
		}
		// Errors stay with the writer and come out of Flush.
		_, _ = b.WriteString(strings.TrimRight(line, " "))
		_ = b.WriteByte('\n')
	}
	return b.Flush()
}

// summaryLine counts the changes in the words that scripts look for.
func summaryLine(p *plan.Plan) string {
	if p.Empty() && !p.Diagnostics.HasErrors() {
		return "No changes. What is live matches the configuration."
	}
	n := p.Summary()
	line := fmt.Sprintf("Plan: %d to create, %d to update, %d to replace, %d to delete, %d to adopt",
		n.Create, n.Update, n.Replace, n.Delete, n.Adopt)
	if n.Forget > 0 {
		line += fmt.Sprintf(", %d to forget", n.Forget)
	}
	return line + "."
}

// inProgress returns the objects with which nothing is to be done but to wait for Atlas.
func inProgress(p *plan.Plan) []*plan.Change {
	var out []*plan.Change
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Action == plan.NoOp && c.Waiting != "" {
			out = append(out, c)
		}
	}
	return out
}

// shown reports whether a change stands among the changes: not what stays as it is.
func shown(c *plan.Change) bool { return c.Action != plan.NoOp }

func (s *sheet) blast(p *plan.Plan) {
	for _, sentence := range blastTexts(p) {
		s.prose(0, "", sentence, s.paint.remove)
	}
}

// blastTexts say how much a plan removes, where that is so much that it must be confirmed as a whole.
func blastTexts(p *plan.Plan) []string {
	if p.Blast == nil {
		return nil
	}
	return []string{
		fmt.Sprintf("This plan deletes or replaces %d of the %d resources that the state owns.", p.Blast.Removed, p.Blast.Owned),
		"Where no human answers, it is applied with --allow-destroy all only.",
	}
}

func (t text) changes(s *sheet, title string, p *plan.Plan, want func(*plan.Change) bool) {
	titled := false
	roomy := false // the entry before had more than a line below its address
	for i := range p.Changes {
		c := &p.Changes[i]
		if !want(c) {
			continue
		}
		if !titled {
			s.title(title)
			titled = true
		}
		body := s.sub()
		t.body(body, c)
		if len(body.lines) > 1 || roomy {
			s.blank()
		}
		roomy = len(body.lines) > 1
		s.head(c)
		s.lines = append(s.lines, body.lines...)
	}
}

const bodyIndent = 6

// head writes the symbol, the address and, for what exists, which object it is.
func (s *sheet) head(c *plan.Change) {
	symbol, ink := s.symbol(c)
	address := visible(string(c.Address))
	identity := ""
	if c.Action != plan.Create && c.Action != plan.Update {
		identity = identityOf(c.Key, c.ID)
	}
	line := s.before(symbol, ink)
	room := s.width - 4
	if len(address)+2+len(identity) > room && identity != "" {
		s.add(line + s.paint.strong(address))
		s.prose(bodyIndent, "", identity, s.paint.faint)
		return
	}
	line += s.paint.strong(address)
	if identity != "" {
		line += "  " + s.paint.faint(visible(identity))
	}
	s.add(line)
}

// before returns what stands before an address: a symbol of up to three characters, or none.
func (s *sheet) before(symbol string, ink func(...any) string) string {
	margin := pad("", 4-len(symbol))
	if s.hoist {
		margin = pad("", min(1, len(symbol)))
	}
	if symbol == "" {
		return margin
	}
	return margin[1:] + ink(symbol) + " "
}

func identityOf(key, id string) string {
	key = schema.KeyText(key)
	switch {
	case key != "" && id != "":
		return fmt.Sprintf("(%s, id %s)", key, id)
	case id != "":
		return fmt.Sprintf("(id %s)", id)
	case key != "":
		return fmt.Sprintf("(%s)", key)
	}
	return ""
}

func (s *sheet) symbol(c *plan.Change) (string, func(...any) string) {
	switch c.Action {
	case plan.Create:
		return "+", s.paint.add
	case plan.Delete:
		return "-", s.paint.remove
	case plan.Replace:
		if c.Leaves {
			return "+", s.paint.add
		}
		if c.CreateFirst {
			return "+/-", s.paint.remove
		}
		return "-/+", s.paint.remove
	case plan.Adopt:
		return ">", s.paint.change
	case plan.Forget:
		return ".", s.paint.change
	default:
		return "~", s.paint.change
	}
}

// body writes what stands under an address: remarks, arguments, steps.
func (t text) body(s *sheet, c *plan.Change) {
	for _, remark := range remarks(c) {
		s.prose(bodyIndent, "# ", remark, s.paint.faint)
	}
	for _, r := range c.Risks {
		s.prose(bodyIndent, "! ", joinNote(string(r.Risk), r.Note), s.riskInk(r.Risk))
	}
	attrs := t.options.attributes(c.Kind)
	if c.Action == plan.Create {
		if s.hoist {
			s.within = symbolOf(plan.DiffAdd)
		}
		s.creation(describe(attrs, c.Desired, false))
		s.within = ""
	} else {
		rows := diffRows(attrs, c.Diffs)
		s.rowsOf(append(rows, secretRows(c)...), bodyIndent)
	}
	s.steps(c)
}

func joinNote(word, note string) string {
	if note == "" {
		return word
	}
	return word + ": " + note
}

func (s *sheet) riskInk(r schema.Risk) func(...any) string {
	if severe(r) {
		return s.paint.remove
	}
	return s.paint.change
}

// severe reports whether a risk is one that nobody can take back.
func severe(r schema.Risk) bool { return r == schema.Irreversible || r == schema.LocksOut }

// creation writes the arguments of a new object: a few short ones on one line, so that many like it stay readable.
func (s *sheet) creation(desired typed) {
	if !desired.exists() || desired.opaque() {
		return
	}
	rows := valueRows(desired)
	const few = 4
	if len(rows) <= few && !slices.ContainsFunc(rows, func(r row) bool { return !r.flat() }) {
		var texts []string
		left, fits := s.width-bodyIndent, true
		for _, r := range rows {
			value, ok := r.new.inline(left)
			texts = append(texts, r.name+" = "+value)
			fits = fits && ok
		}
		if line := visible(strings.Join(texts, ", ")); fits && len([]rune(line)) <= left {
			if line != "" {
				s.add(pad(s.within, bodyIndent) + line)
			}
			return
		}
	}
	s.rowsOf(rows, bodyIndent)
}

// secretRows are the secrets that a write sets although nothing says that they differ.
func secretRows(c *plan.Change) []row {
	if len(c.Secrets) == 0 || !slices.Contains([]plan.Action{plan.Update, plan.Replace, plan.Adopt}, c.Action) {
		return nil
	}
	listed := map[string]bool{}
	for i := range c.Diffs {
		listed[c.Diffs[i].Path] = true
	}
	note := "unchanged, sent again"
	if c.Action == plan.Adopt {
		note = "will be set"
	}
	var rows []row
	for _, path := range c.Secrets {
		if !listed[path] {
			rows = append(rows, row{op: plan.DiffChange, name: path, new: hidden, note: note})
		}
	}
	return rows
}

// remarks say in words what the symbol and the arguments leave open.
func remarks(c *plan.Change) []string {
	var out []string
	if c.Previous != "" && c.Previous != c.Address {
		out = append(out, "moved from "+string(c.Previous))
	}
	if c.GoesWith != "" && !slices.ContainsFunc(c.Reasons, func(r plan.Reason) bool { return r.Code == "parent_deleted" }) {
		out = append(out, "goes with "+string(c.GoesWith))
	}
	switch {
	case c.Leaves:
		out = append(out, "another one is made, and the one before stays as it is")
	case c.Action == plan.Replace && c.CreateFirst:
		out = append(out, "the new one is made before the old one goes")
	}
	noted := map[string]bool{}
	for i := range c.Diffs {
		if c.Diffs[i].Replaces {
			noted[c.Diffs[i].Path] = true
		}
	}
	for _, r := range c.Reasons {
		if r.Code == "destroy" { // the section's title says so
			continue
		}
		if r.Text != "" && (r.Path == "" || !noted[r.Path]) {
			out = append(out, r.Text)
		}
	}
	if c.Waiting != "" {
		out = append(out, waitingText(c.Waiting))
	}
	return out
}

func waitingText(verb string) string {
	switch verb {
	case "create":
		return "Atlas is still creating it; apply waits, then plans it again"
	case "delete":
		return "Atlas is still deleting it; apply waits for that"
	default:
		return "Atlas is still changing it; apply waits for that"
	}
}

// steps writes the calls of a change where their order or number is worth knowing.
func (s *sheet) steps(c *plan.Change) {
	calls := slices.Concat(c.Removal, c.Calls)
	if c.CreateFirst {
		calls = slices.Concat(c.Calls, c.Removal)
	}
	noted := func(call schema.Call) bool { return call.Note != "" }
	if !slices.ContainsFunc(calls, noted) && len(c.Calls) < 3 {
		return
	}
	for i, call := range calls {
		s.prose(bodyIndent, fmt.Sprintf("%d. ", i+1), callText(call), s.paint.faint)
	}
}

func callText(call schema.Call) string {
	what := strings.Join(call.Attributes, ", ")
	if call.Key != "" {
		what += " " + call.Key
	}
	switch call.Verb {
	case schema.CallWait:
		what = "wait until it has settled"
	case schema.CallCopy:
		what = "take a snapshot and wait until it is complete"
	case schema.CallCreate:
		what = "create it"
	case schema.CallDelete:
		what = "delete it"
	case schema.CallUpgrade:
		what = "upgrade it"
	case schema.CallMint:
		what = "make a new secret"
	case schema.CallRevoke:
		what = "revoke the secret " + call.Key
	default:
		what = "send " + what
	}
	return joinNote(what, call.Note)
}

func (s *sheet) waiting(p *plan.Plan) {
	for i, c := range inProgress(p) {
		if i == 0 {
			s.title("In progress:")
		}
		s.waitingEntry(c)
	}
}

func (s *sheet) waitingEntry(c *plan.Change) {
	s.add(s.before("", nil) + s.paint.strong(visible(string(c.Address))))
	s.prose(bodyIndent, "# ", waitingText(c.Waiting), s.paint.faint)
}

// stateOnlyOf returns the changes of the state alone that do not stand among the changes.
func stateOnlyOf(p *plan.Plan) []*plan.StateChange {
	forgotten := map[schema.Address]bool{}
	for i := range p.Changes {
		if p.Changes[i].Action == plan.Forget {
			forgotten[p.Changes[i].Address] = true
		}
	}
	var out []*plan.StateChange
	for i := range p.StateOnly {
		if c := &p.StateOnly[i]; c.Kind != "forget" || !forgotten[c.Address] {
			out = append(out, c)
		}
	}
	return out
}

func (s *sheet) stateOnly(p *plan.Plan) {
	for i, c := range stateOnlyOf(p) {
		if i == 0 {
			s.title("In the state only, without a call to Atlas:")
		}
		s.stateEntry(c)
	}
}

func (s *sheet) stateEntry(c *plan.StateChange) {
	s.add(s.before("", nil) + s.paint.strong(visible(string(c.Address))))
	words := c.Text
	switch {
	case words == "" && c.From != "":
		words = "moved from " + string(c.From)
	case words == "":
		words = strings.TrimSpace(c.Kind + " " + c.Path)
	case c.From != "" && !strings.Contains(words, string(c.From)):
		words += " (from " + string(c.From) + ")"
	}
	s.prose(bodyIndent, "", words, nil)
}

func (t text) outputs(s *sheet, p *plan.Plan) {
	if rows := outputRows(p); rows != nil {
		s.title("Outputs:")
		s.rowsOf(rows, 2)
	}
}

// outputRows returns the outputs that change.
func outputRows(p *plan.Plan) []row {
	var rows []row
	for i := range p.Outputs {
		o := &p.Outputs[i]
		if o.Action == plan.NoOp {
			continue
		}
		r := row{name: keyText(o.Name), op: plan.DiffChange, old: describe(nil, o.Before, o.Sensitive), new: describe(nil, o.After, o.Sensitive)}
		switch o.Action {
		case plan.Create:
			r.op, r.old = plan.DiffAdd, typed{}
		case plan.Delete:
			r.op, r.new = plan.DiffRemove, typed{}
		}
		if r.old.secret || r.new.secret {
			r.old, r.new = typed{}, hidden
		}
		if r.old.exists() && r.new.exists() && r.old.value.Type() == cty.DynamicPseudoType && r.old.isNull() {
			r.old = typed{}
		}
		rows = append(rows, r)
	}
	return rows
}
