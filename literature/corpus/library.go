package corpus

import (
	"github.com/athanor-lab/athanor/literature"
)

// Library is a growing set of records in groups of one work each. The zero
// Library is empty. It is not safe for concurrent use.
type Library struct {
	papers []literature.Paper
	byID   map[string]int
	parent []int // union-find over papers
	keys   map[string]int
	titles map[string][]int // by normalised title
}

// Added is what an import did to a library.
type Added struct {
	New        int `json:"new"`        // records of works that were unknown
	Duplicates int `json:"duplicates"` // records that joined a group
	Updated    int `json:"updated"`    // records known by their id that now say more, or something else
	Unchanged  int `json:"unchanged"`
}

// Add takes papers in order. A record whose id is known replaces the one before,
// save that an abstract and a mark of retraction are never lost.
func (l *Library) Add(papers ...literature.Paper) Added {
	if l.byID == nil {
		l.byID, l.keys, l.titles = map[string]int{}, map[string]int{}, map[string][]int{}
	}
	var a Added
	for _, p := range papers {
		if i, known := l.byID[p.ID]; known {
			if merged := l.papers[i].Merged(p); merged.Same(l.papers[i]) {
				a.Unchanged++
			} else {
				l.papers[i] = merged
				a.Updated++
			}
			l.join(i)
			continue
		}
		i := len(l.papers)
		l.byID[p.ID] = i
		l.papers = append(l.papers, p)
		l.parent = append(l.parent, i)
		if l.join(i) {
			a.Duplicates++
		} else {
			a.New++
		}
	}
	return a
}

// minTitle is how many letters and digits a title needs before it alone, with
// its year, names a work: "Editorial" and "Reply" name many.
const minTitle = 20

// join brings paper i into the group of its work, and reports whether another
// record was there.
func (l *Library) join(i int) bool {
	p, joined := l.papers[i], false
	for _, key := range []string{"doi:" + p.DOI, "pmid:" + p.PMID, "arxiv:" + p.ArXiv} {
		if key[len(key)-1] == ':' {
			continue
		}
		if j, ok := l.keys[key]; ok {
			joined = l.union(i, j) || joined
		} else {
			l.keys[key] = i
		}
	}
	title := NormalTitle(p.Title)
	if len(title) < minTitle {
		return joined
	}
	known := false
	for _, j := range l.titles[title] {
		known = known || j == i
		q := l.papers[j]
		near := p.Year == 0 || q.Year == 0 || p.Year-q.Year <= 1 && q.Year-p.Year <= 1
		if j != i && near {
			joined = l.union(i, j) || joined
		}
	}
	if !known {
		l.titles[title] = append(l.titles[title], i)
	}
	return joined
}

func (l *Library) root(i int) int {
	for l.parent[i] != i {
		l.parent[i] = l.parent[l.parent[i]]
		i = l.parent[i]
	}
	return i
}

// union joins two groups under their older record.
func (l *Library) union(i, j int) bool {
	a, b := l.root(i), l.root(j)
	if a == b {
		return false
	}
	l.parent[max(a, b)] = min(a, b)
	return true
}

// Len is how many records there are.
func (l *Library) Len() int { return len(l.papers) }

// Papers returns all records in the order of their arrival. The caller must not
// change them.
func (l *Library) Papers() []literature.Paper { return l.papers }

// Paper returns the record of an id.
func (l *Library) Paper(id string) (literature.Paper, bool) {
	i, ok := l.byID[id]
	if !ok {
		return literature.Paper{}, false
	}
	return l.papers[i], true
}

// Group is the records of one work.
type Group struct {
	// Best is the record that stands for the work: the first with the longest
	// abstract, published records before those of a preprint server.
	Best literature.Paper `json:"best"`
	// Members are the ids of all records, in the order of their arrival.
	Members []string `json:"members"`
	// Retracted says that at least one record of the work is marked so.
	Retracted bool `json:"retracted,omitempty"`
}

// Groups returns the works in the order of their first records.
func (l *Library) Groups() []Group {
	at := map[int]int{}
	var out []Group
	for i, p := range l.papers {
		r := l.root(i)
		g, ok := at[r]
		if !ok {
			g = len(out)
			at[r] = g
			out = append(out, Group{Best: p})
		}
		out[g].Members = append(out[g].Members, p.ID)
		out[g].Retracted = out[g].Retracted || p.Retracted
		if better(p, out[g].Best) {
			out[g].Best = p
		}
	}
	return out
}

func better(p, q literature.Paper) bool {
	if a, b := p.Abstract != "", q.Abstract != ""; a != b {
		return a
	}
	if a, b := p.ArXiv == "", q.ArXiv == ""; a != b {
		return a
	}
	return len(p.Abstract) > len(q.Abstract)
}
