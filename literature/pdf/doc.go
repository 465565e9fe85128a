// Package pdf reads the text of PDF files, hostile ones included.
//
// The parser is PDFium compiled to WebAssembly, so that what goes wrong in it goes
// wrong in a sandbox: it has no files, no network, no clock worth the name and only
// the memory that [Limits] give it, and it is stopped in the middle of whatever it
// does when its time is over. What a file may cost is bounded in bytes, pages,
// characters, memory and time. Scripts in a file are not run: this build of PDFium
// has no engine for them.
package pdf
