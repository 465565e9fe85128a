package corpus

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// accents are the combining marks of TeX's accent commands.
var accents = map[string]string{
	"`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307",
	`"`: "\u0308", "r": "\u030a", "H": "\u030b", "v": "\u030c", "c": "\u0327", "k": "\u0328", "d": "\u0323", "b": "\u0331",
}

// symbols are TeX's commands for letters and signs that titles use.
var symbols = map[string]string{
	"ss": "ß", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å", "i": "i", "j": "j",
	"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eta": "η", "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ",
	"nu": "ν", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Delta": "Δ", "Omega": "Ω",
	"times": "×", "pm": "±", "cdot": "·", "circ": "°", "degree": "°", "sim": "~", "approx": "≈", "leq": "≤", "geq": "≥", "rightarrow": "→",
	"textendash": "–", "textemdash": "—", "ldots": "…", "dots": "…", "copyright": "©", "&": "&", "%": "%", "$": "$", "#": "#", "_": "_", "{": "{", "}": "}", "-": "",
}

// unTeX turns the markup of a BibTeX value into text. Unknown commands vanish
// and their arguments stay.
func unTeX(s string) string {
	if !strings.ContainsAny(s, `\{}$~-`) {
		return s
	}
	s = strings.NewReplacer("---", "—", "--", "–").Replace(s)
	var out strings.Builder
	mark := ""
	for i := 0; i < len(s); {
		if s[i] == '\\' && i+1 < len(s) {
			var command string
			command, i = texCommand(s, i+1)
			if a, ok := accents[command]; ok {
				mark = a
				continue
			}
			if sym, ok := symbols[command]; ok {
				out.WriteString(sym + mark)
				mark = ""
			}
			continue
		}
		switch s[i] {
		case '{', '}', '$', '^', '_':
			i++
			continue
		case '~':
			out.WriteByte(' ')
			i++
			continue
		}
		_, n := utf8.DecodeRuneInString(s[i:])
		out.WriteString(s[i : i+n])
		if mark != "" && s[i] != ' ' {
			out.WriteString(mark)
			mark = ""
		}
		i += n
	}
	return norm.NFC.String(out.String())
}

// texCommand reads the name of a command and the space that ends a word.
func texCommand(s string, i int) (name string, next int) {
	letter := func(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
	if !letter(s[i]) {
		_, n := utf8.DecodeRuneInString(s[i:])
		return s[i : i+n], i + n
	}
	next = i
	for next < len(s) && letter(s[next]) {
		next++
	}
	name = s[i:next]
	for next < len(s) && s[next] == ' ' {
		next++
	}
	return name, next
}
