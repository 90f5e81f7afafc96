package s3

import (
	"fmt"
	"sync/atomic"
	"testing"

	"mercator/apply/state"
	"mercator/apply/state/s3/s3test"
	"mercator/apply/state/statetest"
)

// configAt describes a state in a test's server, reached at endpoint.
func configAt(server *s3test.Server, endpoint, key string) Config {
	return Config{Bucket: server.Bucket, Key: key, Region: s3test.Region, Endpoint: endpoint, Credentials: server.Credentials()}
}

func TestConformance(t *testing.T) {
	server := s3test.Start(t)
	var n atomic.Int32
	statetest.Run(t, func(*testing.T) statetest.Opener {
		key := fmt.Sprintf("some/folder/%d.json", n.Add(1))
		return func(t *testing.T, clock state.Clock) state.Store {
			return New(configAt(server, server.Endpoint, key), statetest.Catalog(t), clock)
		}
	})
}
