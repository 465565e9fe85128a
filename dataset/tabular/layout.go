package tabular

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/ucum"
)

// maxHeaderRows bounds a header of several rows.
const maxHeaderRows = 8

// sniffLayout finds the table among the rows of a sample: the longest run of
// rows of one width, and in it the header and the units.
func sniffLayout(s sample, decimal string) (Layout, []Note) {
	block, notes := s.block()
	if len(block) == 0 {
		return Layout{}, append(notes, Note{Code: "empty", Text: "no row has any text"})
	}
	l := Layout{DataFrom: block[0].Number, Width: s.widthOf(block)}
	header, confidence := s.headerRows(block, decimal)
	if header > 0 {
		l.HeaderFrom, l.HeaderTo = block[0].Number, block[header-1].Number
		l.DataFrom = l.HeaderTo + 1
		if s.ragged {
			l.HeaderTo = max(l.HeaderTo, s.mergedTo(l.HeaderFrom, l.HeaderTo))
			l.DataFrom = l.HeaderTo + 1
		}
		l.Names = s.names(l)
		if confidence < 0.9 {
			notes = append(notes, Note{Code: "header_guessed", Row: l.HeaderFrom, Confidence: confidence, Text: "the first row was taken for the header although no column of numbers says so"})
		}
		rest := from(block, l.DataFrom)
		if len(rest) > 1 && isUnitsRow(rest[0], rest[1:], decimal) {
			l.UnitsRow = rest[0].Number
			l.DataFrom = l.UnitsRow + 1
			l.Units = texts(rest[0], l.Width)
		}
	} else {
		l.Names = make([]string, l.Width)
		notes = append(notes, Note{Code: "no_header", Row: l.DataFrom, Confidence: confidence, Text: "the first row looks like the rows below it, so the columns have no names; name them in the mapping"})
	}
	return l, append(notes, l.nameNotes()...)
}

// nameNotes tells of names that are blank or there twice.
func (l Layout) nameNotes() []Note {
	var notes []Note
	if l.HeaderFrom == 0 {
		return nil
	}
	first := map[string]int{}
	for i, name := range l.Names {
		switch at, seen := first[strings.ToLower(name)]; {
		case name == "":
			notes = append(notes, Note{Code: "blank_header", Row: l.HeaderFrom, Column: i + 1, Text: fmt.Sprintf("column %d has no name", i+1)})
		case seen:
			notes = append(notes, Note{Code: "duplicate_header", Row: l.HeaderFrom, Column: i + 1, Text: fmt.Sprintf("column %d is named %q like column %d", i+1, name, at)})
		default:
			first[strings.ToLower(name)] = i + 1
		}
	}
	return notes
}

// block returns the first large run of rows of one width, blank rows skipped; a
// run that does not begin with a header of its own belongs to the one before it.
func (s sample) block() ([]Record, []Note) {
	var runs [][]Record
	broken := true
	for _, r := range s.rows {
		if r.IsBlank() {
			broken = broken || !s.merged(r.Number)
			continue
		}
		if isComment(r) && !s.ragged {
			broken = true
			continue
		}
		last := len(runs) - 1
		if last > 0 && !broken && !s.ragged && len(runs[last]) < 3 && len(runs[last-1][0].Cells) == len(r.Cells) && len(runs[last][0].Cells) != len(r.Cells) && !looksLikeHeader(r, runs[last-1]) {
			// One or two rows of another width among rows of one width are torn.
			runs = runs[:last]
			last--
		}
		same := last >= 0 && (s.ragged || len(runs[last][0].Cells) == len(r.Cells))
		if same && (!broken || !looksLikeHeader(r, runs[last])) {
			runs[last] = append(runs[last], r)
		} else {
			runs = append(runs, []Record{r})
		}
		broken = false
	}
	best := -1
	for i, run := range runs {
		if best < 0 || area(run) > area(runs[best])*3 {
			best = i
		}
	}
	if best < 0 {
		return nil, nil
	}
	var notes []Note
	for i, run := range runs {
		if i != best && len(run) > 2 && len(run[0].Cells) > 1 && (i > best || area(run)*2 > area(runs[best])) {
			notes = append(notes, Note{Code: "another_table", Row: run[0].Number, Text: fmt.Sprintf("rows from %d on have %d columns and may be a table of their own; they are not read as rows of this one", run[0].Number, len(run[0].Cells))})
		}
	}
	return runs[best], notes
}

// merged reports whether the row is the inside of a merged range.
func (s sample) merged(row int) bool {
	return slices.ContainsFunc(s.merges, func(m merge) bool { return m.r0 < row && row <= m.r1 })
}

// area weighs a run; one or two rows are hardly a table beside others.
func area(run []Record) int {
	if len(run) < 3 {
		return len(run)
	}
	return len(run) * max(1, len(run[0].Cells)*2-1)
}

// looksLikeHeader reports whether r, after a blank row, begins another table:
// it has texts where the run above has numbers.
func looksLikeHeader(r Record, above []Record) bool {
	numbers, textsThere := 0, 0
	for i, c := range above[len(above)-1].Cells {
		if IsNumber(strings.TrimSpace(c.Text), ".") && i < len(r.Cells) {
			numbers++
			if t := strings.TrimSpace(r.Cells[i].Text); t != "" && !IsNumber(t, ".") {
				textsThere++
			}
		}
	}
	if numbers == 0 {
		// A run of texts above: names before a table of another kind.
		return len(above) < 8 && !slices.ContainsFunc(r.Cells, func(c Cell) bool { return IsNumber(strings.TrimSpace(c.Text), ".") })
	}
	return textsThere*2 > numbers
}

func (s sample) widthOf(block []Record) int {
	w := 0
	for _, r := range block {
		w = max(w, len(r.Cells))
	}
	return w
}

// headerRows returns how many rows of the block are header, 0 to
// maxHeaderRows, and how sure that is.
func (s sample) headerRows(block []Record, decimal string) (n int, confidence float64) {
	if len(block) == 1 {
		if slices.ContainsFunc(block[0].Cells, func(c Cell) bool { return numeric(c, decimal) }) {
			return 0, 0.6
		}
		return 1, 0.6
	}
	// The lower rows tell the columns of numbers; a header has texts there.
	body := block[max(1, min(len(block)/2, maxHeaderRows)):]
	width := s.widthOf(block)
	var columns []int
	for col := range width {
		there, numbers := 0, 0
		for _, r := range body {
			if col < len(r.Cells) && !isBlank(r.Cells[col].Text) {
				there++
				if numeric(r.Cells[col], decimal) {
					numbers++
				}
			}
		}
		if there > 0 && numbers*5 >= there*4 {
			columns = append(columns, col)
		}
	}
	if len(columns) == 0 {
		return s.headerOfTexts(block)
	}
	for n < len(block)-1 && n < maxHeaderRows {
		named, counted := 0, 0
		for _, col := range columns {
			if col >= len(block[n].Cells) || isBlank(block[n].Cells[col].Text) {
				continue
			}
			if numeric(block[n].Cells[col], decimal) {
				counted++
			} else {
				named++
			}
		}
		texts := 0
		for _, c := range block[n].Cells {
			if !isBlank(c.Text) {
				texts++
			}
		}
		header := named > counted && (n == 0 || counted == 0 && !isUnitsRow(block[n], block[n+1:], decimal))
		if n == 0 && named == 0 && counted == 0 && texts > 0 {
			header = true // a title above the groups of the names
		}
		if n > 0 && header && named*2 < len(columns) && !s.ragged {
			header = false // a value that is missing, in words
		}
		if n > 0 && header && len(block) > n+1 && !s.ragged && named+counted == len(columns) && missing(block[n], columns) {
			header = false
		}
		if !header {
			break
		}
		n++
	}
	if n == 0 {
		return 0, 0.9
	}
	return n, 0.95
}

// missing reports whether the row says in every column of numbers that there is
// none: such a row is data.
func missing(r Record, columns []int) bool {
	for _, col := range columns {
		if !IsMissing(r.Cells[col].Text) && !strings.EqualFold(strings.TrimSpace(r.Cells[col].Text), "inf") {
			return false
		}
	}
	return true
}

// IsMissing reports whether a text says that there is no value.
func IsMissing(s string) bool {
	s = strings.TrimSpace(s)
	if len(s) > len("missing") {
		return false
	}
	for _, word := range missingWords[len(s)] {
		if strings.EqualFold(s, word) {
			return true
		}
	}
	return false
}

// missingWords are by length.
var missingWords = [8][]string{
	{""}, {"-", "?"}, {"na", "nd", "--"}, {"n/a", "nan", "---"}, {"#n/a", "null", "none", "n.d."}, nil, nil, {"missing"},
}

func numeric(c Cell, decimal string) bool {
	t := strings.TrimSpace(c.Text)
	t = strings.TrimSuffix(t, "%")
	return IsNumber(t, decimal)
}

// headerOfTexts decides for a block without numbers: a first row of distinct
// short texts that do not come again below is taken for a header.
func (s sample) headerOfTexts(block []Record) (int, float64) {
	seen := map[string]bool{}
	for _, c := range block[0].Cells {
		t := strings.ToLower(strings.TrimSpace(c.Text))
		if t == "" || len(t) > 64 || numeric(c, ".") {
			return 0, 0.6
		}
		seen[t] = true
	}
	for _, r := range block[1:] {
		for _, c := range r.Cells {
			if seen[strings.ToLower(strings.TrimSpace(c.Text))] {
				return 0, 0.5
			}
		}
	}
	return 1, 0.6
}

// isUnitsRow reports whether r is a row of units: all its texts are units, and
// there are numbers below them.
func isUnitsRow(r Record, below []Record, decimal string) bool {
	units, texts := 0, 0
	for i, c := range r.Cells {
		t := strings.TrimSpace(c.Text)
		if t == "" {
			continue
		}
		texts++
		if numeric(c, decimal) {
			return false
		}
		if len(t) <= 24 && isUnit(t) {
			for _, b := range below[:min(len(below), 3)] {
				if i < len(b.Cells) && numeric(b.Cells[i], decimal) {
					units++
					break
				}
			}
		}
	}
	return units > 0 && units*4 >= texts*3
}

func isUnit(t string) bool {
	t = strings.TrimSpace(strings.Trim(t, "[]()"))
	if t == "" || t == "-" || t == "%" {
		return true
	}
	_, err := ucum.Parse(t)
	if err == nil {
		return true
	}
	problem, ok := errors.AsType[*ucum.ParseError](err)
	return ok && problem.Suggestion != ""
}

func from(block []Record, row int) []Record {
	for i, r := range block {
		if r.Number >= row {
			return block[i:]
		}
	}
	return nil
}

func texts(r Record, width int) []string {
	out := make([]string, width)
	for i := range out {
		if i < len(r.Cells) {
			out[i] = strings.TrimSpace(r.Cells[i].Text)
		}
	}
	return out
}

// names joins the texts of the header rows, a merged one spread over its range.
func (s sample) names(l Layout) []string {
	names := make([]string, l.Width)
	for col := range names {
		var parts []string
		for _, r := range s.rows {
			if r.Number < l.HeaderFrom || r.Number > l.HeaderTo {
				continue
			}
			t := ""
			if col < len(r.Cells) {
				t = strings.Join(strings.Fields(r.Cells[col].Text), " ")
			}
			if t == "" {
				t = strings.Join(strings.Fields(s.spread(r.Number, col+1)), " ")
			}
			if t != "" && !slices.Contains(parts, t) {
				parts = append(parts, t)
			}
		}
		names[col] = strings.Join(parts, " / ")
	}
	return names
}

// spread returns the text of the merged range that a cell belongs to.
func (s sample) spread(row, col int) string {
	for _, m := range s.merges {
		if row < m.r0 || row > m.r1 || col < m.c0 || col > m.c1 {
			continue
		}
		for _, r := range s.rows {
			if r.Number == m.r0 && m.c0 <= len(r.Cells) {
				return r.Cells[m.c0-1].Text
			}
		}
	}
	return ""
}

// mergedTo returns the last row that a merged range of the header reaches.
func (s sample) mergedTo(first, last int) int {
	for again := true; again; {
		again = false
		for _, m := range s.merges {
			if m.r0 >= first && m.r0 <= last && m.r1 > last && m.r1-first < maxHeaderRows {
				last, again = m.r1, true
			}
		}
	}
	return last
}
