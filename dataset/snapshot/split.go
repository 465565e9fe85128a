package snapshot

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"time"

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
	Near       int `json:"near"`       // conditions equal to three digits; told, not prevented
	Groups     int `json:"groups"`     // a group in common
	Materials  int `json:"materials"`  // equal labels and parts
	Scaffolds  int `json:"scaffolds"`  // equal ring systems
	Campaigns  int `json:"campaigns"`  // of a campaign that train has rows of
	Earlier    int `json:"earlier"`    // known no later than the latest row of train
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

// Assign divides rows, which are by rising key. The same rows and spec are
// always divided the same.
func Assign(rows []Index, spec SplitSpec) ([]Part, Split, error) {
	s := Split{SplitSpec: spec, Rows: map[Part]int{}}
	if spec.Name == "" || strings.ContainsAny(spec.Name, "/\\.") {
		return nil, s, lab.Errorf(lab.Invalid, "split %q: a name is needed, without points and slashes", spec.Name)
	}
	if !(spec.Validation >= 0 && spec.Test > 0 && spec.Validation+spec.Test < 1) {
		return nil, s, lab.Errorf(lab.Invalid, "split %s: validation %g and test %g; want shares from 0 whose sum is below 1, and a test", spec.Name, spec.Validation, spec.Test)
	}
	u := newUnion(len(rows))
	first := map[string]int32{}
	tie := func(i int, key string) {
		if j, seen := first[key]; seen {
			u.join(int32(i), j)
		} else {
			first[key] = int32(i)
		}
	}
	for i, r := range rows {
		tie(i, "condition "+r.Condition)
		if spec.Kind != ByCondition {
			for _, g := range r.Groups {
				tie(i, "group "+g)
			}
		}
		if spec.Kind == ByMaterial {
			tie(i, "material "+r.Material)
		}
		if spec.Kind == ByScaffold {
			tie(i, "scaffold "+r.Scaffold)
		}
		if spec.Kind == ByCampaign {
			tie(i, "campaign "+r.Campaign)
		}
	}
	parts := make([]Part, len(rows))
	switch spec.Kind {
	case RandomGrouped, ByCondition, ByCampaign, ByMaterial, ByScaffold:
		s.Components = byHash(rows, u, spec, parts)
	case ByTime:
		var err error
		if s.Components, err = byTime(rows, u, spec, parts); err != nil {
			return nil, s, err
		}
	default:
		return nil, s, lab.Errorf(lab.Invalid, "split %s: kind %q is none of random_grouped, condition, campaign, material, scaffold, time", spec.Name, spec.Kind)
	}
	for _, p := range parts {
		s.Rows[p]++
	}
	s.Leaks = CountLeaks(rows, parts)
	return parts, s, nil
}

// byHash fills test, then validation, with whole components in an order that
// the seed shuffles; one that is too large for what is left of both goes to
// train.
func byHash(rows []Index, u union, spec SplitSpec, parts []Part) int {
	type component struct {
		root int32
		size int
		rank uint64
	}
	size := map[int32]int{}
	for i := range rows {
		size[u.find(int32(i))]++
	}
	all := make([]component, 0, len(size))
	for root, n := range size {
		sum := sha256.Sum256([]byte(strconv.FormatUint(spec.Seed, 10) + "\n" + rows[root].Key))
		all = append(all, component{root, n, binary.BigEndian.Uint64(sum[:8])})
	}
	slices.SortFunc(all, func(a, b component) int {
		if a.rank != b.rank {
			if a.rank < b.rank {
				return -1
			}
			return 1
		}
		return int(a.root - b.root)
	})
	left := map[Part]float64{Test: spec.Test * float64(len(rows)), Validation: spec.Validation * float64(len(rows))}
	of := map[int32]Part{}
	for _, c := range all {
		of[c.root] = Train
		for _, p := range []Part{Test, Validation} {
			if float64(c.size) <= left[p]+0.5 && left[p] > 0 {
				of[c.root] = p
				left[p] -= float64(c.size)
				break
			}
		}
	}
	for i := range parts {
		parts[i] = of[u.find(int32(i))]
	}
	return len(all)
}

// byTime cuts where the shares say. A component that reaches over a cut is
// excluded: in train it would tell of the future, in test of the past.
func byTime(rows []Index, u union, spec SplitSpec, parts []Part) (int, error) {
	times := make([]time.Time, 0, len(rows))
	for _, r := range rows {
		if !r.Time.IsZero() {
			times = append(times, r.Time)
		}
	}
	if len(rows) > 0 && len(times) == 0 {
		for i := range parts {
			parts[i] = Excluded
		}
		return 0, nil
	}
	slices.SortFunc(times, time.Time.Compare)
	cut := func(share float64) time.Time { return times[min(len(times)-1, int(share*float64(len(times))))] }
	var cuts [2]time.Time
	if len(times) > 0 {
		cuts = [2]time.Time{cut(1 - spec.Test - spec.Validation), cut(1 - spec.Test)}
	}
	era := func(r Index) Part {
		switch {
		case r.Time.IsZero():
			return Excluded
		case r.Time.Before(cuts[0]):
			return Train
		case r.Time.Before(cuts[1]):
			return Validation
		default:
			return Test
		}
	}
	of := map[int32]Part{}
	for i, r := range rows {
		root := u.find(int32(i))
		if p, seen := of[root]; !seen {
			of[root] = era(r)
		} else if p != era(r) {
			of[root] = Excluded
		}
	}
	for i := range parts {
		parts[i] = of[u.find(int32(i))]
	}
	return len(of), nil
}

// CountLeaks counts what train and the other parts share.
func CountLeaks(rows []Index, parts []Part) Leaks {
	type side struct{ conditions, near, groups, campaigns, materials, scaffolds map[string]bool }
	sides := map[Part]side{}
	for _, p := range []Part{Train, Validation} {
		sides[p] = side{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}}
	}
	var latest time.Time
	for i, r := range rows {
		s, ok := sides[parts[i]]
		if !ok {
			continue
		}
		s.conditions[r.Condition], s.near[r.Near], s.campaigns[r.Campaign], s.materials[r.Material], s.scaffolds[r.Scaffold] = true, true, true, true, true
		for _, g := range r.Groups {
			s.groups[g] = true
		}
		if parts[i] == Train && r.Time.After(latest) {
			latest = r.Time
		}
	}
	var l Leaks
	shares := func(s side, r Index) bool {
		return slices.ContainsFunc(r.Groups, func(g string) bool { return s.groups[g] })
	}
	count := func(n *int, yes bool) {
		if yes {
			*n++
		}
	}
	for i, r := range rows {
		if parts[i] != Validation && parts[i] != Test {
			continue
		}
		s := sides[Train]
		count(&l.Conditions, s.conditions[r.Condition])
		count(&l.Near, s.near[r.Near])
		count(&l.Groups, shares(s, r))
		count(&l.Materials, r.Material != "" && s.materials[r.Material])
		count(&l.Scaffolds, r.Scaffold != "" && s.scaffolds[r.Scaffold])
		count(&l.Campaigns, s.campaigns[r.Campaign])
		count(&l.Earlier, !r.Time.After(latest))
		v := sides[Validation]
		count(&l.ValidationTest, parts[i] == Test && (v.conditions[r.Condition] || shares(v, r)))
	}
	return l
}
