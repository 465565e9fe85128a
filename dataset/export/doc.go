// Package export writes a snapshot in a format that others read.
//
// [Write] is a pure function of the snapshot: equal snapshots give equal bytes,
// on any number of processors. Every export is a folder with a manifest.json,
// which names the snapshot and the hash of every file, a README.md that is its
// card and by which Hugging Face's datasets loads it, and the files themselves:
//
//	parquet     tables/, and campaigns/ with a typed column to each parameter
//	jsonl, csv  tables/; jsonl also record.ndjson, the rows of the snapshot as they are
//	chat        ten templates as conversations, and as prompt and completion
//	preference  pairs, labelled proposals, steps with their success, rewards, calibration
//	croissant   tables/ as Parquet, and croissant.json
//	rocrate     tables/ as CSV, record.ndjson, and ro-crate-metadata.json
//	hf          the experiments as a file to a part, tables and conversations
//
// [snapshot.Verify] checks any of them.
package export
