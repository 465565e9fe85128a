package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Files returns the documents of the contract by their names below
// docs/formats/ldp-1/.
func Files() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, m := range messages {
		s, err := m.schema()
		if err != nil {
			return nil, err
		}
		s.Schema, s.ID = "https://json-schema.org/draft/2020-12/schema", "urn:ldp:schema:1:"+m.name
		if files["schemas/"+m.name+".json"], err = pretty(s); err != nil {
			return nil, err
		}
	}
	var errAsync, errTD error
	files["asyncapi.json"], errAsync = AsyncAPI()
	files["thing-description.json"], errTD = pretty(Example())
	return files, errors.Join(errAsync, errTD)
}

// Write puts the documents into a directory, which is made when absent.
func Write(dir string) error {
	files, err := Files()
	if err != nil {
		return err
	}
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("write the contract: %w", err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return fmt.Errorf("write the contract: %w", err)
		}
	}
	return nil
}

func pretty(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("write the contract: %w", err)
	}
	return b.Bytes(), nil
}
