package sandbox

import (
	"fmt"
	"log/slog"
	"regexp"
	"time"
)

// Options are how a sandbox behaves. The zero value is a sandbox in memory on the machine's clock, with
// one organization and the default credentials.
type Options struct {
	// Orgs are the organizations; none means one with the default id, name and credentials.
	Orgs []Org
	// Seed decides ids, the order of lists and the dice of faults. The same seed and the same requests
	// give the same answers.
	Seed uint64
	// Dir keeps the data in a folder, a file per project; "" keeps it in memory. Only one process may
	// have a folder open: use Attach where that is not certain.
	Dir string

	// Clock is the time; nil means WallClock.
	Clock Clock
	// Tick is how far time moves with every request, beside the clock.
	Tick time.Duration
	// Latency is added to every request, on the clock.
	Latency time.Duration
	// CreateTime, UpdateTime and DeleteTime are how long a dedicated cluster is busy (M0: a tenth).
	// Zero means that the next read finds it done.
	CreateTime, UpdateTime, DeleteTime time.Duration
	// SnapshotTime is how long it takes to take a snapshot, and RestoreTime to restore one.
	SnapshotTime, RestoreTime time.Duration
	// Polls, where it is not 0, is how many reads find a cluster or a backup busy; the times above don't count then.
	Polls int
	// DeleteLingers lets the first read after the deletion of a cluster still say IDLE.
	DeleteLingers bool

	// NoRateLimits turns 429 answers off; RateLimits replaces the bucket of an endpoint set ("clusters").
	NoRateLimits bool
	RateLimits   map[string]Bucket

	// Restless gives the elements of lists inside objects another order on every read; otherwise the
	// order differs from the one written, but stays.
	Restless bool
	// IgnoreRepeatedEntries lets the POST of an access list entry that exists succeed without taking its
	// comment and expiry. Which of the two Atlas does is not known.
	IgnoreRepeatedEntries bool
	// RefuseOverlaps answers 409 to a POST to an access list while another one to it is running. The
	// call log marks such calls in any case.
	RefuseOverlaps bool
	// SurplusProjects is added to totalCount in lists of projects, which in Atlas can exceed the results.
	SurplusProjects int
	// NoDefaultAlerts makes new projects without the default alert configurations.
	NoDefaultAlerts bool

	// Faults go wrong from the start; see Server.SetFaults.
	Faults []Fault
	// Log receives a line per request; nil means none.
	Log *slog.Logger
}

var hexID = regexp.MustCompile(`^[a-f0-9]{24}$`)

// orgs returns the organizations of the options, checked.
func (o Options) orgs() ([]*Org, error) {
	if len(o.Orgs) == 0 {
		return []*Org{{ID: DefaultOrgID, Name: DefaultOrgName, Credentials: []Credential{
			{ClientID: DefaultClientID, ClientSecret: DefaultClientSecret},
			{PublicKey: DefaultPublicKey, PrivateKey: DefaultPrivateKey},
			{AccessToken: DefaultAccessToken},
		}}}, nil
	}
	var out []*Org
	seen := map[string]bool{}
	for _, org := range o.Orgs {
		if !hexID.MatchString(org.ID) {
			return nil, fmt.Errorf("organization id %q: want 24 hexadecimal digits in lower case", org.ID)
		}
		if seen[org.ID] {
			return nil, fmt.Errorf("organization id %q is there twice: give every organization an id of its own", org.ID)
		}
		seen[org.ID] = true
		out = append(out, &org)
	}
	return out, nil
}
