// Package arch holds the house to its plan: who may import whom, who owns which
// library, and that every package says once what it is for. It has tests only.
package arch
