// Package ucum reads, compares and converts units of measure written in the
// case-sensitive codes of the Unified Code for Units of Measure (Schadow and
// McDonald, "The Unified Code for Units of Measure", version 2.2, 2024,
// https://ucum.org/ucum): "Cel", "mol/L", "uL", "mm[Hg]", "10*6/mL".
//
// The units are those of the official table ucum-essence.xml 2.2, embedded
// unmodified under the UCUM License (see table/NOTICE) and read on first use.
//
// What is easily taken wrong:
//
//   - Codes are case sensitive and plain ASCII. "M" is no molar ("mol/L" is),
//     "degC" no degree Celsius ("Cel" is), "µL" no microlitre ("uL" is). The
//     error of [Parse] names the code that was probably meant; nothing is
//     ever guessed silently.
//   - Some laboratory spellings are valid codes of something else: "C" is
//     coulomb, "AU" the astronomical unit, "pH" a picohenry. [Caution] tells.
//   - A mole is a number in UCUM, 6.02214076e23, so "mol/L" and "/L" are
//     comparable; so are "%" and "1". What a number is a fraction of is the
//     business of the quantity, not of its unit.
//   - "Cel", "[degF]", "[pH]", "B", "Np" and their like are points on a scale
//     which is no ratio scale. [Convert] converts points (25 Cel is 298.15 K),
//     [ConvertDifference] differences (a span of 25 Cel is 25 K). Such a unit
//     takes a number or a prefix as a factor, and no other unit: a heating
//     rate is "K/min", never "Cel/min".
//   - Arbitrary units ("[IU]", "[CFU]") are comparable only with themselves.
//
// Factors are exact rational numbers from the table to the result, which is
// rounded to a float64 once.
package ucum
