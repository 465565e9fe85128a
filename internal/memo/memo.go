// Package memo keeps what was worked out for the next who asks, no more of it than fits a table.
package memo

import (
	"sync"
	"sync/atomic"
)

// most is how many values a table keeps: what comes from outside may have any number of keys.
const most = 4096

// Table is for many goroutines. The zero Table is empty.
type Table[K comparable, V any] struct {
	kept  sync.Map
	count atomic.Int32
}

// Load returns the value that is kept for a key, and whether there is one.
func (t *Table[K, V]) Load(key K) (value V, ok bool) {
	kept, ok := t.kept.Load(key)
	if ok {
		value, _ = kept.(V) // nothing else is stored
	}
	return value, ok
}

// Store keeps the value for a key while there is room.
func (t *Table[K, V]) Store(key K, value V) {
	if t.count.Add(1) <= most {
		t.kept.Store(key, value)
	}
}
