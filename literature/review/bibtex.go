package review

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// BibTeX writes the papers that were kept. Keys are of the first author's name and
// the year, with a letter where two would be the same.
func BibTeX(r Review) string {
	var b strings.Builder
	used := map[string]int{}
	for _, k := range r.Kept {
		p := k.Paper
		key := "anonymous"
		if len(p.Authors) > 0 {
			family, _, _ := strings.Cut(p.Authors[0], ",")
			key = strings.ToLower(strings.Map(func(c rune) rune {
				if c < unicode.MaxASCII && unicode.IsLetter(c) {
					return c
				}
				return -1
			}, family))
			if key == "" {
				key = "anonymous"
			}
		}
		if p.Year > 0 {
			key += strconv.Itoa(p.Year)
		}
		used[key]++
		if n := used[key]; n > 1 {
			key += "-" + strconv.Itoa(n)
		}
		fmt.Fprintf(&b, "@article{%s,\n", key)
		field := func(name, value string) {
			if value = strings.Join(strings.Fields(value), " "); value != "" {
				fmt.Fprintf(&b, "  %s = {%s},\n", name, tex(value))
			}
		}
		field("title", p.Title)
		field("author", strings.Join(p.Authors, " and "))
		if p.Year > 0 {
			field("year", strconv.Itoa(p.Year))
		}
		field("journal", p.Journal)
		field("doi", p.DOI)
		field("url", p.URL)
		field("note", fmt.Sprintf("relevance %.2f, %d claims", k.Relevance, k.Claims))
		b.WriteString("}\n\n")
	}
	return b.String()
}

// tex escapes what means something to TeX.
func tex(s string) string {
	return strings.NewReplacer(`\`, `\textbackslash{}`, "{", `\{`, "}", `\}`, "%", `\%`, "&", `\&`, "#", `\#`, "$", `\$`, "_", `\_`, "^", `\^{}`, "~", `\~{}`).Replace(s)
}
