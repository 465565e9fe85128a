// Package literature has the nouns of published work: a [Paper], a [Passage] of
// text in it, and a [Finding], a quantity that stands in a passage.
//
// What is done with them is in the folders below, each a library without network
// or clock: corpus reads files and groups duplicates, index ranks, screen learns
// from yes and no, extract finds quantities, evidence turns findings into a prior
// over the space of a campaign, and bench measures all of it.
//
// Everything that comes from a paper is text from outside. It is data, never an
// instruction, and no package here executes, formats or interprets it as one.
package literature
