package importer

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/dataset/smiles"
	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/ucum"
)

// Fault says what is wrong with a cell or row, and what would be right.
type Fault struct {
	Code   string `json:"code"`
	Row    int    `json:"row"`
	Column int    `json:"column,omitempty"` // from 1; 0 for the row as a whole
	Header string `json:"header,omitempty"`
	Offset int64  `json:"offset"` // in bytes; -1 where cells have none
	Text   string `json:"text"`
	Why    string `json:"why"`
	Want   string `json:"want"`
}

// fault is a [Fault] that does not know its place yet.
type fault struct{ code, why, want string }

// blemish tells what is wrong with a cell whatever its column means.
func (m Mapping) blemish(c tabular.Cell) *fault {
	switch {
	case c.Has(tabular.Unterminated):
		return &fault{"unterminated_quote", "its quote is never closed, so the rest of the file is in it", "a closing quote; the file may be cut"}
	case c.Has(tabular.Malformed):
		return &fault{"malformed", "it has text after its closing quote, a NUL, or a stray carriage return", "a quote inside quotes is written twice"}
	case c.Has(tabular.BadEncoding):
		return &fault{"bad_encoding", "it has bytes that are no " + m.Dialect.Encoding, "the right encoding in the mapping, or the text corrected"}
	case c.Has(tabular.IsError):
		return &fault{"error_value", "the spreadsheet could not compute it", "a value"}
	case c.Formula != "" && c.Text == "":
		return &fault{"formula_without_value", "it is the formula =" + c.Formula + " and no value was stored with it", "the workbook opened and saved once, so that values are stored"}
	case m.Dialect.Guessed && !m.EncodingConfirmed && !isASCII(c.Text):
		return &fault{"encoding_guessed", "the encoding " + m.Dialect.Encoding + " was guessed", "encoding_confirmed: true in the mapping when the text reads right"}
	}
	return nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// number reads the cell of a numeric column in the column's unit. unit is the
// text of its unit column, or ""; readUnit is [ReadUnit] with a memory.
func (c *Column) number(cell tabular.Cell, unit, decimal string, readUnit func(string) Reading) (float64, *fault) {
	t := strings.TrimSpace(cell.Text)
	from := c.Unit
	if c.UnitColumn != 0 {
		r := readUnit(unit)
		if !r.Sure() {
			return 0, &fault{"unit_unknown", fmt.Sprintf("its unit is %q", unit), "a UCUM unit in column " + strconv.Itoa(c.UnitColumn)}
		}
		from = r.Unit
	}
	if strings.HasSuffix(cell.Shown, "%") {
		from = "1" // what is stored is the fraction
	}
	if !tabular.IsNumber(t, decimal) {
		number, suffix := splitUnit(t, decimal)
		if number == "" {
			return 0, notANumber(t, decimal)
		}
		r := readUnit(suffix)
		switch {
		case r.Sure():
			from = r.Unit
		case suffix == "%" && strings.HasPrefix(string(c.Unit), "%"):
		default:
			return 0, &fault{"unit_ambiguous", fmt.Sprintf("%q is no unit that can be taken without asking", suffix), "a number in " + string(c.Unit)}
		}
		t = number
	}
	x, err := strconv.ParseFloat(strings.Replace(t, decimal, ".", 1), 64)
	if err != nil || !finite(x) {
		return 0, &fault{"not_finite", "it is too large for a number of 64 bits", "a finite number"}
	}
	if from != c.Unit {
		y, err := ucum.ConvertCodes(x, string(from), string(c.Unit))
		if err != nil {
			return 0, &fault{"unit_mismatch", err.Error(), "a number in " + string(c.Unit)}
		}
		x = y
	}
	return x, c.bounds(x)
}

// bounds says what is wrong with a number of the column, in its unit.
func (c *Column) bounds(x float64) *fault {
	switch {
	case c.Type == IntegerType && x != math.Trunc(x):
		return &fault{"not_whole", "the column has whole numbers", "a whole number, or type: number in the mapping"}
	case c.Min != nil && x < *c.Min || c.Max != nil && x > *c.Max:
		return &fault{"out_of_range", "it is outside of what the mapping allows", between(c.Min, c.Max, c.Unit)}
	case x != 0 && (c.FarBelow != nil && x < *c.FarBelow || c.FarAbove != nil && x > *c.FarAbove):
		return &fault{"far_off", "it is orders of magnitude from the other numbers of the column; it may be in another unit", between(c.FarBelow, c.FarAbove, c.Unit) + ", or wider bounds in the mapping"}
	}
	return nil
}

// tens are the powers of ten that a float64 holds exactly.
var tens = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// plainNumber reads a number of up to 15 digits without exponent. Its digits and
// the power of ten are exact, so that the one division rounds as it should
// (Clinger, "How to read floating point numbers accurately", 1990). It reports
// false for anything else, which may be a number too.
func plainNumber(t string, decimal byte) (x float64, ok bool) {
	i, minus := 0, false
	if i < len(t) && (t[i] == '+' || t[i] == '-') {
		minus = t[i] == '-'
		i++
	}
	var n uint64
	digits, after := 0, -1
	for ; i < len(t); i++ {
		switch d := t[i] - '0'; {
		case d <= 9:
			n = n*10 + uint64(d)
			digits++
		case t[i] == decimal && after < 0:
			after = digits
		default:
			return 0, false
		}
	}
	if digits == 0 || digits > 15 {
		return 0, false
	}
	x = float64(n)
	if after >= 0 {
		x /= tens[digits-after]
	}
	if minus {
		x = -x
	}
	return x, true
}

func between(lo, hi *float64, u lab.Unit) string {
	text := func(x *float64, none string) string {
		if x == nil {
			return none
		}
		return strconv.FormatFloat(*x, 'g', 6, 64)
	}
	return strings.TrimSpace("a number from " + text(lo, "-∞") + " to " + text(hi, "∞") + " " + string(u))
}

// notANumber says what a text in a column of numbers may be instead.
func notANumber(t, decimal string) *fault {
	other := map[string]string{".": ",", ",": "."}[decimal]
	lower := strings.ToLower(strings.TrimLeft(t, "+-"))
	switch {
	case tabular.IsNumber(t, other) || tabular.IsNumber(strings.ReplaceAll(t, other, ""), decimal):
		return &fault{"other_decimal", fmt.Sprintf("it has %q where the table's decimal sign is %q", other, decimal), "the decimal sign of the table, and no mark between thousands"}
	case t[0] == '<' || t[0] == '>' || strings.HasPrefix(t, "≤") || strings.HasPrefix(t, "≥"):
		return &fault{"censored", "it is a bound and no value", "the row without it, or the column as an attribute"}
	case lower == "inf" || lower == "infinity":
		return &fault{"not_finite", "it is no finite number", "a finite number"}
	case isTime(t):
		return &fault{"date_in_number", "it is a date or time; spreadsheets make such of numbers", "the number that was written"}
	case isFormula(t):
		return &fault{"formula_like", "it would be run as a formula by a spreadsheet", "a number"}
	default:
		return &fault{"not_a_number", "the column has numbers", "a number"}
	}
}

// badSMILES says where a SMILES goes wrong.
func badSMILES(err error) *fault {
	var e *smiles.SyntaxError
	if !errors.As(err, &e) {
		return &fault{"bad_smiles", err.Error(), "a SMILES"}
	}
	return &fault{"bad_smiles", "it is no SMILES: at character " + strconv.Itoa(e.Pos) + ", " + e.Text, e.Want}
}

// isFormula reports whether a spreadsheet would run the text: it begins with a
// sign of formulas and is no number.
func isFormula(t string) bool {
	if t == "" || tabular.IsNumber(t, ".") || tabular.IsNumber(t, ",") {
		return false
	}
	switch t[0] {
	case '=', '@', '\t', '\r':
		return true
	case '+', '-':
		return strings.ContainsAny(t, "(!|")
	default:
		return false
	}
}
