package main

type literatureCmd struct {
	Import   litImportCmd `cmd:"" help:"Read papers into a corpus, from files or from a source."`
	Rank     rankCmd      `cmd:"" help:"Rank the papers of a corpus, or of files, for a question."`
	Screen   screenCmd    `cmd:"" help:"Say yes or no to papers, the likeliest first, until enough is read."`
	Findings findingsCmd  `cmd:"" help:"Show quantities that were found, and correct them."`
	Report   reportCmd    `cmd:"" help:"Tell what a campaign read, what it claims and what it did, as Markdown or BibTeX."`
	Judge    judgeCmd     `cmd:"" help:"Say which papers bear on a campaign that waits for it."`
}
