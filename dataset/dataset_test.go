package dataset_test

import (
	"context"
	"encoding/json"
	"flag"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/dataset/datasettest"
	"github.com/athanor-lab/athanor/lab"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestStore(t *testing.T) {
	t.Parallel()
	datasettest.Exercise(t, func(*testing.T) dataset.Store { return new(datasettest.Store) })
}

// TestRecordRefusesNonsense breaks a good outcome in every way that would make
// the dataset lie, and wants each told.
func TestRecordRefusesNonsense(t *testing.T) {
	t.Parallel()
	negative, nan := -1.0, math.NaN()
	for _, tt := range []struct {
		name  string
		of    int // 3 failed, the others succeeded
		spoil func(o *lab.Outcome)
		says  string
	}{
		{"NoCampaign", 1, func(o *lab.Outcome) { o.Proposal.CampaignID = lab.CampaignID{} }, "no campaign"},
		{"NumberZero", 1, func(o *lab.Outcome) { o.Proposal.Number = 0 }, "begin with 1"},
		{"OtherID", 1, func(o *lab.Outcome) { o.Proposal.ExperimentID[3]++ }, "not that of"},
		{"NoReason", 1, func(o *lab.Outcome) { o.Proposal.Reason = "" }, "no reason"},
		{"NoSettings", 1, func(o *lab.Outcome) { o.Proposal.Settings = nil }, "no settings"},
		{"SettingTwice", 1, func(o *lab.Outcome) { o.Proposal.Settings[1] = o.Proposal.Settings[0] }, "twice"},
		{"SettingAbsent", 1, func(o *lab.Outcome) { o.Proposal.Settings[0].Value = lab.Value{} }, "no value"},
		{"EndsBeforeItStarts", 1, func(o *lab.Outcome) { o.FinishedAt = o.StartedAt.Add(-time.Second) }, "before it started"},
		{"UnknownState", 1, func(o *lab.Outcome) { o.State = "odd" }, `"odd"`},
		{"SucceededWithNothing", 1, func(o *lab.Outcome) { o.Observed = nil }, "it has 0"},
		{"SucceededAndFailed", 1, func(o *lab.Outcome) { o.Failure = &lab.Failure{Code: "x", Message: "y"} }, "no failure"},
		{"FailedSilently", 3, func(o *lab.Outcome) { o.Failure = nil }, "how"},
		{"FailedWithoutCode", 3, func(o *lab.Outcome) { o.Failure.Code = "" }, "code"},
		{"NoUnit", 1, func(o *lab.Outcome) { o.Observed[0].Unit = "" }, "no unit"},
		{"NotANumber", 1, func(o *lab.Outcome) { o.Observed[0].Value = nan }, "NaN"},
		{"NegativeSigma", 1, func(o *lab.Outcome) { o.Observed[0].Sigma = &negative }, "standard deviation"},
		{"PredictionUpsideDown", 2, func(o *lab.Outcome) { o.Proposal.Predictions[0].Low = 99 }, "interval"},
		{"StepWithoutCommand", 1, func(o *lab.Outcome) { o.Steps[0].CommandID = lab.CommandID{} }, "steps[0]"},
		{"ValuesNoObject", 1, func(o *lab.Outcome) { o.Steps[0].Values = json.RawMessage(`[1]`) }, "steps[0].values"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := datasettest.Outcome(datasettest.Campaign(1).ID, tt.of)
			if err := dataset.Check(o); err != nil {
				t.Fatalf("before it was spoilt: %v", err)
			}
			tt.spoil(&o)
			var s datasettest.Store
			_, err := dataset.New(&s).Record(t.Context(), o)
			if lab.KindOf(err) != lab.Invalid || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("record: %v; want invalid, saying %q", err, tt.says)
			}
			err = s.EachOutcome(t.Context(), o.Proposal.CampaignID, func(lab.Outcome) error {
				t.Error("it was stored all the same")
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// ExampleExportCSV writes what a laboratory has learnt as a table.
func ExampleExportCSV() {
	ctx := context.Background()
	campaign := datasettest.Campaign(1)
	campaign.Document.Space.Parameters = campaign.Document.Space.Parameters[1:2]
	campaign.Document.Objectives = campaign.Document.Objectives[:1]
	store := new(datasettest.Store)
	if _, err := dataset.New(store).Record(ctx, datasettest.Outcome(campaign.ID, 1)); err != nil {
		panic(err)
	}
	var table strings.Builder
	if err := dataset.ExportCSV(ctx, campaign, store.EachOutcome, &table); err != nil {
		panic(err)
	}
	left, err := dataset.Canonical(strings.NewReader(table.String()))
	if err != nil {
		panic(err)
	}
	_, _ = os.Stdout.WriteString(strings.ReplaceAll(string(left), "\r", ""))
	// Output:
	// number,state,setting.temperature [Cel],predicted.yield.mean [%],predicted.yield.sigma [%],predicted.yield.low [%],predicted.yield.high [%],observed.yield [%],observed.yield.sigma [%],acquisition,acquisition.value,reason,failure.step,failure.code,failure.message
	// 1,succeeded,91.1,,,,,50.5,0.5,,,largest expected improvement,,,
}
