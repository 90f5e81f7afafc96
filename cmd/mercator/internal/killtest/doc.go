// Package killtest holds the tests that take processes to kill and to stop: applies of a whole estate, carried out
// by processes of their own against a sandbox in the test's, that die at every point at which they can, and what
// the next apply makes of what they left. Nothing but tests is here.
package killtest
