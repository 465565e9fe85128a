// Package spec writes the device contract down for machines: a JSON Schema to
// each message, an AsyncAPI 3 document of all topics, and a Thing Description
// as an example, all made from the Go types that speak it.
//
// What is in docs/formats/ldp-1/ is what [Files] gave when it was last
// published, and a test holds the two together: a field that is added to a type
// without a word of what it means does not get past it.
package spec
