package instrument

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/athanor-lab/athanor/devices/sdk"
	"github.com/athanor-lab/athanor/sim/truth"
	"github.com/athanor-lab/athanor/sim/world"
	"github.com/athanor-lab/athanor/sim/xrd"
)

// Diffractometer is an X-ray powder diffractometer: one command, scan, which
// counts a pattern of what is in a crucible and says which share of its mass
// each phase has, see [xrd.Instrument.Quantify].
type Diffractometer struct {
	Bench        *Bench
	Counts       float64 // a step that is 1 s long has at the strongest line of a pure phase, about
	SetupS       float64 // time beside the counting, in seconds of the world
	Displacement float64 // σ of the height of a sample, in mm
}

// DiffractometerKind is the kind of a [Diffractometer], and its capability.
const DiffractometerKind = "diffractometer"

type scan struct {
	From  float64 `json:"from" unit:"deg" min:"5" max:"150" default:"15"`
	To    float64 `json:"to" unit:"deg" min:"6" max:"160" default:"75"`
	Step  float64 `json:"step" unit:"deg" min:"0.005" max:"0.2" default:"0.02"`
	TimeS float64 `json:"time" unit:"s" min:"0.01" max:"100" default:"0.2"`
}

// patternBlob is the name of the raw data: what was counted at each angle.
const patternBlob = "pattern.csv"

func (p scan) instrument() xrd.Instrument {
	in := xrd.Standard
	in.From, in.To, in.Step = p.From, p.To, p.Step
	return in
}

// Scanned is the result of a scan: shares of the mass of what diffracts.
type Scanned struct {
	LiCoO2   float64 `json:"licoo2" unit:"1"`
	Co3O4    float64 `json:"co3o4" unit:"1"`
	Li2CO3   float64 `json:"li2co3" unit:"1"`
	Residual float64 `json:"residual" unit:"1"` // Rwp of the fit
	Peak     float64 `json:"peak" unit:"1"`     // counts of the highest step
}

// cobaltates are the phases that the diffractometer looks for.
var cobaltates = []string{"LiCoO2", "Co3O4", "Li2CO3"}

// leastSpacing is of the lines that are looked for, in Å: below the last step of
// the longest scan.
const leastSpacing = 0.9

// Device returns the diffractometer as a device.
func (d Diffractometer) Device(cfg sdk.Config) *sdk.Device {
	dev := sdk.New(cfg)
	sdk.Handle(dev, "scan", func(c *sdk.Ctx, p scan) (Scanned, error) { return d.scan(c, cfg.ID, p) },
		sdk.Probe(d.look), sdk.Blobs(patternBlob), sdk.Orphan("finish", time.Hour), sdk.Typical(d.Bench.wall(d.SetupS+600).Round(time.Millisecond)))
	return dev
}

func (d Diffractometer) scan(c *sdk.Ctx, device string, p scan) (Scanned, error) {
	in := p.instrument()
	if err := in.Check(); err != nil {
		return Scanned{}, harmless(err)
	}
	id, powder, err := d.Bench.powderOf(c, device)
	if err != nil {
		return Scanned{}, err
	}
	r, err := d.Bench.rand(c, DiffractometerKind, id, p)
	if err != nil {
		return Scanned{}, err
	}
	if err := d.Bench.work(c, d.SetupS+p.TimeS*float64(in.Points()), d.Bench.FaultsOf[device], r); err != nil {
		return Scanned{}, err
	}
	result, counts, err := d.measure(in, p.TimeS, powder, r)
	if err != nil {
		return Scanned{}, harmless(err)
	}
	if err := c.Attach(patternBlob, "text/csv", csv(in, counts)); err != nil {
		return Scanned{}, harmless(err)
	}
	result.LiCoO2 = d.Bench.reading(c, device, result.LiCoO2)
	return result, d.Bench.record(c, device, world.Effect{Effect: world.Measured, Final: true, Sample: id}, result)
}

// look finds what was measured before a crash, and its pattern: the same draws
// give the same counts.
func (d Diffractometer) look(c *sdk.Ctx) (sdk.Found, any, error) {
	e, ok := d.Bench.final(c)
	if !ok {
		return sdk.Undone, nil, nil
	}
	var p scan
	if err := json.Unmarshal(c.Params(), &p); err != nil {
		return sdk.Unknown, nil, err
	}
	in := p.instrument()
	s, _ := d.Bench.World.Sample(e.Sample)
	powder, err := Powder(truth.Cobaltate, s.History)
	if err != nil {
		return sdk.Unknown, nil, err
	}
	r, err := d.Bench.rand(c, DiffractometerKind, e.Sample, p)
	if err != nil {
		return sdk.Unknown, nil, err
	}
	r.Float64() // whether it was slow
	if _, counts, err := d.measure(in, p.TimeS, powder, r); err == nil {
		err = c.Attach(patternBlob, "text/csv", csv(in, counts))
		if err != nil {
			return sdk.Unknown, nil, err
		}
	}
	return sdk.Done, e.Data, nil
}

// measure counts a pattern and fits it. The fit knows the instrument, and not
// how high the sample lies.
func (d Diffractometer) measure(in xrd.Instrument, timeS float64, p truth.Powder, r *rand.Rand) (Scanned, []float64, error) {
	phases := make([]xrd.Phase, len(cobaltates))
	total := p.Mass()
	for i, grams := range []float64{p.LiCoO2, p.Co3O4, p.Li2CO3} {
		lines, err := xrd.Library[cobaltates[i]].Lines(leastSpacing)
		if err != nil {
			return Scanned{}, nil, err
		}
		phases[i].Lines = lines
		if total > 0 { // the beam sees the same volume of a full holder
			phases[i].Grams = grams / total
		}
	}
	y := make([]float64, in.Points())
	lies := in
	lies.DisplacementMM = d.Displacement * r.NormFloat64()
	lies.Expected(y, phases, d.scale(in, phases)*timeS)
	lies.AddBackground(y, timeS)
	lies.Count(y, r)
	shares, residual, err := in.Quantify(y, phases)
	if err != nil {
		return Scanned{}, nil, err
	}
	top := 0.0
	for _, counts := range y {
		top = max(top, counts)
	}
	round := func(x float64) float64 { return math.Round(x*1e5) / 1e5 }
	return Scanned{round(shares[0]), round(shares[1]), round(shares[2]), round(residual), top}, y, nil
}

// scale returns the scale at which the strongest line of the pure product has
// Counts.
func (d Diffractometer) scale(in xrd.Instrument, phases []xrd.Phase) float64 {
	pure := phases[0]
	pure.Grams = 1
	y, top := make([]float64, in.Points()), 0.0
	in.Expected(y, []xrd.Phase{pure}, 1)
	for _, v := range y {
		top = max(top, v)
	}
	if top == 0 {
		return 0 // the scan sees no line
	}
	return d.Counts / top
}

// csv writes a pattern as two columns.
func csv(in xrd.Instrument, counts []float64) []byte {
	var b bytes.Buffer
	b.WriteString("two_theta_deg,counts\n")
	for i, y := range counts {
		fmt.Fprintf(&b, "%.4f,%.0f\n", in.From+float64(i)*in.Step, y)
	}
	return b.Bytes()
}
