package snapshot

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// Kind says what must not be divided by a split.
type Kind string

// The kinds of splits.
const (
	RandomGrouped Kind = "random_grouped" // equal conditions and shared groups stay together
	ByCondition   Kind = "condition"      // equal conditions stay together
	ByCampaign    Kind = "campaign"       // and whole campaigns as well
	ByMaterial    Kind = "material"       // and equal labels and parts of compositions as well
	ByScaffold    Kind = "scaffold"       // and equal ring systems of labels that are SMILES as well
	ByTime        Kind = "time"           // what was known earlier teaches, what came later tests
)

// Part is where a row of a split belongs.
type Part string

// The parts.
const (
	Train      Part = "train"
	Validation Part = "validation"
	Test       Part = "test"
	// Excluded rows would leak wherever they were: only splits by time have some.
	Excluded Part = "excluded"
)

// SplitSpec asks for a split.
type SplitSpec struct {
	Name       string  `json:"name"`
	Kind       Kind    `json:"kind"`
	Seed       uint64  `json:"seed"`
	Validation float64 `json:"validation"` // share of the rows, from 0
	Test       float64 `json:"test"`
}

// DefaultSplits are one of each kind with a tenth of the rows to validate and a
// fifth to test.
func DefaultSplits() []SplitSpec {
	var all []SplitSpec
	for _, k := range []Kind{RandomGrouped, ByCondition, ByCampaign, ByMaterial, ByScaffold, ByTime} {
		all = append(all, SplitSpec{Name: string(k), Kind: k, Validation: 0.1, Test: 0.2})
	}
	return all
}

// Split is a split as it came out.
type Split struct {
	SplitSpec
	Components int          `json:"components"` // that stay together
	Rows       map[Part]int `json:"rows"`
	Leaks      Leaks        `json:"leaks"`
}

// Leaks counts the rows outside of train that share something with a row of
// it; where Validation is meant, it says so.
type Leaks struct {
	Conditions int `json:"conditions"` // equal conditions
	Near       int `json:"near"`       // conditions equal to three digits, however rounded; told, not prevented
	Groups     int `json:"groups"`     // a group in common
	Materials  int `json:"materials"`  // equal labels and parts
	Scaffolds  int `json:"scaffolds"`  // equal ring systems
	Campaigns  int `json:"campaigns"`  // of a campaign that train has rows of
	Earlier    int `json:"earlier"`    // known no later than the latest row of train
	// Texts counts rows that say nearly the same; told, not prevented.
	Texts int `json:"texts,omitempty"`
	// ValidationTest counts rows of test with the conditions or a group of a row
	// of validation.
	ValidationTest int `json:"validation_test"`
}

// union is a forest over the rows.
type union []int32

func newUnion(n int) union {
	u := make(union, n)
	for i := range u {
		u[i] = int32(i)
	}
	return u
}

func (u union) find(i int32) int32 {
	for u[i] != i {
		u[i] = u[u[i]]
		i = u[i]
	}
	return i
}

// join makes the smaller root the root, so that it does not depend on the order.
func (u union) join(i, j int32) {
	a, b := u.find(i), u.find(j)
	u[max(a, b)] = min(a, b)
}

// The parts as bytes.
const (
	inTrain byte = iota + 1
	inValidation
	inTest
	isExcluded
)

var partNames = [...]Part{inTrain: Train, inValidation: Validation, inTest: Test, isExcluded: Excluded}

func partByte(p Part) byte { return byte(max(slices.Index(partNames[:], p), 0)) }

// Assign divides rows, which are by rising key. The same rows and spec are
// always divided the same.
func Assign(index []Index, spec SplitSpec) ([]Part, Split, error) {
	r, err := rowsOf(index)
	if err != nil {
		return nil, Split{SplitSpec: spec}, err
	}
	defer r.close() //nolint:errcheck // it has no name
	ranks := make([]uint64, len(index))
	for i := range index {
		ranks[i] = rank(spec.Seed, index[i].Key)
	}
	parts, s, err := r.assign(spec, ranks)
	if err != nil {
		return nil, s, err
	}
	l, err := r.leaks(parts)
	if err != nil {
		return nil, s, err
	}
	s.Leaks = l[0]
	names := make([]Part, len(parts))
	for i, p := range parts {
		names[i] = partNames[p]
	}
	return names, s, nil
}

// CountLeaks counts what train and the other parts share.
func CountLeaks(index []Index, parts []Part) (Leaks, error) {
	r, err := rowsOf(index)
	if err != nil {
		return Leaks{}, err
	}
	defer r.close() //nolint:errcheck // it has no name
	in := make([]byte, len(parts))
	for i, p := range parts {
		in[i] = partByte(p)
	}
	l, err := r.leaks(in)
	if err != nil {
		return Leaks{}, err
	}
	return l[0], nil
}

func rowsOf(index []Index) (*rows, error) {
	r, err := newRows()
	if err != nil {
		return nil, err
	}
	for _, x := range index {
		if err := r.add(x); err != nil {
			return nil, errors.Join(err, r.close())
		}
	}
	return r, nil
}

// rank puts a row in the order that a seed shuffles.
func rank(seed uint64, key string) uint64 {
	sum := sha256.Sum256([]byte(strconv.FormatUint(seed, 10) + "\n" + key))
	return binary.BigEndian.Uint64(sum[:8])
}

func (s SplitSpec) check() error {
	if s.Name == "" || strings.ContainsAny(s.Name, "/\\.") {
		return lab.Errorf(lab.Invalid, "split %q: a name is needed, without points and slashes", s.Name)
	}
	if !(s.Validation >= 0 && s.Test > 0 && s.Validation+s.Test < 1) {
		return lab.Errorf(lab.Invalid, "split %s: validation %g and test %g; want shares from 0 whose sum is below 1, and a test", s.Name, s.Validation, s.Test)
	}
	if !slices.Contains([]Kind{RandomGrouped, ByCondition, ByCampaign, ByMaterial, ByScaffold, ByTime}, s.Kind) {
		return lab.Errorf(lab.Invalid, "split %s: kind %q is none of random_grouped, condition, campaign, material, scaffold, time", s.Name, s.Kind)
	}
	return nil
}

// assign divides the rows; ranks are those of their keys by the spec's seed. What
// leaks is not yet counted.
func (r *rows) assign(spec SplitSpec, ranks []uint64) ([]byte, Split, error) {
	s := Split{SplitSpec: spec, Rows: map[Part]int{}}
	if err := spec.check(); err != nil {
		return nil, s, err
	}
	u := newUnion(r.n)
	tie := func(_ uint64, at []named) error {
		for _, p := range at[1:] {
			u.join(int32(p.at), int32(at[0].at))
		}
		return nil
	}
	err := r.byName(conditionName, tie)
	if spec.Kind != ByCondition {
		err = errors.Join(err, r.byGroup(tie))
	}
	switch spec.Kind {
	case ByMaterial:
		err = errors.Join(err, r.byName(materialName, tie))
	case ByScaffold:
		err = errors.Join(err, r.byName(scaffoldName, tie))
	case ByCampaign:
		err = errors.Join(err, r.byCampaign(tie))
	default: // nothing besides the tie
	}
	if err != nil {
		return nil, s, err
	}
	parts := make([]byte, r.n)
	if spec.Kind == ByTime {
		s.Components = r.byTime(u, spec, parts)
	} else {
		s.Components = byHash(u, spec, ranks, parts)
	}
	for _, p := range parts {
		s.Rows[partNames[p]]++
	}
	return parts, s, nil
}

// byHash fills test, then validation, with whole components in an order that
// the seed shuffles; one that is too large for what is left of both goes to
// train.
func byHash(u union, spec SplitSpec, ranks []uint64, parts []byte) int {
	size := make([]int32, len(u))
	var roots []int32
	for i := range u {
		root := u.find(int32(i))
		if size[root]++; root == int32(i) { // a root is the smallest of its component
			roots = append(roots, root)
		}
	}
	slices.SortFunc(roots, func(a, b int32) int {
		if c := cmp.Compare(ranks[a], ranks[b]); c != 0 {
			return c
		}
		return cmp.Compare(a, b)
	})
	left := map[byte]float64{inTest: spec.Test * float64(len(u)), inValidation: spec.Validation * float64(len(u))}
	for _, root := range roots {
		parts[root] = inTrain
		for _, p := range []byte{inTest, inValidation} {
			if n := float64(size[root]); n <= left[p]+0.5 && left[p] > 0 {
				parts[root] = p
				left[p] -= n
				break
			}
		}
	}
	for i := range parts {
		parts[i] = parts[u.find(int32(i))]
	}
	return len(roots)
}

// byTime cuts where the shares say. A component that reaches over a cut is
// excluded: in train it would tell of the future, in test of the past.
func (r *rows) byTime(u union, spec SplitSpec, parts []byte) int {
	times := make([]int64, 0, r.n)
	for _, t := range r.times {
		if t != noTime {
			times = append(times, t)
		}
	}
	if len(times) == 0 {
		for i := range parts {
			parts[i] = isExcluded
		}
		return 0
	}
	slices.Sort(times)
	cut := func(share float64) int64 { return times[min(len(times)-1, int(share*float64(len(times))))] }
	validates, tests := cut(1-spec.Test-spec.Validation), cut(1-spec.Test)
	era := func(t int64) byte {
		switch {
		case t == noTime:
			return isExcluded
		case t < validates:
			return inTrain
		case t < tests:
			return inValidation
		default:
			return inTest
		}
	}
	components := 0
	for i := range parts {
		root, p := u.find(int32(i)), era(r.times[i])
		switch {
		case root == int32(i):
			components++
			parts[i] = p
		case parts[root] != p:
			parts[root] = isExcluded
		}
	}
	for i := range parts {
		parts[i] = parts[u.find(int32(i))]
	}
	return components
}
