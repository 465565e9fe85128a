// Package extract finds quantities in the text of papers, without a model: the
// number, its unit as a UCUM code, what it was a condition of, and where it
// stands.
//
// [Findings] is deterministic and reads text once. Every value is parsed from the
// bytes that its span names, so that none can be made up; [Verify] checks that,
// and is what findings from elsewhere have to pass. A quantity is linked to an
// operation ("calcined at 500 °C") of its own sentence, and an outcome ("a yield
// of 85 %") to the conditions of its sentence.
package extract
