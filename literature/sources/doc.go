// Package sources asks OpenAlex, Europe PMC, Semantic Scholar and Crossref for
// papers, a page at a time.
//
// [Client.Page] is a function of a query and of where the reading stopped, so that
// whoever keeps that with the page ([literature.Checkpoint]) can be killed at any
// moment and go on. It keeps to the limits that a service tells: a pace of its own,
// Retry-After, and waits that grow when a service fails. What a service answers is
// bounded in bytes and time and is read as any file is, with what is broken held
// back; a key goes to no other host and stands in no error.
//
// The services were written to from their documentation and tested against servers
// written by hand from it.
package sources
