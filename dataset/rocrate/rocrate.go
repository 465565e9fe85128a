// Package rocrate describes an export as an RO-Crate 1.1 with the profile of
// Process Run Crates: every command is a CreateAction by the device that did it,
// with its error where it failed.
package rocrate

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/athanor-lab/athanor/dataset"
	"github.com/athanor-lab/athanor/lab"
)

const (
	// devices begins the names of devices: the profile wants addresses, and a
	// device has none that the world could reach.
	devices = "http://laboratory.invalid/devices/"
	// instant is the one form of a time with an hour that the profile takes.
	instant = "2006-01-02T15:04:05.000+00:00"
)

type object = map[string]any

// Action is a command that was carried out, or was to be.
type Action struct {
	ID, Name, Device, Error string
	Failed                  bool
	Started, Finished       time.Time
	Raw                     []dataset.RawFile
}

// ActionsOf returns the commands of an experiment.
func ActionsOf(e dataset.Experiment) []Action {
	var all []Action
	for i, s := range e.Steps {
		if i >= len(e.IDs.Steps) || i >= len(e.Clock.Steps) {
			break
		}
		a := Action{
			ID: "#" + e.IDs.Steps[i].CommandID.String(), Name: fmt.Sprintf("%s of experiment %d of %s: %s", s.Step, e.Number, e.Campaign, s.Command),
			Device: e.IDs.Steps[i].Device, Failed: s.State != lab.CommandDone, Started: e.Clock.Steps[i].StartedAt, Finished: e.Clock.Steps[i].FinishedAt,
		}
		if a.Failed {
			a.Error = strings.TrimSpace(s.Code + " " + s.Error)
			if a.Error == "" {
				a.Error = string(s.State)
			}
		}
		for _, f := range e.Record.Raw {
			if f.CommandID == e.IDs.Steps[i].CommandID {
				a.Raw = append(a.Raw, f)
			}
		}
		all = append(all, a)
	}
	return all
}

func ref(id string) object { return object{"@id": id} }

// Write writes ro-crate-metadata.json.
func Write(w io.Writer, d dataset.Described, actions []Action) error {
	const process = "https://w3id.org/ro/wfrun/process/0.5"
	published := d.AsOf
	if published.IsZero() {
		published = time.Unix(0, 0)
	}
	license := "https://spdx.org/licenses/NONE"
	name := "No licence was given; ask before use"
	if d.License != "" {
		license, name = "https://spdx.org/licenses/"+d.License, d.License
	}
	const publisher = "#laboratory"
	parts, mentions, graph := []object{}, []object{}, []object{}
	for _, f := range d.Files {
		parts = append(parts, ref(f.Path))
		graph = append(graph, object{
			"@id": f.Path, "@type": "File", "name": f.Path, "description": fileText(d, f), "encodingFormat": f.MediaType, "contentSize": strconv.FormatInt(f.Bytes, 10), "sha256": f.SHA256,
		})
	}
	instruments, seen := []object{}, map[string]bool{}
	for _, a := range actions {
		mentions = append(mentions, ref(a.ID))
		device := devices + url.PathEscape(a.Device)
		if !seen[device] {
			seen[device] = true
			instruments = append(instruments, object{"@id": device, "@type": "SoftwareApplication", "name": a.Device, "softwareVersion": "LDP/1", "url": device})
		}
		o := object{
			"@id": a.ID, "@type": "CreateAction", "name": a.Name, "instrument": ref(device), "agent": ref(publisher), "actionStatus": "http://schema.org/CompletedActionStatus",
			"startTime": a.Started.UTC().Format(instant), "endTime": a.Finished.UTC().Format(instant), "object": ref("record.ndjson"),
			"description": "A command to a device, as it was recorded.",
		}
		if a.Failed {
			o["actionStatus"], o["error"] = "http://schema.org/FailedActionStatus", a.Error
		}
		made := []object{ref("record.ndjson")}
		for _, f := range a.Raw {
			id := "urn:sha256:" + f.SHA256
			made = append(made, ref(id))
			if !seen[id] {
				seen[id] = true
				mentions = append(mentions, ref(id))
				instruments = append(instruments, object{"@id": id, "@type": "CreativeWork", "name": or(f.Name, f.SHA256), "description": "A raw file in the laboratory's archive.", "encodingFormat": or(f.MediaType, "application/octet-stream"), "sha256": f.SHA256})
			}
		}
		o["result"] = one(made)
		graph = append(graph, o)
	}
	root := object{
		"@id": "./", "@type": "Dataset", "name": d.Title, "description": d.Text, "datePublished": published.UTC().Format(time.RFC3339), "license": ref(license),
		"identifier": "urn:sha256:" + d.ID, "publisher": ref(publisher), "author": ref(publisher), "keywords": "chemistry, materials, self-driving laboratory", "hasPart": one(parts), "version": d.ID[:min(12, len(d.ID))],
	}
	if len(actions) > 0 {
		root["conformsTo"], root["mentions"] = ref(process), one(mentions)
	}
	head := []object{
		{"@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": ref("./"), "conformsTo": ref("https://w3id.org/ro/crate/1.1")},
		root,
		{"@id": license, "@type": "CreativeWork", "name": name, "description": "The terms under which the data may be used.", "url": license},
		{"@id": publisher, "@type": "Organization", "name": "A laboratory run by Athanor", "url": "urn:athanor:laboratory"},
	}
	if len(actions) > 0 {
		head = append(head, object{"@id": process, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5"})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	context := []any{"https://w3id.org/ro/crate/1.1/context", object{"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}}
	return e.Encode(object{"@context": context, "@graph": append(append(head, instruments...), graph...)})
}

// one returns a list as the specification wants it: a list of one is that one.
func one(list []object) any {
	if len(list) == 1 {
		return list[0]
	}
	return list
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func fileText(d dataset.Described, f dataset.DescribedFile) string {
	for _, t := range d.Tables {
		if t.Name == f.Table {
			return t.Says
		}
	}
	if f.Path == "record.ndjson" {
		return "The rows of the snapshot as they are, with everything that is on record of each experiment."
	}
	return "What stands beside the data."
}
