package corpus

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/athanor-lab/athanor/literature"
)

// text is a string that some tools write as a number, or as null.
type text string

// UnmarshalJSON takes a string, a number or null.
func (t *text) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	if b[0] == '"' {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*t = text(s)
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(b, &n); err != nil {
		return fmt.Errorf("%s is neither text nor a number", b[:min(len(b), 40)])
	}
	*t = text(n)
	return nil
}

// names is a list of people: strings, objects with a name, or one string with
// semicolons.
type names []string

// UnmarshalJSON takes each of these forms.
func (n *names) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*n = strings.Split(one, ";")
		return nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(b, &list); err != nil {
		return errors.New("authors are neither text nor a list")
	}
	for _, item := range list {
		var who struct {
			Name   string `json:"name"`
			Family string `json:"family"`
			Given  string `json:"given"`
		}
		switch {
		case json.Unmarshal(item, &one) == nil:
			*n = append(*n, one)
		case json.Unmarshal(item, &who) == nil && who.Name != "":
			*n = append(*n, who.Name)
		case who.Family != "":
			*n = append(*n, strings.TrimSuffix(who.Family+", "+who.Given, ", "))
		}
	}
	return nil
}

// ownRecord is our own form, and that of collections with _id and text.
type ownRecord struct {
	ID        text     `json:"id"`
	Under     text     `json:"_id"`
	DOI       text     `json:"doi"`
	PMID      text     `json:"pmid"`
	ArXiv     text     `json:"arxiv"`
	Title     text     `json:"title"`
	Abstract  text     `json:"abstract"`
	Text      text     `json:"text"`
	FullText  text     `json:"full_text"`
	Authors   names    `json:"authors"`
	Year      text     `json:"year"`
	Journal   text     `json:"journal"`
	Keywords  names    `json:"keywords"`
	URL       text     `json:"url"`
	Retracted bool     `json:"retracted"`
	Tags      []string `json:"tags"`
}

func (r ownRecord) paper() literature.Paper {
	p := literature.Paper{
		DOI: string(r.DOI), PMID: string(r.PMID), ArXiv: string(r.ArXiv), Title: string(r.Title), Abstract: string(r.Abstract), Authors: r.Authors,
		Year: year(string(r.Year)), Journal: string(r.Journal), Keywords: append(r.Keywords, r.Tags...), URL: string(r.URL), Retracted: r.Retracted,
		Text: string(r.FullText), Source: literature.Source{Key: string(r.ID + r.Under)},
	}
	if p.Abstract == "" {
		p.Abstract = string(r.Text)
	}
	return p
}

// openAlex is a work of OpenAlex, whose abstract is told as positions of words.
// https://docs.openalex.org/api-entities/works/work-object
type openAlex struct {
	ID      text `json:"id"`
	DOI     text `json:"doi"`
	Title   text `json:"title"`
	Name    text `json:"display_name"`
	Year    text `json:"publication_year"`
	Retract bool `json:"is_retracted"`
	IDs     struct {
		PMID text `json:"pmid"`
	} `json:"ids"`
	Abstract map[string][]int `json:"abstract_inverted_index"`
	By       []struct {
		Author struct {
			Name text `json:"display_name"`
		} `json:"author"`
	} `json:"authorships"`
	Place struct {
		URL    text `json:"landing_page_url"`
		Source struct {
			Name text `json:"display_name"`
		} `json:"source"`
	} `json:"primary_location"`
	Keywords []struct {
		Name text `json:"display_name"`
	} `json:"keywords"`
}

// maxPosition bounds an abstract that is told as positions: one hostile
// position must not cost its size in memory.
const maxPosition = 100_000

func (r openAlex) paper() literature.Paper {
	p := literature.Paper{
		DOI: string(r.DOI), PMID: string(r.IDs.PMID), Title: string(r.Title), Year: year(string(r.Year)), Retracted: r.Retract,
		URL: string(r.Place.URL), Journal: string(r.Place.Source.Name), Source: literature.Source{Format: "openalex", Key: string(r.ID)},
	}
	if p.Title == "" {
		p.Title = string(r.Name)
	}
	if strings.Contains(strings.ToLower(p.URL), "arxiv.org/") {
		p.ArXiv = p.URL
	}
	for _, a := range r.By {
		p.Authors = append(p.Authors, string(a.Author.Name))
	}
	for _, k := range r.Keywords {
		p.Keywords = append(p.Keywords, string(k.Name))
	}
	last := -1
	for _, at := range r.Abstract {
		for _, i := range at {
			if i < maxPosition {
				last = max(last, i)
			}
		}
	}
	words := make([]string, last+1)
	for w, at := range r.Abstract {
		for _, i := range at {
			if i >= 0 && i < len(words) {
				words[i] = w
			}
		}
	}
	p.Abstract = strings.Join(words, " ")
	return p
}

// europePMC is a result of Europe PMC's search, core or lite.
// https://europepmc.org/RestfulWebService
type europePMC struct {
	ID       text `json:"id"`
	Source   text `json:"source"`
	PMID     text `json:"pmid"`
	DOI      text `json:"doi"`
	Title    text `json:"title"`
	Abstract text `json:"abstractText"`
	Authors  text `json:"authorString"`
	Year     text `json:"pubYear"`
	Journal  text `json:"journalTitle"`
	Info     struct {
		Journal struct {
			Title text `json:"title"`
		} `json:"journal"`
	} `json:"journalInfo"`
	Types struct {
		Type []text `json:"pubType"`
	} `json:"pubTypeList"`
	Keywords struct {
		Keyword []text `json:"keyword"`
	} `json:"keywordList"`
}

func (r europePMC) paper() literature.Paper {
	p := literature.Paper{
		DOI: string(r.DOI), PMID: string(r.PMID), Title: strings.TrimSuffix(string(r.Title), "."), Abstract: string(r.Abstract), Year: year(string(r.Year)),
		Journal: string(r.Journal), Source: literature.Source{Format: "europepmc", Key: string(r.Source + ":" + r.ID)},
	}
	if p.Journal == "" {
		p.Journal = string(r.Info.Journal.Title)
	}
	for a := range strings.SplitSeq(strings.TrimSuffix(string(r.Authors), "."), ", ") {
		p.Authors = append(p.Authors, a)
	}
	for _, k := range r.Keywords.Keyword {
		p.Keywords = append(p.Keywords, string(k))
	}
	for _, t := range r.Types.Type {
		p.Retracted = p.Retracted || strings.EqualFold(string(t), "retracted publication")
	}
	return p
}

// semanticScholar is a paper of the Academic Graph API.
// https://api.semanticscholar.org/api-docs/graph
type semanticScholar struct {
	ID       text `json:"paperId"`
	Title    text `json:"title"`
	Abstract text `json:"abstract"`
	Year     text `json:"year"`
	Venue    text `json:"venue"`
	URL      text `json:"url"`
	External struct {
		DOI    text `json:"DOI"`
		ArXiv  text `json:"ArXiv"`
		PubMed text `json:"PubMed"`
	} `json:"externalIds"`
	Authors names `json:"authors"`
}

func (r semanticScholar) paper() literature.Paper {
	return literature.Paper{
		DOI: string(r.External.DOI), PMID: string(r.External.PubMed), ArXiv: string(r.External.ArXiv), Title: string(r.Title), Abstract: string(r.Abstract),
		Year: year(string(r.Year)), Journal: string(r.Venue), URL: string(r.URL), Authors: r.Authors,
		Source: literature.Source{Format: "semanticscholar", Key: string(r.ID)},
	}
}

// crossref is a work of the Crossref REST API.
// https://api.crossref.org/swagger-ui/index.html
type crossref struct {
	DOI      text   `json:"DOI"`
	Title    []text `json:"title"`
	Abstract text   `json:"abstract"`
	Authors  names  `json:"author"`
	Journal  []text `json:"container-title"`
	URL      text   `json:"URL"`
	Subject  []text `json:"subject"`
	Issued   struct {
		Parts [][]*int `json:"date-parts"`
	} `json:"issued"`
	// Updated lists notices about this work; update-to is on the notice itself.
	Updated []struct {
		Type text `json:"type"`
	} `json:"updated-by"`
}

func (r crossref) paper() literature.Paper {
	p := literature.Paper{
		DOI: string(r.DOI), Abstract: string(r.Abstract), Authors: r.Authors, URL: string(r.URL),
		Source: literature.Source{Format: "crossref", Key: string(r.DOI)},
	}
	if len(r.Title) > 0 {
		p.Title = string(r.Title[0])
	}
	if len(r.Journal) > 0 {
		p.Journal = string(r.Journal[0])
	}
	if d := r.Issued.Parts; len(d) > 0 && len(d[0]) > 0 && d[0][0] != nil {
		p.Year = *d[0][0]
	}
	for _, s := range r.Subject {
		p.Keywords = append(p.Keywords, string(s))
	}
	for _, u := range r.Updated {
		p.Retracted = p.Retracted || u.Type == "retraction" || u.Type == "withdrawal" || u.Type == "removal"
	}
	return p
}
