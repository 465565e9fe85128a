package sources

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/athanor-lab/athanor/lab"
)

// service is how one of the services is asked.
type service struct {
	base string
	path string
	// most is how many records a page may have.
	most int
	// pace is the least time between two questions.
	pace time.Duration
	ask  func(q Query, cursor string, rows int) url.Values
	// key adds a key to a question.
	key func(r *http.Request, key string)
	// next reads where the answer's next page begins, and how many there are.
	next func(body []byte) (cursor string, total int, err error)
}

// first is the cursor of a first page where a service wants one.
const first = "*"

func orFirst(cursor string) string {
	if cursor == "" {
		return first
	}
	return cursor
}

func addKey(name string) func(*http.Request, string) {
	return func(r *http.Request, key string) {
		v := r.URL.Query()
		v.Set(name, key)
		r.URL.RawQuery = v.Encode()
	}
}

var services = map[string]service{
	// https://docs.openalex.org/how-to-use-the-api/get-lists-of-entities/paging
	"openalex": {
		base: "https://api.openalex.org", path: "/works", most: 100, pace: 100 * time.Millisecond,
		ask: func(q Query, cursor string, rows int) url.Values {
			v := url.Values{"search": {q.Text}, "per-page": {strconv.Itoa(rows)}, "cursor": {orFirst(cursor)}}
			if q.Mail != "" {
				v.Set("mailto", q.Mail)
			}
			return v
		},
		key: addKey("api_key"),
		next: func(body []byte) (string, int, error) {
			var a struct {
				Meta *struct {
					Next  *string `json:"next_cursor"`
					Count int     `json:"count"`
				} `json:"meta"`
			}
			if err := json.Unmarshal(body, &a); err != nil || a.Meta == nil {
				return "", 0, notAnswer("meta", err)
			}
			if a.Meta.Next == nil {
				return "", a.Meta.Count, nil
			}
			return *a.Meta.Next, a.Meta.Count, nil
		},
	},
	// https://europepmc.org/RestfulWebService
	"europepmc": {
		base: "https://www.ebi.ac.uk/europepmc/webservices/rest", path: "/search", most: 1000, pace: 100 * time.Millisecond,
		ask: func(q Query, cursor string, rows int) url.Values {
			return url.Values{"query": {q.Text}, "format": {"json"}, "resultType": {"core"}, "pageSize": {strconv.Itoa(rows)}, "cursorMark": {orFirst(cursor)}}
		},
		next: func(body []byte) (string, int, error) {
			var a struct {
				Next  string           `json:"nextCursorMark"`
				Count int              `json:"hitCount"`
				List  *json.RawMessage `json:"resultList"`
			}
			if err := json.Unmarshal(body, &a); err != nil || a.List == nil {
				return "", 0, notAnswer("resultList", err)
			}
			return a.Next, a.Count, nil
		},
	},
	// https://api.semanticscholar.org/api-docs/graph, bulk search
	"semanticscholar": {
		base: "https://api.semanticscholar.org", path: "/graph/v1/paper/search/bulk", most: 1000, pace: time.Second,
		ask: func(q Query, cursor string, _ int) url.Values {
			v := url.Values{"query": {q.Text}, "fields": {"title,abstract,year,venue,url,externalIds,authors"}}
			if cursor != "" {
				v.Set("token", cursor)
			}
			return v
		},
		key: func(r *http.Request, key string) { r.Header.Set("x-api-key", key) },
		next: func(body []byte) (string, int, error) {
			var a struct {
				Token *string          `json:"token"`
				Total int              `json:"total"`
				Data  *json.RawMessage `json:"data"`
			}
			if err := json.Unmarshal(body, &a); err != nil || a.Data == nil {
				return "", 0, notAnswer("data", err)
			}
			if a.Token == nil {
				return "", a.Total, nil
			}
			return *a.Token, a.Total, nil
		},
	},
	// https://api.crossref.org/swagger-ui/index.html
	"crossref": {
		base: "https://api.crossref.org", path: "/works", most: 1000, pace: 100 * time.Millisecond,
		ask: func(q Query, cursor string, rows int) url.Values {
			v := url.Values{"query": {q.Text}, "rows": {strconv.Itoa(rows)}, "cursor": {orFirst(cursor)}}
			if q.Mail != "" {
				v.Set("mailto", q.Mail)
			}
			return v
		},
		key: func(r *http.Request, key string) { r.Header.Set("Crossref-Plus-API-Token", "Bearer "+key) },
		next: func(body []byte) (string, int, error) {
			var a struct {
				Message *struct {
					Next  string `json:"next-cursor"`
					Total int    `json:"total-results"`
				} `json:"message"`
			}
			if err := json.Unmarshal(body, &a); err != nil || a.Message == nil {
				return "", 0, notAnswer("message", err)
			}
			return a.Message.Next, a.Message.Total, nil
		},
	},
}

func notAnswer(field string, err error) error {
	if err != nil {
		return lab.Errorf(lab.Unavailable, "the answer is not JSON: %w", err)
	}
	return lab.Errorf(lab.Unavailable, "the answer has no %s, which every answer has", field)
}

// Names are the services, in order.
func Names() []string {
	var out []string
	for name := range services {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
