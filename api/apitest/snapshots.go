package apitest

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/athanor-lab/athanor/api"
	"github.com/athanor-lab/athanor/lab"
)

type snapshotsPort struct{ *Lab }

// Begin makes the snapshot at once, of the experiments that there are.
func (p snapshotsPort) Begin(_ context.Context, r api.SnapshotRequest) (api.SnapshotWork, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken != nil {
		return api.SnapshotWork{}, p.broken
	}
	rows := 0
	for _, c := range p.campaigns {
		rows += c.progress.Done
	}
	id := fmt.Sprintf("%08x%056x", 0xa7000000+rows, 0)
	i := slices.IndexFunc(p.snapshots, func(s api.SnapshotInfo) bool { return s.ID == id })
	if i < 0 {
		i = len(p.snapshots)
		p.snapshots = append(p.snapshots, api.SnapshotInfo{ID: id, Rows: rows, Bytes: int64(rows) * 812, License: "CC-BY-4.0", Exports: []string{}})
	}
	for _, f := range r.Exports {
		if !slices.Contains(p.snapshots[i].Exports, f) {
			p.snapshots[i].Exports = append(p.snapshots[i].Exports, f)
		}
	}
	return p.work(p.snapshots[i]), nil
}

func (p snapshotsPort) work(s api.SnapshotInfo) api.SnapshotWork {
	return api.SnapshotWork{ID: "work-" + s.ID[:8], State: "done", Parts: 1, Read: 1, Rows: s.Rows, Snapshot: s.ID, Exported: slices.Clone(s.Exports)}
}

func (p snapshotsPort) Work(_ context.Context, id string) (api.SnapshotWork, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.snapshots {
		if w := p.work(s); w.ID == id {
			return w, nil
		}
	}
	return api.SnapshotWork{}, lab.Errorf(lab.NotFound, "no snapshot is being made as %q", id)
}

func (p snapshotsPort) List(context.Context) ([]api.SnapshotInfo, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.snapshots), p.broken
}

func (p snapshotsPort) Folder(_ context.Context, id, format string) (fs.FS, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.snapshots, func(s api.SnapshotInfo) bool { return s.ID == id })
	if i < 0 || format != "" && !slices.Contains(p.snapshots[i].Exports, format) {
		return nil, lab.Errorf(lab.NotFound, "there is no snapshot %s, or it was not exported as %q", id, format)
	}
	file, data := "data/experiments.jsonl", strings.Repeat("{\"number\":1}\n", p.snapshots[i].Rows)
	manifest := fmt.Sprintf(`{"athanor":"test","rows":"experiment/1","license":"CC-BY-4.0","of":%q,"format":%q,"sources":[],"splits":[],"files":[{"path":%q,"sha256":%q,"bytes":%d,"rows":%d}]}`,
		id, format, file, strings.Repeat("f0", 32), len(data), p.snapshots[i].Rows)
	return fstest.MapFS{"manifest.json": {Data: []byte(manifest)}, file: {Data: []byte(data)}, "README.md": {Data: []byte("# A snapshot\n")}}, nil
}
