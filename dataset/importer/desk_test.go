package importer_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/dataset/importtest"
	"github.com/athanor-lab/athanor/lab"
)

func TestDesk(t *testing.T) {
	t.Parallel()
	importtest.Exercise(t, func(*testing.T) importtest.Fixture { return importtest.Fixture{Store: importtest.NewMemory(nil)} })
}

// TestInboxStaysInside wants files of the folder of imports offered, and nothing
// that a name or a link leads to outside of it.
func TestInboxStaysInside(t *testing.T) {
	t.Parallel()
	dir, secret := t.TempDir(), filepath.Join(t.TempDir(), "secret.csv")
	for path, text := range map[string]string{filepath.Join(dir, "runs.csv"): importtest.Runs, filepath.Join(dir, ".hidden"): "x", secret: "a,b\n1,2\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(secret, filepath.Join(dir, "link.csv")); err != nil {
		t.Fatal(err)
	}
	d := importer.NewDesk(importtest.NewMemory(nil), nil, dir)
	defer d.Close()
	_, files, err := d.Inbox(t.Context())
	if err != nil || len(files) != 1 || files[0].Name != "runs.csv" {
		t.Errorf("offered %+v, want runs.csv: %v", files, err)
	}
	if o, err := d.Take(t.Context(), "runs.csv"); err != nil || len(o.SHA256) != 64 {
		t.Errorf("runs.csv was taken as %+v: %v", o, err)
	}
	for _, name := range []string{"link.csv", "../" + filepath.Base(filepath.Dir(secret)) + "/secret.csv", secret, "", ".", "none.csv"} {
		if _, err := d.Take(t.Context(), name); lab.KindOf(err) != lab.NotFound {
			t.Errorf("%q was taken: %v", name, err)
		}
	}
}

// TestFilesComeBack wants a file that is no longer at hand fetched from the store.
func TestFilesComeBack(t *testing.T) {
	t.Parallel()
	store := importtest.NewMemory(nil)
	first := importer.NewDesk(store, nil, "")
	o, err := first.Upload(t.Context(), "a.csv", strings.NewReader(importtest.Runs))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 12 { // more than are kept at hand
		if _, err := first.Upload(t.Context(), "b.csv", strings.NewReader(importtest.Runs+strings.Repeat("x\n", i+1))); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := importer.NewDesk(store, nil, "")
	defer second.Close()
	if try, err := second.Try(t.Context(), o, "", nil); err != nil || try.SHA256 != o.SHA256 {
		t.Errorf("%+v: %v", try, err)
	}
}

// TestAnswers confirms columns as the messages say, and wants every word that
// names no column refused.
func TestAnswers(t *testing.T) {
	t.Parallel()
	r := imports(t, importtest.Runs, nil)
	c := r.mapping.Columns[3]
	if want := `--unit yield=% (or %{wt}, %{mol}, %{vol}, %{yield}), or unit: "%" and confirmed: true in the mapping`; c.Answer() != want {
		t.Errorf("the message says %s, want %s", c.Answer(), want)
	}
	if f := r.summary.Faults[0]; f.Want != c.Answer() {
		t.Errorf("the fault wants %s, want the answer", f.Want)
	}
	for _, a := range []importer.Answers{{Units: []string{"yield=%"}}, {Units: []string{"yield (%)=%{mol}"}}, {Roles: []string{"yield=attribute"}}, {Roles: []string{"yield=ignore"}}} {
		m := r.mapping
		m.Columns = append([]importer.Column(nil), m.Columns...)
		if err := m.Answer(a); err != nil || !m.Columns[3].Confirmed {
			t.Errorf("%+v: confirmed %v, %v", a, m.Columns[3].Confirmed, err)
		}
	}
	words := imports(t, "id,yield (%)\na,41\nb,much\nc,little\n", nil).mapping
	if err := words.Answer(importer.Answers{Units: []string{"yield=%"}}); lab.KindOf(err) != lab.Invalid || !strings.Contains(err.Error(), "--role yield=objective") {
		t.Errorf("a unit was given to texts: %v", err)
	}
	if err := words.Answer(importer.Answers{Roles: []string{"yield=objective"}, Units: []string{"yield=%"}}); err != nil || words.Columns[1].Type != importer.NumberType {
		t.Errorf("texts that are said to be an objective are %s: %v", words.Columns[1].Type, err)
	}
	for _, a := range []importer.Answers{{Units: []string{"yeild=%"}}, {Units: []string{"yield"}}, {Units: []string{"yield="}}, {Units: []string{"yield=furlong?"}}, {Confirm: []string{"yield"}}, {Confirm: []string{"x"}}, {Roles: []string{"yield=boss"}}} {
		m := r.mapping
		m.Columns = append([]importer.Column(nil), m.Columns...)
		if err := m.Answer(a); lab.KindOf(err) != lab.Invalid {
			t.Errorf("%+v was taken: %v", a, err)
		}
	}
}
