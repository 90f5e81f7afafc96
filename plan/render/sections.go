package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"mercator/plan"
	"mercator/schema"
)

// riskEntry is one change that carries a risk.
type riskEntry struct {
	address schema.Address
	note    string
}

// riskOrder is the order in which risks are read: what cannot be undone first.
var riskOrder = []schema.Risk{
	schema.Irreversible, schema.LocksOut, schema.Downtime, schema.OpensNetwork,
	schema.GrantsAccess, schema.MintsCredential, schema.Billable,
}

// risksOf returns the plan's risks in the order of reading, with the changes that carry them.
func risksOf(p *plan.Plan) ([]schema.Risk, map[schema.Risk][]riskEntry) {
	found := map[schema.Risk][]riskEntry{}
	for i := range p.Changes {
		for _, r := range p.Changes[i].Risks {
			found[r.Risk] = append(found[r.Risk], riskEntry{p.Changes[i].Address, r.Note})
		}
	}
	order := make([]schema.Risk, 0, len(found))
	for r := range found {
		order = append(order, r)
	}
	rank := func(r schema.Risk) int {
		if i := slices.Index(riskOrder, r); i >= 0 {
			return i
		}
		return len(riskOrder)
	}
	slices.SortFunc(order, func(a, b schema.Risk) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) })
	return order, found
}

// listed is how many lines a list shows before it says how many more there are. What it leaves out stands with
// the changes themselves.
const listed = 20

func (s *sheet) risks(p *plan.Plan) {
	order, found := risksOf(p)
	if len(order) == 0 {
		return
	}
	s.title("Risks:")
	for _, risk := range order {
		entries := found[risk]
		s.add("  " + s.riskInk(risk)(string(risk)) + fmt.Sprintf(" (%s)", count(len(entries), "change")))
		s.riskEntries(entries, "and %d more, each marked above")
	}
}

// riskEntries lists the changes that carry a risk; more says how many are not listed.
func (s *sheet) riskEntries(entries []riskEntry, more string) {
	for _, e := range entries[:min(len(entries), listed)] {
		s.prose(bodyIndent, "", joinNote(string(e.address), e.note), nil)
	}
	if n := len(entries) - listed; n > 0 {
		s.prose(bodyIndent, "", fmt.Sprintf(more, n), nil)
	}
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// rolesOf counts, by role, the changes that need it.
func rolesOf(p *plan.Plan) ([]string, map[string]int) {
	counts := map[string]int{}
	for i := range p.Changes {
		for _, role := range p.Changes[i].Roles {
			counts[role]++
		}
	}
	roles := make([]string, 0, len(counts))
	for role := range counts {
		roles = append(roles, role)
	}
	slices.Sort(roles)
	return roles, counts
}

func (s *sheet) roles(p *plan.Plan) {
	roles, counts := rolesOf(p)
	if len(roles) == 0 {
		return
	}
	s.title("Atlas roles needed:")
	for _, role := range roles {
		s.prose(2, "", fmt.Sprintf("%s (%s)", role, count(counts[role], "change")), nil)
	}
}

// neededFlags are the values of flags that a plan needs where no human answers (R30), without those given.
type neededFlags struct {
	AllowDestroy []string `json:"allow_destroy"`
	AllowAdopt   []string `json:"allow_adopt"`
}

func flagsOf(p *plan.Plan) neededFlags {
	out := neededFlags{AllowDestroy: []string{}, AllowAdopt: []string{}}
	for i := range p.Changes {
		c := &p.Changes[i]
		switch {
		case c.GoesWith != "": // what it goes with is named
		case c.NeedsAllow == "allow-destroy" && !allowed(p.AllowDestroy, c):
			out.AllowDestroy = append(out.AllowDestroy, string(c.Address))
		case c.NeedsAllow == "allow-adopt" && !allowed(p.AllowAdopt, c):
			out.AllowAdopt = append(out.AllowAdopt, string(c.Address))
		}
	}
	if p.Blast != nil && !slices.Contains(p.AllowDestroy, "all") {
		out.AllowDestroy = []string{"all"}
	}
	return out
}

// list returns the flags as they are typed.
func (f neededFlags) list() []string {
	var flags []string
	for _, a := range f.AllowDestroy {
		flags = append(flags, "--allow-destroy "+shellQuote(a))
	}
	for _, a := range f.AllowAdopt {
		flags = append(flags, "--allow-adopt "+shellQuote(a))
	}
	return flags
}

// allowed reports whether a flag's values name the change, by its address or by the one that it had before.
func allowed(given []string, c *plan.Change) bool {
	return slices.ContainsFunc(given, func(g string) bool {
		a := schema.Address(g)
		return g == "all" || a.Covers(c.Address) || c.Previous != "" && a.Covers(c.Previous)
	})
}

func (s *sheet) flags(p *plan.Plan, command string) {
	flags := flagsOf(p).list()
	if flags == nil {
		return
	}
	s.title("Flags needed where no human answers:")
	if line := command + " " + strings.Join(flags, " "); len(flags) == 1 && len(line)+2 <= s.width {
		s.add("  " + visible(line))
		return
	}
	// A command is copied, so it is never folded inside an argument.
	s.add("  " + visible(command) + ` \`)
	for i, f := range flags {
		if i < len(flags)-1 {
			f += ` \`
		}
		s.add("    " + visible(f))
	}
}

// shellQuote writes an argument so that a POSIX shell takes it as it is.
func shellQuote(s string) string {
	plain := func(r rune) bool {
		return r == '.' || r == '_' || r == '-' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// strangers are the unmanaged objects of one kind in one place.
type strangers struct {
	Connection string   `json:"connection,omitempty"`
	Parent     string   `json:"parent"`
	Kind       string   `json:"kind"`
	Count      int      `json:"count"`
	Objects    []object `json:"objects"`
}

// object names one live object.
type object struct {
	ID  string `json:"id,omitempty"`
	Key string `json:"key,omitempty"`
}

func (o object) String() string { return cmp.Or(o.Key, o.ID) }

// strangersOf groups the unmanaged objects, in the plan's order.
func strangersOf(p *plan.Plan) []strangers {
	type group struct{ connection, parent, kind string }
	index := map[group]int{}
	out := []strangers{}
	for _, u := range p.Unmanaged {
		g := group{u.Connection, cmp.Or(string(u.Parent), string(u.Place)), u.Kind}
		at, ok := index[g]
		if !ok {
			at = len(out)
			index[g] = at
			out = append(out, strangers{Connection: g.connection, Parent: g.parent, Kind: g.kind})
		}
		out[at].Count++
		out[at].Objects = append(out[at].Objects, object{u.ID, schema.KeyText(u.Key)})
	}
	return out
}

func (s *sheet) unmanaged(p *plan.Plan) {
	groups := strangersOf(p)
	if len(groups) == 0 {
		return
	}
	s.title("Live, and not managed here:")
	for _, g := range groups {
		s.prose(2, "", g.line(s.width-2), nil)
	}
}

// line names the group, and as many of its objects as fit.
func (g strangers) line(width int) string {
	line := fmt.Sprintf("%s: %d %s", g.Parent, g.Count, g.Kind)
	return line + g.names(width-len([]rune(line)))
}

// names lists as many objects as fit into width characters, "" if not even one does.
func (g strangers) names(width int) string {
	text := ""
	for i, o := range g.Objects {
		next := text + ", " + o.String()
		if i == 0 {
			next = " (" + o.String()
		}
		end := ")"
		if i < len(g.Objects)-1 {
			end = ", ...)"
		}
		if len([]rune(next+end)) > width {
			if i == 0 {
				return ""
			}
			return text + ", ...)"
		}
		text = next
	}
	return text + ")"
}
