package tabular

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/athanor-lab/athanor/lab"
)

// merge is a merged range, from 1.
type merge struct{ r0, c0, r1, c1 int }

// sheetFacts is what a sheet says besides its values.
type sheetFacts struct {
	merges     []merge
	formulas   map[[2]int]string
	errorCells map[[2]int]bool
	hiddenRows map[int]bool
	hiddenCols map[int]bool
}

// maxFacts bounds the formulas, merged ranges and hidden rows of a sheet.
const maxFacts = 1 << 20

// CheckArchive refuses an archive that unpacks to too much, before any of it is
// unpacked: a part never yields more than its directory entry says.
func CheckArchive(z *zip.Reader, l Limits) error {
	l = l.orDefaults()
	if len(z.File) > 10000 {
		return lab.Errorf(lab.Invalid, "the archive has %d parts, more than 10000", len(z.File))
	}
	var total uint64
	for _, f := range z.File {
		total += f.UncompressedSize64
		if f.UncompressedSize64 > 1<<20 && f.UncompressedSize64 > uint64(l.Ratio)*max(1, f.CompressedSize64) {
			return lab.Errorf(lab.Invalid, "part %q of the archive grows from %d to %d bytes, more than %d times; it looks like a zip bomb", f.Name, f.CompressedSize64, f.UncompressedSize64, l.Ratio)
		}
		if total > uint64(l.UnpackedBytes) {
			return lab.Errorf(lab.Invalid, "the archive unpacks to more than %d bytes", l.UnpackedBytes)
		}
	}
	return nil
}

func readXLSX(in io.ReaderAt, size int64, o Options) (*Source, error) {
	z, err := zip.NewReader(in, size)
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "the workbook is cut or damaged: %w", err)
	}
	if err := CheckArchive(z, o.Limits); err != nil {
		return nil, err
	}
	parts, err := sheetParts(z)
	if err != nil {
		return nil, err
	}
	f, err := excelize.OpenReader(io.NewSectionReader(in, 0, size), excelize.Options{
		UnzipSizeLimit: o.Limits.UnpackedBytes, UnzipXMLSizeLimit: min(16<<20, o.Limits.UnpackedBytes), RawCellValue: true,
	})
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "the workbook cannot be read: %w", err)
	}
	s := &Source{close: f.Close}
	for _, name := range f.GetSheetList() {
		if o.Sheet != "" && o.Sheet != name || parts[name] == "" {
			continue
		}
		t, err := readSheet(f, z, name, parts[name], o)
		if err != nil {
			return nil, errors.Join(lab.Errorf(lab.Invalid, "sheet %q: %w", name, err), f.Close())
		}
		s.Tables = append(s.Tables, t)
	}
	if len(s.Tables) == 0 {
		return nil, errors.Join(lab.Errorf(lab.Invalid, "the workbook has no sheet %q; it has %q", o.Sheet, f.GetSheetList()), f.Close())
	}
	return s, nil
}

func readSheet(f *excelize.File, z *zip.Reader, name, part string, o Options) (*Table, error) {
	facts, err := readFacts(z, part)
	if err != nil {
		return nil, err
	}
	t := &Table{Name: name, Dialect: Dialect{Encoding: "xlsx"}}
	t.each = func(yield func(Record) error) error { return eachRow(f, name, facts, &t.Layout, o.Limits, yield) }
	s := sample{merges: facts.merges, ragged: true}
	enough := errors.New("enough")
	err = t.each(func(r Record) error {
		r.Cells = append([]Cell(nil), r.Cells...)
		s.rows = append(s.rows, r)
		if len(s.rows) >= sampleRows {
			return enough
		}
		return nil
	})
	if err != nil && !errors.Is(err, enough) {
		return nil, err
	}
	t.settle(s, o)
	if v, err := f.GetSheetVisible(name); err == nil && !v {
		t.Notes = append(t.Notes, Note{Code: "hidden_sheet", Text: "the sheet is hidden"})
	}
	for row := range facts.hiddenRows {
		t.Notes = append(t.Notes, Note{Code: "hidden_rows", Row: row, Text: strconv.Itoa(len(facts.hiddenRows)) + " rows are hidden; they are read like the others"})
		break
	}
	for col := range facts.hiddenCols {
		t.Notes = append(t.Notes, Note{Code: "hidden_columns", Column: col, Text: strconv.Itoa(len(facts.hiddenCols)) + " columns are hidden; they are read like the others"})
		break
	}
	return t, nil
}

// eachRow reads a sheet twice side by side: as stored and as shown.
func eachRow(f *excelize.File, sheet string, facts sheetFacts, layout *Layout, l Limits, yield func(Record) error) (err error) {
	stored, err := f.Rows(sheet)
	if err != nil {
		return lab.Errorf(lab.Invalid, "read it: %w", err)
	}
	defer func() { err = errors.Join(err, stored.Close()) }()
	shown, err := f.Rows(sheet)
	if err != nil {
		return lab.Errorf(lab.Invalid, "read it: %w", err)
	}
	defer func() { err = errors.Join(err, shown.Close()) }()
	merges := slices.Clone(facts.merges)
	slices.SortFunc(merges, func(a, b merge) int { return a.r0 - b.r0 })
	var active []merge
	next := 0
	for row := 1; stored.Next() && shown.Next(); row++ {
		raw, err := stored.Columns(excelize.Options{RawCellValue: true})
		if err != nil {
			return lab.Errorf(lab.Invalid, "row %d: %w", row, err)
		}
		seen, err := shown.Columns(excelize.Options{RawCellValue: false})
		if err != nil {
			return lab.Errorf(lab.Invalid, "row %d: %w", row, err)
		}
		if len(raw) > l.Columns {
			return lab.Errorf(lab.Invalid, "row %d has %d columns, more than %d", row, len(raw), l.Columns)
		}
		r := Record{Number: row, Offset: -1, Hidden: facts.hiddenRows[row], Cells: make([]Cell, max(len(raw), layout.Width))}
		for i := range r.Cells {
			c := Cell{Offset: -1, Formula: facts.formulas[[2]int{row, i + 1}]}
			if i < len(raw) {
				c.Text = raw[i]
			}
			if i < len(seen) && seen[i] != c.Text {
				c.Shown = seen[i]
			}
			if facts.errorCells[[2]int{row, i + 1}] {
				c.Flags |= IsError
			}
			if facts.hiddenCols[i+1] {
				c.Flags |= HiddenColumn
			}
			r.Cells[i] = c
		}
		active = slices.DeleteFunc(active, func(m merge) bool { return m.r1 < row })
		for ; next < len(merges) && merges[next].r0 <= row; next++ {
			active = append(active, merges[next])
		}
		for _, m := range active {
			for i := m.c0; i <= min(m.c1, len(r.Cells)); i++ {
				r.Cells[i-1].Flags |= Merged
			}
		}
		if err := yield(r); err != nil {
			return err
		}
	}
	return errors.Join(stored.Error(), shown.Error())
}

// sheetParts maps the names of the sheets to their parts in the archive.
func sheetParts(z *zip.Reader) (map[string]string, error) {
	var book struct {
		Sheets []struct {
			Name string `xml:"name,attr"`
			ID   string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
		} `xml:"sheets>sheet"`
	}
	var rels struct {
		Relationship []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		}
	}
	for part, to := range map[string]any{"xl/workbook.xml": &book, "xl/_rels/workbook.xml.rels": &rels} {
		in, err := z.Open(part)
		if err != nil {
			return nil, lab.Errorf(lab.Invalid, "the archive is no XLSX workbook: it has no %s", part)
		}
		err = errors.Join(xml.NewDecoder(in).Decode(to), in.Close())
		if err != nil {
			return nil, lab.Errorf(lab.Invalid, "%s: %w", part, err)
		}
	}
	targets := map[string]string{}
	for _, r := range rels.Relationship {
		if after, ok := strings.CutPrefix(r.Target, "/"); ok {
			targets[r.ID] = after
		} else {
			targets[r.ID] = path.Join("xl", r.Target)
		}
	}
	parts := map[string]string{}
	for _, s := range book.Sheets {
		parts[s.Name] = targets[s.ID]
	}
	return parts, nil
}

// readFacts reads what the rows do not tell: merged ranges, formulas, error
// values, hidden rows and columns.
func readFacts(z *zip.Reader, part string) (sheetFacts, error) {
	facts := sheetFacts{formulas: map[[2]int]string{}, errorCells: map[[2]int]bool{}, hiddenRows: map[int]bool{}, hiddenCols: map[int]bool{}}
	in, err := z.Open(part)
	if err != nil {
		return facts, lab.Errorf(lab.Invalid, "the part %q is missing: %w", part, err)
	}
	defer in.Close() //nolint:errcheck // it was only read
	d := xml.NewDecoder(in)
	var at [2]int
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return facts, nil
		}
		if err != nil {
			return facts, lab.Errorf(lab.Invalid, "the sheet is cut or damaged: %w", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		attr := func(name string) string {
			for _, a := range start.Attr {
				if a.Name.Local == name {
					return a.Value
				}
			}
			return ""
		}
		hidden := attr("hidden") == "1" || attr("hidden") == "true"
		switch start.Name.Local {
		case "col":
			lo, _ := strconv.Atoi(attr("min"))
			hi, _ := strconv.Atoi(attr("max"))
			for c := lo; hidden && c <= hi && c <= 16384; c++ {
				facts.hiddenCols[c] = true
			}
		case "row":
			if n, err := strconv.Atoi(attr("r")); err == nil && hidden {
				facts.hiddenRows[n] = true
			}
		case "c":
			at = [2]int{}
			if col, row, err := excelize.CellNameToCoordinates(attr("r")); err == nil {
				at = [2]int{row, col}
			}
			if attr("t") == "e" {
				facts.errorCells[at] = true
			}
		case "f":
			text, err := d.RawToken()
			if err != nil {
				return facts, lab.Errorf(lab.Invalid, "the sheet is cut or damaged: %w", err)
			}
			if chars, ok := text.(xml.CharData); ok {
				facts.formulas[at] = string(chars)
			} else {
				facts.formulas[at] = "shared"
			}
		case "mergeCell":
			if m, ok := parseMerge(attr("ref")); ok {
				facts.merges = append(facts.merges, m)
			}
		}
		if len(facts.formulas)+len(facts.merges)*64+len(facts.hiddenRows)+len(facts.errorCells) > maxFacts {
			return facts, lab.Errorf(lab.Invalid, "it has more than %d formulas, merged ranges, errors and hidden rows", maxFacts)
		}
	}
}

func parseMerge(ref string) (merge, bool) {
	a, b, ok := strings.Cut(ref, ":")
	if !ok {
		return merge{}, false
	}
	c0, r0, err0 := excelize.CellNameToCoordinates(a)
	c1, r1, err1 := excelize.CellNameToCoordinates(b)
	return merge{r0, c0, r1, c1}, err0 == nil && err1 == nil && r0 <= r1 && c0 <= c1
}
