// Package screen saves reading: it learns from a reader's yes and no which
// records to show next, and says when enough has been read.
//
// A [Screener] is a linear support vector machine over words and pairs of words,
// with the weights of ASReview's ELAS u4, trained again after every few labels
// from where it was. Before there is a label it follows a ranking that its caller
// has, such as that of a query, and without one it begins with the records that
// stand for the most others.
//
// An [Audit] is the stop rule. Records drawn at random from those not yet shown
// bound how many relevant ones are left; the bound holds at any time the reader
// chooses to look at it.
package screen
