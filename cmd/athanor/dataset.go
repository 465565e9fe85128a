package main

type datasetCmd struct {
	Import     importCmd     `cmd:"" help:"Import a file of any format with a ledger that accounts for every cell."`
	Quarantine quarantineCmd `cmd:"" help:"Show what an import holds back, or import what was corrected of it."`
	Snapshot   snapshotCmd   `cmd:"" help:"Make an immutable snapshot of the record, of exported campaigns or of an import."`
	Export     dsExportCmd   `cmd:"" help:"Write a snapshot in a format that others read."`
	Verify     verifyCmd     `cmd:"" help:"Check a snapshot, an export or an import, byte by byte."`
	Diff       diffCmd       `cmd:"" help:"Tell what two snapshots differ in."`
	Push       pushCmd       `cmd:"" help:"Copy a snapshot or an export to a directory or a bucket; a broken copy goes on."`
	Why        whyCmd        `cmd:"" help:"Walk from an experiment back to its decision, its commands and raw bytes, or from an imported row to the cells of its file."`
	Correct    correctCmd    `cmd:"" help:"Record what was found wrong with an experiment; what was written stays."`
	Terms      termsCmd      `cmd:"" help:"Record under which licence and access a campaign's data may leave."`
}
