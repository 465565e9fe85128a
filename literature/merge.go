package literature

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// Reading returns what findings are extracted from and what their spans count
// in: the abstract, then the full text.
func (p Paper) Reading() string {
	switch {
	case p.Text == "":
		return p.Abstract
	case p.Abstract == "":
		return p.Text
	}
	return p.Abstract + "\n" + p.Text
}

// TextHash is the SHA-256 of [Paper.Reading], hexadecimal: findings of another
// text have spans that mean nothing here.
func (p Paper) TextHash() string {
	sum := sha256.Sum256([]byte(p.Reading()))
	return hex.EncodeToString(sum[:])
}

// Merged returns what is known of a paper once next, a later record with the same
// id, is read: the later one, save that nothing that was known is lost to silence
// and a mark of retraction stays.
func (p Paper) Merged(next Paper) Paper {
	keep := func(to *string, old string) {
		if *to == "" {
			*to = old
		}
	}
	if next.Source.Format == "pdf" && p.Source.Format != "pdf" { // a PDF's own title is often that of a file
		next.Title = p.Title
	}
	keep(&next.Abstract, p.Abstract)
	keep(&next.Text, p.Text)
	keep(&next.DOI, p.DOI)
	keep(&next.PMID, p.PMID)
	keep(&next.ArXiv, p.ArXiv)
	keep(&next.Journal, p.Journal)
	keep(&next.URL, p.URL)
	if next.Year == 0 {
		next.Year = p.Year
	}
	if len(next.Authors) == 0 {
		next.Authors = p.Authors
	}
	if len(next.Keywords) == 0 {
		next.Keywords = p.Keywords
	}
	next.Retracted = next.Retracted || p.Retracted
	next.Source = p.Source // where it was read first
	return next
}

// Same reports whether two records say the same, wherever they were read.
func (p Paper) Same(q Paper) bool {
	return p.ID == q.ID && p.DOI == q.DOI && p.PMID == q.PMID && p.ArXiv == q.ArXiv && p.Title == q.Title && p.Abstract == q.Abstract && p.Text == q.Text &&
		p.Year == q.Year && p.Journal == q.Journal && p.URL == q.URL && p.Retracted == q.Retracted && slices.Equal(p.Authors, q.Authors) && slices.Equal(p.Keywords, q.Keywords)
}
