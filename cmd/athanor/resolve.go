package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/athanor-lab/athanor/campaign"
	"github.com/athanor-lab/athanor/lab"
)

// namesFiles reports whether a document cannot be understood without others.
func namesFiles(doc lab.Document) bool {
	if doc.Space.Candidates != nil && doc.Space.Pool == nil {
		return true
	}
	for _, p := range doc.Space.Parameters {
		if p.Descriptors != nil && p.DescriptorValues == nil {
			return true
		}
	}
	return false
}

// resolve reads the files that a document names, from beside it.
func resolve(doc *lab.Document, file string, src []byte, format string, before []lab.Problem) []lab.Problem {
	if len(before) > 0 || !namesFiles(*doc) {
		return nil
	}
	whole, problems := campaign.Resolve(*doc, os.DirFS(filepath.Dir(file)))
	campaign.Locate(problems, src, format)
	*doc = whole
	return problems
}

// inline returns a document that says all that it needs, so that it can be sent
// to a laboratory which does not have the files.
func inline(file string, src []byte, format string) ([]byte, string, error) {
	doc, problems := campaign.Parse(src, format)
	if len(problems) > 0 || !namesFiles(doc) {
		return src, format, nil // the laboratory says what is wrong
	}
	if problems := resolve(&doc, file, src, format, nil); len(problems) > 0 {
		message := file + " was refused, nothing was started:"
		for _, p := range problems {
			message += "\n" + file + ":" + complaint(p)
		}
		return nil, "", lab.Errorf(lab.Invalid, "%s", message)
	}
	whole, err := json.Marshal(doc)
	if err != nil {
		return nil, "", fmt.Errorf("write %s with its files: %w", file, err)
	}
	return whole, "json", nil
}
