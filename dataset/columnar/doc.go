// Package columnar writes rows of a Go struct as a Parquet file.
//
// A row type has `parquet` tags, of which it knows optional, list, dict, delta
// and timestamp. Its fields are bool, int32, int64, float64 and string,
// pointers to them for values that may be missing, structs, and lists of all
// these. The schema, the metadata and their encoding are parquet-go's; rows
// become columns, dictionaries and pages here, since that is where its time
// goes (ADR 92).
//
// The same rows give the same bytes, whatever batches they come in.
package columnar
