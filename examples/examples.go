// Package examples holds campaign documents to begin from.
package examples

import "embed"

// Campaigns are the documents in campaigns/; the first by name is the
// demonstration, which needs nothing but the simulated laboratory.
//
//go:embed campaigns/*.yaml
var Campaigns embed.FS
