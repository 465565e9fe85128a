package bench

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Quantiles are of milliseconds.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	Max float64 `json:"max"`
}

// costs are what plans took, one number to a plan.
type costs struct {
	wallMS, cpuMS, allocMB []float64
}

// of measures one plan. The processor's time is the whole process's: nothing
// else may run in it.
func (c *costs) of(plan func() error) error {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, begin := cpuTime(), time.Now()
	err := plan()
	c.wallMS = append(c.wallMS, float64(time.Since(begin).Nanoseconds())/1e6)
	c.cpuMS = append(c.cpuMS, float64((cpuTime()-cpu).Nanoseconds())/1e6)
	runtime.ReadMemStats(&after)
	c.allocMB = append(c.allocMB, float64(after.TotalAlloc-before.TotalAlloc)/(1<<20))
	return err
}

func (c *costs) add(o costs) {
	c.wallMS = append(c.wallMS, o.wallMS...)
	c.cpuMS = append(c.cpuMS, o.cpuMS...)
	c.allocMB = append(c.allocMB, o.allocMB...)
}

func quantiles(ms []float64) Quantiles {
	if len(ms) == 0 {
		return Quantiles{}
	}
	s := slices.Clone(ms)
	slices.Sort(s)
	at := func(p float64) float64 { return s[min(len(s)-1, int(p*float64(len(s))))] }
	return Quantiles{P50: at(0.5), P95: at(0.95), Max: s[len(s)-1]}
}

func mean(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	return total(v) / float64(len(v))
}

// peakMB returns the most memory that the process has had, in megabytes, or 0
// where the system does not say.
func peakMB() float64 {
	body, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(body)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err == nil {
				return kb / 1024
			}
		}
	}
	return 0
}
