// Package askdata reads a spreadsheet of experiments as the data of a brief: for
// those who ask what to try next and have no laboratory that keeps the record.
//
// The first row of the table names its columns: one to each parameter, one to
// each objective, and in any order. A name may be followed by its unit in
// brackets, as in "temperature [Cel]", which must be the one of the space. A
// composition has a column to each part, "solvents.water". Two more columns are
// known: "yield sd" holds the standard deviation of the objective yield, and
// "failed" says "yes" where an experiment went wrong. Other columns are left
// alone and named in [Table.Ignored].
//
// A row with an outcome is an experiment that ended, one that failed is so too,
// and one with settings alone is still running. Rows that are empty are passed
// over. Commas, semicolons and tabs separate columns, whichever the first row
// has; the decimal sign is a point.
package askdata
