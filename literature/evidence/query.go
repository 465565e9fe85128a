package evidence

import (
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// Query makes the text to search papers with for a campaign: its own query where
// the author gave one, else what the document says that it is about: title,
// objectives, the levels of its categorical parameters and the names of the
// others.
func Query(d lab.Document) string {
	if d.Literature != nil && strings.TrimSpace(d.Literature.Query) != "" {
		return d.Literature.Query
	}
	words := []string{d.Title, d.Description}
	for _, o := range d.Objectives {
		words = append(words, o.Name)
	}
	for _, p := range d.Space.Parameters {
		words = append(words, p.Name)
		if len(p.Levels) <= 12 { // a library of compounds would drown the question
			words = append(words, p.Levels...)
		}
		words = append(words, p.Parts...)
	}
	return strings.Join(strings.Fields(strings.ReplaceAll(strings.Join(words, " "), "_", " ")), " ")
}
