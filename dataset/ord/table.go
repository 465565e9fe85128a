package ord

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/athanor-lab/athanor/dataset/jsontable"
	"github.com/athanor-lab/athanor/dataset/tabular"
	"github.com/athanor-lab/athanor/lab"
)

// units are the schema's in UCUM.
var units = map[string]string{
	"DAY": "d", "HOUR": "h", "MINUTE": "min", "SECOND": "s",
	"KILOGRAM": "kg", "GRAM": "g", "MILLIGRAM": "mg", "MICROGRAM": "ug",
	"MOLE": "mol", "MILLIMOLE": "mmol", "MICROMOLE": "umol", "NANOMOLE": "nmol",
	"LITER": "L", "MILLILITER": "mL", "MICROLITER": "uL", "NANOLITER": "nL",
	"MOLAR": "mol/L", "MILLIMOLAR": "mmol/L", "MICROMOLAR": "umol/L",
	"BAR": "bar", "ATMOSPHERE": "atm", "PSI": "[psi]", "KPSI": "k[psi]", "PASCAL": "Pa", "KILOPASCAL": "kPa", "TORR": "mm[Hg]", "MM_HG": "mm[Hg]",
	"CELSIUS": "Cel", "FAHRENHEIT": "[degF]", "KELVIN": "K",
	"AMPERE": "A", "MILLIAMPERE": "mA", "VOLT": "V", "MILLIVOLT": "mV",
	"CENTIMETER": "cm", "MILLIMETER": "mm", "METER": "m", "INCH": "[in_i]", "FOOT": "[ft_i]",
	"NANOMETER": "nm", "WAVENUMBER": "/cm",
	"MICROLITER_PER_MINUTE": "uL/min", "MICROLITER_PER_SECOND": "uL/s", "MILLILITER_PER_MINUTE": "mL/min", "MILLILITER_PER_SECOND": "mL/s", "MICROLITER_PER_HOUR": "uL/h",
}

// Whole is the column with the whole reaction as JSON.
const Whole = "reaction"

// Open opens a file as a table with a row to a reaction.
func Open(path string, o tabular.Options) (*tabular.Source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, lab.Errorf(lab.NotFound, "open %s: %w", path, err)
	}
	defer f.Close()
	d, err := Read(f)
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "read %s: %w", path, err)
	}
	reactions := d.Reactions()
	if len(reactions) == 0 {
		return nil, lab.Errorf(lab.Invalid, "%s has no reactions; a dataset of ids alone is read from the datasets that have them", path)
	}
	rows := make([]tabular.Fields, len(reactions))
	for i, r := range reactions {
		if rows[i], err = fieldsOf(r); err != nil {
			return nil, err
		}
	}
	t, err := tabular.NewTable("reactions", "ord", nil, o, func(yield func(tabular.Fields) error) error {
		for _, f := range rows {
			if err := yield(f); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	t.Known = map[string]tabular.Known{}
	for _, n := range t.Layout.Names {
		switch end := n[strings.LastIndexByte(n, '.')+1:]; {
		case end == "precision" || end == "input" || end == "unit" || n == Whole || strings.HasPrefix(n, "provenance.") || strings.HasPrefix(n, "identifier."):
			t.Known[n] = tabular.About
		case end == "value" && strings.HasPrefix(n, "outcome_") && !strings.Contains(n, "reaction_time"):
			t.Known[n] = tabular.Seen
		case end == "value" && (strings.HasPrefix(n, "conditions.") || !strings.HasPrefix(n, "outcome_")):
			t.Known[n] = tabular.Chosen
		case strings.HasPrefix(n, "outcome_"):
			t.Known[n] = tabular.About
		}
	}
	return tabular.NewSource([]*tabular.Table{t}, o, nil)
}

// row collects the cells of a reaction.
type row struct{ fields tabular.Fields }

func (r *row) put(name, text string) {
	if text != "" {
		r.fields.Cells = append(r.fields.Cells, tabular.Field{Name: name, Cell: tabular.Cell{Text: text, Offset: -1}})
	}
}

func fieldsOf(reaction protoreflect.Message) (tabular.Fields, error) {
	r := &row{fields: tabular.Fields{Offset: -1}}
	r.put("reaction_id", text(reaction, "reaction_id"))
	seen := map[string]int{}
	for _, id := range list(reaction, "identifiers") {
		name := "identifier." + strings.ToLower(text(id, "type"))
		r.put(numbered(name, seen), text(id, "value"))
	}
	r.inputs(reaction)
	r.message("conditions", sub(reaction, "conditions"))
	r.message("provenance", sub(reaction, "provenance"))
	for i, outcome := range list(reaction, "outcomes") {
		r.outcome("outcome_"+strconv.Itoa(i+1), outcome)
	}
	raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(reaction.Interface())
	if err != nil {
		return r.fields, lab.Errorf(lab.Invalid, "write a reaction as JSON: %w", err)
	}
	v, err := jsontable.Parse(raw) // written again, since the library's blanks are random
	if err != nil {
		return r.fields, err
	}
	r.put(Whole, jsontable.JSON(v))
	return r.fields, nil
}

// numbered returns name, and name_2 and so on when it comes again.
func numbered(name string, seen map[string]int) string {
	seen[name]++
	if n := seen[name]; n > 1 {
		return name + "_" + strconv.Itoa(n)
	}
	return name
}

// inputs gives the components by their role, in the order of their inputs' keys.
func (r *row) inputs(reaction protoreflect.Message) {
	inputs := reaction.Get(field(reaction, "inputs")).Map()
	var keys []string
	inputs.Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool { keys = append(keys, k.String()); return true })
	slices.Sort(keys)
	count := map[string]int{}
	for _, k := range keys {
		in := inputs.Get(protoreflect.ValueOfString(k).MapKey()).Message()
		for _, c := range list(in, "components") {
			role := strings.ToLower(text(c, "reaction_role"))
			if role == "" || role == "unspecified" {
				role = "component"
			}
			count[role]++
			name := role + "_" + strconv.Itoa(count[role])
			r.put(name, compound(c))
			r.put(name+".input", k)
			if amount := sub(c, "amount"); amount != nil {
				for _, kind := range []protoreflect.Name{"mass", "moles", "volume"} {
					r.quantity(name+"."+string(kind), sub(amount, kind))
				}
			}
		}
	}
}

// compound returns what names a compound best.
func compound(c protoreflect.Message) string {
	best := ""
	for _, want := range []string{"SMILES", "INCHI", "INCHI_KEY", "NAME", ""} {
		for _, id := range list(c, "identifiers") {
			if text(id, "type") == want || want == "" && best == "" {
				return text(id, "value")
			}
		}
	}
	return best
}

func (r *row) outcome(name string, o protoreflect.Message) {
	r.quantity(name+".reaction_time", sub(o, "reaction_time"))
	r.percentage(name+".conversion", "%{conversion}", sub(o, "conversion"))
	for i, p := range list(o, "products") {
		product := name + ".product_" + strconv.Itoa(i+1)
		r.put(product, compound(p))
		seen := map[string]int{}
		for _, m := range list(p, "measurements") {
			kind := strings.ToLower(text(m, "type"))
			at := numbered(product+"."+kind, seen)
			r.percentage(at, "%{"+kind+"}", sub(m, "percentage"))
			if v := sub(m, "float_value"); v != nil {
				r.put(at+".value", text(v, "value"))
				r.put(at+".precision", text(v, "precision"))
			}
			r.put(at+".text", text(m, "string_value"))
			r.message(at+".amount", sub(m, "amount"))
		}
	}
}

func (r *row) percentage(name, unit string, p protoreflect.Message) {
	if p == nil || text(p, "value") == "" {
		return
	}
	r.put(name+".value", text(p, "value"))
	r.put(name+".unit", unit)
	r.put(name+".precision", text(p, "precision"))
}

// quantity gives a value with its unit in UCUM and its standard deviation.
func (r *row) quantity(name string, q protoreflect.Message) {
	if q == nil || text(q, "value") == "" {
		return
	}
	unit := text(q, "units")
	if ucum, ok := units[unit]; ok {
		unit = ucum
	}
	r.put(name+".value", text(q, "value"))
	r.put(name+".unit", unit)
	r.put(name+".precision", text(q, "precision"))
}

// message gives the single fields of a message and of those in it; lists and
// maps stand in the whole reaction only.
func (r *row) message(name string, m protoreflect.Message) {
	if m == nil {
		return
	}
	if f := m.Descriptor().Fields(); f.ByName("units") != nil && f.ByName("value") != nil {
		r.quantity(name, m)
		return
	}
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		switch {
		case f.IsList() || f.IsMap() || !m.Has(f):
		case f.Message() != nil:
			r.message(name+"."+string(f.Name()), m.Get(f).Message())
		default:
			r.put(name+"."+string(f.Name()), text(m, f.Name()))
		}
	}
}

func field(m protoreflect.Message, name protoreflect.Name) protoreflect.FieldDescriptor {
	f := m.Descriptor().Fields().ByName(name)
	if f == nil {
		panic("ord: " + string(m.Descriptor().Name()) + " has no field " + string(name))
	}
	return f
}

// text returns a scalar as text, "" when it is not set.
func text(m protoreflect.Message, name protoreflect.Name) string {
	f := field(m, name)
	if !m.Has(f) {
		return ""
	}
	switch v := m.Get(f); f.Kind() {
	case protoreflect.EnumKind:
		if e := f.Enum().Values().ByNumber(v.Enum()); e != nil {
			return string(e.Name())
		}
		return strconv.Itoa(int(v.Enum()))
	case protoreflect.FloatKind:
		return strconv.FormatFloat(v.Float(), 'g', -1, 32)
	default:
		return v.String()
	}
}

func sub(m protoreflect.Message, name protoreflect.Name) protoreflect.Message {
	f := field(m, name)
	if !m.Has(f) {
		return nil
	}
	return m.Get(f).Message()
}

func list(m protoreflect.Message, name protoreflect.Name) []protoreflect.Message {
	l := m.Get(field(m, name)).List()
	out := make([]protoreflect.Message, l.Len())
	for i := range out {
		out[i] = l.Get(i).Message()
	}
	return out
}
