// Package expr compiles and evaluates the expressions of campaign documents,
// such as "temperature < 110 || base != 'KOAc'". They are written in the
// Common Expression Language (https://cel.dev) with one difference: there is
// one kind of number.
//
// What is easily taken wrong:
//
//   - Every number is a float64. "7 / 2" is 3.5, and "x < 110" needs no
//     decimal point. CEL's integers, times and regular expressions are absent.
//   - No result is infinite or NaN: dividing by zero, the root of a negative
//     number, a result too large and a NaN among the variables are errors.
//   - A variable of type [Dyn] is checked when it is evaluated, any other one
//     when it is compiled.
//
// Beside CEL's operators, "has", the macros "all", "exists", "exists_one",
// "filter" and "map", and the text functions "contains", "startsWith" and
// "endsWith", there are abs, ceil, clamp(x, low, high), exp, floor, ln, log10,
// max, min, pow, round, sqrt, pi(), size, string and double. More are declared
// with [Func].
//
// Expressions come from strangers: their length, depth and cost are limited,
// and an evaluation ends whatever it is given.
package expr
