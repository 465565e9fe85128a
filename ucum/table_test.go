package ucum

import (
	"math/big"
	"strings"
	"testing"
)

// TestTable reads the embedded table and wants all of it.
func TestTable(t *testing.T) {
	t.Parallel()
	table, err := readTable(essence)
	if err != nil {
		t.Fatal(err)
	}
	if table.version != TableVersion || !strings.Contains(Notice(), "version "+TableVersion) {
		t.Errorf("table is version %q, TableVersion %q; they and the notice must agree", table.version, TableVersion)
	}
	if got := len(table.prefixes); got != 24 {
		t.Errorf("%d prefixes, want 24", got)
	}
	if got := len(table.atoms); got != 305+7 {
		t.Errorf("%d units, want 312", got)
	}
	// Every unit and every unit with every prefix parses, and stands for
	// itself: no prefix and atom spell another atom.
	for code, a := range table.atoms {
		u, err := Parse(code)
		if err != nil {
			t.Errorf("unit in the table: %v", err)
			continue
		}
		if !a.metric {
			continue
		}
		for prefix, factor := range table.prefixes {
			if _, other := table.atoms[prefix+code]; other {
				continue // the atom wins: "cd" is the candela
			}
			v, err := Parse(prefix + code)
			if err != nil {
				t.Errorf("unit with prefix: %v", err)
				continue
			}
			got := new(big.Rat).Quo(v.size(), u.size())
			got.Mul(got, new(big.Rat).Quo(v.numeral(), u.numeral()))
			if got.Cmp(factor) != 0 {
				t.Errorf("%s%s is %s times %s, want %s", prefix, code, got, code, factor)
			}
		}
	}
}

// TestSpellingsAreCodes wants a valid code for every laboratory spelling, and
// a spelling that is none itself.
func TestSpellingsAreCodes(t *testing.T) {
	t.Parallel()
	for spelled, as := range spellings {
		if _, err := Parse(as.code); err != nil {
			t.Errorf("spelling %q stands for: %v", spelled, err)
		}
		if _, err := Parse(spelled); err == nil {
			t.Errorf("spelling %q is a valid code already", spelled)
		}
	}
	for code := range cautions {
		if _, err := Parse(code); err != nil {
			t.Errorf("caution about an invalid code: %v", err)
		}
	}
}

func BenchmarkReadTable(b *testing.B) {
	for b.Loop() {
		if _, err := readTable(essence); err != nil {
			b.Fatal(err)
		}
	}
}
