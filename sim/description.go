package sim

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/athanor-lab/athanor/lab"
)

// Version is the first line of every description of this form.
const Version = "laboratory/1"

// Description is a simulated laboratory as its author writes it. Absent fields
// have the defaults that [Load] fills in.
type Description struct {
	Athanor string `yaml:"athanor"`
	Title   string `yaml:"title,omitempty"`
	// Lab is the laboratory's name on the wire; default "lab".
	Lab string `yaml:"lab,omitempty"`
	// Seed is the source of all noise and all faults.
	Seed uint64 `yaml:"seed,omitempty"`
	// Speed is how many of the world's seconds pass in a second; default 1.
	Speed float64 `yaml:"speed,omitempty"`
	// TrustClock says that this machine's clock is the laboratory's, so that
	// devices need no beat to know the time.
	TrustClock bool `yaml:"trust_clock,omitempty"`
	// HeartbeatS is how often devices say how they are, in seconds of the
	// wall; default 5.
	HeartbeatS float64  `yaml:"heartbeat_s,omitempty"`
	Devices    []Device `yaml:"devices"`
	// Travel overrides ways of the robots; others follow from the positions.
	Travel []Way `yaml:"travel,omitempty"`
	// Script has faults that are certain for a time.
	Script []Scripted `yaml:"script,omitempty"`
}

// Device describes devices of a kind.
type Device struct {
	// ID is the device's name on the wire; of several, its beginning: they are
	// numbered from 1. Default: the kind, numbered.
	ID    string `yaml:"id,omitempty"`
	Kind  string `yaml:"kind"`
	Title string `yaml:"title,omitempty"`
	Count int    `yaml:"count,omitempty"` // default 1
	// At is the position in metres. Several stand in a row along the first
	// axis, a metre apart.
	At   [2]float64 `yaml:"at,omitempty"`
	Cell string     `yaml:"cell,omitempty"` // default "main"
	// Capacity is how many samples have room; 0 is no limit.
	Capacity int    `yaml:"capacity,omitempty"`
	Faults   Faults `yaml:"faults,omitempty"`
	// Slots are the names of its places for samples, which then change hands by
	// handovers of two sides. Without, samples are moved by transfers.
	Slots []string `yaml:"slots,omitempty"`

	// The rest is of one kind or another; times are in seconds of the world.
	Substances  []string `yaml:"substances,omitempty"`   // liquid-handler: its stocks
	StockMolar  float64  `yaml:"stock_mol_l,omitempty"`  // liquid-handler: default 1
	VolumeCV    *float64 `yaml:"volume_cv,omitempty"`    // liquid-handler: default 0.01
	AliquotS    float64  `yaml:"aliquot_s,omitempty"`    // liquid-handler: default 20
	HandS       float64  `yaml:"hand_s,omitempty"`       // mobile-robot: to pick or place, default 15
	SpeedMS     float64  `yaml:"speed_m_s,omitempty"`    // mobile-robot: default 0.5
	AmbientC    *float64 `yaml:"ambient_cel,omitempty"`  // heater: default 25
	TauS        float64  `yaml:"tau_s,omitempty"`        // heater: time constant of a vial, default 60
	Counts      float64  `yaml:"counts,omitempty"`       // hplc: of the standard's peak, default 200000
	InjectionCV *float64 `yaml:"injection_cv,omitempty"` // hplc: default 0.01
	DurationS   float64  `yaml:"duration_s,omitempty"`   // hplc: default 600; surface: default 60
	Truth       string   `yaml:"truth,omitempty"`        // surface: which
	Sigma       float64  `yaml:"sigma,omitempty"`        // surface: noise of a response, default 0

	FloorUL     float64  `yaml:"floor_ul,omitempty"`      // liquid-handler: deviation of the smallest volume, default 0
	OffsetUL    float64  `yaml:"offset_ul,omitempty"`     // liquid-handler: every volume is so much too large, default 0
	WearCV      float64  `yaml:"wear_cv,omitempty"`       // liquid-handler: what each dispense adds to volume_cv, default 0
	BatteryWh   float64  `yaml:"battery_wh,omitempty"`    // mobile-robot: 0 is none
	DriveW      float64  `yaml:"drive_w,omitempty"`       // mobile-robot: default 300
	ChargeW     float64  `yaml:"charge_w,omitempty"`      // mobile-robot: default 600
	DoseS       float64  `yaml:"dose_s,omitempty"`        // powder-doser: default 60
	FloorMG     float64  `yaml:"floor_mg,omitempty"`      // powder-doser: deviation of the smallest dose, default 0.3
	MassCV      *float64 `yaml:"mass_cv,omitempty"`       // powder-doser: default 0.003
	NoiseMG     float64  `yaml:"noise_mg,omitempty"`      // balance: default 0.1
	DriftPerDay float64  `yaml:"drift_per_day,omitempty"` // balance: relative; ph-meter: in pH; default 0
	WeighS      float64  `yaml:"weigh_s,omitempty"`       // balance: default 15
	PowerW      float64  `yaml:"power_w,omitempty"`       // furnace: default 3000
	CapacityJK  float64  `yaml:"capacity_j_k,omitempty"`  // furnace: default 2000
	WallWK      float64  `yaml:"wall_w_k,omitempty"`      // furnace: heat lost through the wall, default 0.6
	RadiantM2   float64  `yaml:"radiant_m2,omitempty"`    // furnace: emissivity times area, default 0.004
	OffsetK     float64  `yaml:"offset_k,omitempty"`      // furnace: the thermocouple shows so much too much, default 0
	SetupS      float64  `yaml:"setup_s,omitempty"`       // diffractometer: default 120
	HeightMM    *float64 `yaml:"height_mm,omitempty"`     // diffractometer: deviation of a sample's height, default 0.01
	PathCM      float64  `yaml:"path_cm,omitempty"`       // uv-vis: default 1
	Stray       *float64 `yaml:"stray,omitempty"`         // uv-vis: share of stray light, default 0.0005
	NoisePH     *float64 `yaml:"noise_ph,omitempty"`      // ph-meter: default 0.01
	FlowCV      *float64 `yaml:"flow_cv,omitempty"`       // syringe-pump: default 0.01
}

// Faults are rates from 0 to 1 at which things go wrong.
type Faults struct {
	Grasp float64 `yaml:"grasp,omitempty"` // mobile-robot: a grasp closes on nothing
	Drop  float64 `yaml:"drop,omitempty"`  // mobile-robot: a carried sample falls and is lost
	Slow  float64 `yaml:"slow,omitempty"`  // any: a command takes five times as long

	Clog      float64 `yaml:"clog,omitempty"`      // liquid-handler, powder-doser, syringe-pump: a dose ends halfway
	Stuck     float64 `yaml:"stuck,omitempty"`     // sensors: says what it said before
	Stale     float64 `yaml:"stale,omitempty"`     // sensors: calibration too old, 8 % off
	Lying     float64 `yaml:"lying,omitempty"`     // any: says done, and nothing has happened
	PowerCut  float64 `yaml:"power_cut,omitempty"` // any: loses power at a point of its algorithm
	Flap      float64 `yaml:"flap,omitempty"`      // any: the link is gone for two seconds when a command comes
	Duplicate float64 `yaml:"duplicate,omitempty"` // any: a command comes twice
}

// Scripted is a fault that is certain for a time of the world.
type Scripted struct {
	Device string  `yaml:"device"`
	Fault  string  `yaml:"fault"`
	AtS    float64 `yaml:"at_s"`            // age of the world
	ForS   float64 `yaml:"for_s,omitempty"` // default 60
}

// Way says how long robots take from one device to another, both ways.
type Way struct {
	From  string  `yaml:"from"`
	To    string  `yaml:"to"`
	TimeS float64 `yaml:"time_s"`
}

//go:embed demo.yaml
var demo []byte

// Default returns the demonstration's laboratory: a liquid handler, a mobile
// robot, two heaters and a chromatograph.
func Default() Description {
	d, err := Parse(demo)
	if err != nil {
		panic("sim: the embedded laboratory is not valid: " + err.Error())
	}
	return d
}

// Load reads the description at path; the default one for an empty path.
func Load(path string) (Description, error) {
	if path == "" {
		return Default(), nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return Description{}, lab.Errorf(lab.Invalid, "load laboratory: %w", err)
	}
	d, err := Parse(b)
	if err != nil {
		return Description{}, lab.Errorf(lab.Invalid, "load laboratory %s: %w", path, err)
	}
	return d, nil
}

// Parse reads a description in YAML or JSON, checks it whole and fills in
// defaults. Its Invalid error names every problem with its path.
func Parse(src []byte) (Description, error) {
	d, err := decode(src)
	if err != nil {
		return Description{}, lab.Errorf(lab.Invalid, "read laboratory: %s", strings.TrimSpace(yaml.FormatError(err, false, true)))
	}
	d.defaults()
	if problems := d.Check(); len(problems) > 0 {
		var all []error
		for _, p := range problems {
			all = append(all, errors.New(p.String()))
		}
		return Description{}, lab.Errorf(lab.Invalid, "%w", errors.Join(all...))
	}
	return d, nil
}

// decode reads YAML. The library panics on some sources that are not YAML, such as
// a tag where a list should be; that is their error and not ours.
func decode(src []byte) (d Description, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("this is no YAML that a laboratory can be written in; compare it with the shipped examples")
		}
	}()
	err = yaml.NewDecoder(bytes.NewReader(src), yaml.Strict()).Decode(&d)
	return d, err
}

func (d *Description) defaults() {
	set(&d.Lab, "lab")
	set(&d.Speed, 1)
	set(&d.HeartbeatS, 5)
	for i := range d.Script {
		set(&d.Script[i].ForS, 60)
	}
	for i := range d.Devices {
		v := &d.Devices[i]
		set(&v.Count, 1)
		set(&v.Cell, "main")
		if k, ok := kinds[v.Kind]; ok && k.defaults != nil {
			k.defaults(v)
		}
	}
}

// set gives a field that is zero its default.
func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// setPointer gives a field that may be zero its default when it is absent.
func setPointer(field **float64, value float64) {
	if *field == nil {
		*field = &value
	}
}

// IDs returns the names of the devices that v describes.
func (v Device) IDs() []string {
	if v.ID != "" && v.Count == 1 {
		return []string{v.ID}
	}
	begin := v.ID
	set(&begin, v.Kind)
	if v.ID == "" && v.Kind == surfaceKind {
		begin = surfaceKind + "-" + v.Truth
	}
	ids := make([]string, v.Count)
	for i := range ids {
		ids[i] = fmt.Sprintf("%s-%d", begin, i+1)
	}
	return ids
}
