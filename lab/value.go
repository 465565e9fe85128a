package lab

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Unit is a UCUM code such as "Cel", "uL" or "mol/L"; "1" is dimensionless. A
// cost per amount carries its ISO 4217 currency in front, as in "EUR/mol".
type Unit string

// Quantity is a number that knows its unit.
type Quantity struct {
	Value float64 `json:"value"`
	Unit  Unit    `json:"unit"`
}

// Money is an amount in an ISO 4217 currency, which is no unit of UCUM.
type Money struct {
	Value    float64 `json:"value"`
	Currency string  `json:"currency"`
}

// Value is what a parameter can be set to: a number, a label, or the fractions
// of a composition in the order of its parts. The zero Value is absent.
//
// In JSON it is a number, a string or an array of numbers.
type Value struct {
	kind  ValueKind
	num   float64
	label string
	parts []float64
}

// ValueKind tells the forms of a [Value] apart.
type ValueKind uint8

// The forms of a value.
const (
	Absent ValueKind = iota
	IsNumber
	IsLabel
	IsParts
)

// Number returns the Value of a number.
func Number(x float64) Value { return Value{kind: IsNumber, num: x} }

// Label returns the Value of a level of a categorical parameter.
func Label(s string) Value { return Value{kind: IsLabel, label: s} }

// Parts returns the Value of a composition; it keeps a copy of x.
func Parts(x []float64) Value { return Value{kind: IsParts, parts: slices.Clone(x)} }

// Kind says which form v has.
func (v Value) Kind() ValueKind { return v.kind }

// Number returns the number that v is, or NaN.
func (v Value) Number() float64 {
	if v.kind != IsNumber {
		return math.NaN()
	}
	return v.num
}

// Label returns the label that v is, or "".
func (v Value) Label() string { return v.label }

// Parts returns the fractions that v is, or nil. The caller must not change them.
func (v Value) Parts() []float64 { return v.parts }

// Equal reports whether v and w are the same value, bit for bit.
func (v Value) Equal(w Value) bool {
	return v.kind == w.kind && math.Float64bits(v.num) == math.Float64bits(w.num) && v.label == w.label && slices.Equal(v.parts, w.parts)
}

// String writes v as a person would, numbers with up to six digits.
func (v Value) String() string {
	switch v.kind {
	case IsNumber:
		return strconv.FormatFloat(v.num, 'g', 6, 64)
	case IsLabel:
		return v.label
	case IsParts:
		s := make([]string, len(v.parts))
		for i, x := range v.parts {
			s[i] = strconv.FormatFloat(x, 'g', 4, 64)
		}
		return strings.Join(s, ":")
	default:
		return "–"
	}
}

// MarshalJSON implements [json.Marshaler].
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case IsNumber:
		return json.Marshal(v.num)
	case IsLabel:
		return json.Marshal(v.label)
	case IsParts:
		return json.Marshal(v.parts)
	default:
		return []byte("null"), nil
	}
}

// UnmarshalJSON implements [json.Unmarshaler].
func (v *Value) UnmarshalJSON(b []byte) error {
	b = bytes.TrimSpace(b)
	*v = Value{}
	if len(b) == 0 || string(b) == "null" {
		return nil
	}
	var err error
	switch b[0] {
	case '"':
		v.kind = IsLabel
		err = json.Unmarshal(b, &v.label)
	case '[':
		v.kind = IsParts
		err = json.Unmarshal(b, &v.parts)
	case 't', 'f', '{':
		return Errorf(Invalid, "value %s is neither a number, a text nor a list of numbers", b)
	default:
		v.kind = IsNumber
		err = json.Unmarshal(b, &v.num)
	}
	if err != nil {
		return Errorf(Invalid, "value %s: %w", b, err)
	}
	return nil
}

// Setting is a parameter with the value chosen for it, in the parameter's unit.
// Settings travel as slices in the order of the space, without the parameters
// that are absent where their condition does not hold.
type Setting struct {
	Name  string `json:"name"`
	Value Value  `json:"value"`
	Unit  Unit   `json:"unit,omitempty"`
}

// Measured is a number with its unit and, where known, its standard deviation.
type Measured struct {
	Name  string   `json:"name"`
	Value float64  `json:"value"`
	Sigma *float64 `json:"sigma,omitempty"`
	Unit  Unit     `json:"unit"`
}
