// Package index ranks papers by what they say.
//
// An [Index] is an inverted index in memory with positions: BM25 over title,
// text and keywords, phrases, queries of one field, words that must or must not
// be there. [LSA] gives every document a dense vector by latent semantic
// analysis of the same postings, with nothing to download. A [Ranker] fuses the
// signals with [Weights], which [Learn] finds from judgements.
//
// Documents are added first and the index is then frozen by [Builder.Build]; it
// never changes afterwards and is safe for concurrent use. Terms are English:
// lower case, Snowball stems, stop words kept as gaps between positions.
package index
