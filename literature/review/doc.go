// Package review makes a campaign's evidence from a corpus and tells what it did:
// what was found, kept, and left out and why, by the counts of PRISMA (Page et al.,
// The PRISMA 2020 statement, BMJ 372:n71, 2021), what the papers claim, and what
// that says of the campaign.
//
// [Make] is a pure function of the papers, of what people said of them and of the
// document, so that the same corpus gives the same review. [Markdown] and [BibTeX]
// write it for people.
package review
