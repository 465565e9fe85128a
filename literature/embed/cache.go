package embed

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"

	"github.com/athanor-lab/athanor/lab"
)

// Cache keeps vectors by the model and the text that they are of, in a file that is
// only appended to: the SHA-256 of the text, how many numbers, the numbers. It may
// be thrown away at any time.
type Cache struct {
	client *Client
	path   string
	have   map[[sha256.Size]byte][]float32
}

// maxDim bounds a vector that is read back.
const maxDim = 1 << 16

// Open reads the cache of a client in dir, which is made when absent. What is torn
// or damaged at its end is forgotten.
func (c *Client) Open(dir string) (*Cache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, lab.Errorf(lab.Unavailable, "keep vectors: %w", err)
	}
	name := sha256.Sum256([]byte(string(c.kind()) + "\x00" + c.Base + "\x00" + c.Model))
	k := &Cache{client: c, path: filepath.Join(dir, hex.EncodeToString(name[:8])+".f32"), have: map[[sha256.Size]byte][]float32{}}
	f, err := os.Open(k.path)
	if errors.Is(err, os.ErrNotExist) {
		return k, nil
	}
	if err != nil {
		return nil, lab.Errorf(lab.Unavailable, "keep vectors: %w", err)
	}
	defer f.Close()
	whole := int64(0)
	for r := bufio.NewReader(f); ; {
		var head struct {
			Sum [sha256.Size]byte
			Dim uint32
		}
		if binary.Read(r, binary.LittleEndian, &head) != nil || head.Dim == 0 || head.Dim > maxDim {
			break
		}
		raw := make([]byte, 4*head.Dim)
		if _, err := io.ReadFull(r, raw); err != nil {
			break
		}
		v := make([]float32, head.Dim)
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		k.have[head.Sum] = v
		whole += int64(sha256.Size + 4 + len(raw))
	}
	if err := os.Truncate(k.path, whole); err != nil {
		return nil, lab.Errorf(lab.Unavailable, "keep vectors: %w", err)
	}
	return k, nil
}

// Embed is [Client.Embed] for texts that are not kept; new ones are kept, a few
// hundred at a time, so that little is asked twice after a kill.
func (k *Cache) Embed(ctx context.Context, texts []string) ([][]float32, error) {
	sums := make([][sha256.Size]byte, len(texts))
	var missing []string
	var at []int
	for i, t := range texts {
		sums[i] = sha256.Sum256([]byte(t))
		if _, ok := k.have[sums[i]]; !ok {
			missing, at = append(missing, t), append(at, i)
		}
	}
	for from := 0; from < len(missing); from += 256 {
		to := min(from+256, len(missing))
		got, err := k.client.Embed(ctx, missing[from:to])
		if err != nil {
			return nil, err
		}
		var buf []byte
		for i, v := range got {
			sum := sums[at[from+i]]
			k.have[sum] = v
			buf = append(buf, sum[:]...)
			buf = binary.LittleEndian.AppendUint32(buf, uint32(len(v)))
			for _, x := range v {
				buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(x))
			}
		}
		if err := k.append(buf); err != nil {
			return nil, err
		}
	}
	out := make([][]float32, len(texts))
	for i := range out {
		out[i] = k.have[sums[i]]
	}
	return out, nil
}

func (k *Cache) append(buf []byte) error {
	f, err := os.OpenFile(k.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return lab.Errorf(lab.Unavailable, "keep vectors: %w", err)
	}
	_, err = f.Write(buf)
	if err := errors.Join(err, f.Close()); err != nil {
		return lab.Errorf(lab.Unavailable, "keep vectors: %w", err)
	}
	return nil
}
