package campaign

import (
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/athanor-lab/athanor/lab"
)

// maxFileBytes is the most that a file of a document may have.
const maxFileBytes = 64 << 20

// Resolve reads the files that a document names from fsys and returns the
// document with their content: the points of candidates as Pool, the rows of
// descriptors as DescriptorValues. Names are relative to the document.
//
// A file must have the SHA-256 that the document says. Candidates are a CSV
// with a head, a column to a parameter (for a composition a column to a part,
// "metals.Ni"), in any order and beside others. Descriptors are a CSV with a
// head, the level in the first column and numbers in all others; rows of levels
// that the parameter does not have are left out.
func Resolve(doc lab.Document, fsys fs.FS) (lab.Document, []lab.Problem) {
	doc = Defaults(doc) // its parameters are a copy
	var c complaints
	for i := range doc.Space.Parameters {
		p := &doc.Space.Parameters[i]
		if p.Descriptors == nil {
			continue
		}
		path := at(atIndex("space.parameters", i), "descriptors")
		if rows := c.read(path, *p.Descriptors, fsys); rows != nil {
			p.DescriptorValues = c.descriptors(path, *p, rows)
		}
	}
	if f := doc.Space.Candidates; f != nil {
		if rows := c.read("space.candidates", *f, fsys); rows != nil {
			doc.Space.Pool = c.candidates("space.candidates", doc.Space.Parameters, rows)
		}
	}
	return doc, sorted(c.all)
}

// read returns the rows of a file, its head first, or nil.
func (c *complaints) read(path string, f lab.File, fsys fs.FS) [][]string {
	name := at(path, "file")
	file, err := fsys.Open(f.File)
	if err != nil {
		why := err
		if inner := errors.Unwrap(err); inner != nil {
			why = inner
		}
		c.addf(name, "%q cannot be read: %v", clip(f.File), why).right("a file that lies beside the document, by its path relative to it")
		return nil
	}
	defer file.Close() //nolint:errcheck // it was only read
	content, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	switch {
	case err != nil:
		c.addf(name, "%q cannot be read: %v", clip(f.File), err).right("a readable file")
		return nil
	case len(content) > maxFileBytes:
		c.addf(name, "%q is larger than 64 MiB", clip(f.File)).right("a smaller table")
		return nil
	case !utf8.Valid(content):
		c.addf(name, "%q is not UTF-8 text", clip(f.File)).right("a CSV saved as UTF-8")
		return nil
	}
	sum := sha256.Sum256(content)
	if is := hex.EncodeToString(sum[:]); is != f.SHA256 {
		c.addf(at(path, "sha256"), "%q is another file: its SHA-256 is %s", clip(f.File), is).right("the file that was meant, or sha256: %s", is)
		return nil
	}
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(content), "\ufeff")))
	rows, err := r.ReadAll()
	if err != nil {
		c.addf(name, "%q is no CSV: %v", clip(f.File), err).right("rows with as many fields as the head, separated by commas")
		return nil
	}
	if len(rows) < 2 {
		c.addf(name, "%q has no rows", clip(f.File)).right("a head and at least one row")
		return nil
	}
	return rows
}

// mostRows is how many wrong rows of a file are told.
const mostRows = 10

// column is where a value of a point comes from.
type column struct {
	index []int // one, or one to a part
	head  []string
}

func (c *complaints) candidates(path string, ps []lab.Parameter, rows [][]string) [][]lab.Value {
	name := at(path, "file")
	columns := make([]column, len(ps))
	complete := true
	for i, p := range ps {
		heads := []string{p.Name}
		if p.Type == lab.Composition {
			heads = nil
			for _, part := range p.Parts {
				heads = append(heads, p.Name+"."+part)
			}
		}
		for _, head := range heads {
			j := slices.IndexFunc(rows[0], func(h string) bool { return strings.TrimSpace(h) == head })
			if j < 0 {
				complete = false
				c.addf(name, "has no column %q", head).right("%s", known(head, rows[0], "columns"))
			}
			columns[i].index = append(columns[i].index, j)
			columns[i].head = append(columns[i].head, head)
		}
	}
	if !complete {
		return nil
	}
	if len(rows)-1 > maxPool {
		c.addf(name, "has %d points", len(rows)-1).right("at most %d", maxPool)
		return nil
	}
	pool := make([][]lab.Value, 0, len(rows)-1)
	wrong := 0
	seen := map[string]int{}
	for k, row := range rows[1:] {
		point := make([]lab.Value, len(ps))
		var text strings.Builder
		good := true
		for i, p := range ps {
			v, why := columns[i].value(p, row)
			if why == "" {
				why = misfit(p, v)
			}
			if why != "" {
				good = false
				wrong++
				if wrong <= mostRows {
					c.addf(name, "line %d, %s: %s", k+2, strings.Join(columns[i].head, ", "), why).right("a value of the parameter as the document declares it")
				}
			}
			point[i] = v
			text.WriteString(v.String() + "\x00")
		}
		if first, again := seen[text.String()]; again && good {
			wrong++
			if wrong <= mostRows {
				c.addf(name, "line %d is the point of line %d again", k+2, first).right("each point once")
			}
		}
		seen[text.String()] = k + 2
		pool = append(pool, point)
	}
	if wrong > mostRows {
		c.addf(name, "has %d more complaints of this kind", wrong-mostRows).right("mend those above first")
	}
	if wrong > 0 {
		return nil
	}
	return pool
}

func (x column) value(p lab.Parameter, row []string) (lab.Value, string) {
	if p.When != "" && !slices.ContainsFunc(x.index, func(j int) bool { return strings.TrimSpace(row[j]) != "" }) {
		return lab.Value{}, ""
	}
	if p.Type == lab.Categorical {
		return lab.Label(row[x.index[0]]), ""
	}
	numbers := make([]float64, len(x.index))
	for i, j := range x.index {
		y, err := strconv.ParseFloat(strings.TrimSpace(row[j]), 64)
		if err != nil || math.IsInf(y, 0) || math.IsNaN(y) {
			return lab.Value{}, strconv.Quote(clip(row[j])) + " is no number"
		}
		numbers[i] = y
	}
	if p.Type == lab.Composition {
		return lab.Parts(numbers), ""
	}
	return lab.Number(numbers[0]), ""
}

func (c *complaints) descriptors(path string, p lab.Parameter, rows [][]string) [][]float64 {
	name := at(path, "file")
	if len(rows[0]) < 2 {
		c.addf(name, "has one column").right("the level in the first column, numbers in the others")
		return nil
	}
	byLevel := map[string][]float64{}
	before := len(c.all)
	for k, row := range rows[1:] {
		level := row[0]
		if !slices.Contains(p.Levels, level) {
			continue
		}
		if _, again := byLevel[level]; again {
			c.addf(name, "line %d describes %q again", k+2, clip(level)).right("a row to a level")
		}
		values := make([]float64, len(row)-1)
		for i, s := range row[1:] {
			x, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
			if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
				c.addf(name, "line %d, %s: %q is no number", k+2, rows[0][i+1], clip(s)).right("a number in every column but the first")
			}
			values[i] = x
		}
		byLevel[level] = values
	}
	out := make([][]float64, 0, len(p.Levels))
	for _, level := range p.Levels {
		if _, ok := byLevel[level]; !ok {
			c.addf(name, "has no row for level %q", clip(level)).right("%s", known(level, firstColumn(rows), "rows"))
		}
		out = append(out, byLevel[level])
	}
	if len(c.all) > before {
		return nil
	}
	return out
}

func firstColumn(rows [][]string) []string {
	out := make([]string, 0, len(rows)-1)
	for _, row := range rows[1:] {
		out = append(out, row[0])
	}
	return out
}
