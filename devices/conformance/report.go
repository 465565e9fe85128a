package conformance

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

// Outcome is how a check ended.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Skipped Outcome = "skipped" // it could not be made; the message says why
)

// Result is what came of a check.
type Result struct {
	Check   string  `json:"check"` // as in "repeat.burst"
	Title   string  `json:"title"`
	Outcome Outcome `json:"outcome"`
	Message string  `json:"message,omitempty"` // what was wrong, or why it was skipped
	TookMS  float64 `json:"took_ms"`
}

// Report is what came of all checks, in their order.
type Report struct {
	Lab     string    `json:"lab"`
	Device  string    `json:"device"`
	Kind    string    `json:"kind,omitempty"`
	SDK     string    `json:"sdk,omitempty"`
	Profile string    `json:"profile,omitempty"`
	Seed    uint64    `json:"seed"`
	Started time.Time `json:"started"`
	TookMS  float64   `json:"took_ms"`
	Passed  int       `json:"passed"`
	Failed  int       `json:"failed"`
	Skipped int       `json:"skipped"`
	Results []Result  `json:"results"`
}

// OK reports whether the device conforms, as far as it was checked: nothing
// failed, and something passed.
func (r Report) OK() bool { return r.Failed == 0 && r.Passed > 0 }

// ExitCode is the status that a program which ran the kit should end with: 0 when
// the device conforms, 1 when it does not.
func (r Report) ExitCode() int {
	if r.OK() {
		return 0
	}
	return 1
}

func (r *Report) add(x Result) {
	switch x.Outcome {
	case Passed:
		r.Passed++
	case Failed:
		r.Failed++
	case Skipped:
		r.Skipped++
	}
	r.Results = append(r.Results, x)
}

// WriteText writes a line for each check and a summary, for people.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	for _, x := range r.Results {
		fmt.Fprintf(&b, "%-8s %-26s %s\n", x.Outcome, x.Check, x.Title)
		if x.Message != "" {
			fmt.Fprintf(&b, "         %s\n", strings.ReplaceAll(x.Message, "\n", "\n         "))
		}
	}
	fmt.Fprintf(&b, "%s: %d passed, %d failed, %d skipped\n", r.Device, r.Passed, r.Failed, r.Skipped)
	_, err := io.WriteString(w, b.String())
	return err
}

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Time     string      `xml:"time,attr"`
	Stamp    string      `xml:"timestamp,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Time    string     `xml:"time,attr"`
	Failure *junitNote `xml:"failure,omitempty"`
	Skipped *junitNote `xml:"skipped,omitempty"`
}

type junitNote struct {
	Message string `xml:"message,attr"`
}

// WriteJUnit writes the report as JUnit's XML, a case for each check.
func (r Report) WriteJUnit(w io.Writer) error {
	s := junitSuite{
		Name: "ldp/1 " + r.Device, Tests: len(r.Results), Failures: r.Failed, Skipped: r.Skipped,
		Time: seconds(r.TookMS), Stamp: r.Started.UTC().Format(time.RFC3339),
	}
	for _, x := range r.Results {
		c := junitCase{Class: "ldp/1." + group(x.Check), Name: x.Check + ": " + x.Title, Time: seconds(x.TookMS)}
		switch x.Outcome {
		case Failed:
			c.Failure = &junitNote{x.Message}
		case Skipped:
			c.Skipped = &junitNote{x.Message}
		case Passed:
		}
		s.Cases = append(s.Cases, c)
	}
	b, err := xml.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write JUnit report of %s: %w", r.Device, err)
	}
	_, err = fmt.Fprintf(w, "%s%s\n", xml.Header, b)
	return err
}

func seconds(ms float64) string { return fmt.Sprintf("%.3f", ms/1000) }

func group(check string) string {
	g, _, _ := strings.Cut(check, ".")
	return g
}
