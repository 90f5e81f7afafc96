package sandbox

import (
	"math"
	"strings"
	"time"
)

// Bucket is the rate limit of a set of endpoints: so many requests at once, refilled over time.
type Bucket struct {
	Capacity int
	Refill   int           // tokens per Period
	Period   time.Duration // a minute unless set
}

// buckets holds the capacities of the endpoint sets. Capacities are the ones recorded in the
// RateLimit-Limit header, but for the list of organizations, where they are the documented ones. Of the
// refill rates only that one is documented; half the capacity in a minute is assumed for the others.
var buckets = map[string]Bucket{
	"orgs":              {10, 5, time.Minute},
	"org":               {500, 250, time.Minute},
	"unscoped":          {300, 150, time.Minute},
	"groups":            {1200, 600, time.Minute},
	"accessList":        {1200, 600, time.Minute},
	"alerts":            {1200, 600, time.Minute},
	"alertConfigs":      {1200, 600, time.Minute},
	"auditLog":          {1200, 600, time.Minute},
	"backup":            {1200, 600, time.Minute},
	"containers":        {1200, 600, time.Minute},
	"flexClusters":      {1200, 600, time.Minute},
	"integrations":      {1200, 600, time.Minute},
	"peers":             {1200, 600, time.Minute},
	"privateEndpoint":   {4000, 2000, time.Minute},
	"search":            {1200, 600, time.Minute},
	"maintenanceWindow": {1200, 600, time.Minute},
	"encryptionAtRest":  {1200, 600, time.Minute},
	"cloudRoles":        {2000, 1000, time.Minute},
	"clusters":          {10000, 5000, time.Minute},
	"databaseUsers":     {10000, 5000, time.Minute},
	"customDBRoles":     {2000, 1000, time.Minute},
}

// bucketState is how full a bucket is.
type bucketState struct {
	tokens float64
	at     time.Time
}

// take takes a token from the bucket of an endpoint set within a scope (a project, an organization or a
// credential). It returns the values of the RateLimit headers, or the error of an empty bucket.
func (s *Server) take(set, scope, path string) (limit, remaining int, err *apiError) {
	b, ok := s.opts.RateLimits[set]
	if !ok {
		b = buckets[set]
	}
	if b.Period == 0 {
		b.Period = time.Minute
	}
	now := s.now()
	state := s.limits[set+" "+scope]
	if state == nil {
		state = &bucketState{tokens: float64(b.Capacity), at: now}
		s.limits[set+" "+scope] = state
	}
	rate := float64(b.Refill) / b.Period.Seconds()
	state.tokens = math.Min(float64(b.Capacity), state.tokens+rate*now.Sub(state.at).Seconds())
	state.at = now
	if state.tokens >= 1 || s.opts.NoRateLimits {
		state.tokens = math.Max(0, state.tokens-1)
		return b.Capacity, int(state.tokens), nil
	}
	wait := 1
	if rate > 0 {
		wait = int(math.Ceil((1 - state.tokens) / rate))
	}
	e := fail("RATE_LIMITED_TOKEN_BUCKET", strings.TrimPrefix(path, "/"), wait, b.Capacity, b.Refill, int(b.Period.Seconds()))
	e.retryAfter = wait
	return b.Capacity, 0, e
}
