package tabular

import (
	"bytes"
	"strings"
)

// sample is what the beginning of a table looks like.
type sample struct {
	rows   []Record
	merges []merge
	ragged bool // short rows are as good as long ones: XLSX
}

const (
	sampleBytes = 1 << 20
	sampleRows  = 1000
)

// sniffDelimiter tells the delimiter of a decoded text, and its confidence. A
// semicolon or tab that divides the records evenly beats the comma, which may
// be their decimal sign.
func sniffDelimiter(head []byte, whole bool, l Limits) (delim string, confidence float64) {
	if first, _, _ := bytes.Cut(head, []byte("\n")); len(first) >= 5 && strings.EqualFold(string(first[:4]), "sep=") {
		return string(first[4:5]), 1
	}
	best, most := ",", 0.0
	for _, d := range []string{"\t", ";", ",", "|"} {
		share, width := evenness(head, whole, d, l)
		if width < 2 {
			continue
		}
		score := share
		if d == "," || d == "|" {
			score *= 0.95
		}
		if score > most {
			best, most = d, score
		}
	}
	if most == 0 {
		return best, 0.5 // a single column
	}
	return best, most
}

// evenness returns the share of the records that have the commonest width,
// halved when the first record, the header, has another.
func evenness(head []byte, whole bool, delim string, l Limits) (share float64, modal int) {
	rows := sampleRecords(head, whole, delim, l)
	count := map[int]int{}
	first, n := 0, 0
	for _, r := range rows {
		if r.IsBlank() || isComment(r) {
			continue
		}
		if n == 0 {
			first = len(r.Cells)
		}
		n++
		count[len(r.Cells)]++
	}
	for w, c := range count {
		if w > 1 && (c*(w-1) > count[modal]*(modal-1) || c*(w-1) == count[modal]*(modal-1) && w > modal) {
			modal = w
		}
	}
	if n == 0 || modal < 2 {
		return 0, 0
	}
	share = float64(count[modal]) / float64(n)
	if first != modal {
		share /= 2
	}
	return share, modal
}

// sampleRecords reads the whole records of head.
func sampleRecords(head []byte, whole bool, delim string, l Limits) []Record {
	p := newRecords(bytes.NewReader(head), 0, delim, asUTF8, l)
	var rows []Record
	for len(rows) < sampleRows {
		r, err := p.next()
		if err != nil {
			break
		}
		r.Cells = append([]Cell(nil), r.Cells...)
		rows = append(rows, r)
	}
	if !whole && len(rows) > 1 && rows[len(rows)-1].Last {
		rows = rows[:len(rows)-1]
	}
	return rows
}

func isComment(r Record) bool {
	if len(r.Cells) == 0 || r.Cells[0].Has(Quoted) {
		return false
	}
	t := strings.TrimSpace(r.Cells[0].Text)
	if t == "" || strings.IndexByte("sS#/*%", t[0]) < 0 {
		return false
	}
	if strings.EqualFold(firstN(t, 4), "sep=") {
		return true
	}
	for _, p := range []string{"# ", "#!", "##", "//", "* ", "% "} {
		if strings.HasPrefix(t, p) {
			return true
		}
	}
	return t == "#" && len(r.Cells) == 1
}

func firstN(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// sniffDecimal tells the decimal sign of the data rows. It is unsure when every
// comma could as well part thousands.
func sniffDecimal(rows []Record) (sign string, confidence float64) {
	var comma, thousands, point int
	for _, r := range rows {
		for _, c := range r.Cells {
			t := strings.TrimSpace(c.Text)
			switch {
			case IsNumber(t, "."):
				if strings.ContainsRune(t, '.') {
					point++
				}
			case IsNumber(t, ","):
				comma++
				if whole, part, _ := strings.Cut(strings.TrimLeft(t, "+-"), ","); len(part) == 3 && len(whole) <= 3 && whole != "0" {
					thousands++
				}
			}
		}
	}
	switch {
	case comma == 0:
		return ".", 1
	case point > comma:
		return ".", 0.9
	case point > 0:
		return ".", 0.5
	case thousands == comma:
		return ",", 0.5
	default:
		return ",", 0.95
	}
}

// IsNumber reports whether s is a number in plain or scientific notation with
// the given decimal sign, and nothing else: no unit, blank, percent sign,
// thousands mark, hexadecimal or name such as "NaN".
func IsNumber(s, decimal string) bool {
	i, digits := 0, 0
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		digits++
	}
	if i < len(s) && s[i] == decimal[0] {
		for i++; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
			digits++
		}
	}
	if digits == 0 {
		return false
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		from := i
		for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
			continue
		}
		if i == from {
			return false
		}
	}
	return i == len(s)
}
