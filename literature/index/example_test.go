package index_test

import (
	"fmt"

	"github.com/athanor-lab/athanor/literature/index"
)

func Example() {
	b := index.NewBuilder(index.BM25{})
	b.Add(index.Document{ID: "a", Title: "Direct arylation of imidazoles", Text: "Palladium with a carbonate base.", Authors: "Ng, Bo"})
	b.Add(index.Document{ID: "b", Title: "Solar cells", Text: "Palladium contacts on perovskites."})
	x := b.Build()
	for _, hit := range x.Search(index.Parse(`palladium +title:"direct arylation"`), 10) {
		fmt.Println(hit.ID)
	}
	// Output:
	// a
}
