package ucum

// cautions are valid codes of which a laboratory usually means another unit.
var cautions = map[string]string{
	"AU":  `is the astronomical unit; absorbance has "1" or "{AU}"`,
	"C":   `is the coulomb; the degree Celsius is "Cel"`,
	"F":   `is the farad; the degree Fahrenheit is "[degF]"`,
	"A":   `is the ampere; the angstrom is "Ao"`,
	"pH":  `is the picohenry; the acidity is "[pH]"`,
	"B":   `is the bel; the byte is "By"`,
	"b":   `is the barn; the pressure is "bar"`,
	"P":   `is the poise; the pressure is "Pa"`,
	"R":   `is the roentgen`,
	"G":   `is the gauss; the gram is "g", the acceleration "[g]"`,
	"Gal": `is an acceleration; the gallon is "[gal_us]"`,
	"u":   `is the unified atomic mass unit; the micrometre is "um"`,
	"a":   `is the year`,
	"N/A": `is newton per ampere; a number without a unit has "1"`,
	"ar":  `is the are, an area`,
	"ft":  `is the femtotonne; the foot is "[ft_i]"`,
	"pt":  `is the picotonne; the pint is "[pt_us]"`,
	"mph": `is the milliphot; miles an hour are "[mi_i]/h"`,
	"cd":  `is the candela; the day is "d"`,
	"H":   `is the henry; the hour is "h"`,
	"S":   `is the siemens; the second is "s"`,
	"Pt":  `is the petatonne`,
	"att": `is the technical atmosphere; the standard one is "atm"`,
	"eq":  `is the mole of charges; equivalents of a reagent are "{equiv}"`,
	"U":   `is the enzyme unit, umol/min; international units are "[IU]"`,
}

// Caution tells what a valid code means when a laboratory usually means
// something else by it, and "" when there is nothing to say. It is for a
// person to read beside a unit that came from a file or a form.
func Caution(code string) string {
	why, ok := cautions[code]
	if !ok {
		return ""
	}
	return `"` + code + `" ` + why
}
