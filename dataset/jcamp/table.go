package jcamp

import (
	"os"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

// unitCodes are the standard's words for units in UCUM, where they have one
// meaning.
var unitCodes = map[string]string{
	"1/CM": "/cm", "CM-1": "/cm", "NANOMETERS": "nm", "MICROMETERS": "um", "SECONDS": "s", "MILLISECONDS": "ms", "MICROSECONDS": "us", "MINUTES": "min",
	"HZ": "Hz", "HERTZ": "Hz", "KELVIN": "K", "VOLTS": "V", "MILLIVOLTS": "mV", "AMPERES": "A", "NANOAMPERES": "nA", "DEGREES CELSIUS": "Cel",
	"ARBITRARY UNITS": "{arbitrary}", "RELATIVE ABUNDANCE": "{relative_abundance}", "RELATIVE INTENSITY": "{relative_intensity}", "COUNTS": "{count}", "M/Z": "{m/z}",
	"TRANSMITTANCE": "{transmittance}", "REFLECTANCE": "{reflectance}", "ABSORBANCE": "{absorbance}",
}

// Open opens a file as tables: its curves, a row to a point, and its labels, a
// row to a label. Blocks that were refused are told with their reasons; a file
// of which every block was is [lab.Invalid].
func Open(path string, o tabular.Options) (*tabular.Source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, lab.Errorf(lab.NotFound, "open %s: %w", path, err)
	}
	defer f.Close()
	blocks, err := Read(f)
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "read %s: %w", path, err)
	}
	var tables []*tabular.Table
	var notes []tabular.Note
	var refused []string
	seen := map[string]int{}
	for _, b := range blocks {
		for _, n := range b.Notes {
			notes = append(notes, tabular.Note{Code: "jcamp", Row: b.Line, Text: "block " + strconv.Quote(b.Title) + ": " + n})
		}
		if b.Refused != "" && !strings.EqualFold(b.DataType, "LINK") {
			refused = append(refused, "block "+strconv.Quote(b.Title)+", line "+strconv.Itoa(b.Line)+": "+b.Refused)
		}
		for _, c := range b.Curves {
			name := strings.TrimSpace(b.Title + " " + c.Name + " " + c.Page)
			if seen[name]++; seen[name] > 1 {
				name += " (" + strconv.Itoa(seen[name]) + ")"
			}
			t, err := c.table(name, o)
			if err != nil {
				return nil, err
			}
			tables = append(tables, t)
		}
	}
	if len(tables) == 0 {
		return nil, lab.Errorf(lab.Invalid, "%s has no curve: %s", path, strings.Join(refused, "; "))
	}
	for _, why := range refused {
		notes = append(notes, tabular.Note{Code: "refused", Text: why})
	}
	labels, err := labelTable(blocks, tabular.Options{Limits: o.Limits})
	if err != nil {
		return nil, err
	}
	tables = append(tables, labels)
	for _, t := range tables {
		t.Notes = append(t.Notes, notes...)
	}
	return tabular.NewSource(tables, o, nil)
}

func (c Curve) table(name string, o tabular.Options) (*tabular.Table, error) {
	unit := func(text string) string {
		if code, ok := unitCodes[strings.ToUpper(strings.TrimSpace(text))]; ok {
			return code
		}
		return strings.TrimSpace(text)
	}
	t, err := tabular.NewTable(name, "jcamp", map[string]string{"x": unit(c.XUnits), "y": unit(c.YUnits)}, o, func(yield func(tabular.Fields) error) error {
		for i := range c.X {
			f := tabular.Fields{Offset: -1, Cells: []tabular.Field{{Name: "x", Cell: number(c.X[i])}, {Name: "y", Cell: number(c.Y[i])}}}
			if i < len(c.Texts) {
				f.Cells = append(f.Cells, tabular.Field{Name: "assignment", Cell: tabular.Cell{Text: c.Texts[i], Offset: -1}})
			}
			if err := yield(f); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	t.Known = map[string]tabular.Known{"x": tabular.Chosen, "y": tabular.Seen, "assignment": tabular.About}
	return t, nil
}

func number(x float64) tabular.Cell {
	return tabular.Cell{Text: strconv.FormatFloat(x, 'g', -1, 64), Offset: -1}
}

// labelTable has the labels of all blocks, those of tables aside.
func labelTable(blocks []Block, o tabular.Options) (*tabular.Table, error) {
	return tabular.NewTable("labels", "jcamp", nil, o, func(yield func(tabular.Fields) error) error {
		for _, b := range blocks {
			for _, l := range b.Labels {
				switch l.Name {
				case "XYDATA", "RADATA", "XYPOINTS", "PEAKTABLE", "PEAKASSIGNMENTS", "DATATABLE":
					continue
				}
				f := tabular.Fields{Offset: -1}
				for _, c := range [][2]string{{"block", b.Title}, {"line", strconv.Itoa(l.Line)}, {"label", l.Name}, {"text", l.Value}} {
					f.Cells = append(f.Cells, tabular.Field{Name: c[0], Cell: tabular.Cell{Text: c[1], Offset: -1}})
				}
				if err := yield(f); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
