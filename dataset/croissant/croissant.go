// Package croissant describes an export in Croissant 1.1 with its vocabulary for
// responsible AI: files by hash, a record set to each table with its columns,
// units where a column has one, the parts of the default split, and where the
// data comes from (PROV). mlcroissant validates and loads it.
package croissant

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/athanor-lab/athanor/dataset"
)

type object = map[string]any

var types = map[string]string{"text": "sc:Text", "integer": "sc:Integer", "number": "sc:Float", "boolean": "sc:Boolean", "time": "sc:DateTime"}

// Write writes croissant.json. What an export has no file of is left out, and
// so are columns that are lists: their elements are rows of the other tables.
func Write(w io.Writer, d dataset.Described) error {
	files, sets := []object{}, []object{parts()}
	for _, f := range d.Files {
		format := f.MediaType
		if format == "application/vnd.apache.parquet" {
			format = "application/x-parquet"
		}
		files = append(files, object{
			"@type": "cr:FileObject", "@id": f.Path, "name": f.Path, "contentUrl": f.Path, "contentSize": fmt.Sprintf("%d B", f.Bytes),
			"encodingFormat": format, "sha256": f.SHA256,
		})
		i := slices.IndexFunc(d.Tables, func(t dataset.DescribedTable) bool { return t.Name == f.Table })
		if i >= 0 && f.Part == "" {
			sets = append(sets, recordSet(d.Tables[i], f.Path))
		}
	}
	published := d.AsOf
	if published.IsZero() {
		published = time.Unix(0, 0)
	}
	out := object{
		"@context": context(), "@type": "sc:Dataset",
		"conformsTo":     []string{"http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"},
		"name":           "athanor-" + d.ID[:min(12, len(d.ID))],
		"alternateName":  d.Title,
		"description":    d.Text,
		"version":        "1.0.0",
		"identifier":     "urn:sha256:" + d.ID,
		"url":            "urn:sha256:" + d.ID,
		"license":        license(d.License),
		"creator":        object{"@type": "sc:Organization", "name": "A laboratory run by Athanor"},
		"datePublished":  published.UTC().Format("2006-01-02"),
		"keywords":       []string{"chemistry", "materials", "self-driving laboratory", "experiments"},
		"citeAs":         "Athanor snapshot " + d.ID,
		"isLiveDataset":  false,
		"distribution":   files,
		"recordSet":      sets,
		"wasDerivedFrom": object{"@id": "urn:sha256:" + d.ID},
	}
	maps.Copy(out, responsible(d))
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

func license(spdx string) string {
	if spdx == "" {
		return "https://spdx.org/licenses/NONE.html"
	}
	return "https://spdx.org/licenses/" + spdx + ".html"
}

// parts are those of splits, by the names that the vocabulary has for them.
func parts() object {
	data := []object{}
	for _, p := range []struct{ name, url string }{
		{"train", "cr:TrainingSplit"}, {"validation", "cr:ValidationSplit"}, {"test", "cr:TestSplit"},
	} {
		data = append(data, object{"parts/name": p.name, "parts/url": p.url})
	}
	return object{
		"@type": "cr:RecordSet", "@id": "parts", "name": "parts", "description": "The parts of splits.", "dataType": "cr:Split", "key": object{"@id": "parts/name"},
		"field": []object{
			{"@type": "cr:Field", "@id": "parts/name", "name": "name", "description": "as in the columns split_…", "dataType": "sc:Text"},
			{"@type": "cr:Field", "@id": "parts/url", "name": "url", "description": "in the vocabulary", "dataType": []string{"sc:URL", "wd:Q3985153"}},
		},
		"data": data,
	}
}

func recordSet(t dataset.DescribedTable, path string) object {
	fields := []object{}
	for _, c := range t.Columns {
		if types[c.Type] == "" {
			continue
		}
		f := object{
			"@type": "cr:Field", "@id": t.Name + "/" + c.Name, "name": c.Name, "description": c.Says, "dataType": types[c.Type],
			"source": object{"fileObject": object{"@id": path}, "extract": object{"column": c.Name}},
		}
		if c.Unit != "" {
			f["description"] = c.Says + " [" + c.Unit + "]"
			f["equivalentProperty"] = "http://qudt.org/schema/qudt/ucumCode#" + c.Unit
		}
		fields = append(fields, f)
	}
	set := object{"@type": "cr:RecordSet", "@id": t.Name, "name": t.Name, "description": t.Says, "field": fields}
	if t.Name == "experiments" {
		set["key"] = object{"@id": "experiments/experiment_id"}
	}
	return set
}

func responsible(d dataset.Described) object {
	n, failures := 0, 0
	for class, k := range d.Classes {
		n += k
		if class == dataset.Failed {
			failures += k
		}
	}
	return object{
		"rai:dataCollection":               "Experiments were decided on by a planner, carried out by devices over a bus, and recorded once; nothing in the record is overwritten.",
		"rai:dataCollectionType":           []string{"Physical data collection", "Software collection"},
		"rai:dataCollectionMissingData":    fmt.Sprintf("Of %d experiments %d failed for the laboratory's own reasons; they have no observation and stand in the table failures. A standard deviation is missing where the instrument knows none.", n, failures),
		"rai:dataCollectionRawData":        "Commands and answers are named by the SHA-256 of their bytes (tables steps, events, raw_files).",
		"rai:dataPreprocessingProtocol":    []string{"Objectives are computed from device results by the expressions of the campaign's document; quantities are also given in base units."},
		"rai:dataBiases":                   []string{"Settings were chosen to find optima and not at random: regions that looked bad early have few experiments."},
		"rai:dataLimitations":              []string{"Conditions are what was set, which may differ from what was reached; see the values of steps. Splits say what they leak."},
		"rai:dataUseCases":                 []string{"Training and evaluation of models that predict outcomes, propose experiments, explain failures and forecast with confidence."},
		"rai:personalSensitiveInformation": []string{"None but the names of those who corrected records."},
		"rai:dataSocialImpact":             "Procedures may be hazardous; campaigns under restricted access are exported only on request.",
		"rai:dataReleaseMaintenancePlan":   "A snapshot never changes. Corrections are facts of their own and are in later snapshots; two snapshots can be compared row by row.",
		"rai:dataAnnotationProtocol":       "Classes of outcomes are computed; corrections are by named persons with a reason.",
	}
}

// context is that of Croissant 1.1.
func context() object {
	id := func(s string) object { return object{"@id": s, "@type": "@id"} }
	return object{
		"@language": "en", "@vocab": "https://schema.org/", "arrayShape": "cr:arrayShape", "citeAs": "cr:citeAs", "column": "cr:column", "conformsTo": "dct:conformsTo",
		"containedIn": "cr:containedIn", "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
		"data": object{"@id": "cr:data", "@type": "@json"}, "dataType": object{"@id": "cr:dataType", "@type": "@vocab"}, "dct": "http://purl.org/dc/terms/",
		"equivalentProperty": "cr:equivalentProperty", "examples": object{"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract", "field": "cr:field", "fileProperty": "cr:fileProperty",
		"fileObject": "cr:fileObject", "fileSet": "cr:fileSet", "format": "cr:format", "includes": "cr:includes", "isArray": "cr:isArray",
		"isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath", "key": "cr:key", "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path", "prov": "http://www.w3.org/ns/prov#",
		"recordSet": "cr:recordSet", "references": "cr:references", "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace", "samplingRate": "cr:samplingRate",
		"sc": "https://schema.org/", "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
		"wd": "https://www.wikidata.org/wiki/", "wasDerivedFrom": id("prov:wasDerivedFrom"),
	}
}
