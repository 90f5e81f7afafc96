package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"mercator/apply/state"
	"mercator/cmd/mercator/internal/access"
	"mercator/cmd/mercator/internal/workflow"
	"mercator/plan"
	"mercator/provider"
	"mercator/provider/atlas"
	"mercator/schema"
	"mercator/schema/diag"
)

// patient is a connection under examination.
type patient struct {
	workflow.Connection
	// client is nil where there are no complete credentials.
	client client
	// identity is what Atlas tells of the credential, if why is "".
	identity atlas.Identity
	why      string
}

// client is what a provider of the real Atlas can tell beside its objects.
type client interface {
	Token(context.Context) (ends time.Time, fetched bool, err error)
	Identity(ctx context.Context, orgID string) (atlas.Identity, error)
	AccessListRequired(ctx context.Context, orgID string) (bool, error)
	AccountAddresses(ctx context.Context, orgID string) ([]string, error)
}

// connection makes the checks of one connection.
func (e *examination) connection(c schema.Connection) *patient {
	env, found := atlas.FromEnv(e.Getenv, c.CredentialsPrefix)
	p := &patient{Connection: workflow.Connection{Connection: c, Environment: env}}
	check := func(name string) Check { return Check{Name: name, Connection: c.Name, Status: OK} }
	if p.OrgID == "" {
		p.OrgID = env.OrgID
	}
	e.add(e.credentials(p, check("credentials"), found.Errors()))
	organization := check("organization")
	organization.Found = p.OrgID
	if p.OrgID == "" {
		organization.Status, organization.Found = Problem, "it is not known"
		organization.Remedy = fmt.Sprintf("Set org_id in the atlas block, or %s, to the organization's id.", atlas.OrganizationVariable(c.CredentialsPrefix))
	}
	e.add(organization)
	e.address(p, check("address"), check("clock"))
	if p.client == nil || e.deaf[c.Name] {
		p.why = "Atlas was not asked; see above"
		return p
	}
	e.token(p, check("token"))
	e.identity(p, check("identity"))
	return p
}

// credentials says which variables are set and which of them count.
func (e *examination) credentials(p *patient, check Check, wrong diag.List) Check {
	settings := atlas.Settings(e.Getenv, p.CredentialsPrefix)
	var used, ignored []string
	for _, s := range settings {
		switch {
		case s.Method == atlas.MethodNone:
		case s.Used:
			used = append(used, s.Variable)
		default:
			ignored = append(ignored, s.Variable)
		}
	}
	if len(wrong) > 0 {
		check.Status, check.Found, check.Remedy = Problem, wrong[0].Summary, wrong[0].Detail
		e.deaf[p.Name] = true
		return check
	}
	check.Found = fmt.Sprintf("%s, from %s", p.Environment.Credentials, strings.Join(used, " and "))
	if e.Embedded {
		check.Found = fmt.Sprintf("%s of the embedded Atlas", p.Environment.Credentials)
	}
	if len(ignored) > 0 {
		check.Status = Warning
		check.Found += "; ignored: " + strings.Join(ignored, ", ")
		check.Remedy = "Unset what is ignored, to make the choice plain."
	}
	p.client = e.client(p)
	return check
}

// client returns what can be asked about a connection, nil if nothing can.
func (e *examination) client(p *patient) client {
	var made provider.Provider
	var err error
	if e.session != nil {
		made, err = e.session.Provider(p.Name)
	} else {
		made, err = e.Client(p.Connection)
	}
	asked, ok := made.(client)
	if err != nil || !ok {
		return nil
	}
	return asked
}

// How far clocks may be apart before it is worth a word. Leases allow for state.Skew.
const someSkew = 15 * time.Second

// address checks the way to Atlas, and by the date of the answer the clock.
func (e *examination) address(p *patient, check, clock Check) {
	reached, err := e.Reach(e.ctx, p.Connection)
	through := ""
	if reached.Proxy != "" {
		through = ", through the proxy " + reached.Proxy
	}
	if err != nil {
		e.deaf[p.Name] = true
		check = failed(check, err)
		if check.Remedy == "" {
			check.Found, check.Remedy = fmt.Sprintf("%s does not answer%s: %v", reached.BaseURL, through, err), wayRemedy(err, reached.Proxy)
		}
		e.add(check)
		clock.Status, clock.Found = Skipped, "Atlas was not reached"
		e.add(clock)
		return
	}
	check.Found = fmt.Sprintf("%s answers in %s%s", reached.BaseURL, reached.Took.Round(time.Millisecond), through)
	e.add(check)
	apart := reached.Ahead.Abs()
	word := "ahead of"
	if reached.Ahead > 0 {
		word = "behind"
	}
	clock.Found = fmt.Sprintf("this machine's clock is %s %s Atlas's", span(apart), word)
	switch {
	case !reached.Dated:
		clock.Status, clock.Found = Skipped, "the answer had no date"
	case apart > state.Skew:
		clock.Status, clock.Remedy = Problem, "Set the clock by NTP: tokens, expiry dates and the state's lock go by it."
	case apart > someSkew:
		clock.Status, clock.Remedy = Warning, "Set the clock by NTP before it is further off."
	case apart < 2*time.Second:
		clock.Found = "this machine's clock agrees with Atlas's"
	}
	e.add(clock)
}

// wayRemedy says what to do about a request that got no answer.
func wayRemedy(err error, proxy string) string {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	switch {
	case proxy != "":
		return "Check HTTPS_PROXY and NO_PROXY, and that the proxy lets this address through."
	case errors.As(err, &dns):
		return "The name is not known here: check the address, the network and its name server, or set HTTPS_PROXY."
	case errors.As(err, &certificate):
		return "Something between here and Atlas shows its own certificate: have its authority trusted on this machine."
	case errors.Is(err, context.DeadlineExceeded) || os.IsTimeout(err):
		return "Nothing came back in time: check firewalls, or set HTTPS_PROXY."
	default:
		return "Check the network, firewalls and HTTPS_PROXY."
	}
}

// token makes sure of a token, where the credential needs one.
func (e *examination) token(p *patient, check Check) {
	ends, fetched, err := p.client.Token(e.ctx)
	left := func() string { return span(ends.Sub(e.Clock.Now())) }
	switch p.Environment.Credentials.Method() {
	case atlas.MethodServiceAccount:
		how := "kept from an earlier run"
		if fetched {
			how = "fetched now"
		}
		if err != nil {
			e.deaf[p.Name] = true
			check = failed(check, err)
			break
		}
		check.Found = fmt.Sprintf("%s, ends in %s", how, left())
	case atlas.MethodToken:
		var ok bool
		if ends, ok = atlas.TokenEnd(p.Environment.Credentials.Token); !ok {
			check.Status, check.Found = Skipped, "the access token does not say when it ends"
			break
		}
		check.Found = fmt.Sprintf("the access token ends in %s", left())
		if !ends.After(e.Clock.Now()) {
			check.Status, check.Found = Problem, "the access token has ended at "+ends.Format(time.RFC3339)
			check.Remedy = "Get a new one, or set the client id and secret of a service account, of which Mercator gets tokens itself."
		}
	default:
		return // an API key signs each request
	}
	e.add(check)
}

// identity asks Atlas whose the credential is.
func (e *examination) identity(p *patient, check Check) {
	if e.deaf[p.Name] {
		p.why = "Atlas was not asked; see above"
		return
	}
	var err error
	if e.session != nil {
		p.identity, err = e.session.Identity(e.ctx, p.Name)
	} else {
		p.identity, err = p.client.Identity(e.ctx, p.OrgID)
	}
	var call *provider.Error
	switch {
	case errors.As(err, &call) && call.Status != 401 && call.Status != 0:
		p.why = call.Error()
		check.Status, check.Found = Skipped, "Atlas does not tell: "+p.why
	case err != nil:
		p.why = err.Error()
		e.deaf[p.Name] = true
		check = failed(check, err)
	case !p.identity.Known:
		p.why = "Atlas does not tell what this " + string(p.identity.Method) + " holds"
		check.Status, check.Found = Skipped, p.why
	default:
		check.Found = fmt.Sprintf("%s %s holds", p.identity.Method, p.identity.Name)
		check.Details = grants(p.identity.Grants)
		if len(check.Details) == 0 {
			check.Found += " no role"
		}
	}
	e.add(check)
}

// grants lists roles, those of the organization first.
func grants(list []atlas.Grant) []string {
	var org, projects []string
	for _, g := range list {
		if g.GroupID == "" {
			org = append(org, fmt.Sprintf("%s (%s) in organization %s", access.Name(g.Role), g.Role, g.OrgID))
		} else {
			projects = append(projects, fmt.Sprintf("%s (%s) in project %s", access.Name(g.Role), g.Role, g.GroupID))
		}
	}
	return append(org, projects...)
}

// roles holds what the plan needs against what the credential holds.
func (e *examination) roles(p *patient, made *plan.Plan) {
	check := Check{Name: "roles", Connection: p.Name, Status: OK}
	if made == nil {
		check.Status, check.Found = Skipped, "without a plan it is not known which are needed"
		e.add(check)
		return
	}
	var needs []workflow.Need
	for _, n := range e.session.Needs(made) {
		if n.Connection == p.Name {
			needs = append(needs, n)
		}
	}
	switch {
	case len(needs) == 0:
		check.Found = "the plan makes no call that changes anything; reading works"
	case p.why != "":
		check.Status, check.Found = Skipped, "what the credential holds is not known; the plan needs"
		for _, n := range needs {
			check.Details = append(check.Details, n.Role+" in "+n.Where())
		}
	default:
		judge(&check, workflow.JudgeNeeds(needs, p.identity.Grants), len(needs))
	}
	e.add(check)
}

// judge says of the needs what is missing, the certain first.
func judge(check *Check, judged []workflow.Judged, needed int) {
	var lacking, unsure []string
	for _, n := range judged {
		line := n.Role + " in " + n.Where()
		switch n.Verdict {
		case access.Lacks:
			lacking = append(lacking, "missing: "+line)
		case access.Unsure:
			unsure = append(unsure, "perhaps missing: "+line)
		}
	}
	check.Details = append(lacking, unsure...)
	switch {
	case len(lacking) > 0:
		check.Status, check.Found = Problem, fmt.Sprintf("the plan needs %s that the credential does not hold", count(len(lacking), "role"))
		check.Remedy = "Give the credential these roles, or those of an owner, or apply with another one."
	case len(unsure) > 0:
		check.Status, check.Found = Warning, fmt.Sprintf("the plan needs %s that the credential may lack: the roles it holds there may include them", count(len(unsure), "role"))
		check.Remedy = "If Atlas refuses a call, give the credential the role."
	default:
		check.Found = fmt.Sprintf("the credential holds the %s that the plan needs", count(needed, "role"))
	}
}

// accessList says which calls depend on where they come from. Atlas answers a caller that is not on the list with 403,
// so whoever was answered is on it.
func (e *examination) accessList(p *patient, made *plan.Plan) {
	check := Check{Name: "access list", Connection: p.Name, Status: OK}
	if p.client == nil || e.deaf[p.Name] {
		check.Status, check.Found = Skipped, "Atlas was not asked; see above"
		e.add(check)
		return
	}
	addresses := p.identity.AccessList
	if p.Environment.Credentials.Method() == atlas.MethodServiceAccount {
		addresses, _ = p.client.AccountAddresses(e.ctx, p.OrgID) // what is not told is left out
	}
	only := ""
	if len(addresses) > 0 {
		only = "; the credential is accepted from " + strings.Join(addresses, ", ")
	}
	calls := callsOf(made, p.Name)
	switch required, err := p.client.AccessListRequired(e.ctx, p.OrgID); {
	case refusedAddress(err):
		check = failed(check, err)
	case err != nil:
		check.Status, check.Found = Skipped, fmt.Sprintf("whether the organization requires one is not known: %v%s", err, only)
	case required:
		check.Found = fmt.Sprintf("the organization requires one for every call, the plan's %d among them; Atlas answered this machine, so its address is on it%s", calls, only)
	case only != "":
		check.Found = fmt.Sprintf("the organization requires none%s, and Atlas answered this machine", only)
	default:
		check.Found = "none is required: the credential is accepted from everywhere"
	}
	e.add(check)
}

// refusedAddress reports whether Atlas refuses a call for where it comes from.
func refusedAddress(err error) bool {
	var call *provider.Error
	return errors.As(err, &call) && call.Code == "IP_ADDRESS_NOT_ON_ACCESS_LIST"
}

// callsOf counts the calls of a plan on a connection.
func callsOf(made *plan.Plan, connection string) int {
	n := 0
	if made == nil {
		return 0
	}
	for i := range made.Changes {
		if c := &made.Changes[i]; c.Connection == connection {
			n += len(c.Calls) + len(c.Removal)
		}
	}
	return n
}
