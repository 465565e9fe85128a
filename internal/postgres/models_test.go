package postgres_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/athanor-lab/athanor/internal/pgtest"
	"github.com/athanor-lab/athanor/internal/postgres"
	"github.com/athanor-lab/athanor/lab"
)

// TestModelsAreKeptByVersion registers two versions of a model, one twice, and
// finds the latest and each by the first digits of its version.
func TestModelsAreKeptByVersion(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	first := postgres.ModelRow{Name: "yield", Version: "aa01", Kind: "ensemble", Body: []byte(`{"a":1}`)}
	second := postgres.ModelRow{Name: "yield", Version: "bb02", Kind: "table", Body: []byte(`{"b":2}`)}
	for _, m := range []postgres.ModelRow{first, first, second} {
		if err := db.PutModel(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	undated := cmpopts.IgnoreFields(postgres.ModelRow{}, "AddedAt")
	for ref, want := range map[string]postgres.ModelRow{"yield": second, "yield@aa": first, "yield@bb02": second} {
		got, err := db.Model(t.Context(), ref)
		if d := cmp.Diff(want, got, undated); d != "" || err != nil || got.AddedAt.IsZero() {
			t.Errorf("model %s: %v\n%s", ref, err, d)
		}
	}
	for _, ref := range []string{"yield@cc", "cost"} {
		if _, err := db.Model(t.Context(), ref); lab.KindOf(err) != lab.NotFound {
			t.Errorf("model %s: error %v, want not found", ref, err)
		}
	}
	first.Body, second.Body = nil, nil
	all, err := db.Models(t.Context())
	if d := cmp.Diff([]postgres.ModelRow{second, first}, all, undated); d != "" || err != nil {
		t.Errorf("all models: %v\n%s", err, d)
	}
}
