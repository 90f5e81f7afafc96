package sandbox

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"iter"
	"slices"
	"time"
)

// Kind names a kind of object in a project, or of an organization.
type Kind string

// The kinds that the sandbox holds. A project and the objects with a key of their own can be put, changed
// and deleted; settings and process arguments belong to a project and a cluster and always exist, as do the
// singletons, whose deletion is a reset. A backup schedule belongs to a cluster while its backups are on. A snapshot may
// outlive its cluster. A search index belongs to the cluster that its field clusterName names, which answers do not
// show. API keys, service accounts, teams and users belong to an organization; what a user may do in projects stands with
// the user.
const (
	Project           Kind = "project"
	Settings          Kind = "settings"
	DatabaseUser      Kind = "database_user"
	CustomRole        Kind = "custom_role"
	AccessList        Kind = "access_list"
	AlertConfig       Kind = "alert_config"
	Cluster           Kind = "cluster"
	ProcessArgs       Kind = "process_args"
	Container         Kind = "network_container"
	MaintenanceWindow Kind = "maintenance_window"
	Auditing          Kind = "auditing"
	BackupSchedule    Kind = "backup_schedule"
	FlexCluster       Kind = "flex_cluster"
	BackupSnapshot    Kind = "backup_snapshot"
	RestoreJob        Kind = "backup_restore_job"
	BackupCompliance  Kind = "backup_compliance_policy"
	APIKey            Kind = "api_key"
	ServiceAccount    Kind = "service_account"
	Team              Kind = "team"
	ProjectTeam       Kind = "project_team"
	OrgUser           Kind = "org_user"
	Integration       Kind = "integration"
	SearchIndex       Kind = "search_index"
	Organization      Kind = "organization"
	OrgSettings       Kind = "org_settings"
	Alert             Kind = "alert"
	CloudRole         Kind = "cloud_provider_access"
	Encryption        Kind = "encryption_at_rest"
	Peering           Kind = "network_peering"
	PrivateService    Kind = "private_endpoint_service"
	PrivateEndpoint   Kind = "private_endpoint"
)

// collected are the kinds of which a project has any number.
var collected = [...]Kind{DatabaseUser, CustomRole, AccessList, AlertConfig, Cluster, Container, FlexCluster, BackupSnapshot, RestoreJob, BackupCompliance,
	ProjectTeam,
	Alert,
	Integration, SearchIndex, Peering, PrivateService, PrivateEndpoint,
	CloudRole}

// single are the kinds of which a project has exactly one, with what it is from the start.
var single = map[Kind]func() object{
	MaintenanceWindow: defaultWindow,
	Auditing:          defaultAuditing,
	Encryption:        defaultEncryption,
}

// item is one stored object.
type item struct {
	Doc      object    `json:"doc"`
	Expires  time.Time `json:"expires,omitzero"` // when the object vanishes by itself
	Progress *progress `json:"progress,omitempty"`
	Args     object    `json:"args,omitempty"` // process arguments of a cluster
	Schedule object    `json:"schedule,omitempty"`
	Entries  []object  `json:"entries,omitempty"` // addresses that an API key or a service account is accepted from
	Digest   string    `json:"digest,omitempty"`  // what checks an API key's answers to Digest challenges
	Of       *source   `json:"of,omitempty"`      // the cluster of a backup
	// Hashes check the secrets of a service account, by the secret's id.
	Hashes map[string]string `json:"hashes,omitempty"`
}

// progress is what an object is busy with.
type progress struct {
	Until  time.Time `json:"until"`
	Polls  int       `json:"polls"`            // reads that still find it busy, where polls count
	Linger bool      `json:"linger,omitempty"` // the next read still shows the state before
	Into   object    `json:"into,omitempty"`   // what an upgrade makes of it
}

// source is the cluster that a backup is of. Another one may get its name.
type source struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Days int64  `json:"days,omitempty"` // for how long a snapshot is kept once it is taken
}

// project is a project with everything in it. It is the unit of persistence.
type project struct {
	Doc      object                 `json:"doc"`
	Settings object                 `json:"settings"`
	Limits   map[string]int64       `json:"limits"`
	Kinds    map[Kind]*index[*item] `json:"kinds"`
	Singles  map[Kind]object        `json:"singles"`

	// soonest is when the next object expires; zero means never.
	soonest time.Time
}

func (p *project) id() string                 { return textOf(p.Doc, "id") }
func (p *project) of(kind Kind) *index[*item] { return p.Kinds[kind] }

func newProject(seed uint64, doc object) *project {
	p := &project{Doc: doc, Settings: defaultSettings(), Limits: map[string]int64{}, Kinds: map[Kind]*index[*item]{}, Singles: map[Kind]object{}}
	p.fill(seed)
	return p
}

// fill completes a project read from a file.
func (p *project) fill(seed uint64) {
	for _, kind := range collected {
		if p.Kinds[kind] == nil {
			p.Kinds[kind] = &index[*item]{}
		}
		p.Kinds[kind].reseed(hash64(seed, string(kind)))
	}
	for kind, initial := range single {
		if p.Singles[kind] == nil {
			p.Singles[kind] = initial()
		}
	}
	p.plan()
}

// store puts an object and takes note of its expiry.
func (p *project) store(kind Kind, key string, it *item) {
	it.Expires = time.Time{}
	for _, field := range []string{"deleteAfterDate", "expiresAt"} {
		if when, err := time.Parse(time.RFC3339, textOf(it.Doc, field)); err == nil && it.Progress == nil && kind != RestoreJob {
			it.Expires = when
			if p.soonest.IsZero() || when.Before(p.soonest) {
				p.soonest = when
			}
		}
	}
	p.of(kind).put(key, it)
}

// expire removes what has passed its date and reports whether there was anything.
func (p *project) expire(now time.Time) bool {
	if p.soonest.IsZero() || now.Before(p.soonest) {
		return false
	}
	for _, kind := range collected {
		for key, it := range p.of(kind).all() {
			if !it.Expires.IsZero() && !now.Before(it.Expires) {
				p.of(kind).remove(key)
			}
		}
	}
	p.plan()
	return true
}

// plan finds the next expiry.
func (p *project) plan() {
	p.soonest = time.Time{}
	for _, kind := range collected {
		for _, it := range p.of(kind).all() {
			if !it.Expires.IsZero() && (p.soonest.IsZero() || it.Expires.Before(p.soonest)) {
				p.soonest = it.Expires
			}
		}
	}
}

// index is a map with an order of its own: by a hash of the key, so that lists come back in another
// order than they were written in, and pages of one list fit together.
type index[T any] struct {
	seed   uint64
	order  []ranked
	values map[string]T
}

type ranked struct {
	rank uint64
	key  string
}

func (r ranked) compare(o ranked) int {
	return cmp.Or(cmp.Compare(r.rank, o.rank), cmp.Compare(r.key, o.key))
}

func (x *index[T]) rank(key string) ranked { return ranked{hash64(x.seed, key), key} }

func (x *index[T]) len() int { return len(x.order) }

func (x *index[T]) get(key string) (T, bool) {
	v, ok := x.values[key]
	return v, ok
}

func (x *index[T]) put(key string, value T) {
	if x.values == nil {
		x.values = map[string]T{}
	}
	if _, ok := x.values[key]; !ok {
		r := x.rank(key)
		at, _ := slices.BinarySearchFunc(x.order, r, ranked.compare)
		x.order = slices.Insert(x.order, at, r)
	}
	x.values[key] = value
}

func (x *index[T]) remove(key string) {
	if _, ok := x.values[key]; !ok {
		return
	}
	delete(x.values, key)
	at, _ := slices.BinarySearchFunc(x.order, x.rank(key), ranked.compare)
	x.order = slices.Delete(x.order, at, at+1)
}

// all iterates over a copy of the order, so that elements can be removed on the way.
func (x *index[T]) all() iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for _, r := range slices.Clone(x.order) {
			if v, ok := x.values[r.key]; ok && !yield(r.key, v) {
				return
			}
		}
	}
}

// between returns the values from one position to another.
func (x *index[T]) between(first, last int) []T {
	out := make([]T, 0, last-first)
	for _, r := range x.order[first:last] {
		out = append(out, x.values[r.key])
	}
	return out
}

// reseed orders the elements anew.
func (x *index[T]) reseed(seed uint64) {
	x.seed, x.order = seed, x.order[:0]
	for key := range x.values {
		x.order = append(x.order, x.rank(key))
	}
	slices.SortFunc(x.order, ranked.compare)
}

// MarshalJSON writes the values by key.
func (x *index[T]) MarshalJSON() ([]byte, error) { return json.Marshal(x.values) }

// UnmarshalJSON reads what MarshalJSON wrote; reseed has to follow.
func (x *index[T]) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	return dec.Decode(&x.values)
}

// newID makes an id of 24 hexadecimal digits that begins with the time, as the real ones do. The same
// seed and the same sequence of calls give the same ids.
func (s *Server) newID() string {
	s.ids++
	var b [12]byte
	binary.BigEndian.PutUint32(b[:4], uint32(s.now().Unix()))
	binary.BigEndian.PutUint64(b[4:], hash64(s.opts.Seed, "id", s.generation, string(binary.BigEndian.AppendUint64(nil, s.ids))))
	return hex.EncodeToString(b[:])
}
