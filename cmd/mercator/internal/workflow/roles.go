package workflow

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"mercator/cmd/mercator/internal/access"
	"mercator/plan"
	"mercator/provider/atlas"
	"mercator/schema"
	"mercator/schema/diag"
)

// identities remembers whom Atlas takes the credentials of a session for: one question for each connection.
type identities struct {
	mu    sync.Mutex
	known map[string]atlas.Identity
}

// identifier is a provider that can ask Atlas who its credential is.
type identifier interface {
	Identity(ctx context.Context, orgID string) (atlas.Identity, error)
}

// Identity asks Atlas whose the credential of a connection is and what it holds; once, if the answer is good.
func (s *Session) Identity(ctx context.Context, connection string) (atlas.Identity, error) {
	s.identities.mu.Lock()
	defer s.identities.mu.Unlock()
	if me, ok := s.identities.known[connection]; ok {
		return me, nil
	}
	who, ok := s.providers[connection].(identifier)
	if !ok {
		return atlas.Identity{}, fmt.Errorf("the connection %q cannot tell its credential", connection)
	}
	me, err := who.Identity(ctx, s.connections[connection].OrgID)
	if err == nil {
		s.identities.known[connection] = me
	}
	return me, err
}

// credentialsInUse returns what names the credentials of connections, as far as that is known: an id or a public key
// stands in the environment, and whose a bearer token is Atlas may tell.
func (s *Session) credentialsInUse(ctx context.Context, connections []string) map[string]string {
	out := map[string]string{}
	for _, name := range connections {
		if c, ok := s.providers[name].(interface{ Credential() string }); ok && c.Credential() != "" {
			out[name] = c.Credential()
		} else if me, err := s.Identity(ctx, name); err == nil && me.Name != "" {
			out[name] = me.Name
		}
	}
	return out
}

// Need is a role that calls of a plan need in one place.
type Need struct {
	Connection string
	Role       string
	// At is where, Project the address of the project there, "" where the plan does not change or show it.
	At      access.Place
	Project schema.Address
	// Changes are the changes whose calls need it.
	Changes []schema.Address
	// Open says that the place comes into being with the plan, so that nobody holds a role there yet. Named says that it
	// is the projects that a change of the organization names, of which the plan does not know each call's.
	Open, Named bool
}

// Needs returns the roles that the calls of a plan need, by connection, place and role.
func (s *Session) Needs(p *plan.Plan) []Need {
	projects := s.projectsOf(p)
	byName := map[string]*Need{}
	for i := range p.Changes {
		c := &p.Changes[i]
		for _, role := range c.Roles {
			n := Need{Connection: c.Connection, Role: role, At: access.Place{OrgID: s.connections[c.Connection].OrgID}}
			if strings.HasPrefix(role, "Project ") {
				var own bool
				n.At.GroupID, own = s.GroupOf(c)
				n.Named = n.At.GroupID == "" && !own && c.Place != ""
				n.Open = n.At.GroupID == "" && !n.Named
				n.Project = projects[n.At.GroupID]
			}
			name := strings.Join([]string{c.Connection, n.At.GroupID, fmt.Sprint(n.Named), role}, "\x00")
			if byName[name] == nil {
				byName[name] = &n
			}
			byName[name].Changes = append(byName[name].Changes, c.Address)
		}
	}
	var out []Need
	for _, n := range byName {
		out = append(out, *n)
	}
	slices.SortFunc(out, func(a, b Need) int {
		return cmp.Or(cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Project, b.Project), cmp.Compare(a.At.GroupID, b.At.GroupID), cmp.Compare(a.Role, b.Role))
	})
	return out
}

const groupParam = "groupId"

// GroupOf returns the id of the project that a change is about, "" where there is none yet. own says that it is about
// the project itself, not about something in it.
func (s *Session) GroupOf(c *plan.Change) (id string, own bool) {
	if id = c.Place.Param(groupParam); id != "" {
		return id, false
	}
	kind := s.Catalog.Kind(c.Kind)
	if kind.PathParam(groupParam) == nil {
		return "", false
	}
	if inside, err := kind.Inside(c.Place, c.ID, c.Key); err == nil {
		id = inside.Param(groupParam)
	}
	return id, true
}

// projectsOf returns the addresses of the live projects in a plan, by their ids.
func (s *Session) projectsOf(p *plan.Plan) map[string]schema.Address {
	out := map[string]schema.Address{}
	for i := range p.Changes {
		if id, own := s.GroupOf(&p.Changes[i]); own && id != "" {
			out[id] = p.Changes[i].Address
		}
	}
	return out
}

// Judged is a need, held against what the credential holds.
type Judged struct {
	Need
	Verdict access.Verdict
}

// JudgeNeeds holds needs against a credential. Of those in places that come into being with the plan, or that are not
// known, only those are judged that are met everywhere: whoever makes a project may become its owner.
func JudgeNeeds(needs []Need, held []atlas.Grant) []Judged {
	var out []Judged
	for _, n := range needs {
		verdict := access.Judge(n.Role, n.At, held)
		if !n.Open && !n.Named || verdict == access.Has {
			out = append(out, Judged{n, verdict})
		}
	}
	return out
}

// missingRoles finds out whether the credentials in use hold the roles that a plan needs, before its first write. Where
// a credential certainly cannot write in a place, that is an error of an apply; a plan may be made by one that only reads.
// What nobody tells is not asked after: Atlas will say it.
func (s *Session) missingRoles(ctx context.Context, p *plan.Plan, applying bool) diag.List {
	var out diag.List
	needs := s.Needs(p)
	for len(needs) > 0 {
		connection := needs[0].Connection
		next := slices.IndexFunc(needs, func(n Need) bool { return n.Connection != connection })
		if next < 0 {
			next = len(needs)
		}
		me, err := s.Identity(ctx, connection)
		switch {
		case err != nil:
			s.logger().DebugContext(ctx, "the roles of the credential are not known", "connection", connection, "error", err)
		case me.Known:
			out.Add(roleFindings(me, JudgeNeeds(needs[:next], me.Grants), applying)...)
		}
		needs = needs[next:]
	}
	return out
}

func (s *Session) logger() *slog.Logger {
	if s.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Logger
}

// roleFindings says which roles a credential lacks, and of which it cannot be told.
func roleFindings(me atlas.Identity, judged []Judged, applying bool) diag.List {
	var out diag.List
	if missing := needLines(judged, access.Lacks); missing != "" {
		d := diag.Warningf("role_missing", "The credential in use lacks roles that these changes need",
			"The %s %s only reads there, or has no access. What is needed:\n%s\n\nGive it these roles, or those of an owner, or apply with another credential; mercator doctor shows what it holds.",
			me.Method, me.Name, missing)
		if applying {
			d.Severity = diag.Error
		}
		out.Add(d)
	}
	if unsure := needLines(judged, access.Unsure); unsure != "" {
		out.Add(diag.Warningf("role_unsure", "The credential in use may lack roles that these changes need",
			"The %s %s holds other roles there, which may include them. What is needed:\n%s\n\nIf Atlas refuses a call, give it the role; mercator doctor shows what it holds.",
			me.Method, me.Name, unsure))
	}
	return out
}

// needLines lists the needs of a verdict, "" for none.
func needLines(judged []Judged, verdict access.Verdict) string {
	var b strings.Builder
	for _, n := range judged {
		if n.Verdict == verdict {
			fmt.Fprintf(&b, "\n- %s in %s, for %s", n.Role, n.Where(), inShort(n.Changes))
		}
	}
	return b.String()
}

// Where names the place of a need for people.
func (n *Need) Where() string {
	switch {
	case n.Open:
		return "a new project"
	case n.Named:
		return "the projects that it names"
	case n.At.GroupID == "":
		return "organization " + n.At.OrgID
	case n.Project == "":
		return "project " + n.At.GroupID
	default:
		return fmt.Sprintf("%s (%s)", n.Project, n.At.GroupID)
	}
}

// inShort names the first of some addresses and counts the others.
func inShort(addresses []schema.Address) string {
	if len(addresses) == 1 {
		return string(addresses[0])
	}
	return fmt.Sprintf("%s and %d more", addresses[0], len(addresses)-1)
}
