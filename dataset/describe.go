package dataset

import "time"

// Described is what a reader is told of an export: formats that carry a
// description beside the data write it in their own vocabulary.
type Described struct {
	ID      string // of the snapshot, the hash of its manifest
	Title   string
	Text    string // a paragraph
	License string // SPDX, or ""
	AsOf    time.Time
	Files   []DescribedFile
	Tables  []DescribedTable
	Splits  []DescribedSplit
	Classes map[Class]int
	// Commitments counts how predictions stand.
	Commitments map[Standing]int
	Campaigns   []string // titles
	// CardTokens is the mean number of o200k tokens of a card of an experiment,
	// over the first thousand.
	CardTokens float64
	Size       int64 // of all files, in bytes
}

// DescribedFile is a file of an export.
type DescribedFile struct {
	Path, SHA256, MediaType string
	Bytes                   int64
	Rows                    int
	Table                   string // that it has rows of, or ""
	Part                    string // of the default split, or ""
}

// DescribedTable is a table with its columns.
type DescribedTable struct {
	Name, Says string
	Columns    []DescribedColumn
}

// DescribedColumn is a column of a table.
type DescribedColumn struct {
	Name, Says string
	Type       string // "text", "integer", "number", "boolean", "time" or "list"
	Unit       string // UCUM, where all of it is in one
}

// DescribedSplit is a split with what it leaks.
type DescribedSplit struct {
	Name  string
	Rows  map[string]int
	Leaks map[string]int
}
