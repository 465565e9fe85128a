package ucum_test

import (
	"encoding/xml"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/ucum"
)

// suite is the public functional test suite of UCUM, see testdata/README.md.
type suite struct {
	Validation []struct {
		ID     string `xml:"id,attr"`
		Unit   string `xml:"unit,attr"`
		Valid  string `xml:"valid,attr"`
		Reason string `xml:"reason,attr"`
	} `xml:"validation>case"`
	Names []struct {
		ID   string `xml:"id,attr"`
		Unit string `xml:"unit,attr"`
	} `xml:"displayNameGeneration>case"`
	Conversion []struct {
		ID      string  `xml:"id,attr"`
		Value   float64 `xml:"value,attr"`
		From    string  `xml:"srcUnit,attr"`
		To      string  `xml:"dstUnit,attr"`
		Outcome string  `xml:"outcome,attr"`
	} `xml:"conversion>case"`
	Multiplication []product `xml:"multiplication>case"`
	Division       []product `xml:"division>case"`
}

type product struct {
	ID    string  `xml:"id,attr"`
	V1    float64 `xml:"v1,attr"`
	U1    string  `xml:"u1,attr"`
	V2    float64 `xml:"v2,attr"`
	U2    string  `xml:"u2,attr"`
	Value string  `xml:"vRes,attr"`
	Unit  string  `xml:"uRes,attr"`
}

// TestPublicSuite runs all cases of the suite. A number is right when it
// agrees with the printed one to the digits that are printed.
func TestPublicSuite(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/UcumFunctionalTests.xml")
	if err != nil {
		t.Fatal(err)
	}
	var s suite
	if err := xml.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	cases := len(s.Validation) + len(s.Names) + len(s.Conversion) + len(s.Multiplication) + len(s.Division)
	if cases != 573 { // 575 with the two that are commented out
		t.Errorf("the suite has %d cases, want 573", cases)
	}
	for _, c := range s.Validation {
		_, err := ucum.Parse(c.Unit)
		if got, want := err == nil, c.Valid == "true"; got != want {
			t.Errorf("case %s: Parse(%q) = %v, want valid %t (%s)", c.ID, c.Unit, err, want, c.Reason)
		}
	}
	for _, c := range s.Names {
		if c.Unit == "" { // displayed as "(unity)", though case 1-103 says it is invalid
			continue
		}
		if _, err := ucum.Parse(c.Unit); err != nil {
			t.Errorf("case %s: %v", c.ID, err)
		}
	}
	for _, c := range s.Conversion {
		got, err := ucum.ConvertCodes(c.Value, c.From, c.To)
		if err != nil || !agrees(got, c.Outcome) {
			t.Errorf("case %s: %v %s = %v %s, %v; want %s", c.ID, c.Value, c.From, got, c.To, err, c.Outcome)
		}
	}
	for _, c := range s.Multiplication {
		checkProduct(t, c, c.V1*c.V2, "("+c.U1+").("+c.U2+")")
	}
	for _, c := range s.Division {
		checkProduct(t, c, c.V1/c.V2, "("+c.U1+")/("+c.U2+")")
	}
}

func checkProduct(t *testing.T, c product, value float64, unit string) {
	t.Helper()
	to := c.Unit
	if to == "" {
		to = "1"
	}
	got, err := ucum.ConvertCodes(value, unit, to)
	if err != nil || !agrees(got, c.Value) {
		t.Errorf("case %s: %v %s = %v %s, %v; want %s", c.ID, value, unit, got, to, err, c.Value)
	}
}

// agrees says whether got rounds to the printed number; the suite rounds its
// outcomes to the significant digits of its inputs.
func agrees(got float64, printed string) bool {
	want, err := strconv.ParseFloat(printed, 64)
	if err != nil {
		return false
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(printed), "e")
	digits := len(strings.TrimLeft(strings.ReplaceAll(mantissa, ".", ""), "-0"))
	if !strings.Contains(mantissa, ".") {
		digits = max(digits, 2)
	}
	ulp := math.Pow10(int(math.Floor(math.Log10(math.Abs(want)))) - digits + 1)
	return math.Abs(got-want) <= 0.51*ulp+1e-15*math.Abs(want)
}
