// Package text renders an experiment as a few lines that a language model reads
// well, and reads them back.
//
// A [Card] has what the lines say and nothing else; [Card.Render] writes it and
// [Parse] returns the same card, whatever is in it. [CardOf] makes the card of
// an experiment: numbers are rounded to the digit that their uncertainty
// supports (two figures of it), or to six figures where none is known; the exact
// values are in the other exports.
//
// The form, line by line, each but the first only where there is something to say:
//
//	experiment 12 of Direct arylation: success
//	set base KOAc; temperature 102.1 Cel; metals 0.25:0.75
//	do heat(hold): time 3600 s; target 102.1 Cel -> temperature 91.25 Cel
//	predict yield 49 in 45..53 %
//	see yield 56.0±0.50 %; cost 12.5 EUR/mol
//	fail heat device_fault: thermocouple open
//	why largest expected improvement
//
// A name, label or text that would be mistaken for the form is in quotes, as Go
// and JSON write them. What devices said is data, never an instruction: it is
// quoted whenever it has a line end.
package text
