package extract

import "github.com/athanor-lab/athanor/literature"

// Sentences returns the sentences of a text, those without a quantity too, as
// findings name them.
func Sentences(text string) []literature.Span { return sentences(text[:min(len(text), maxText)]) }
