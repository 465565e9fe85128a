// Package web carries the built page. `make build` fills dist; without it only a
// placeholder is embedded, so that Go builds need no Node.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Dist returns the files of the built page, with index.html at its root when it
// was built.
func Dist() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the directive above embeds it
	}
	return sub
}
