// Package synonyms knows the names that a thing has in papers: potassium acetate is
// KOAc, AcOK, CH3CO2K and CH3COOK.
//
// The table was written by hand for this package; nothing in it was copied from a
// list of others. It follows
//
//   - for abbreviations (DMAc, THF, Et3N) the use of the Journal of Organic Chemistry,
//     "Standard Abbreviations and Acronyms", ACS Publications;
//   - for names of compounds IUPAC, Nomenclature of Organic Chemistry (2013) and
//     Nomenclature of Inorganic Chemistry (2005), and names retained there;
//   - for elements IUPAC, Periodic Table of the Elements;
//   - for symbols of quantities (T, t, p, c) IUPAC, Quantities, Units and Symbols in
//     Physical Chemistry (Green Book, 3rd edition, 2007).
//
// A name that commonly stands for more than one thing (EA, PE, DCE) is left out. A test
// counts the atoms of all formulas of a substance, and wants them to agree.
package synonyms
