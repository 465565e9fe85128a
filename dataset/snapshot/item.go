package snapshot

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/lab"
)

// Item is a row with what splits need to know of it.
type Item struct {
	Key  string // unique; items come by rising key
	Line []byte // the row as one line of JSON, without its end
	Index
}

// Index is a line of data/index.jsonl.
type Index struct {
	Key       string    `json:"key"`
	SHA256    string    `json:"sha256"` // of the line
	Campaign  string    `json:"campaign"`
	Time      time.Time `json:"time"`      // when it was known; zero when nobody knows
	Condition string    `json:"condition"` // the same for equal settings in any units
	Near      string    `json:"near"`      // the same for settings equal to three digits
	// Nearby are the same by other roundings: what is close is rounded alike by one.
	Nearby   []string `json:"nearby,omitempty"`
	Material string   `json:"material"`         // the same for equal labels and parts, whatever the numbers
	Scaffold string   `json:"scaffold"`         // the same for equal ring systems of labels that are SMILES
	Groups   []string `json:"groups"`           // what it shares with others: plates, samples, replicates
	Sketch   Sketch   `json:"sketch,omitempty"` // of its words: alike for rows that say nearly the same
}

// OfOutcome returns the item of an exported row. Rows of a campaign by number
// have rising keys.
func OfOutcome(r dataset.Row) (Item, error) { return ofRow(r, r, []string{}) }

// OfExperiment returns the item of an experiment. What was made of one sample
// stays together.
func OfExperiment(e dataset.Experiment) (Item, error) {
	groups := []string{}
	for _, s := range e.Record.Samples {
		groups = append(groups, "sample="+s.ID)
	}
	return ofRow(e, e.Row, groups)
}

func ofRow(line any, r dataset.Row, groups []string) (Item, error) {
	return itemOf(line, fmt.Sprintf("%s/%09d", r.IDs.CampaignID, r.Number), r.IDs.CampaignID.String(), r.Clock.FinishedAt, settingsOf(r), groups, r.Text)
}

func settingsOf(r dataset.Row) []lab.Setting {
	var settings []lab.Setting
	for _, s := range r.Settings {
		settings = append(settings, lab.Setting{Name: s.Name, Value: s.Value.Value, Unit: s.Value.Unit})
	}
	return settings
}

// OfImported returns the item of an imported row. groupBy names attributes
// whose equal texts keep rows together, such as a plate.
func OfImported(r importer.Row, groupBy ...string) (Item, error) {
	groups := []string{}
	for _, a := range r.Attributes {
		if slices.Contains(groupBy, a.Name) {
			groups = append(groups, a.Name+"="+a.Text)
		}
	}
	return itemOf(r, fmt.Sprintf("%s/%s/%09d", r.Source.SHA256, r.Source.Table, r.Source.Row), r.Source.SHA256, time.Time{}, r.Settings, groups, wordsOf(r))
}

// wordsOf tells an imported row in words.
func wordsOf(r importer.Row) string {
	var b strings.Builder
	for _, s := range r.Settings {
		fmt.Fprintf(&b, "%s %s %s ", s.Name, s.Value, s.Unit)
	}
	for _, o := range r.Observed {
		fmt.Fprintf(&b, "%s %g %s ", o.Name, o.Value, o.Unit)
	}
	for _, a := range r.Attributes {
		b.WriteString(a.Name + " " + a.Text + " ")
	}
	return b.String()
}

func itemOf(row any, key, campaign string, at time.Time, settings []lab.Setting, groups []string, words string) (Item, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(row); err != nil {
		return Item{}, fmt.Errorf("row %s: %w", key, err)
	}
	line := bytes.TrimRight(b.Bytes(), "\n")
	sum := sha256.Sum256(line)
	base := inBase(settings)
	equal := condition(base, conditionDigits)
	return Item{Key: key, Line: line, Index: Index{
		Key: key, SHA256: hex.EncodeToString(sum[:]), Campaign: campaign, Time: at.UTC(),
		Condition: equal, Near: condition(base, nearDigits), Nearby: nearby(base),
		Material: material(settings, equal), Scaffold: scaffold(settings, equal), Groups: groups, Sketch: SketchOf(words),
	}}, nil
}

// Fingerprint names the conditions of an experiment: equal settings have equal
// fingerprints in whatever order and in whatever comparable units, numbers
// rounded to the given number of digits.
func Fingerprint(settings []lab.Setting, digits int) string {
	return condition(inBase(settings), digits)
}

func condition(base []setting, digits int) string {
	return hex.EncodeToString(fingerprint(base, func(x float64) string { return strconv.FormatFloat(x, 'e', digits-1, 64) }))
}

// grids are how many roundings there are of near conditions: two numbers that
// are close may be rounded apart by one, at the edge between two of its steps,
// and are not by another whose steps begin elsewhere.
const grids = 3

// The digits that equal and near conditions have in common.
const (
	conditionDigits = 12
	nearDigits      = 3
)

// nearby returns the names of the conditions by the roundings after the first.
func nearby(settings []setting) []string {
	names := make([]string, 0, grids-1)
	for grid := 1; grid < grids; grid++ {
		sum := fingerprint(settings, func(x float64) string { return shifted(x, nearDigits, grid) })
		names = append(names, hex.EncodeToString(sum[:8]))
	}
	return names
}

// shifted rounds x to so many digits by steps that begin grid thirds of a step
// lower. It counts in whole numbers, so that every machine rounds alike.
func shifted(x float64, digits, grid int) string {
	const all = 13
	s := strconv.FormatFloat(x, 'e', all-1, 64)
	sign := strings.HasPrefix(s, "-")
	mantissa, exponent, _ := strings.Cut(strings.TrimPrefix(s, "-"), "e")
	n, err1 := strconv.ParseInt(strings.Replace(mantissa, ".", "", 1), 10, 64)
	e, err2 := strconv.Atoi(exponent)
	if err1 != nil || err2 != nil {
		return s // no finite number
	}
	step, end := int64(1), int64(1)
	for i := range all {
		if i < all-digits {
			step *= 10
		} else {
			end *= 10
		}
	}
	cell := (n + step/2 + int64(grid)*step/grids) / step
	if cell >= end { // the next power of ten
		cell, e = cell/10, e+1
	}
	if sign {
		cell = -cell
	}
	return strconv.FormatInt(cell, 10) + "e" + strconv.Itoa(e)
}

// setting is one in base units.
type setting struct {
	name    string
	label   string // quoted; "" for numbers
	numbers []float64
	unit    string
}

// inBase returns the settings that have a value, in base units.
func inBase(settings []lab.Setting) []setting {
	all := make([]setting, 0, len(settings))
	for _, s := range settings {
		b := setting{name: strconv.Quote(s.Name)}
		switch s.Value.Kind() {
		case lab.Absent:
			continue
		case lab.IsNumber:
			b.numbers = []float64{s.Value.Number()}
		case lab.IsParts:
			b.numbers = slices.Clone(s.Value.Parts())
		default:
			b.label = strconv.Quote(strings.TrimSpace(s.Value.Label()))
		}
		b.unit = toBase(b.numbers, s.Unit)
		all = append(all, b)
	}
	return all
}

// fingerprint hashes settings with their numbers as round writes them.
func fingerprint(settings []setting, round func(float64) string) []byte {
	parts := make([]string, 0, len(settings))
	for _, s := range settings {
		value := s.label
		for _, x := range s.numbers {
			text := "0" // no negative zero
			if x != 0 {
				text = round(x)
			}
			value += text + " " + s.unit
			if len(s.numbers) > 1 {
				value += ":"
			}
		}
		parts = append(parts, s.name+"="+value)
	}
	slices.Sort(parts)
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return sum[:]
}

// toBase brings numbers to the base unit and returns it.
func toBase(numbers []float64, unit lab.Unit) string {
	if unit == "" || len(numbers) == 0 {
		return string(unit)
	}
	scale, err := dataset.ScaleOf(unit)
	if err != nil {
		return string(unit)
	}
	converted := make([]float64, len(numbers))
	for i, x := range numbers {
		if converted[i], err = scale.ToBase(x); err != nil {
			return string(unit)
		}
	}
	copy(numbers, converted)
	return scale.Base
}
