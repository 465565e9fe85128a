// Package corpus reads papers from the files that scientists have and keeps them
// without duplicates.
//
// [Read] takes BibTeX, RIS, CSV, TSV, JATS, JSON and JSONL, our own records and those
// of OpenAlex, Europe PMC, Semantic Scholar and Crossref. It is strict and loses
// nothing: a record that cannot be understood is in [Import.Quarantined] with the
// reason and its bytes, and the records around it are read. No input makes it
// panic, and what it holds is bounded by [Limits].
//
// A [Library] takes imports one after another. The same record read twice changes
// nothing. Records of one work, by DOI, PMID, arXiv id, or by normalised title
// with a year at most one apart, form a group that shares its labels; none is
// thrown away, since a preprint and its paper may differ.
package corpus
