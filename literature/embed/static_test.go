package embed_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature/embed"
)

// TestStaticAgreesWithModel2Vec holds vectors against those of model2vec 0.10.0 with
// tokenizers 0.23.3, which made the model in testdata: accents, capitals, signs,
// ideographs, white space of all kinds, unknown and endless words.
func TestStaticAgreesWithModel2Vec(t *testing.T) {
	t.Parallel()
	s, err := embed.LoadStatic("testdata/static")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("testdata/static/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var want []struct {
		Text   string
		Vector []float64
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	for _, w := range want {
		got, err := s.Embed(t.Context(), []string{w.Text})
		if err != nil {
			t.Fatal(err)
		}
		norm := 0.0
		for _, v := range w.Vector {
			norm += v * v
		}
		for i, v := range w.Vector {
			if norm > 0 && math.Abs(v-float64(got[0][i])) > 1e-6 {
				t.Errorf("%q: number %d is %g, want %g", w.Text, i, got[0][i], v)
				break
			}
		}
	}
}

// write makes a model of one matrix in a directory.
func write(t testing.TB, header string, data []byte, tokenizer string) string {
	t.Helper()
	dir := t.TempDir()
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	file = append(append(file, header...), data...)
	for name, b := range map[string][]byte{"model.safetensors": file, "tokenizer.json": []byte(tokenizer)} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const wordLevel = `{"normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"}, "model": {"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "a": 1, "b": 2}}}`

// TestStaticForms reads halves, weights and mappings: GloVe in whole words, and what
// model2vec writes when it quantizes.
func TestStaticForms(t *testing.T) {
	t.Parallel()
	data := []byte{
		0, 0, 0, 0x3c, 0, 0xc0, 0, 0, // halves: 0 1 -2 0
		0, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0x40, 0x40, // weights 0 1 3
		0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, // mapping 0 0 1
	}
	dir := write(t, `{"embeddings":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]},"weights":{"dtype":"F32","shape":[3],"data_offsets":[8,20]},"mapping":{"dtype":"I32","shape":[3],"data_offsets":[20,32]}}`, data, wordLevel)
	s, err := embed.LoadStatic(dir)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Embed(t.Context(), []string{"A b, c", "c"})
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{-6 / math.Sqrt(37), 1 / math.Sqrt(37)}; math.Abs(float64(got[0][0])-want[0]) > 1e-6 || math.Abs(float64(got[0][1])-want[1]) > 1e-6 {
		t.Errorf("got %v, want %v", got[0], want)
	}
	if len(got[1]) != 2 {
		t.Errorf("a text without known words has %v", got[1])
	}
}

// BenchmarkStatic embeds texts as long as abstracts with a model of the size that is
// usual: 30,000 tokens of 256 numbers.
func BenchmarkStatic(b *testing.B) {
	const words, dim = 30000, 256
	vocab := map[string]int{"?": 0}
	for i := 1; i < words; i++ {
		vocab[fmt.Sprintf("w%d", i)] = i
	}
	tokenizer, err := json.Marshal(map[string]any{
		"normalizer": map[string]any{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "lowercase": true}, "pre_tokenizer": map[string]any{"type": "BertPreTokenizer"},
		"model": map[string]any{"type": "WordPiece", "unk_token": "?", "continuing_subword_prefix": "##", "vocab": vocab},
	})
	if err != nil {
		b.Fatal(err)
	}
	header := fmt.Sprintf(`{"embeddings":{"dtype":"F32","shape":[%d,%d],"data_offsets":[0,%d]}}`, words, dim, 4*words*dim)
	data := make([]byte, 4*words*dim)
	for i := 3; i < len(data); i += 4 {
		data[i] = 0x3f
	}
	s, err := embed.LoadStatic(write(b, header, data, string(tokenizer)))
	if err != nil {
		b.Fatal(err)
	}
	var text strings.Builder
	for i := range 200 {
		fmt.Fprintf(&text, "W%d ", i*149%words)
	}
	for b.Loop() {
		if _, err := s.Embed(b.Context(), []string{text.String()}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestStaticRefuses wants a reason for every model that cannot be read, and no memory
// for what a header only claims.
func TestStaticRefuses(t *testing.T) {
	t.Parallel()
	good := `{"embeddings":{"dtype":"F32","shape":[3,1],"data_offsets":[0,12]}}`
	twelve := make([]byte, 12)
	for name, c := range map[string]struct{ header, tokenizer, want string }{
		"TooFewRows":  {`{"e":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}`, wordLevel, "token 2 of the tokenizer has no row of 2"},
		"Transformer": {`{"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1,1],"data_offsets":[4,8]}}`, wordLevel, "several matrices"},
		"Huge":        {`{"e":{"dtype":"F32","shape":[2000000000,2000000000],"data_offsets":[0,12]}}`, wordLevel, "more than"},
		"Short":       {`{"e":{"dtype":"F32","shape":[4,1],"data_offsets":[0,16]}}`, wordLevel, "are not the 16"},
		"Integers":    {`{"embeddings":{"dtype":"I32","shape":[3,1],"data_offsets":[0,12]}}`, wordLevel, "of type I32"},
		"NoJSON":      {`{`, wordLevel, "no JSON"},
		"Pieces":      {good, strings.Replace(wordLevel, "WordLevel", "BPE", 1), `"BPE"; WordPiece and WordLevel`},
		"Normalizer":  {good, strings.Replace(wordLevel, "Lowercase", "Precompiled", 1), `"Precompiled"`},
	} {
		_, err := embed.LoadStatic(write(t, c.header, twelve, c.tokenizer))
		if lab.KindOf(err) != lab.Invalid || !strings.Contains(fmt.Sprint(err), c.want) {
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
	if _, err := embed.LoadStatic(t.TempDir()); lab.KindOf(err) != lab.Invalid {
		t.Errorf("an empty directory: %v", err)
	}
}
