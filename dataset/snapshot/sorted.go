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
		for _, p := range places {
			item, err := itemAt(f, p.key, p.at)
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

func itemAt(f io.ReaderAt, key string, at int64) (Item, error) {
	var head [8]byte
	if _, err := f.ReadAt(head[:], at); err != nil {
		return Item{}, err
	}
	n := int(binary.LittleEndian.Uint32(head[:]))
	b := make([]byte, n+int(binary.LittleEndian.Uint32(head[4:])))
	if _, err := f.ReadAt(b, at+int64(len(head))); err != nil {
		return Item{}, err
	}
	i := Item{Key: key, Line: b[n:]}
	return i, json.Unmarshal(b[:n], &i.Index)
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
