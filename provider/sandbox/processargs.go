package sandbox

import "maps"

// argFields are the process arguments; null stands for the server's default.
var argFields = shape{
	"changeStreamOptionsPreAndPostImagesExpireAfterSeconds": integer.orNull(),
	"chunkMigrationConcurrency":                             integer.orNull(),
	"defaultMaxTimeMS":                                      integer.orNull(),
	"defaultWriteConcern":                                   text.orNull(),
	"javascriptEnabled":                                     boolean.orNull(),
	"noTableScan":                                           boolean.orNull(),
	"oplogMinRetentionHours":                                number.orNull(),
	"oplogSizeMB":                                           integer.orNull(),
	"queryStatsLogVerbosity":                                integer.orNull(),
	"sampleRefreshIntervalBIConnector":                      integer.between(0, 1<<31-1).orNull(),
	"sampleSizeBIConnector":                                 integer.between(0, 1<<31-1).orNull(),
	"transactionLifetimeLimitSeconds":                       integer.between(1, 1<<31-1).orNull(),

	"customOpensslCipherConfigTls12": tlsFields["customOpensslCipherConfigTls12"],
	"customOpensslCipherConfigTls13": tlsFields["customOpensslCipherConfigTls13"],
	"minimumEnabledTlsProtocol":      tlsFields["minimumEnabledTlsProtocol"],
	"tlsCipherConfigMode":            tlsFields["tlsCipherConfigMode"],
}

var argsRule = of(argFields)

// argDefaults are the process arguments that are not null from the start.
var argDefaults = object{"javascriptEnabled": true, "noTableScan": false, "queryStatsLogVerbosity": 1}

// processArgs returns all process arguments of a cluster. The TLS settings among them are the cluster's.
func processArgs(it *item) object {
	out := object{}
	for name := range argFields {
		out[name] = argDefaults[name]
	}
	maps.Copy(out, it.Args)
	maps.Copy(out, tlsDefaults())
	maps.Copy(out, objectOf(it.Doc, "advancedConfiguration"))
	return out
}

func (s *Server) findArgs(c *call) (*item, *apiError) {
	it, err := s.findCluster(c)
	if err == nil && isTenant(it.Doc) {
		return nil, fail("TENANT_CLUSTER_PROCESS_ARGS_NOT_SUPPORTED")
	}
	return it, err
}

func (s *Server) getProcessArgs(c *call) *apiError {
	it, err := s.findArgs(c)
	if err == nil {
		c.out = processArgs(it)
	}
	return err
}

// updateProcessArgs merges the body into the arguments, sends the cluster into UPDATING and answers all
// arguments.
func (s *Server) updateProcessArgs(c *call) *apiError {
	it, err := s.findArgs(c)
	if err != nil {
		return err
	}
	switch {
	case textOf(it.Doc, "stateName") == deleting:
		return fail("CLUSTER_ALREADY_REQUESTED_DELETION", textOf(it.Doc, "name"))
	case boolOf(it.Doc, "paused"):
		return fail("CANNOT_UPDATE_PAUSED_CLUSTER", textOf(it.Doc, "name"))
	}
	if it.Args == nil {
		it.Args = object{}
	}
	for name, value := range c.in() {
		if _, isTLS := tlsFields[name]; isTLS {
			setDefault(it.Doc, "advancedConfiguration", tlsDefaults())
			objectOf(it.Doc, "advancedConfiguration")[name] = value
		} else if value == nil {
			it.Args[name] = argDefaults[name]
		} else {
			it.Args[name] = value
		}
	}
	s.change(it)
	c.out = processArgs(it)
	return nil
}
