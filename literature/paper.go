package literature

// Paper is a published work, as the file that it came from tells it.
type Paper struct {
	// ID names the paper in a corpus. It derives from the strongest identifier
	// that the record has, so that reading a file again gives the same one.
	ID       string   `json:"id"`
	DOI      string   `json:"doi,omitempty"` // lower case, without a resolver in front
	PMID     string   `json:"pmid,omitempty"`
	ArXiv    string   `json:"arxiv,omitempty"` // without its version
	Title    string   `json:"title"`
	Abstract string   `json:"abstract,omitempty"`
	Authors  []string `json:"authors,omitempty"` // "Family, Given" where the source tells them apart
	Year     int      `json:"year,omitempty"`    // 0 when unknown
	Journal  string   `json:"journal,omitempty"`
	Keywords []string `json:"keywords,omitempty"`
	URL      string   `json:"url,omitempty"`
	Text     string   `json:"full_text,omitempty"` // of the body, where it was given or read from a PDF
	// Retracted says that the source marks the work as withdrawn. Its findings
	// weigh nothing.
	Retracted bool   `json:"retracted,omitempty"`
	Source    Source `json:"source"`
}

// Source says where a record was read.
type Source struct {
	File   string `json:"file,omitempty"`
	Format string `json:"format"`
	Record int    `json:"record"` // 1 for the first of the file
	Key    string `json:"key,omitempty"`
}

// Span is a part of a text, in bytes: text[Start:End].
type Span struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// Of returns the part of text that s names, or "" when it is not in it.
func (s Span) Of(text string) string {
	if s.Start < 0 || s.End > len(text) || s.Start > s.End {
		return ""
	}
	return text[s.Start:s.End]
}

// Finding is a quantity that a paper states, with the words it stands in.
type Finding struct {
	Paper string `json:"paper,omitempty"`
	// Parameter is what was set or seen: "temperature", "time", "yield".
	Parameter string  `json:"parameter"`
	Value     float64 `json:"value"`
	// High is the other end of a range, equal to Value where there is none.
	High float64 `json:"high"`
	// Written is the unit as it stands in the text; Unit its UCUM code.
	Written string `json:"written"`
	Unit    string `json:"unit"`
	// Operation is what the quantity was a condition of, as in "calcined".
	Operation string `json:"operation,omitempty"`
	// Outcome says that the quantity was measured and not set.
	Outcome bool `json:"outcome,omitempty"`
	// Conditions are the indices of the findings, in the same list, under which
	// an outcome was seen.
	Conditions []int `json:"conditions,omitempty"`

	Number    Span   `json:"number"`    // of Value
	HighSpan  Span   `json:"high_span"` // of High; equal to Number where there is no range
	UnitSpan  Span   `json:"unit_span"`
	Verb      Span   `json:"verb"`     // of Operation; empty when there is none
	Sentence  Span   `json:"sentence"` // what a person reads to check it
	Extractor string `json:"extractor"`
	Anchor    string `json:"anchor,omitempty"` // see [Anchor]
}
