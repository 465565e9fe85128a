package expr_test

import (
	"fmt"

	"github.com/athanor-lab/athanor/expr"
)

func Example() {
	env, err := expr.NewEnv([]expr.Var{
		{Name: "temperature", Type: expr.Number},
		{Name: "base", Type: expr.Text},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	allowed, err := env.Compile("temperature < 110 || base != 'KOAc'")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(allowed.Type(), allowed.Names())
	fmt.Println(allowed.Bool(map[string]any{"temperature": 115, "base": "KOAc"}))

	_, err = env.Compile("temprature < 110")
	fmt.Println(err)
	// Output:
	// bool [base temperature]
	// false <nil>
	// expression `temprature < 110`, column 1: unknown name `temprature`; did you mean `temperature`?
}

// A function without a Call is brought by each evaluation.
func ExampleFunc() {
	env, err := expr.NewEnv(nil, expr.Func{Name: "best", Args: []expr.Type{expr.Text}, Result: expr.Number})
	if err != nil {
		fmt.Println(err)
		return
	}
	stop, err := env.Compile("best('yield') >= 99")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, yield := range []float64{80, 99.5} {
		best := expr.Call(func([]any) (any, error) { return yield, nil })
		fmt.Println(stop.Bool(map[string]any{"best": best}))
	}
	// Output:
	// false <nil>
	// true <nil>
}
