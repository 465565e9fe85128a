package extract

// Unit reads a unit that is the whole of s, as a paper writes it: its UCUM code and
// what is measured in it.
func Unit(s string) (code, kind string, ok bool) {
	if s == "pH" {
		return "[pH]", "pH", true
	}
	u, ok := unitAt(s, 0)
	if !ok || u.span.End != len(s) {
		return "", "", false
	}
	return u.code, u.kind, true
}
