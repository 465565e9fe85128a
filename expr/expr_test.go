package expr_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/expr"
)

func setup(t testing.TB) (*expr.Env, map[string]any) {
	t.Helper()
	env, err := expr.NewEnv([]expr.Var{
		{Name: "temperature", Type: expr.Number},
		{Name: "concentration", Type: expr.Number},
		{Name: "base", Type: expr.Text},
		{Name: "dry", Type: expr.Bool},
		{Name: "prices", Type: expr.Numbers},
		{Name: "steps", Type: expr.Dyn},
	},
		expr.Func{Name: "half", Args: []expr.Type{expr.Number}, Result: expr.Number, Call: func(args []any) (any, error) {
			return args[0].(float64) / 2, nil
		}},
		expr.Func{Name: "broken", Result: expr.Number, Call: func([]any) (any, error) { return nil, errors.New("the pump leaks") }},
		expr.Func{Name: "liar", Result: expr.Number, Call: func([]any) (any, error) { return "text", nil }},
		expr.Func{Name: "best", Args: []expr.Type{expr.Text}, Result: expr.Number},
		expr.Func{Name: "since_improvement", Args: []expr.Type{expr.Text}, Result: expr.Number},
	)
	if err != nil {
		t.Fatal(err)
	}
	return env, map[string]any{
		"temperature":   100, // an int, as it may come from a document
		"concentration": 0.1,
		"base":          "KOAc",
		"dry":           true,
		"prices":        map[string]float64{"KOAc": 1.2, "CsOPiv": 31},
		"steps": map[string]any{"look": map[string]any{
			"area": 50, "standard_area": 200.0, "peaks": []any{1, 2.5, 4}, "name": "look", "nan": math.NaN(), "ok": true,
		}},
		"best":              expr.Call(func(args []any) (any, error) { return map[string]float64{"yield": 99}[args[0].(string)], nil }),
		"since_improvement": expr.Call(func([]any) (any, error) { return 3, nil }),
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	env, vars := setup(t)
	for _, c := range []struct {
		src  string
		want any
		kind expr.Type
	}{
		// Numbers are of one kind.
		{"7 / 2", 3.5, expr.Number},
		{"1 + 2.5", 3.5, expr.Number},
		{"100 * temperature / 2", 5000.0, expr.Number},
		{"temperature < 110", true, expr.Bool},
		{"temperature == 100", true, expr.Bool},
		{"temperature != 100.0", false, expr.Bool},
		{"-temperature", -100.0, expr.Number},
		{"-5 - -3", -2.0, expr.Number},
		{"7u + 1", 8.0, expr.Number},
		{"7.5 % 2", 1.5, expr.Number},
		{"0x10 + 1", 17.0, expr.Number},
		{"9007199254740993 > 1", true, expr.Bool},
		{"temperature in [90, 100.0, 110]", true, expr.Bool},
		{"[10, 20, 30][1]", 20.0, expr.Number},
		{"size(base) * 2", 8.0, expr.Number},
		{"size([1, 2]) == 2", true, expr.Bool},
		{"[1, 2, 3].exists_one(x, x == 2)", true, expr.Bool},
		{"[1, 2, 3].filter(x, x > 1).map(x, x * 2)[0]", 4.0, expr.Number},
		{"dry ? 1 : 2.5", 1.0, expr.Number},
		{"(temperature > 50 ? 2 : 3) * 2", 4.0, expr.Number},
		// The campaign of the design.
		{"temperature < 110.0 || base != 'KOAc'", true, expr.Bool},
		{"steps.look.area / steps.look.standard_area * 100.0", 25.0, expr.Number},
		{"prices[base] / concentration", 11.999999999999998, expr.Number},
		{"best('yield') >= 99.0", true, expr.Bool},
		{"since_improvement('hypervolume') >= 15", false, expr.Bool},
		{"base", "KOAc", expr.Text},
		{"5", 5.0, expr.Number},
		// Values known only when evaluated.
		{"steps.look.area", 50.0, expr.Dyn},
		{"steps['look'].area + 1", 51.0, expr.Number},
		{"steps.look.peaks[1]", 2.5, expr.Dyn},
		{"steps.look.peaks.all(p, p > 0)", true, expr.Bool},
		{"size(steps.look.peaks)", 3.0, expr.Number},
		{"max(steps.look.area, 60)", 60.0, expr.Number},
		{"has(steps.look.missing)", false, expr.Bool},
		{"has(steps.look.area) ? steps.look.area : 0", 50.0, expr.Dyn},
		{"steps.look.name + '!'", "look!", expr.Text},
		{"steps.look.ok", true, expr.Dyn},
		{"prices", map[string]float64{"KOAc": 1.2, "CsOPiv": 31}, expr.Numbers},
		{"{'a': 1, 'b': 2}", map[string]float64{"a": 1, "b": 2}, expr.Numbers},
		{"'KOAc' in prices", true, expr.Bool},
		// Functions.
		{"sqrt(2)", math.Sqrt2, expr.Number},
		{"exp(1)", math.E, expr.Number},
		{"ln(exp(2))", 2.0, expr.Number},
		{"log10(1000)", 3.0, expr.Number},
		{"pow(2, 10)", 1024.0, expr.Number},
		{"abs(-3) + floor(2.7) + ceil(2.2) + round(2.5)", 11.0, expr.Number},
		{"min(3, temperature, 5)", 3.0, expr.Number},
		{"max(1, 2)", 2.0, expr.Number},
		{"max(1)", 1.0, expr.Number},
		{"clamp(temperature, 0, 80)", 80.0, expr.Number},
		{"pi()", math.Pi, expr.Number},
		{"half(5)", 2.5, expr.Number},
		{"double('2.5') * 2", 5.0, expr.Number},
		{"string(2.5)", "2.5", expr.Text},
		{"base.startsWith('K') && base.endsWith('Ac') && base.contains('OA')", true, expr.Bool},
		// A long sum is no deep nesting.
		{strings.Repeat("1+", 200) + "1", 201.0, expr.Number},
		// Errors do not matter where they decide nothing.
		{"dry || 1 / 0 > 1", true, expr.Bool},
	} {
		p, err := env.Compile(c.src)
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
			continue
		}
		if p.Type() != c.kind {
			t.Errorf("%s yields a %s, want a %s", c.src, p.Type(), c.kind)
		}
		got, err := p.Value(vars)
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.src, diff)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	t.Parallel()
	env, _ := setup(t)
	for _, c := range []struct {
		src        string
		column     int
		suggestion string
		want       string
	}{
		{"temprature < 110", 1, "temperature", "unknown name `temprature`; did you mean `temperature`?"},
		{"1 + tempreature", 5, "temperature", "unknown name"},
		{"Base == 'x'", 1, "base", "unknown name `Base`"},
		{"zzz", 1, "", "unknown name `zzz`"},
		{"sqr(2)", 1, "sqrt", "unknown name `sqr`"},
		{"bets('yield')", 1, "best", "unknown name `bets`"},
		{"base + 1", 6, "", "`+` does not take text and number"},
		{"base < 1", 6, "", "`<` does not take text and number"},
		{"sqrt(base)", 5, "", "`sqrt` does not take text"},
		{"temperature.x", 12, "", "a number has no fields"},
		{"dry ? 1 : 'a'", 5, "", "number and text"},
		{"1 +", 4, "", "syntax: "},
		{"", 1, "", "the expression is empty"},
		{"[1, 2]", 1, "", "it has to yield a number, a text or a bool"},
		{"null", 1, "", "has to yield"},
		{"b'abc'", 1, "", "has to yield"},
		{"int(2.5)", 1, "", "unknown name `int`"},
		{"base.matches('a+')", 6, "", "unknown name `matches`"},
		{"timestamp('2020-01-01T00:00:00Z') > 1", 1, "", "unknown name `timestamp`"},
		{"dry\n&& temprature > 1", 4, "temperature", "line 2, column 4"},
		{strings.Repeat("1+", 3000) + "1", expr.MaxLength + 1, "", "at most 4096"},
		{strings.Repeat("(", 1000) + "1" + strings.Repeat(")", 1000), 0, "", "nests deeper"},
	} {
		_, err := env.Compile(c.src)
		var bad *expr.CompileError
		if !errors.As(err, &bad) {
			t.Errorf("Compile(%.40q) = %v, want a CompileError", c.src, err)
			continue
		}
		if c.column != 0 && bad.Column != c.column {
			t.Errorf("Compile(%.40q): column %d, want %d: %v", c.src, bad.Column, c.column, err)
		}
		if bad.Suggestion != c.suggestion {
			t.Errorf("Compile(%.40q) suggests %q, want %q", c.src, bad.Suggestion, c.suggestion)
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("Compile(%.40q): %v; want %q", c.src, err, c.want)
		}
	}
}

func TestEvaluationErrors(t *testing.T) {
	t.Parallel()
	env, vars := setup(t)
	for src, want := range map[string]string{
		"temperature / 0":                  "100 is divided by zero",
		"5 % 0":                            "divided by zero",
		"0 / (temperature - 100)":          "divided by zero",
		"sqrt(-1)":                         "sqrt of [-1] is no finite number",
		"ln(0)":                            "no finite number",
		"exp(1000)":                        "no finite number",
		"1e308 * 10":                       "no finite number",
		"pow(-1, 0.5)":                     "no finite number",
		"clamp(1, 3, 2)":                   "lower limit is above",
		"prices['NaOH']":                   "no such key: NaOH",
		"steps.look.missing + 1":           "no such key: missing",
		"steps.look.name * 2":              "no such overload",
		"steps.look.nan + 1":               "no finite number",
		"sqrt(steps.look.name)":            "no such overload",
		"broken()":                         "broken: the pump leaks",
		"liar()":                           "liar: it returned string, not a number",
		"double('x')":                      "",
		"[1, 2][5]":                        "index out of bounds",
		"steps.look.peaks[0.5]":            "",
		"[1][temperature > 1 ? 5 : 6 ][0]": "",
	} {
		p, err := env.Compile(src)
		if err == nil {
			_, err = p.Value(vars)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", src, err, want)
		}
	}
}

// TestVariablesAreChecked wants an error that names the variable.
func TestVariablesAreChecked(t *testing.T) {
	t.Parallel()
	env, _ := setup(t)
	p, err := env.Compile("temperature + best('yield')")
	if err != nil {
		t.Fatal(err)
	}
	best := expr.Call(func([]any) (any, error) { return 1.0, nil })
	for want, vars := range map[string]map[string]any{
		"variable `temperature` is missing":                {"best": best},
		"variable `temperature` is a string, not a number": {"temperature": "hot", "best": best},
		"variable `temperature`: NaN is no finite number":  {"temperature": math.NaN(), "best": best},
		"variable `temperature`: a struct {} has no place": {"temperature": struct{}{}, "best": best},
		"function `best` is missing":                       {"temperature": 1},
	} {
		if _, err := p.Number(vars); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if got, err := p.Number(map[string]any{"temperature": 1, "best": best}); err != nil || got != 2 {
		t.Errorf("= %v, %v; want 2", got, err)
	}
	if _, err := p.Bool(map[string]any{"temperature": 1, "best": best}); err == nil || !strings.Contains(err.Error(), "yields a number, not a bool") {
		t.Errorf("a number was taken for a bool: %v", err)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	env, _ := setup(t)
	for src, want := range map[string][]string{
		"1 + 2":                              {},
		"temperature + temperature":          {"temperature"},
		"prices[base] / concentration":       {"base", "concentration", "prices"},
		"prices['KOAc']":                     {"prices.KOAc"},
		"steps.look.area / steps['x'].y":     {"steps.look.area", "steps.x.y"},
		"steps.look.peaks.all(dry, dry > 1)": {"steps.look.peaks"},
		"has(steps.look.area)":               {"steps.look.area"},
		"best('yield') > 1":                  {},
		"steps[base].area":                   {"base", "steps"},
	} {
		p, err := env.Compile(src)
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := cmp.Diff(want, p.Names()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", src, diff)
		}
	}
}

// TestHostileExpressionsEnd gives loops that would run for hours and wants an
// error soon.
func TestHostileExpressionsEnd(t *testing.T) {
	t.Parallel()
	env, vars := setup(t)
	list := "[" + strings.Repeat("1,", 99) + "1]"
	for _, src := range []string{
		list + ".all(a, " + list + ".all(b, " + list + ".all(c, " + list + ".all(d, a + b + c + d > 0))))",
		list + ".map(a, " + list + ".map(b, " + list + ".map(c, " + list + ".map(d, 'abcdefgh'))))[0][0][0][0] == 'a'",
		"['x'].map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a)" +
			".map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a)[0] == 'a'",
	} {
		p, err := env.Compile(src)
		if err != nil {
			t.Logf("refused at once: %v", err)
			continue
		}
		start := time.Now()
		if _, err = p.Value(vars); !errors.Is(err, expr.ErrCost) {
			t.Errorf("%.60s…: %v, want ErrCost", src, err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%.60s… took %v", src, took)
		}
	}
}

func TestNewEnvRefuses(t *testing.T) {
	t.Parallel()
	for want, vars := range map[string][]expr.Var{
		"declared twice": {{Name: "x", Type: expr.Number}, {Name: "x", Type: expr.Text}},
		"a name has":     {{Name: "2x", Type: expr.Number}},
		"reserved":       {{Name: "in", Type: expr.Number}},
		"no type":        {{Name: "x"}},
	} {
		if _, err := expr.NewEnv(vars); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewEnv(%v): %v, want %q", vars, err, want)
		}
	}
	if _, err := expr.NewEnv(nil, expr.Func{Name: "sqrt", Result: expr.Number}); err == nil {
		t.Error("sqrt was declared a second time")
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	env, vars := setup(t)
	p, err := env.Compile("steps.look.peaks.map(x, x * temperature)[0] + best('yield')")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				if got, err := p.Number(vars); err != nil || got != 199 {
					t.Errorf("= %v, %v; want 199", got, err)
					return
				}
				if _, err := env.Compile("temperature + 1"); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func FuzzCompile(f *testing.F) {
	env, vars := setup(f)
	for _, s := range []string{
		"temperature < 110 || base != 'KOAc'", "steps.look.area / steps.look.standard_area * 100", "prices[base]", "best('yield') > 1",
		"[1,2].map(x, x*2)[0]", "has(steps.a)", "1 / 0", "{'a': 1}", "min(1,2,3)", "-1u", "'\\x00'", "steps.?a", "a.b.c(d)", "pow(1e308, 2)",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		p, err := env.Compile(src)
		if err != nil {
			var bad *expr.CompileError
			if !errors.As(err, &bad) || bad.Line < 1 || bad.Column < 1 || bad.Problem == "" {
				t.Fatalf("Compile(%q): %#v", src, err)
			}
			return
		}
		v, err := p.Value(vars)
		if err != nil {
			return
		}
		if x, ok := v.(float64); ok && (math.IsNaN(x) || math.IsInf(x, 0)) {
			t.Fatalf("%q yields %v", src, x)
		}
		if again, err := p.Value(vars); err != nil || !cmp.Equal(v, again) {
			t.Fatalf("%q yields %v, then %v, %v", src, v, again, err)
		}
	})
}

func BenchmarkNumber(b *testing.B) {
	env, vars := setup(b)
	for _, src := range []string{"temperature * 2 + 1", "prices[base] / concentration", "steps.look.area / steps.look.standard_area * 100", "temperature < 110 || base != 'KOAc'"} {
		p, err := env.Compile(src)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("%.20s", src), func(b *testing.B) {
			for b.Loop() {
				if _, err := p.Value(vars); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	env, _ := setup(b)
	for b.Loop() {
		if _, err := env.Compile("prices[base] / concentration"); err != nil {
			b.Fatal(err)
		}
	}
}
