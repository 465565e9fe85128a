package bench

// What the tests of the statistics need.
var (
	Wilcoxon   = wilcoxon
	Holm       = holm
	IntervalOf = interval
	PeakMB     = peakMB
)
