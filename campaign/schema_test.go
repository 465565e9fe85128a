package campaign_test

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/athanor-lab/athanor/campaign"
)

var update = flag.Bool("update", false, "write golden files anew")

// TestSchemaIsPublished wants the published schema to be what the types give.
func TestSchemaIsPublished(t *testing.T) {
	t.Parallel()
	want, err := campaign.GenerateSchema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return // what is embedded is the old one until it is built anew
	}
	if diff := cmp.Diff(string(want), string(campaign.Schema())); diff != "" {
		t.Errorf("schema.json is not up to date, run with -update (-want +got):\n%s", diff)
	}
}

// validator returns the published schema, compiled.
func validator(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(campaign.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(campaign.SchemaID, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(campaign.SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSchemaAgrees wants the schema and the reader to say the same of the form
// of a document: what is good passes both, what [campaign.Parse] refuses the
// schema refuses, and what the schema refuses is refused by us.
func TestSchemaAgrees(t *testing.T) {
	t.Parallel()
	schema := validator(t)
	for path, src := range documents(t, "good") {
		instance, ok := campaign.Instance(src, "")
		if !ok {
			t.Errorf("%s cannot be read", path)
			continue
		}
		if err := schema.Validate(instance); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	refused := 0
	for path, src := range documents(t, "bad") {
		instance, ok := campaign.Instance(src, "")
		if !ok {
			continue
		}
		if agree(t, path, schema, src, instance) {
			refused++
		}
	}
	if refused < 15 {
		t.Errorf("the schema refused %d bad documents, want 15 or more: is it of any use?", refused)
	}
}

// agree compares the two and reports whether the schema refused.
func agree(t testing.TB, name string, schema *jsonschema.Schema, src []byte, instance any) bool {
	t.Helper()
	_, form := campaign.Parse(src, "")
	_, all, _ := campaign.Load(src, "", nil)
	err := schema.Validate(instance)
	if len(form) > 0 && err == nil {
		t.Errorf("%s: the schema takes what Parse does not: %v\n%s", name, form, src)
	}
	if len(all) == 0 && err != nil {
		t.Errorf("%s: the schema refuses what we take: %v\n%s", name, err, src)
	}
	return err != nil
}
