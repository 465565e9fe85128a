// Package jsontable reads JSON and JSON Lines as tables.
//
// A row is an object; a column is the path of a scalar in it, as in
// "conditions.temperature.value". An array is one cell, its JSON. Of a document
// with arrays of objects each is a table of its own, the largest first; what
// stands beside them is one more, "document", of one row.
//
// What is easily taken wrong: the order of names is kept and a name that is
// there twice is told, which encoding/json does neither; a line that is no JSON
// is a row that does not fit, not an end; numbers stay the texts they were.
package jsontable
