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
	"github.com/athanor-lab/athanor/ucum"
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
	Material  string    `json:"material"`  // the same for equal labels and parts, whatever the numbers
	Scaffold  string    `json:"scaffold"`  // the same for equal ring systems of labels that are SMILES
	Groups    []string  `json:"groups"`    // what it shares with others: plates, samples, replicates
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
	return itemOf(line, fmt.Sprintf("%s/%09d", r.IDs.CampaignID, r.Number), r.IDs.CampaignID.String(), r.Clock.FinishedAt, settingsOf(r), groups)
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
	return itemOf(r, fmt.Sprintf("%s/%s/%09d", r.Source.SHA256, r.Source.Table, r.Source.Row), r.Source.SHA256, time.Time{}, r.Settings, groups)
}

func itemOf(row any, key, campaign string, at time.Time, settings []lab.Setting, groups []string) (Item, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(row); err != nil {
		return Item{}, fmt.Errorf("row %s: %w", key, err)
	}
	line := bytes.TrimRight(b.Bytes(), "\n")
	sum := sha256.Sum256(line)
	return Item{Key: key, Line: line, Index: Index{
		Key: key, SHA256: hex.EncodeToString(sum[:]), Campaign: campaign, Time: at.UTC(),
		Condition: Fingerprint(settings, 12), Near: Fingerprint(settings, 3), Material: Material(settings), Scaffold: Scaffold(settings), Groups: groups,
	}}, nil
}

// Fingerprint names the conditions of an experiment: equal settings have equal
// fingerprints in whatever order and in whatever comparable units, numbers
// rounded to the given number of digits.
func Fingerprint(settings []lab.Setting, digits int) string {
	parts := make([]string, 0, len(settings))
	for _, s := range settings {
		var value string
		switch s.Value.Kind() {
		case lab.Absent:
			continue
		case lab.IsNumber:
			value = number(s.Value.Number(), s.Unit, digits)
		case lab.IsParts:
			for _, x := range s.Value.Parts() {
				value += number(x, s.Unit, digits) + ":"
			}
		default:
			value = strconv.Quote(strings.TrimSpace(s.Value.Label()))
		}
		parts = append(parts, strconv.Quote(s.Name)+"="+value)
	}
	slices.Sort(parts)
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:])
}

// number writes x in base units.
func number(x float64, unit lab.Unit, digits int) string {
	base := string(unit)
	if u, err := ucum.Parse(base); err == nil {
		if to, err := ucum.Parse(dataset.BaseUnit(u.Dimension().String())); err == nil {
			if y, err := ucum.Convert(x, u, to); err == nil {
				x, base = y, to.String()
			}
		}
	}
	if x == 0 {
		return "0 " + base // no negative zero
	}
	return strconv.FormatFloat(x, 'e', digits-1, 64) + " " + base
}
