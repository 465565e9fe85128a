package ucum

import (
	"bytes"
	_ "embed"
	"encoding/xml"
	"fmt"
	"io"
	"math/big"
	"strings"
	"sync"
)

// TableVersion is the version of the UCUM table that this package reads.
const TableVersion = "2.2"

//go:embed table/ucum-essence.xml
var essence []byte

//go:embed table/NOTICE
var notice string

// Notice returns the copyright notice of the embedded table, which a program
// that distributes it has to show.
func Notice() string { return notice }

// atom is a row of the table.
type atom struct {
	code      string
	metric    bool
	arbitrary bool
	value     string // a decimal number
	unit      string // what it is a multiple of
	function  string // for a special unit, with value and unit of its argument

	// done is the meaning of the atom, found when it is first asked for while
	// the table is read. busy guards against a table that defines in a circle.
	done *Unit
	busy bool
}

type table struct {
	version  string
	prefixes map[string]*big.Rat
	atoms    map[string]*atom
	// insensitive holds case-sensitive codes of atoms and prefixes by their
	// case-insensitive ones, names by lower case; both serve suggestions.
	insensitive       map[string]string
	insensitivePrefix map[string]string
	names             map[string]string
}

// units reads the table once, when it is first needed: a program that never
// parses a unit does not pay for it. The table is ours and tested, so that a
// fault in it is a fault of the program.
var units = sync.OnceValue(func() *table {
	t, err := readTable(essence)
	if err != nil {
		panic("ucum: embedded table: " + err.Error())
	}
	return t
})

type xmlValue struct {
	Unit     string `xml:"Unit,attr"`
	Value    string `xml:"value,attr"`
	Function *struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
		Unit  string `xml:"Unit,attr"`
	} `xml:"function"`
}

type xmlRow struct {
	Code      string   `xml:"Code,attr"`
	CODE      string   `xml:"CODE,attr"`
	Metric    string   `xml:"isMetric,attr"`
	Arbitrary string   `xml:"isArbitrary,attr"`
	Names     []string `xml:"name"`
	Value     xmlValue `xml:"value"`
}

type xmlTable struct {
	Version  string   `xml:"version,attr"`
	Prefixes []xmlRow `xml:"prefix"`
	Base     []xmlRow `xml:"base-unit"`
	Units    []xmlRow `xml:"unit"`
}

// readTable reads an ucum-essence document and works out every unit in it.
func readTable(document []byte) (*table, error) {
	var doc xmlTable
	d := xml.NewDecoder(bytes.NewReader(document))
	d.CharsetReader = func(charset string, r io.Reader) (io.Reader, error) {
		if charset != "ascii" {
			return nil, fmt.Errorf("charset %q, want ascii", charset)
		}
		return r, nil
	}
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	t := &table{
		version:           doc.Version,
		prefixes:          make(map[string]*big.Rat, len(doc.Prefixes)),
		atoms:             make(map[string]*atom, len(doc.Units)+len(doc.Base)),
		insensitive:       make(map[string]string, len(doc.Units)),
		insensitivePrefix: make(map[string]string, len(doc.Prefixes)),
		names:             make(map[string]string, len(doc.Units)),
	}
	for _, row := range doc.Prefixes {
		value, ok := new(big.Rat).SetString(row.Value.Value)
		if !ok {
			return nil, fmt.Errorf("prefix %q has value %q", row.Code, row.Value.Value)
		}
		t.prefixes[row.Code] = value
		t.insensitivePrefix[row.CODE] = row.Code
	}
	for _, row := range doc.Base {
		a := t.add(row)
		a.metric = true
		for i, code := range baseUnits {
			if code == row.Code {
				a.done = &Unit{code: code}
				a.done.dim.base[i] = 1
			}
		}
		if a.done == nil {
			return nil, fmt.Errorf("base unit %q is unknown", row.Code)
		}
	}
	for _, row := range doc.Units {
		t.add(row)
	}
	for _, a := range t.atoms {
		if _, err := t.meaning(a); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *table) add(row xmlRow) *atom {
	a := &atom{
		code:      row.Code,
		metric:    row.Metric == "yes",
		arbitrary: row.Arbitrary == "yes",
		value:     row.Value.Value,
		unit:      row.Value.Unit,
	}
	if f := row.Value.Function; f != nil {
		a.function, a.value, a.unit = f.Name, f.Value, f.Unit
	}
	t.atoms[a.code] = a
	if _, taken := t.insensitive[row.CODE]; !taken {
		t.insensitive[row.CODE] = a.code
	}
	for _, name := range row.Names {
		name = strings.ToLower(strings.TrimSpace(name))
		if _, taken := t.names[name]; !taken {
			t.names[name] = a.code
		}
	}
	return a
}

// meaning returns what an atom stands for in base units.
func (t *table) meaning(a *atom) (Unit, error) {
	if a.done != nil {
		return *a.done, nil
	}
	if a.busy {
		return Unit{}, fmt.Errorf("unit %q is defined by itself", a.code)
	}
	a.busy = true
	defer func() { a.busy = false }()

	u := Unit{code: a.code}
	if a.arbitrary && a.unit == "1" {
		u.dim.arbitrary = a.code
		a.done = &u
		return u, nil
	}
	value, ok := new(big.Rat).SetString(a.value)
	if !ok {
		return Unit{}, fmt.Errorf("unit %q has value %q", a.code, a.value)
	}
	of, err := t.parse(a.unit)
	if err != nil {
		return Unit{}, fmt.Errorf("unit %q: %w", a.code, err)
	}
	u.dim, u.factor = of.dim, value.Mul(value, of.size())
	if a.function != "" {
		if err := u.specialize(a); err != nil {
			return Unit{}, err
		}
	}
	a.done = &u
	return u, nil
}
