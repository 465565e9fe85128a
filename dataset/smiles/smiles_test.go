package smiles_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/dataset/smiles"
)

// TestWellFormed has examples of every rule of the specification.
func TestWellFormed(t *testing.T) {
	t.Parallel()
	for s, atoms := range map[string]int{
		"C": 1, "[Au]": 1, "[13CH4]": 1, "[2H]O[2H]": 3, "[OH3+]": 1, "[Cu++]": 1, "[Cu+2]": 1, "[Fe-15]": 1, "[CH3:12]C": 2, "*": 1, "[*]": 1, "[nH]1cccc1": 5, "[se]1cccc1": 5,
		"CCO": 3, "CC(=O)O": 4, "C(C(C)(C)C)=O": 6, "C1CCCCC1": 6, "c1ccccc1": 6, "C=1CCCCC1": 6, "C1CCCCC=1": 6, "C%12CCCCC%12": 6, "C12CCC1CC2": 6, "[Na+].[Cl-]": 2,
		"C1.C1": 2, "F/C=C/F": 4, `F\C=C\F`: 4, "N[C@@H](C)C(=O)O": 6, "[C@TH1](F)(Cl)(Br)I": 5, "[Co@OH12](C)(C)(C)(C)(C)C": 7, "O=C(O)c1ccccc1": 9, "C(Cl)(Br)I": 4,
		"CC1=CC(=NO1)C": 7, "C/C=C/1CCCC1": 7, "[K+].CC(=O)[O-]": 5, "C$C": 2, "c1ccc2ccccc2c1": 10,
	} {
		m, err := smiles.Parse(s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
		} else if len(m.Atoms) != atoms {
			t.Errorf("%s has %d atoms, want %d", s, len(m.Atoms), atoms)
		}
	}
	for _, s := range []string{"CCO>>CC=O", "CC=O.N>[Pd]>CC=N", ">>C", "C>>"} {
		if err := smiles.Check(s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// TestMalformed wants every kind of mistake told at its character.
func TestMalformed(t *testing.T) {
	t.Parallel()
	for s, pos := range map[string]int{
		"": 1, "=C": 1, "C=": 2, "C==C": 3, "C(": 2, "C)": 2, "C()C": 3, "(C)C": 1, "C((C))": 3, "C(=)C": 3, "C-(C)C": 3, "C1CC": 2, "C11": 3, "C1CC2": 2, "C%1": 2, "C%1x": 2, "1CC1": 1,
		"C12CC12": 7, "C=1CCCCC#1": 10, "[C": 1, "[]": 2, "[Xx]": 2, "[C@@@H]": 5, "[CH4+16]": 5, "[HH]": 3, "[C:x]": 4, "[C+H]": 4, "C]": 2, "Q": 1, "CCx": 3, "Na": 2, "CC O": 3, "C(C)1CC1": 5, "C(:1CC)1": 4,
		"C.1CC1": 3, "[C@SP4]": 4, "Überall": 1, "C..C": 3, "C.": 2, "much": 1, "[13]": 4,
	} {
		_, err := smiles.Parse(s)
		var e *smiles.SyntaxError
		if !errors.As(err, &e) || e.Pos != pos || e.Want == "" {
			t.Errorf("%q: %v, want a mistake at character %d", s, err, pos)
		}
	}
	for s, pos := range map[string]int{"C>C": 2, "C>>C>C": 2, ">>": 1, "CC>>C(": 6, "C>)>C": 3} {
		err := smiles.Check(s)
		var e *smiles.SyntaxError
		if !errors.As(err, &e) || e.Pos != pos {
			t.Errorf("%q: %v, want a mistake at character %d", s, err, pos)
		}
	}
}

// TestKeys wants one key for one molecule, however it is written, and others for
// others.
func TestKeys(t *testing.T) {
	t.Parallel()
	key := func(s string, of func(*smiles.Molecule) string) string {
		t.Helper()
		m, err := smiles.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return of(m)
	}
	whole, scaffold := (*smiles.Molecule).Key, (*smiles.Molecule).Scaffold
	for _, tt := range []struct {
		a, b string
		of   func(*smiles.Molecule) string
		same bool
	}{
		{"CCO", "OCC", whole, true},
		{"CC(=O)O", "OC(C)=O", whole, true},
		{"c1ccccc1C", "Cc1ccccc1", whole, true},
		{"[Na+].[Cl-]", "[Cl-].[Na+]", whole, true},
		{"CCO", "CCN", whole, false},
		{"CC(=O)O", "CC(=O)[O-]", whole, false},
		{"C", "[13C]", whole, false},
		{"CC=C", "CCC", whole, false},
		{"CCCC", "CC(C)C", whole, false},
		{"CCc1ccccc1", "Oc1ccccc1", scaffold, true},
		{"c1ccccc1CCc1ccccc1", "c1ccccc1Cc1ccccc1", scaffold, false},
		{"C1CCCCC1", "c1ccccc1", scaffold, false},
	} {
		if got := key(tt.a, tt.of) == key(tt.b, tt.of); got != tt.same {
			t.Errorf("%s and %s have one key: %v, want %v", tt.a, tt.b, got, tt.same)
		}
	}
	if k := key("CCO", scaffold); k != "" {
		t.Errorf("a chain has the scaffold %q", k)
	}
	long := strings.Repeat("C", 5000)
	if key(long, whole) == key(long+"C", whole) {
		t.Error("chains of 5000 and 5001 atoms are one")
	}
}

// FuzzParse wants a graph or a mistake inside of the text, never a panic, and of
// what is well formed a key.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"CC(=O)O", "[13C@@H]1(F)CC%121", "C1.C1>>[", "%%", "[*:1]("} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 500 {
			return
		}
		m, err := smiles.Parse(s)
		var e *smiles.SyntaxError
		switch {
		case errors.As(err, &e):
			if e.Pos < 1 || e.Pos > len(s)+1 {
				t.Errorf("%q: a mistake at character %d", s, e.Pos)
			}
		case err != nil:
			t.Errorf("%q: %v", s, err)
		default:
			_ = m.Key() + m.Scaffold()
			for i, bonds := range m.Bonds {
				for _, b := range bonds {
					if b.To == i || b.To >= len(m.Atoms) {
						t.Errorf("%q: atom %d is bound to %d", s, i, b.To)
					}
				}
			}
		}
		_ = smiles.Check(s)
	})
}
