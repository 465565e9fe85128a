package synonyms

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/lab"
)

var document = lab.Document{
	Space: lab.Space{Parameters: []lab.Parameter{
		{Name: "base", Type: lab.Categorical, Levels: []string{"KOAc", "Cesium_pivalate", "XK-7"}, LevelAliases: map[string][]string{"XK-7": {"our base"}}},
		{Name: "T", Type: lab.Continuous},
		{Name: "Reaction_Time", Type: lab.Continuous, Aliases: []string{"dwell"}},
		{Name: "metals", Type: lab.Composition, Parts: []string{"Ni", "iron"}},
	}},
	Objectives: []lab.Objective{{Name: "ee"}, {Name: "speed"}},
}

// TestOf wants the names that chemists use beside those of the document.
func TestOf(t *testing.T) {
	t.Parallel()
	names := Of(document)
	for name, want := range map[string][]string{
		"KOAc": {"potassium acetate", "CH3CO2K", "AcOK"}, "Cesium_pivalate": {"CsOPiv", "caesium pivalate"}, "XK-7": {"our base"},
		"T": {"temperature"}, "Reaction_Time": {"dwell", "time", "duration"}, "Ni": {"nickel"}, "iron": {"Fe"}, "ee": {"enantiomeric excess"},
	} {
		for _, w := range want {
			if !slices.Contains(names[name], w) {
				t.Errorf("%s is not known as %s, but as %q", name, w, names[name])
			}
		}
		if slices.Contains(names[name], name) {
			t.Errorf("%s is a synonym of itself", name)
		}
	}
	if _, ok := names["base"]; ok {
		t.Errorf("base is known as %q", names["base"])
	}
}

// TestNamesOfOthers wants no synonym that the document uses for something else.
func TestNamesOfOthers(t *testing.T) {
	t.Parallel()
	d := lab.Document{Space: lab.Space{Parameters: []lab.Parameter{
		{Name: "temperature"},
		{Name: "bath_temperature"},
		{Name: "t"},
		{Name: "salt", Type: lab.Categorical, Levels: []string{"CH3COOK", "KOAc"}},
	}}}
	names := Of(d)
	if slices.Contains(names["temperature"], "bath temperature") || slices.Contains(names["bath_temperature"], "temperature") || slices.Contains(names["CH3COOK"], "KOAc") {
		t.Errorf("names of others: %q", names)
	}
	if !slices.Contains(names["t"], "duration") || slices.Contains(names["t"], "temperature") {
		t.Errorf("t is known as %q; want a time", names["t"])
	}
}

// groups are abbreviations of groups in formulas, by the atoms they stand for.
var groups = map[string]string{"OAc": "C2H3O2", "Ac": "C2H3O", "OPiv": "C5H9O2", "Piv": "C5H9O", "Me": "CH3", "Et": "C2H5", "Ph": "C6H5", "Cy": "C6H11", "nBu": "C4H9", "Bu": "C4H9", "nPr": "C3H7", "TFA": "C2F3O2"}

var part = regexp.MustCompile(`OAc|OPiv|Piv|TFA|nBu|nPr|Ac|Me|Et|Ph|Cy|Bu|[A-Z][a-z]?|[()]|\d+`)

// atoms counts those of a formula; ok is false for what is none.
func atoms(s string) (map[string]int, bool) {
	s = strings.NewReplacer("=", "", "tBu", "(C4H9)", "iPr", "(C3H7)").Replace(s) // Pt and P are both elements
	if strings.Join(part.FindAllString(s, -1), "") != s || !strings.ContainsAny(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		return nil, false
	}
	stack := []map[string]int{{}}
	tokens := part.FindAllString(s, -1)
	for i := range tokens {
		n := 1
		if i+1 < len(tokens) {
			if x, err := strconv.Atoi(tokens[i+1]); err == nil {
				n = x
			}
		}
		top := stack[len(stack)-1]
		switch k := tokens[i]; {
		case k == "(":
			stack = append(stack, map[string]int{})
		case k == ")":
			if len(stack) < 2 {
				return nil, false
			}
			stack = stack[:len(stack)-1]
			for e, m := range top {
				stack[len(stack)-1][e] += m * n
			}
		case k[0] >= '0' && k[0] <= '9':
		case groups[k] != "":
			inner, _ := atoms(groups[k])
			for e, m := range inner {
				top[e] += m * n
			}
		default:
			top[k] += n
		}
	}
	return stack[0], len(stack) == 1
}

// TestFormulasAgree counts the atoms of all formulas of a substance.
func TestFormulasAgree(t *testing.T) {
	t.Parallel()
	compared := 0
	for _, line := range substances {
		var first map[string]int
		var of string
		for _, name := range line {
			if len(name) < 3 || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" || strings.Contains(name, "-") || !strings.ContainsAny(name, "0123456789") && !elementsOnly(name) {
				continue // words and abbreviations
			}
			got, ok := atoms(name)
			if !ok {
				continue
			}
			if first == nil {
				first, of = got, name
				continue
			}
			compared++
			if len(got) != len(first) {
				t.Errorf("%s has %v, %s has %v", of, first, name, got)
				continue
			}
			for e, n := range got {
				if first[e] != n {
					t.Errorf("%s has %v, %s has %v", of, first, name, got)
					break
				}
			}
		}
	}
	if compared < 60 {
		t.Errorf("%d formulas were compared; want 60 or more", compared)
	}
}

// elementsOnly reports whether a name without figures is a formula, as NaOMe is.
func elementsOnly(s string) bool {
	for _, k := range part.FindAllString(s, -1) {
		known := groups[k] != "" || k == "O" || k == "H" || k == "N" || k == "C" || k == "F"
		for _, e := range elements {
			known = known || e[len(e)-1] == k
		}
		if !known {
			return false
		}
	}
	return true
}

// TestNamesAreOfOne wants every name in one line of a table of substances only.
func TestNamesAreOfOne(t *testing.T) {
	t.Parallel()
	for _, table := range [][][]string{substances, elements} {
		of := map[string]string{}
		for _, line := range table {
			for _, name := range line {
				if other, ok := of[written(name)]; ok {
					t.Errorf("%s is %s and %s", name, other, line[0])
				}
				of[written(name)] = line[0]
			}
		}
	}
}
