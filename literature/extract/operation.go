package extract

import (
	"strings"

	"github.com/athanor-lab/athanor/literature"
	"github.com/athanor-lab/athanor/literature/index"
)

// operation is a word that says what was done.
type operation struct {
	span literature.Span
	stem string
	// clause tells the parts of a sentence between commas, semicolons and
	// brackets apart.
	clause int
	weak   bool // says little of what was done: "used", "followed"
	ing    bool
}

// operationStems are the stems of verbs, and of the nouns made of them, that
// conditions belong to in descriptions of experiments.
var operationStems = stemSet(`heat calcination calcined calcinated sintering annealed dried drying stirring stirred agitated mixed dissolve dissolution added addition washed
	filtered filtration filtrated centrifuged centrifugation ground grinding grinded milled milling pressed pelletized cooled quenched aged aging ageing held hold holding kept
	keep maintained maintain evaporated evaporation refluxed treated treatment pretreated pretreatment dispersed dispersion sonicated sonication ultrasonicated ultrasonication
	deposited deposition coated coating immersed soaked transferred reacted synthesized synthesis prepared preparation fired prefired firing crystallized crystallization
	precipitated precipitation titrated adjusted poured diluted loaded sealed melted pyrolyzed pyrolysis carbonized carbonization reduced reduction oxidized oxidation exposed
	irradiated irradiation boiled degassed purged injected dropped collected left stand allowed set autoclaved crushed rinsed removed ramped raised homogenized cast suspended combined
	charged increased baked cured curing placed stored incubated shaken extracted extraction distilled polymerized polymerization hydrolyzed hydrolysis impregnated impregnation
	dipped etched grown growth activated activation conducted carried performed obtained evacuated vacuumed purified purification separated separation dialyzed reground
	redispersed premixed preheated warmed warm cool ignited decomposed decomposition exchanged exchange concentrated anodized anodization electrospun sputtered spun printed peeled cleaned
	polished compacted densified humidified equilibrated rotated tumbled blended blending stabilized stabilization infiltrated lyophilized condensed gelled gelling recrystallized
	solubilized introduced filled put continued repeated applied subjected changed reached loading operated formed produced deoxygenated degraded leached fabricated sublimed
	prefabricated adsorbed dehydrated dehydration sieved weighed cut refluxing hydrothermal nitrided sulfurized treating stripped remained washing soaking tempered tested measured
	illuminated swelled settled proceeded vaporized acidified neutralized basified digested smelted cleaved embedded pillaring combustion compressed geopolymerization extruded monitored chilled frozen lyophilised thawed
	varied optimized ion-exchanged`)

// weakStems say that something was done and not what: a condition belongs to one
// of them only where there is nothing better.
var weakStems = stemSet(`obtained carried performed conducted subjected introduced applied formed produced removed collected allowed prepared preparation synthesized synthesis fabricated put continued purified separated weighed measured tested optimized monitored`)

// modifiers stand before an operation and are part of it.
var modifiers = wordSet(`ball vacuum oven freeze heat hot wet dry hydrothermal hydrothermally ultrasonically ultrasonic thermally isostatically uniaxially electrochemical furnace spray water acid`)

// notOperations follow a word that then names a thing.
var notOperations = wordSet(`rate rates temperature temperatures time times speed bar agent bath step steps profile program conditions condition duration furnace oven chamber atmosphere solution
	solutions sample samples powder powders product products precipitate precipitates mixture solid material materials catalyst catalysts gel film films method methods process procedure
	membrane water medium media jar vessel machine tube period treatment plate mantle equipment`)

// articles make an adjective of a participle that follows.
var articles = wordSet(`the a an this these those that of resulting resultant as-prepared such each all some their its`)

func stemSet(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[index.Stem(w)] = true
	}
	return m
}

func wordSet(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

// word is a word of a sentence; hyphens are inside.
type word struct {
	span  literature.Span
	lower string
}

func wordsOf(t string, s literature.Span) []word {
	var out []word
	for i := s.Start; i < s.End; {
		j := i
		for j < s.End && (letter(t[j]) || t[j] >= '0' && t[j] <= '9' || t[j] >= 0x80 || t[j] == '-' && j > i) {
			j++
		}
		if j > i {
			out = append(out, word{literature.Span{Start: i, End: j}, strings.ToLower(strings.TrimRight(t[i:j], "-"))})
		}
		i = max(j, i+1)
	}
	return out
}

// operations finds the operations of a sentence.
func operations(t string, s literature.Span) []operation {
	words := wordsOf(t, s)
	var out []operation
	clause, from := 0, s.Start
	for i, w := range words {
		for ; from < w.span.Start; from++ {
			if c := t[from]; c == ',' || c == ';' || c == '(' || c == ')' {
				clause++
			}
		}
		last := w.lower[strings.LastIndexByte(w.lower, '-')+1:]
		if len(last) < 3 || len(last) > 32 { // stemming costs the square
			continue
		}
		stem := index.Stem(last)
		if !operationStems[stem] || strings.HasPrefix(w.lower, "as-") || strings.HasPrefix(last, "concentration") { // of a solution, and nothing that was done
			continue
		}
		next := ""
		if i+1 < len(words) && strings.TrimSpace(t[w.span.End:words[i+1].span.Start]) == "" {
			next = words[i+1].lower
		}
		if !form(words, i, last, next) {
			continue
		}
		o := operation{span: w.span, stem: stem, clause: clause, weak: weakStems[stem], ing: strings.HasSuffix(last, "ing")}
		if i > 0 && modifiers[words[i-1].lower] && w.span.Start-words[i-1].span.End == 1 {
			o.span.Start = words[i-1].span.Start
		}
		out = append(out, o)
	}
	return out
}

// form reports whether words[i], which next follows at once, is used for what was
// done and not for a thing.
func form(words []word, i int, last, next string) bool {
	verb := strings.HasSuffix(last, "ed") || last == "ground" || last == "left" || last == "kept" || last == "held"
	if strings.HasSuffix(last, "ing") && notOperations[next] {
		return false
	}
	if verb && i > 0 && articles[words[i-1].lower] && next != "" && !follows[next] {
		return false
	}
	if verb && notOperations[next] && i > 0 && !follows[words[i-1].lower] && !auxiliary[words[i-1].lower] {
		return false
	}
	return true
}

var follows = wordSet(`at for in with to from by and or under on into using until till through via over overnight after before then again while of was were is are as the a an several`)

var auxiliary = wordSet(`was were is are been be being then and subsequently finally further first carefully slowly continuously vigorously thoroughly`)
