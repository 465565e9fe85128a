package dataset

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/athanor-lab/athanor/lab"
)

// Metadata is what stands beside an export: the question that was asked, and
// what the columns mean.
type Metadata struct {
	Schema      string         `json:"schema"`
	Rows        string         `json:"rows"`    // the schema of the JSONL rows
	Columns     []Column       `json:"columns"` // of the CSV
	Document    lab.Document   `json:"document"`
	CampaignID  lab.CampaignID `json:"campaign_id"`
	SubmittedAt time.Time      `json:"submitted_at"`
}

// WriteMetadata writes the metadata of the campaign's exports to w, as indented
// JSON.
func WriteMetadata(c lab.Campaign, w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(Metadata{
		Schema: "export/1", Rows: RowSchema, Columns: Columns(c.Document),
		Document: c.Document, CampaignID: c.ID, SubmittedAt: c.SubmittedAt.UTC(),
	})
	if err != nil {
		return fmt.Errorf("write the metadata of %s: %w", c.ID, err)
	}
	return nil
}
