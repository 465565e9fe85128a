package ucum_test

import (
	"fmt"

	"github.com/athanor-lab/athanor/ucum"
)

func ExampleConvertCodes() {
	kelvin, err := ucum.ConvertCodes(25, "Cel", "K")
	fmt.Println(kelvin, err)
	litres, err := ucum.ConvertCodes(6.3, "uL", "L")
	fmt.Println(litres, err)
	// Output:
	// 298.15 <nil>
	// 6.3e-06 <nil>
}

func ExampleParse() {
	for _, code := range []string{"degC", "µL", "mM/hr", "Cel/min"} {
		_, err := ucum.Parse(code)
		fmt.Println(err)
	}
	// Output:
	// unit "degC", position 1: "degC" is no UCUM unit; did you mean "Cel"?
	// unit "µL", position 1: 'µ' is not allowed; codes are printable ASCII; did you mean "uL"?
	// unit "mM/hr", position 1: "mM" is no UCUM unit; did you mean "mmol/L/h"?
	// unit "Cel/min", position 4: "Cel" is on no ratio scale and cannot be multiplied with units, divided or raised; did you mean "K/min"? (a difference of temperature is written "K")
}

func ExampleUnit_Canonical() {
	fmt.Println(ucum.MustParse("N.m").Canonical(), ucum.MustParse("J").Canonical())
	// Output: 1000.g.m2.s-2 1000.g.m2.s-2
}

func ExampleConvertDifference() {
	points, _ := ucum.Convert(10, ucum.MustParse("Cel"), ucum.MustParse("K"))
	span, _ := ucum.ConvertDifference(10, ucum.MustParse("Cel"), ucum.MustParse("K"))
	fmt.Println(points, span)
	// Output: 283.15 10
}
