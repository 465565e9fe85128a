package snapshot

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/internal/jsonline"
)

// Sorted gives items by rising key that each gives in any order. They wait in a
// file without a name; of each its key and where it is are in memory.
func Sorted(each func(yield func(Item) error) error) func(yield func(Item) error) error {
	return func(yield func(Item) error) (err error) {
		f, err := unnamed()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		type place struct {
			key string
			at  int64
		}
		var places []place
		var at int64
		w := bufio.NewWriterSize(f, 256<<10)
		err = each(func(i Item) error {
			index, err := json.Marshal(i.Index)
			if err != nil {
				return err
			}
			places = append(places, place{i.Key, at})
			head := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, uint32(len(index))), uint32(len(i.Line)))
			for _, b := range [][]byte{head, index, i.Line} {
				at += int64(len(b))
				if _, err := w.Write(b); err != nil {
					return fmt.Errorf("keep row %s: %w", i.Key, err)
				}
			}
			return nil
		})
		if err := errors.Join(err, w.Flush()); err != nil {
			return err
		}
		slices.SortStableFunc(places, func(a, b place) int { return strings.Compare(a.key, b.key) })
		r := bufio.NewReaderSize(f, readOn)
		var next int64
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		for _, p := range places {
			if p.at != next {
				if _, err := f.Seek(p.at, io.SeekStart); err != nil {
					return err
				}
				r.Reset(f)
			}
			item, size, err := readItem(r, p.key)
			next = p.at + size
			if err != nil {
				return fmt.Errorf("read row %s again: %w", p.key, err)
			}
			if err := yield(item); err != nil {
				return err
			}
		}
		return nil
	}
}

// readOn is how much of the file is read at a time: items that came in order or nearly so are read in order.
const readOn = 32 << 10

func readItem(r io.Reader, key string) (_ Item, size int64, _ error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return Item{}, 0, err
	}
	n := int(binary.LittleEndian.Uint32(head[:]))
	b := make([]byte, n+int(binary.LittleEndian.Uint32(head[4:])))
	if _, err := io.ReadFull(r, b); err != nil {
		return Item{}, 0, err
	}
	i := Item{Key: key, Line: b[n:]}
	return i, int64(len(head) + len(b)), jsonline.Unmarshal(b[:n], &i.Index)
}

// unnamed opens a file that has no name, so that it is gone with the process.
func unnamed() (*os.File, error) {
	f, err := os.CreateTemp("", "athanor-snapshot-")
	if err != nil {
		return nil, fmt.Errorf("keep rows aside: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("keep rows aside: %w", err), f.Close())
	}
	return f, nil
}
