// Package tables lays experiments out as tables, and writes them as Parquet,
// JSON Lines or CSV.
//
// The tables are relations around experiments: conditions, predictions,
// measurements, candidates, steps, events, samples, raw files, failures and
// corrections, joined by experiment_id and command_id. Every number of a
// changing unit has its unit in a column beside it, and the same quantity in
// base units after that, so that rows of different campaigns can be compared.
//
// In Parquet what is not known is null. JSON Lines and CSV have no nulls, since
// readers that guess types from the first lines take a column of nulls for
// nothing: there a number that may be unknown has a column "<name>_known"
// after it, and times are whole microseconds since 1970 under "<name>_us".
package tables
