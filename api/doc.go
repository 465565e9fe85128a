// Package api is the laboratory's front door: JSON over HTTP for the page, the
// command line, the notebook and for exports. It translates and decides nothing.
//
// [Server] answers with the help of its ports, which speak in the words of
// package lab and are answered elsewhere. Errors are problem+json (RFC 9457);
// one table in problem.go says which kind of error becomes which status. What
// happens in the laboratory is told as server-sent events that a reader can
// resume without a gap. openapi.json beside this file is the contract, generated
// from the code and kept as a golden file.
//
// There are no accounts yet, so the door opens to this machine only: [Listen]
// refuses an address that others can reach, and every request is checked to be
// meant for this machine and to come from our own page or from no page at all.
package api
