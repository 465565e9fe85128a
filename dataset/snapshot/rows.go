package snapshot

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
)

// rows are what splits need of rows, in about 60 bytes of memory to a row, however
// long its keys are. Names are kept as 8 bytes of their hash; they and the
// sketches are in files that have no name, read column by column.
type rows struct {
	n         int
	times     []int64  // nanoseconds; noTime when nobody knows
	campaigns []uint32 // by campaignOf
	numbers   map[string]uint32
	groups    []uint64
	groupRows []uint32 // of which row
	names     *records
	sketches  *records
	sketched  []uint32 // rows that have one, in the order of the file
	scratch   []named
}

// The columns of names.
const (
	conditionName = iota
	materialName
	scaffoldName
	nearName // and those of the other grids
	columns  = nearName + grids
)

const noTime = math.MinInt64

// named is a row, or a sketch or a group of one, with a name.
type named struct {
	name uint64
	at   uint32
}

func newRows() (*rows, error) {
	names, err := newRecords(8 * columns)
	if err != nil {
		return nil, err
	}
	sketches, err := newRecords(sketchBytes)
	if err != nil {
		return nil, errors.Join(err, names.close())
	}
	return &rows{numbers: map[string]uint32{}, names: names, sketches: sketches}, nil
}

func (r *rows) close() error { return errors.Join(r.names.close(), r.sketches.close()) }

func (r *rows) add(x Index) error {
	var b [8 * columns]byte
	put := func(column int, name string) { binary.BigEndian.PutUint64(b[8*column:], nameHash(name)) }
	put(conditionName, x.Condition)
	put(materialName, x.Material)
	put(scaffoldName, x.Scaffold)
	put(nearName, x.Near)
	for i, name := range x.Nearby {
		if i+1 < grids {
			put(nearName+i+1, name)
		}
	}
	at := int64(noTime)
	if !x.Time.IsZero() {
		at = x.Time.UnixNano()
	}
	c, ok := r.numbers[x.Campaign]
	if !ok {
		c = uint32(len(r.numbers))
		r.numbers[x.Campaign] = c
	}
	r.times, r.campaigns = append(r.times, at), append(r.campaigns, c)
	for _, g := range x.Groups {
		r.groups, r.groupRows = append(r.groups, nameHash(g)), append(r.groupRows, uint32(r.n))
	}
	row := uint32(r.n)
	r.n++
	if s, ok := x.Sketch.bytes(); ok {
		r.sketched = append(r.sketched, row)
		if err := r.sketches.add(s[:]); err != nil {
			return err
		}
	}
	return r.names.add(b[:])
}

// nameHash is 8 bytes that stand for a name; 0 stands for none. Of a million
// names two have one hash by chance with a probability below 1e-7, and then they
// stay on one side of every split and are told as a leak: nothing leaks by it.
func nameHash(name string) uint64 {
	if name == "" {
		return 0
	}
	if len(name) >= 16 {
		if x, err := strconv.ParseUint(name[:16], 16, 64); err == nil { // a hash already
			return max(x, 1)
		}
	}
	h := fnv.New64a()
	_, _ = io.WriteString(h, name) // it never fails
	return max(mixed(h.Sum64()), 1)
}

// together calls yield for the places that have one name, those of one name at a
// time, in their order. It sorts places.
func together(places []named, yield func(name uint64, at []named) error) error {
	slices.SortFunc(places, func(a, b named) int {
		if c := cmp.Compare(a.name, b.name); c != 0 {
			return c
		}
		return cmp.Compare(a.at, b.at)
	})
	for from := 0; from < len(places); {
		to := from + 1
		for to < len(places) && places[to].name == places[from].name {
			to++
		}
		if err := yield(places[from].name, places[from:to]); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// byName is [together] of rows by a column of names.
func (r *rows) byName(column int, yield func(name uint64, at []named) error) error {
	r.scratch = r.scratch[:0]
	err := r.names.each(func(i int, b []byte) {
		r.scratch = append(r.scratch, named{binary.BigEndian.Uint64(b[8*column:]), uint32(i)})
	})
	if err != nil {
		return err
	}
	return together(r.scratch, yield)
}

// byCampaign is [together] of rows by their campaigns.
func (r *rows) byCampaign(yield func(name uint64, at []named) error) error {
	r.scratch = r.scratch[:0]
	for i, c := range r.campaigns {
		r.scratch = append(r.scratch, named{uint64(c), uint32(i)})
	}
	return together(r.scratch, yield)
}

// byGroup is [together] of rows by groups, of which a row may have several.
func (r *rows) byGroup(yield func(name uint64, at []named) error) error {
	r.scratch = r.scratch[:0]
	for i, g := range r.groups {
		r.scratch = append(r.scratch, named{g, r.groupRows[i]})
	}
	return together(r.scratch, yield)
}

// The marks of a row: which leaks it was counted for.
const (
	sharesCondition = 1 << iota
	sharesNear
	sharesGroup
	sharesMaterial
	sharesScaffold
	sharesText
	sharesValidation
)

// leaks counts, for each way to divide the rows, what train and the other parts
// share. All ways are counted at once, since what is long is to bring together
// what has one name.
func (r *rows) leaks(ways ...[]byte) ([]Leaks, error) {
	marks := make([][]byte, len(ways))
	for w := range ways {
		marks[w] = make([]byte, r.n)
	}
	mark := func(bit byte, validation, none bool) func(uint64, []named) error {
		return func(name uint64, at []named) error {
			if len(at) > 1 && (name != 0 || none) {
				for w, parts := range ways {
					markShared(at, parts, marks[w], bit, validation)
				}
			}
			return nil
		}
	}
	err := errors.Join(
		r.byName(conditionName, mark(sharesCondition, true, true)),
		r.byGroup(mark(sharesGroup, true, true)),
		r.byName(materialName, mark(sharesMaterial, false, false)),
		r.byName(scaffoldName, mark(sharesScaffold, false, false)),
	)
	for g := range grids {
		err = errors.Join(err, r.byName(nearName+g, mark(sharesNear, false, g == 0)))
	}
	if err = errors.Join(err, r.markTexts(ways, marks)); err != nil {
		return nil, err
	}
	all := make([]Leaks, len(ways))
	for w, parts := range ways {
		all[w] = r.count(parts, marks[w])
	}
	return all, nil
}

func markShared(at []named, parts, marks []byte, bit byte, validation bool) {
	trains, validates := false, false
	for _, p := range at {
		trains = trains || parts[p.at] == inTrain
		validates = validates || parts[p.at] == inValidation
	}
	for _, p := range at {
		if trains && (parts[p.at] == inValidation || parts[p.at] == inTest) {
			marks[p.at] |= bit
		}
		if validation && validates && parts[p.at] == inTest {
			marks[p.at] |= sharesValidation
		}
	}
}

func (r *rows) count(parts, marks []byte) Leaks {
	taught, latest := make([]bool, len(r.numbers)), int64(noTime)
	for i := range parts {
		if parts[i] == inTrain {
			taught[r.campaigns[i]] = true
			latest = max(latest, r.times[i])
		}
	}
	var l Leaks
	one := func(n *int, yes bool) {
		if yes {
			*n++
		}
	}
	for i, p := range parts {
		if p != inValidation && p != inTest {
			continue
		}
		m := marks[i]
		one(&l.Conditions, m&sharesCondition != 0)
		one(&l.Near, m&sharesNear != 0)
		one(&l.Groups, m&sharesGroup != 0)
		one(&l.Materials, m&sharesMaterial != 0)
		one(&l.Scaffolds, m&sharesScaffold != 0)
		one(&l.Texts, m&sharesText != 0)
		one(&l.ValidationTest, m&sharesValidation != 0)
		one(&l.Campaigns, taught[r.campaigns[i]])
		one(&l.Earlier, r.times[i] <= latest)
	}
	return l
}

// compared bounds with how many rows of train a text is compared in one band.
const compared = 32

// markTexts marks rows whose text is nearly that of a row of train. Texts that
// have a band of their sketches in common are compared whole.
func (r *rows) markTexts(ways, marks [][]byte) error {
	if len(r.sketched) == 0 {
		return nil
	}
	for at := 0; at < sketchBytes; at += bandBytes {
		r.scratch = r.scratch[:0]
		err := r.sketches.each(func(i int, b []byte) {
			r.scratch = append(r.scratch, named{uint64(binary.BigEndian.Uint32(b[at:])), uint32(i)})
		})
		if err == nil {
			err = together(r.scratch, func(_ uint64, at []named) error {
				if len(at) < 2 {
					return nil
				}
				for w, parts := range ways {
					if err := r.compare(at, parts, marks[w]); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// compare marks those of some sketches that are nearly one of train.
func (r *rows) compare(at []named, parts, marks []byte) error {
	var known [][sketchBytes]byte
	wanted := false
	for _, p := range at {
		row := r.sketched[p.at]
		wanted = wanted || (parts[row] == inValidation || parts[row] == inTest) && marks[row]&sharesText == 0
	}
	if !wanted {
		return nil
	}
	var s [sketchBytes]byte
	for _, p := range at {
		if parts[r.sketched[p.at]] == inTrain && len(known) < compared {
			if err := r.sketches.read(int(p.at), s[:]); err != nil {
				return err
			}
			known = append(known, s)
		}
	}
	for _, p := range at {
		row := r.sketched[p.at]
		if part := parts[row]; len(known) == 0 || part != inValidation && part != inTest || marks[row]&sharesText != 0 {
			continue
		}
		if err := r.sketches.read(int(p.at), s[:]); err != nil {
			return err
		}
		if slices.ContainsFunc(known, func(k [sketchBytes]byte) bool { return alike(&k, &s) }) {
			marks[row] |= sharesText
		}
	}
	return nil
}

// records is a file of records of one length that has no name.
type records struct {
	f    *os.File
	w    *bufio.Writer
	size int
	n    int
}

func newRecords(size int) (*records, error) {
	f, err := unnamed()
	if err != nil {
		return nil, err
	}
	return &records{f: f, w: bufio.NewWriterSize(f, 64<<10), size: size}, nil
}

func (r *records) close() error { return r.f.Close() }

func (r *records) add(b []byte) error {
	r.n++
	_, err := r.w.Write(b)
	return err
}

// each calls yield for every record, in order; b is valid during the call.
func (r *records) each(yield func(i int, b []byte)) error {
	if err := r.w.Flush(); err != nil {
		return fmt.Errorf("keep what splits need: %w", err)
	}
	in := bufio.NewReaderSize(io.NewSectionReader(r.f, 0, int64(r.n)*int64(r.size)), 256<<10)
	b := make([]byte, r.size)
	for i := range r.n {
		if _, err := io.ReadFull(in, b); err != nil {
			return fmt.Errorf("read what splits need: %w", err)
		}
		yield(i, b)
	}
	return nil
}

// read reads a record into b; what was added is there after [records.each].
func (r *records) read(i int, b []byte) error {
	_, err := r.f.ReadAt(b, int64(i)*int64(r.size))
	return err
}
