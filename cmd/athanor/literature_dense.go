package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/corpus"
	"github.com/athanor-lab/athanor/literature/embed"
	"github.com/athanor-lab/athanor/literature/index"
)

// denseFlags bring better meaning into a ranking, from endpoints, and words that
// were not asked for.
type denseFlags struct {
	Expand      bool   `help:"Look too for words that the first papers found have in common; for questions of a few words."`
	Embed       string `env:"ATHANOR_EMBED_URL" placeholder:"URL|DIR" help:"An endpoint with embeddings, or the directory of a static model (model.safetensors, tokenizer.json), in place of the latent space that is built in."`
	EmbedKind   string `enum:"openai,tei" default:"openai" help:"What it speaks: openai or tei."`
	EmbedModel  string `env:"ATHANOR_EMBED_MODEL" placeholder:"NAME" help:"The model to ask for."`
	EmbedKey    string `env:"ATHANOR_EMBED_KEY" placeholder:"KEY" help:"The endpoint's key; better in the environment than on the command line."`
	Rerank      string `env:"ATHANOR_RERANK_URL" placeholder:"URL" help:"A TEI with a reranking model, for a second opinion on the first papers."`
	RerankDepth int    `default:"50" help:"How many papers it is asked about."`
}

// expanded are the papers and words that a query is widened by.
const (
	expandPapers = 10
	expandWords  = 20
	expandShare  = 0.3
)

// prepare returns the query as the ranker is to be asked, and gives the ranker
// vectors where there is an endpoint for them.
func (f denseFlags) prepare(ctx context.Context, r *index.Ranker, papers []literature.Paper, text string) (index.Query, error) {
	q := index.Parse(text)
	if f.Expand {
		var found []index.Feedback
		for _, h := range r.Index.Search(q, expandPapers) {
			found = append(found, index.Feedback{Text: told(papers[h.Doc]), Score: h.Score})
		}
		q = r.Index.Expand(q, found, expandWords, expandShare)
	}
	if f.Embed == "" {
		return q, nil
	}
	model, err := f.embedder()
	if err != nil {
		return q, err
	}
	texts := []string{text}
	for _, p := range papers {
		texts = append(texts, told(p))
	}
	vectors, err := model.Embed(ctx, texts)
	if err != nil {
		return q, err
	}
	of := map[string][]float32{}
	for i, p := range papers {
		of[p.ID] = vectors[i+1]
	}
	if r.Vectors, err = index.NewVectors(r.Index, func(id string) []float32 { return of[id] }); err != nil {
		return q, err
	}
	return q.Near(vectors[0]), nil
}

// embedder makes vectors of texts.
type embedder interface {
	Embed(ctx context.Context, texts []string) ([][]float32, error)
}

// embedder is the model of a directory, or an endpoint with what it once answered.
func (f denseFlags) embedder() (embedder, error) {
	if !strings.Contains(f.Embed, "://") {
		return embed.LoadStatic(f.Embed)
	}
	if f.EmbedKind == string(embed.OpenAI) && f.EmbedModel == "" {
		return nil, lab.Errorf(lab.Invalid, "--embed needs an --embed-model to ask for")
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return (&embed.Client{Base: f.Embed, Kind: embed.Kind(f.EmbedKind), Model: f.EmbedModel, Key: f.EmbedKey}).Open(filepath.Join(dir, "athanor", "vectors"))
}

// told is what endpoints read of a paper.
func told(p literature.Paper) string { return p.Title + "\n" + p.Abstract }

// reorder asks for a second opinion on the first of a list.
func (f denseFlags) reorder(ctx context.Context, l *corpus.Library, query string, list []ranked) error {
	if f.Rerank == "" || len(list) < 2 {
		return nil
	}
	first := list[:min(len(list), max(f.RerankDepth, 1))]
	texts := make([]string, len(first))
	for i, item := range first {
		p, _ := l.Paper(item.ID)
		texts[i] = told(p)
	}
	order, err := (&embed.Client{Base: f.Rerank, Kind: embed.TEI, Key: f.EmbedKey}).Rerank(ctx, query, texts)
	if err != nil {
		return err
	}
	moved := make([]ranked, len(first))
	for to, from := range order {
		moved[to] = first[from]
		moved[to].Rank = to + 1
	}
	copy(first, moved)
	return nil
}
