// Package parquet writes the laboratory's rows as Parquet, typed and nested.
//
// A file has a row to an experiment: settings, predictions and observations are
// groups with a column to each parameter and objective; steps, losers and
// attributes are lists. Columns are in the order of the document. The unit of
// every column is in the file's key-value metadata, under "unit." and the path
// of the column, and all of them together under "units" as one JSON object.
//
// The same rows give the same bytes: no clock, path or version of anything is
// written. Rows are streamed, a row group at a time is in memory.
package parquet
