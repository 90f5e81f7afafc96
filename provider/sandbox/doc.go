// Package sandbox is an Atlas in one process: the MongoDB Atlas Administration API v2 as an
// [http.Handler], with the paths, dated versions, authentication, paging, error bodies, rate limits,
// server-filled defaults and asynchronous clusters of the real one. It is an emulator over a store,
// not a list of canned answers, so that a plan, an apply and a second plan mean something against it.
//
// It is written from the API's documentation and from recorded answers, and shares nothing with the
// client it tests: a wrong path there must not find the same wrong path here. Where a behaviour is not
// known, the comment beside it says so. Fields that the specification marks read-only are ignored in
// request bodies, as the recordings show the real API to do; unknown ones are refused.
package sandbox
