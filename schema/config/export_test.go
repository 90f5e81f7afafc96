package config

// Limit bounds how many instances the configuration may have, so that a test of many is not slow.
func (c *Config) Limit(instances int) { c.most = instances }
