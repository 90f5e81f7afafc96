package cli

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"mercator/apply/state"
	"mercator/cmd/mercator/internal/workflow"
	"mercator/provider"
	"mercator/provider/atlas"
	"mercator/provider/sandbox"
	"mercator/schema"
)

// How long dedicated clusters of the embedded Atlas are busy: long enough to be seen, short enough to be watched.
const (
	createTime = time.Second
	updateTime = 500 * time.Millisecond
	deleteTime = 500 * time.Millisecond
)

// haste is how much shorter pauses are in the embedded Atlas, where minutes of Atlas take a second.
const haste = 20

// hasty is a clock whose pauses are short. Its time is the real one, by which leases go.
type hasty struct{ state.Clock }

// Sleep implements state.Clock.
func (h hasty) Sleep(ctx context.Context, d time.Duration) error { return h.Clock.Sleep(ctx, d/haste) }

// embedded is the Atlas of --sandbox: in this process, kept in a folder beside the configuration. Real credentials
// are never looked at, so they cannot be sent there.
type embedded struct {
	endpoint  *sandbox.Endpoint
	transport *http.Transport
	orgs      []sandbox.Org
	outside   func(string) string
	folder    *folder
}

func (f *folder) sandboxDir() string { return filepath.Join(f.dir, ".mercator", "sandbox") }

// embed starts the embedded Atlas, or joins the one that another process has in the same folder, with an
// organization for every connection.
func (f *folder) embed(connections []schema.Connection) (*embedded, error) {
	e := &embedded{orgs: orgsOf(connections), outside: f.world.getenv, folder: f,
		transport: &http.Transport{MaxIdleConnsPerHost: mostConnections}}
	var err error
	e.endpoint, err = sandbox.Attach(f.sandboxDir(), sandbox.Options{
		Orgs: e.orgs, CreateTime: createTime, UpdateTime: updateTime, DeleteTime: deleteTime, NoRateLimits: true,
	})
	return e, err
}

// mostConnections is how many connections to the embedded Atlas are kept for the next request.
const mostConnections = 16

// close ends the embedded Atlas. Connections go first: the server would wait for one that was opened and not used yet.
func (e *embedded) close() {
	e.transport.CloseIdleConnections()
	_ = e.endpoint.Close() // the data is on disk after every call
}

var hexID = regexp.MustCompile(`^[a-f0-9]{24}$`)

// orgsOf makes an organization for each id that the connections name, and the default one for those without.
func orgsOf(connections []schema.Connection) []sandbox.Org {
	var ids []string
	for _, c := range connections {
		id := sandbox.DefaultOrgID
		if hexID.MatchString(c.OrgID) {
			id = c.OrgID
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	var out []sandbox.Org
	for i, id := range ids {
		org := sandbox.Org{ID: id, Name: sandbox.DefaultOrgName,
			Credentials: []sandbox.Credential{{ClientID: sandbox.DefaultClientID, ClientSecret: sandbox.DefaultClientSecret}}}
		if i > 0 {
			org.Name = fmt.Sprintf("%s %d", sandbox.DefaultOrgName, i+1)
			org.Credentials[0].ClientID += fmt.Sprint(i + 1)
		}
		out = append(out, org)
	}
	return out
}

// embeddedURL stands for the embedded Atlas in the state: its real address is another one in every run.
const embeddedURL = "sandbox"

// getenv answers for what concerns the connection to Atlas, and hands on the rest.
func (e *embedded) getenv(name string) string {
	_, setting, isAtlas := strings.Cut(name, "MONGODB_ATLAS_")
	if !isAtlas {
		return e.outside(name)
	}
	switch setting {
	case "ORG_ID":
		return e.orgs[0].ID
	case "BASE_URL":
		return embeddedURL
	case "CLIENT_ID":
		return sandbox.DefaultClientID
	case "CLIENT_SECRET":
		return sandbox.DefaultClientSecret
	default:
		return ""
	}
}

// connect makes the real client, pointed at the embedded Atlas with the credential of the connection's organization.
func (e *embedded) connect(c workflow.Connection) (provider.Provider, error) {
	at := slices.IndexFunc(e.orgs, func(o sandbox.Org) bool { return o.ID == c.OrgID })
	if at < 0 {
		return nil, fmt.Errorf("the organization id %q is not one: 24 hexadecimal digits in lower case are", c.OrgID)
	}
	credential := e.orgs[at].Credentials[0]
	return atlas.New(atlas.Config{
		BaseURL: e.endpoint.URL, Version: version, Transport: e.transport, Logger: e.folder.globals.logger(e.folder.world.Stderr),
		Credentials: atlas.Credentials{ClientID: credential.ClientID, ClientSecret: credential.ClientSecret},
	})
}
