// Package tabular reads tables as they lie about in laboratories: CSV, TSV and
// XLSX, of any delimiter, encoding and shape.
//
// [Open] looks at the beginning of a file and says what it takes it for: its
// encoding, delimiter and decimal sign, which rows are a preamble, the header
// and the units, where the data begin. Every such finding has a confidence, and
// what was guessed is told in [Table.Notes]. [Table.Each] then streams every
// physical row, preamble and blank ones included, so that the reader can
// account for each cell; every [Cell] has its position and its source text.
//
// What is easily taken wrong: nothing is converted here. "1,5" stays the text
// "1,5"; a percentage in a spreadsheet is the 0.5 that is stored, and Shown says
// "50%". A formula is never evaluated: its text and the value that was stored
// with it are told.
//
// Memory is bounded by [Limits], whatever the file claims; the text of an XLSX
// sheet is unpacked only after its archive was found to be of a sane size.
package tabular
