package sdk

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"

	"github.com/athanor-lab/athanor/devices"
)

// pageMax is how many bytes of commands are in a page of a recall, written as
// texts: a command that is longer than the rest of a page opens the next.
const pageMax = devices.MaxRecall / 2

// onRecall says which commands the device remembers, in the order in which they
// came, from after the one that is named on: a page, and whether there is more.
func (d *Device) onRecall(ctl devices.Ctl) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []*entry
	for _, e := range d.entries {
		if len(e.raw) > 0 { // one that was cancelled before it came has no bytes
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b *entry) int { return cmp.Compare(a.order, b.order) })
	all = all[slices.IndexFunc(all, func(e *entry) bool { return e.id == ctl.Target })+1:]
	page := devices.Recall{ID: ctl.ID, Boot: d.boot, Commands: []string{}}
	for size := 0; len(all) > 0; all = all[1:] {
		if size += len(plain(string(all[0].raw))); size > pageMax && len(page.Commands) > 0 {
			page.More = true
			break
		}
		page.Commands = append(page.Commands, string(all[0].raw))
	}
	d.out.push(letter{msg: devices.Message{Topic: devices.Topic(d.cfg.Lab, d.cfg.ID, devices.LeafRecall), Payload: plain(page), QoS: 1}})
}

// plain writes what holds texts and numbers only as JSON, at most twice as long as
// a text that is JSON itself.
func plain(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // six bytes to a character
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return b.Bytes()
}
