package extract_test

import (
	"fmt"

	"github.com/athanor-lab/athanor/literature/extract"
)

func ExampleFindings() {
	const text = "The gel was dried at 80 °C overnight and calcined at 500-550 °C for 4 h."
	for _, f := range extract.Findings(text) {
		fmt.Printf("%s: %s %g to %g %s, from %q\n", f.Operation, f.Parameter, f.Value, f.High, f.Unit, f.Number.Of(text))
	}
	// Output:
	// dried: temperature 80 to 80 Cel, from "80"
	// calcined: temperature 500 to 550 Cel, from "500"
	// calcined: time 4 to 4 h, from "4"
}
