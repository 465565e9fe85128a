// Package dataset keeps what the laboratory has learnt, and tells it in forms
// that people, programs and language models can read.
//
// [Dataset.Record] takes an outcome once, when it makes sense: a failure is
// never a result, and a result has a unit and a reason. [ExportJSONL] and
// [ExportCSV] are pure functions of the record: equal records give equal bytes,
// one experiment at a time, in constant memory.
//
// Two runs of one campaign differ in what they were named and when they were
// done. Such columns stand last, and [Canonical] drops them, so that what is
// left can be compared byte by byte.
package dataset
