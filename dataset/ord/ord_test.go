package ord_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/athanor-lab/athanor/dataset/ord"
	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

const small = `name: "two"
reactions {
  reaction_id: "ord-1"
  inputs { key: "b" value { components { identifiers { type: SMILES value: "CCO" } amount { moles { value: 0.1 units: MILLIMOLE } } reaction_role: REACTANT } } }
  inputs { key: "a" value { components { identifiers { type: NAME value: "water" } amount { volume { value: 2 precision: 0.5 units: MILLILITER } } reaction_role: SOLVENT } } }
  conditions { temperature { setpoint { value: 80.5 units: CELSIUS } } }
  outcomes { reaction_time { value: 2 units: HOUR } products { identifiers { type: SMILES value: "CC=O" } measurements { type: YIELD percentage { value: 55.5 precision: 1.5 } } } }
}
reactions { reaction_id: "ord-2" }
`

func write(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestTable wants components by role, quantities with UCUM units, and the whole
// reaction beside them.
func TestTable(t *testing.T) {
	t.Parallel()
	s, err := ord.Open(write(t, "small.pbtxt", []byte(small)), tabular.Options{})
	if err != nil {
		t.Fatal(err)
	}
	table := s.Tables[0]
	got := map[string]string{}
	n := 0
	err = table.Each(func(r tabular.Record) error {
		if n++; n == 1 {
			for i, c := range r.Cells {
				got[table.Layout.Names[i]] = c.Text
			}
		}
		return nil
	})
	if err != nil || n != 2 {
		t.Fatalf("%d rows and %v, want 2", n, err)
	}
	for name, want := range map[string]string{
		"reaction_id": "ord-1", "reactant_1": "CCO", "reactant_1.moles.value": "0.1", "reactant_1.moles.unit": "mmol", "solvent_1": "water", "solvent_1.input": "a",
		"solvent_1.volume.precision": "0.5", "conditions.temperature.setpoint.value": "80.5", "conditions.temperature.setpoint.unit": "Cel",
		"outcome_1.reaction_time.unit": "h", "outcome_1.product_1": "CC=O", "outcome_1.product_1.yield.value": "55.5", "outcome_1.product_1.yield.unit": "%{yield}",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if !strings.Contains(got[ord.Whole], `"reaction_id":"ord-1"`) {
		t.Errorf("the whole reaction is %q", got[ord.Whole])
	}
}

// TestRoundTrip writes what was read in both forms, reads it again, and wants
// the same messages; and the same from the JSON of every row.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{"small.pbtxt": []byte(small)}
	if data := os.Getenv("ATHANOR_DATA"); data != "" {
		found, err := filepath.Glob(filepath.Join(data, "import", "ord-a", "*.pb*"))
		if err != nil || len(found) < 5 {
			t.Fatalf("%d files, want 5; %v", len(found), err)
		}
		for _, path := range found {
			if files[filepath.Base(path)], err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, raw := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, err := ord.Read(bytes.NewReader(raw))
			if err != nil {
				t.Fatal(err)
			}
			for form, writeTo := range map[string]func(*bytes.Buffer) error{
				"binary": func(b *bytes.Buffer) error { return first.WriteBinary(b) }, "text": func(b *bytes.Buffer) error { return first.WriteText(b) },
			} {
				var b bytes.Buffer
				if err := writeTo(&b); err != nil {
					t.Fatal(err)
				}
				again, err := ord.Read(&b)
				if err != nil {
					t.Fatalf("%s: %v", form, err)
				}
				if !proto.Equal(first.Message, again.Message) || first.Single != again.Single {
					t.Errorf("%s: what was read again is another", form)
				}
			}
			s, err := ord.Open(write(t, name, raw), tabular.Options{})
			if err != nil {
				t.Fatal(err)
			}
			reactions, n := first.Reactions(), 0
			err = s.Tables[0].Each(func(r tabular.Record) error {
				for i, c := range r.Cells {
					if s.Tables[0].Layout.Names[i] != ord.Whole {
						continue
					}
					m := reactions[n].New()
					if err := protojson.Unmarshal([]byte(c.Text), m.Interface()); err != nil {
						return err
					}
					if !proto.Equal(m.Interface(), reactions[n].Interface()) {
						t.Errorf("reaction %d is another in its row", n)
					}
				}
				n++
				return nil
			})
			if err != nil || n != len(reactions) {
				t.Errorf("%d rows, want %d; %v", n, len(reactions), err)
			}
			t.Logf("%d reactions, %d columns", n, s.Tables[0].Layout.Width)
		})
	}
}

// TestRefusals wants what is cut or is something else to be refused.
func TestRefusals(t *testing.T) {
	t.Parallel()
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write([]byte(small)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var binary bytes.Buffer
	d, err := ord.Read(strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.WriteBinary(&binary); err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string][]byte{
		"Empty": nil, "CutText": []byte(small[:len(small)/2]), "CutGzip": z.Bytes()[:z.Len()-20], "CutBinary": binary.Bytes()[:binary.Len()/2],
		"OtherField": []byte("name: \"x\"\nprice: 3\n"), "Noise": {0xff, 0x01, 0x02, 0x80, 0x99}, "Table": []byte("a,b\n1,2\n"),
	} {
		if _, err := ord.Read(bytes.NewReader(raw)); lab.KindOf(err) != lab.Invalid {
			t.Errorf("%s: error %v, want an invalid one", name, err)
		}
	}
}

// FuzzRead wants any bytes to be read or refused.
func FuzzRead(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte{0x0a, 0x01, 'x'})
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := ord.Read(bytes.NewReader(raw))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := d.WriteBinary(&b); err != nil {
			t.Fatal(err)
		}
	})
}
