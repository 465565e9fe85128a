// Package hf writes the card of an export: a README.md whose YAML head says to
// Hugging Face's datasets which files are which table and part, and whose text
// says to a person what is in it, what leaks and what is missing.
package hf

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/athanor-lab/athanor/dataset"
)

type config struct {
	Name    string     `yaml:"config_name"`
	Default bool       `yaml:"default,omitempty"`
	Files   []dataFile `yaml:"data_files"`
}

type dataFile struct {
	Split string `yaml:"split"`
	Path  string `yaml:"path"`
}

type head struct {
	License string   `yaml:"license"`
	Name    string   `yaml:"pretty_name"`
	Tags    []string `yaml:"tags"`
	Size    []string `yaml:"size_categories"`
	Configs []config `yaml:"configs,omitempty"`
}

// Write writes the card.
func Write(w io.Writer, d dataset.Described) error {
	h := head{License: license(d.License), Name: d.Title, Tags: []string{"chemistry", "materials", "self-driving-laboratory", "croissant"}, Size: []string{size(rows(d))}, Configs: configs(d)}
	top, err := yaml.Marshal(h)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "---\n%s---\n\n# %s\n\n%s\n\n", top, d.Title, d.Text)
	fmt.Fprintf(&b, "| | |\n|---|---|\n| snapshot | `%s` |\n", d.ID)
	if !d.AsOf.IsZero() {
		fmt.Fprintf(&b, "| as of | %s |\n", d.AsOf.Format(time.RFC3339Nano))
	}
	fmt.Fprintf(&b, "| licence | %s |\n", or(d.License, "none was given; ask before use"))
	if d.CardTokens > 0 {
		fmt.Fprintf(&b, "| tokens (o200k) to an experiment's card | %.1f |\n", d.CardTokens)
	}
	for i, c := range d.Campaigns {
		if i == 20 {
			fmt.Fprintf(&b, "| | and %d campaigns more |\n", len(d.Campaigns)-i)
			break
		}
		fmt.Fprintf(&b, "| campaign | %s |\n", strings.ReplaceAll(c, "|", "\\|"))
	}
	outcomes(&b, d)
	if len(d.Splits) > 0 {
		splits(&b, d)
	}
	if len(h.Configs) > 0 {
		b.WriteString("\n## Loading\n\n```python\nfrom datasets import load_dataset\n\n")
		for _, c := range h.Configs {
			fmt.Fprintf(&b, "load_dataset(\".\", %q)\n", c.Name)
		}
		b.WriteString("```\n")
	}
	columns(&b, d)
	b.WriteString("\n## Checking\n\n`athanor dataset verify .` holds every file to manifest.json. A prediction's commitment is the SHA-256 of its text; it is one of the leaves of a link, and a link is the SHA-256 of the one before and its leaves, joined by line ends.\n")
	_, err = io.WriteString(w, b.String())
	return err
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func license(spdx string) string {
	if spdx == "" {
		return "unknown"
	}
	return strings.ToLower(spdx)
}

func rows(d dataset.Described) int {
	n := 0
	for _, c := range d.Classes {
		n += c
	}
	return n
}

func size(n int) string {
	for _, s := range []struct {
		below int
		name  string
	}{{1e3, "n<1K"}, {1e4, "1K<n<10K"}, {1e5, "10K<n<100K"}, {1e6, "100K<n<1M"}} {
		if n < s.below {
			return s.name
		}
	}
	return "n>1M"
}

// configs are the tables with rows, each a configuration with a split to a part.
func configs(d dataset.Described) []config {
	all := []config{}
	for _, f := range d.Files {
		if f.Table == "" || f.Rows == 0 {
			continue
		}
		i := slices.IndexFunc(all, func(c config) bool { return c.Name == f.Table })
		if i < 0 {
			all, i = append(all, config{Name: f.Table, Default: f.Table == "experiments"}), len(all)
		}
		all[i].Files = append(all[i].Files, dataFile{or(f.Part, "train"), f.Path})
	}
	order := []string{"train", "validation", "test"}
	for _, c := range all {
		slices.SortFunc(c.Files, func(a, b dataFile) int { return slices.Index(order, a.Split) - slices.Index(order, b.Split) })
	}
	return all
}

func outcomes(b *strings.Builder, d dataset.Described) {
	n := rows(d)
	if n == 0 {
		return
	}
	fmt.Fprintf(b, "\n## Outcomes\n\n| class | experiments | share |\n|---|---|---|\n")
	for _, c := range slices.Sorted(maps.Keys(d.Classes)) {
		fmt.Fprintf(b, "| %s | %d | %.1f %% |\n", c, d.Classes[c], 100*float64(d.Classes[c])/float64(n))
	}
	b.WriteString("\n`success` and `negative` are answers of nature; a negative one cannot be told from nothing (at most twice its standard deviation, or a twentieth of the campaign's best). `failure` is the laboratory's own and says nothing of the chemistry. `invalidated` was found not to be believable later.\n")
	fmt.Fprintf(b, "\n## Predictions\n\n| commitment | experiments |\n|---|---|\n")
	for _, c := range slices.Sorted(maps.Keys(d.Commitments)) {
		fmt.Fprintf(b, "| %s | %d |\n", c, d.Commitments[c])
	}
}

func splits(b *strings.Builder, d dataset.Described) {
	b.WriteString("\n## Splits, and what they leak\n\nCounted from the rows: how many of validation and test share something with train.\n\n| split | rows | leaks |\n|---|---|---|\n")
	for _, s := range d.Splits {
		var parts, leaks []string
		for _, p := range slices.Sorted(maps.Keys(s.Rows)) {
			parts = append(parts, fmt.Sprintf("%s %d", p, s.Rows[p]))
		}
		for _, l := range slices.Sorted(maps.Keys(s.Leaks)) {
			if s.Leaks[l] > 0 {
				leaks = append(leaks, fmt.Sprintf("%s %d", l, s.Leaks[l]))
			}
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", s.Name, strings.Join(parts, ", "), or(strings.Join(leaks, ", "), "nothing"))
	}
}

func columns(b *strings.Builder, d dataset.Described) {
	there := map[string]bool{}
	for _, f := range d.Files {
		there[f.Table] = true
	}
	for _, t := range d.Tables {
		if !there[t.Name] {
			continue
		}
		fmt.Fprintf(b, "\n## %s\n\n%s\n\n| column | type | says |\n|---|---|---|\n", t.Name, t.Says)
		for _, c := range t.Columns {
			says := c.Says
			if c.Unit != "" {
				says += " [" + c.Unit + "]"
			}
			fmt.Fprintf(b, "| %s | %s | %s |\n", c.Name, c.Type, says)
		}
	}
}
