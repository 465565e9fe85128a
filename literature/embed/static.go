package embed

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/literature/index"
)

// Static is a model of sentences in a directory: a vector to a token, of which a text
// has the mean. That is what model2vec and GloVe are (S. Tulkens, T. van Dongen,
// Model2Vec, 2024; J. Pennington, R. Socher, C. Manning, GloVe, 2014). A text costs its
// tokens times the length of a vector. It is safe for concurrent use.
//
// The directory has
//
//   - model.safetensors: the matrix "embeddings" (or the only matrix there is) in F64,
//     F32, F16 or BF16; where there are, "weights" of tokens and their "mapping" to rows;
//   - tokenizer.json as Hugging Face's tokenizers writes it, of WordPiece or whole words.
//
// Models that read a text with attention are not static: ADR 72 says why not here.
type Static struct {
	dim     int
	rows    []float32 // of tokens, one after another
	weights []float32 // of tokens; nil for all the same
	mapping []int     // of tokens to rows; nil for the same
	tokens  *tokenizer
}

// Bounds of what is read: a header, a model, a text in tokens.
const (
	maxHeader = 16 << 20
	maxModel  = 2 << 30
	maxTokens = 512
)

// LoadStatic reads a model of sentences from a directory. The error is of kind
// [lab.Invalid] and says which file is wrong, and what would be right.
func LoadStatic(dir string) (*Static, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "tokenizer.json"))
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "model %s: it needs a tokenizer.json beside its model.safetensors: %w", dir, err)
	}
	s := &Static{}
	if s.tokens, err = newTokenizer(raw); err != nil {
		return nil, lab.Errorf(lab.Invalid, "model %s: tokenizer.json: %w", dir, err)
	}
	f, err := os.Open(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "model %s: it needs a model.safetensors with one matrix, a row to a token: %w", dir, err)
	}
	defer f.Close()
	t, err := openTensors(f)
	if err == nil {
		err = s.read(t)
	}
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "model %s: model.safetensors: %w", dir, err)
	}
	return s, nil
}

// read takes the matrix and what belongs to it.
func (s *Static) read(t *tensors) error {
	name := "embeddings"
	if _, ok := t.head[name]; !ok {
		name = ""
		for n, x := range t.head {
			switch {
			case len(x.Shape) == 2 && name == "":
				name = n
			case len(x.Shape) == 2:
				return lab.Errorf(lab.Invalid, "it has several matrices, as a model with attention has; serve it by an endpoint and give its address, or take a static one")
			}
		}
	}
	x := t.head[name]
	if len(x.Shape) != 2 || x.Shape[0] < 1 || x.Shape[1] < 1 || x.Shape[1] > maxDim {
		return lab.Errorf(lab.Invalid, "it has no matrix of vectors; one is named embeddings and has a row to a token")
	}
	var err error
	s.dim = x.Shape[1]
	if s.rows, err = t.floats(name); err != nil {
		return err
	}
	if _, ok := t.head["weights"]; ok {
		if s.weights, err = t.floats("weights"); err != nil {
			return err
		}
	}
	if _, ok := t.head["mapping"]; ok {
		if s.mapping, err = t.ints("mapping"); err != nil {
			return err
		}
	}
	return s.check(x.Shape[0])
}

// check wants a row, and a weight, for every token.
func (s *Static) check(rows int) error {
	most := s.tokens.most()
	switch {
	case s.mapping == nil && most >= rows:
		return lab.Errorf(lab.Invalid, "token %d of the tokenizer has no row of %d", most, rows)
	case s.mapping != nil && most >= len(s.mapping):
		return lab.Errorf(lab.Invalid, "token %d of the tokenizer is not among the %d of its mapping", most, len(s.mapping))
	case s.weights != nil && most >= len(s.weights):
		return lab.Errorf(lab.Invalid, "token %d of the tokenizer has no weight of %d", most, len(s.weights))
	}
	for _, row := range s.mapping {
		if row < 0 || row >= rows {
			return lab.Errorf(lab.Invalid, "its mapping names row %d of %d", row, rows)
		}
	}
	for _, v := range s.rows {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return lab.Errorf(lab.Invalid, "its matrix has an element that is no number")
		}
	}
	return nil
}

// Embed returns a vector of length one for each text. One without any known token is at
// right angles to all others but its like: a vector of its own direction.
func (s *Static) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	out := make([][]float32, len(texts))
	for i, text := range texts {
		if i%256 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		sum := make([]float32, s.dim)
		ids := s.tokens.encode(text)
		for _, id := range ids[:min(len(ids), maxTokens)] {
			row, w := id, float32(1)
			if s.mapping != nil {
				row = s.mapping[id]
			}
			if s.weights != nil {
				w = s.weights[id]
			}
			for k, v := range s.rows[row*s.dim : (row+1)*s.dim] {
				sum[k] += w * v
			}
		}
		unit, ok := index.Unit(sum)
		if !ok {
			unit = make([]float32, s.dim)
			unit[0] = 1
		}
		out[i] = unit
	}
	return out, nil
}

// tensors is a file of the form safetensors: the length of a header, the header, data.
type tensors struct {
	file io.ReaderAt
	data int64 // where it begins
	head map[string]tensor
}

type tensor struct {
	Type    string   `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

var sizes = map[string]int64{"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4}

func openTensors(f *os.File) (*tensors, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var n [8]byte
	if _, err := f.ReadAt(n[:], 0); err != nil {
		return nil, errors.New("it is too short for a file of this form")
	}
	size := binary.LittleEndian.Uint64(n[:])
	if size > maxHeader || int64(size)+8 > info.Size() {
		return nil, lab.Errorf(lab.Invalid, "its header would be %d bytes long; it is none of this form, or cut off", size)
	}
	raw := make([]byte, size)
	if _, err := f.ReadAt(raw, 8); err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, lab.Errorf(lab.Invalid, "its header is no JSON: %w", err)
	}
	t := &tensors{file: f, data: 8 + int64(size), head: map[string]tensor{}}
	for name, raw := range all {
		if name == "__metadata__" {
			continue
		}
		var x tensor
		if err := json.Unmarshal(raw, &x); err != nil {
			return nil, lab.Errorf(lab.Invalid, "its header, at %q: %w", name, err)
		}
		if err := x.check(info.Size() - t.data); err != nil {
			return nil, lab.Errorf(lab.Invalid, "its header, at %q: %w", name, err)
		}
		t.head[name] = x
	}
	return t, nil
}

// check wants the bytes of a tensor to be there and as many as its shape has.
func (x tensor) check(data int64) error {
	want := sizes[x.Type]
	if want == 0 {
		return nil // of a type that is not read; another tensor may be the one
	}
	for _, n := range x.Shape {
		if n < 0 || n > maxModel || want > maxModel/int64(max(n, 1)) {
			return lab.Errorf(lab.Invalid, "a shape of %v is more than %d bytes", x.Shape, maxModel)
		}
		want *= int64(n)
	}
	if a, b := x.Offsets[0], x.Offsets[1]; a < 0 || b < a || b > data || b-a != want {
		return lab.Errorf(lab.Invalid, "bytes %d to %d of %d are not the %d of its shape", a, b, data, want)
	}
	return nil
}

func (t *tensors) bytes(name string) (tensor, []byte, error) {
	x := t.head[name]
	raw := make([]byte, x.Offsets[1]-x.Offsets[0])
	_, err := t.file.ReadAt(raw, t.data+x.Offsets[0])
	return x, raw, err
}

func (t *tensors) floats(name string) ([]float32, error) {
	if kind := t.head[name].Type; sizes[kind] == 0 || kind[0] == 'I' {
		return nil, lab.Errorf(lab.Invalid, "%s is of type %s; F64, F32, F16 and BF16 are read", name, kind)
	}
	x, raw, err := t.bytes(name)
	if err != nil {
		return nil, err
	}
	size := int(sizes[x.Type])
	out := make([]float32, len(raw)/size)
	for i := range out {
		switch b := raw[i*size:]; x.Type {
		case "F64":
			out[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(b)))
		case "F32":
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b))
		case "BF16":
			out[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16)
		case "F16":
			out[i] = half(binary.LittleEndian.Uint16(b))
		}
	}
	return out, nil
}

// half is a number of IEEE 754 binary16.
func half(b uint16) float32 {
	sign, exponent, fraction := float64(1), int(b>>10&0x1f), float64(b&0x3ff)
	if b>>15 == 1 {
		sign = -1
	}
	switch exponent {
	case 0:
		return float32(sign * math.Ldexp(fraction, -24))
	case 0x1f:
		if fraction != 0 {
			return float32(math.NaN())
		}
		return float32(math.Inf(int(sign)))
	}
	return float32(sign * math.Ldexp(1024+fraction, exponent-25))
}

func (t *tensors) ints(name string) ([]int, error) {
	x, raw, err := t.bytes(name)
	if err != nil {
		return nil, err
	}
	size := int(sizes[x.Type])
	if x.Type != "I64" && x.Type != "I32" {
		return nil, lab.Errorf(lab.Invalid, "%s is of type %s; I64 and I32 are read", name, x.Type)
	}
	out := make([]int, len(raw)/size)
	for i := range out {
		if size == 8 {
			out[i] = int(int64(binary.LittleEndian.Uint64(raw[8*i:])))
		} else {
			out[i] = int(int32(binary.LittleEndian.Uint32(raw[4*i:])))
		}
	}
	return out, nil
}
