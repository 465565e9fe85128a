package campaign

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/expr"
	"github.com/athanor-lab/athanor/lab"
)

// rule is what a field must be beyond its Go type. The JSON Schema, the reader
// and the checker are all made from the one table of them.
type rule struct {
	about    string   // for the author
	required bool     // a document without it cannot be meant
	def      string   // what an absent field means, as JSON; see [Defaults]
	oneOf    []string // of a text
	shape    *shape   // of a text
	longest  int      // of a text, in characters; 0 is 200
	min, max *float64 // of a number
	least    int      // items of a list, members of an object
	most     int      // items of a list; 0 is 10000
	keys     *shape   // of an object's keys
}

// shape is a form that a text can have, with the words for it.
type shape struct{ pattern, words string }

func (s *shape) matches(text string) bool { return compiled(s.pattern).MatchString(text) }

var patterns = map[string]*regexp.Regexp{}

func compiled(pattern string) *regexp.Regexp { return patterns[pattern] }

// The forms of names.
var (
	identifier  = &shape{`^[A-Za-z_][A-Za-z0-9_]{0,63}$`, "a name has letters, digits and _, begins with no digit, and is at most 64 long"}
	wireName    = &shape{`^[A-Za-z0-9_-]{1,64}$`, "a name has letters, digits, _ and -, and is at most 64 long"}
	hexSHA256   = &shape{`^[0-9a-f]{64}$`, "a SHA-256 is 64 hexadecimal digits in lower case, as sha256sum prints it"}
	currency    = &shape{`^[A-Z]{3}$`, `a currency is three capitals of ISO 4217, such as "EUR"`}
	plannerName = &shape{
		`^(` + anyPlanner + `|race(:` + anyPlanner + `(,` + anyPlanner + `){1,7})?)$`,
		"a planner is auto, bayes, cma-es, grid, latin-hypercube, random or sobol, plugin:NAME for one in another process, or race among several, as race:bayes,cma-es",
	}
	versionMark = &shape{`^` + lab.DocumentVersion + `$`, "this form of documents begins with athanor: " + lab.DocumentVersion}
)

// anyPlanner matches one planner of a campaign.
const anyPlanner = `(auto|bayes|cma-es|grid|latin-hypercube|random|sobol|plugin:[A-Za-z0-9_-]{1,64})`

func init() {
	for _, s := range []*shape{identifier, wireName, hexSHA256, currency, plannerName, versionMark} {
		patterns[s.pattern] = regexp.MustCompile(s.pattern)
	}
}

// The words of fields that are one of a few.
var (
	approvals  = []string{"never", "first-batch", "every-batch"}
	doubts     = []string{"ask", "fail"}
	followUps  = []string{"skip", "ask", "stop"}
	weights    = []string{"auto", "none"}
	scales     = []string{"linear", "log"}
	directions = []string{string(lab.Maximize), string(lab.Minimize)}
	types      = []string{string(lab.Continuous), string(lab.Integer), string(lab.Discrete), string(lab.Categorical), string(lab.Composition)}
)

// What a campaign may ask for at most.
const (
	maxExperiments = 1e6
	maxInFlight    = 1000
	maxRetries     = 10
	maxText        = 10000
	maxExpr        = expr.MaxLength
	maxPool        = 200000
	maxAliases     = 50
	maxSeed        = 1<<53 - 1 // larger ones are not kept by readers that have doubles only
)

// rules has every field of every type of a document, by Go type and JSON name.
var rules = map[reflect.Type]map[string]rule{
	reflect.TypeFor[lab.Document](): {
		"athanor":     {about: "The version of this form of documents.", required: true, shape: versionMark},
		"title":       {about: "What the campaign is called, for people.", required: true},
		"description": {about: "What a reader should know of it.", longest: maxText},
		"space":       {about: "What may be chosen.", required: true},
		"objectives":  {about: "What is to be made as large or as small as can be.", required: true, least: 1, most: 8},
		"protocol":    {about: "How one experiment is done.", required: true},
		"plan":        {about: "Who plans, and how much at a time."},
		"budget":      {about: "What the campaign may use up.", required: true},
		"stop":        {about: "Conditions that end the campaign before its budget does.", most: 20},
		"literature":  {about: "What published work bears on it."},
		"safety":      {about: "When a person decides."},
		"seed":        {about: "The source of all randomness: equal seeds and equal results give equal plans.", def: "0", min: new(0.0), max: new(float64(maxSeed))},
	},
	reflect.TypeFor[lab.File](): {
		"file":   {about: "The name of a CSV file, relative to the document.", required: true},
		"sha256": {about: "The SHA-256 of its bytes.", required: true, shape: hexSHA256},
	},
	reflect.TypeFor[lab.Space](): {
		"parameters":  {about: "The axes of the space.", required: true, least: 1, most: 100},
		"constraints": {about: "Conditions that every proposal meets.", most: 100},
		"candidates":  {about: "A table with a column to a parameter: only its points exist."},
		"pool":        {about: "The points of the candidates, filled in when the file is read. Leave it out.", most: maxPool},
	},
	reflect.TypeFor[lab.Parameter](): {
		"name":              {about: "Its name in expressions.", required: true, shape: identifier},
		"type":              {about: "What its values are.", required: true, oneOf: types},
		"min":               {about: "The smallest value."},
		"max":               {about: "The largest value."},
		"scale":             {about: "How its axis is divided.", oneOf: scales},
		"values":            {about: "The values of a discrete parameter, ascending.", least: 2},
		"levels":            {about: "The labels of a categorical parameter.", least: 2},
		"descriptors":       {about: "A table with a row to a level and numeric columns."},
		"descriptor_values": {about: "The rows of the descriptors in the order of the levels, filled in when the file is read. Leave it out."},
		"parts":             {about: "The parts of a composition.", least: 2, most: 64},
		"sum":               {about: "What a composition's fractions add up to; 1 unless told."},
		"step":              {about: "The grid of a composition's fractions."},
		"max_nonzero":       {about: "How many parts of a composition may be present at once.", min: new(1.0), max: new(64.0)},
		"unit":              {about: `The unit of its numbers, a UCUM code such as "Cel"; "1" unless told.`},
		"aliases":           {about: "Further names of it in published work; names that chemists commonly use need not be told.", most: maxAliases},
		"level_aliases":     {about: "Further names, in published work, of its levels or parts: lists of names by level or part."},
		"when":              {about: "A CEL condition over other parameters: where it does not hold the parameter is absent.", longest: maxExpr},
	},
	reflect.TypeFor[lab.Constraint](): {
		"expr": {about: "A CEL condition over the parameters.", required: true, longest: maxExpr},
		"why":  {about: "The reason, for people."},
	},
	reflect.TypeFor[lab.Objective](): {
		"name":      {about: "Its name in stop rules and in the dataset.", required: true, shape: identifier},
		"direction": {about: "Which way is better.", required: true, oneOf: directions},
		"unit":      {about: `The unit of its values: a UCUM code, or a currency per amount such as "EUR/mol".`, required: true},
		"aliases":   {about: "Further names of it in published work.", most: maxAliases},
	},
	reflect.TypeFor[lab.Protocol](): {
		"samples": {about: "The pieces of matter that steps work on.", most: 64},
		"steps":   {about: "The steps of an experiment, a graph by their `after`.", required: true, least: 1, most: 200},
		"observe": {about: "How each objective is read from the results.", required: true, least: 1},
		"tables":  {about: "Tables of numbers for expressions: tables by name, numbers by key.", keys: identifier},
	},
	reflect.TypeFor[lab.Sample](): {
		"name":      {about: "Its name in steps.", required: true, shape: wireName},
		"container": {about: "What holds it."},
	},
	reflect.TypeFor[lab.Step](): {
		"id":         {about: "Its name in other steps and in expressions.", required: true, shape: identifier},
		"capability": {about: "What the device must be able to do.", required: true, shape: wireName},
		"command":    {about: "What it is told to do.", required: true, shape: wireName},
		"device":     {about: "This device and no other.", shape: wireName},
		"sample":     {about: "The sample that it touches."},
		"from":       {about: "A transfer: the step at whose device the sample is."},
		"to":         {about: "A transfer: the step at whose device it is wanted."},
		"after":      {about: "The steps that must be done before."},
		"max_lag":    {about: "How long after the end of those it may begin."},
		"timeout":    {about: "How long it may take; a day unless told."},
		"params":     {about: "The parameters of the command.", keys: wireName},
		"on_failure": {about: "What follows a failure here, where that differs from safety.on_failure."},
	},
	reflect.TypeFor[lab.Param](): {
		"value": {about: "A fixed number or text."},
		"expr":  {about: "A CEL expression over the parameters, the tables and the results of earlier steps.", longest: maxExpr},
		"unit":  {about: "The unit of the number, a UCUM code."},
	},
	reflect.TypeFor[lab.Observe](): {
		"objective": {about: "The objective that is read.", required: true},
		"expr":      {about: "A CEL expression whose number is in the objective's unit.", required: true, longest: maxExpr},
		"sigma":     {about: "A CEL expression for its standard deviation, where the instrument knows it.", longest: maxExpr},
	},
	reflect.TypeFor[lab.PlanPolicy](): {
		"planner":       {about: "Who plans.", def: `"auto"`, shape: plannerName},
		"batch":         {about: "Proposals to a plan.", def: "1", min: new(1.0), max: new(float64(maxInFlight))},
		"in_flight":     {about: "Experiments running at once; as many as batch unless told.", min: new(1.0), max: new(float64(maxInFlight))},
		"model":         {about: "A registered model whose predictions the planner starts from, as name or name@version; auto is none."},
		"retrain_every": {about: "After how many outcomes the model is trained anew, on the outcomes of other campaigns with its inputs and outputs; 0 for never.", min: new(0.0), max: new(maxExperiments)},
		"fidelity":      {about: "A parameter whose cheaper settings tell something of what the target would give."},
	},
	reflect.TypeFor[lab.Fidelity](): {
		"parameter": {about: "The parameter.", required: true},
		"target":    {about: "Its value at which the answer is judged.", required: true},
		"cost":      {about: "A CEL expression over settings and tables: what an experiment costs, in any unit; budget.cost.each unless told.", longest: maxExpr},
	},
	reflect.TypeFor[lab.Budget](): {
		"experiments": {about: "Experiments at most, failed ones included.", required: true, min: new(1.0), max: new(maxExperiments)},
		"time":        {about: "Time at most, from submission."},
		"cost":        {about: "Cost at most."},
	},
	reflect.TypeFor[lab.Spending](): {
		"value":    {about: "The amount.", required: true, min: new(0.0)},
		"currency": {about: "An ISO 4217 code.", required: true, shape: currency},
		"each":     {about: "A CEL expression over settings and tables: what one experiment costs. Without it cost is not counted.", longest: maxExpr},
	},
	reflect.TypeFor[lab.Quantity](): {
		"value": {about: "The number.", required: true},
		"unit":  {about: "A UCUM code.", required: true},
	},
	reflect.TypeFor[lab.StopRule](): {
		"when": {about: "A CEL condition over what has been seen.", required: true, longest: maxExpr},
		"why":  {about: "The reason, for people."},
	},
	reflect.TypeFor[lab.Literature](): {
		"query":  {about: "What to search for.", required: true, longest: maxText},
		"corpus": {about: "The corpus to search, as athanor literature import names it.", def: `"default"`},
		"weight": {about: "auto: the planner learns how far outcomes follow the papers; none: they are read and reported, and not heeded.", def: `"auto"`, oneOf: weights},
		"papers": {about: "Papers to read at most; 0 for the default.", def: "30", min: new(0.0), max: new(1000.0)},
		"screen": {about: "Papers that a person judges before the first plan.", def: "0", min: new(0.0), max: new(1000.0)},
	},
	reflect.TypeFor[lab.Safety](): {
		"approve":     {about: "Which plans wait for a person.", def: `"never"`, oneOf: approvals},
		"on_in_doubt": {about: "What follows when nobody knows whether a command was carried out.", def: `"ask"`, oneOf: doubts},
		"on_failure":  {about: "What follows a step that failed."},
		"start":       {about: "Where experiments begin, and how far from what is safe they may go."},
	},
	reflect.TypeFor[lab.SafeStart](): {
		"points": {about: "Settings that are known to be safe: a value to every parameter that is there.", required: true, least: 1, most: 100},
		"within": {about: "How far from what is safe an experiment may go at once, as a share of each number's range.", def: "0.1", min: new(1e-6), max: new(1.0)},
		"chance": {about: "The least probability of success, at two standard deviations to the bad side, from which on it may be anywhere.", def: "0.9", min: new(0.5), max: new(0.9999)},
		"limits": {about: "What outcomes must keep to be safe.", most: 8},
	},
	reflect.TypeFor[lab.Limit](): {
		"objective": {about: "The objective.", required: true},
		"min":       {about: "What it is at least, in its unit."},
		"max":       {about: "What it is at most, in its unit."},
	},
	reflect.TypeFor[lab.FailurePolicy](): {
		"retry": {about: "Deliberate repetitions of the step.", def: "0", min: new(0.0), max: new(float64(maxRetries))},
		"then":  {about: "What comes after those: skip the experiment, ask a person, or stop the campaign.", def: `"skip"`, oneOf: followUps},
	},
}

// limit is the most items that a list may have.
func (r rule) limit() int {
	if r.most == 0 {
		return 10000
	}
	return r.most
}

// longestText is the most characters that a text may have.
func (r rule) longestText() int {
	if r.longest == 0 {
		return 200
	}
	return r.longest
}

func typeOf(v any) reflect.Type { return reflect.TypeOf(v) }

// fieldsOf lists the JSON names and indices of a struct in the order of its type.
func fieldsOf(t reflect.Type) (names []string, index map[string]int) {
	index = make(map[string]int, t.NumField())
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
		index[name] = i
	}
	return names, index
}

// complainOfText tells what is wrong with a text that is there.
func (r rule) complainOfText(c *complaints, path, s string) {
	longest := r.longestText()
	switch {
	case len([]rune(s)) > longest:
		c.addf(path, "is %d characters long", len([]rune(s))).right("at most %d", longest)
	case r.oneOf != nil && !slices.Contains(r.oneOf, s):
		c.addf(path, "is %q", clip(s)).right("%s", oneOf(s, r.oneOf))
	case r.shape != nil && !r.shape.matches(s):
		c.addf(path, "is %q", clip(s)).right("%s", r.shape.words)
	}
}

// complainOfNumber tells what is wrong with a number that is there.
func (r rule) complainOfNumber(c *complaints, path string, x float64) {
	switch {
	case x != x || x-x != 0: // not a number, or infinite
		c.addf(path, "is %v", x).right("a finite number")
	case r.min != nil && x < *r.min:
		c.addf(path, "is %s", figure(x)).right("at least %s", figure(*r.min))
	case r.max != nil && x > *r.max:
		c.addf(path, "is %s", figure(x)).right("at most %s", figure(*r.max))
	}
}

// oneOf lists words, the nearest one first.
func oneOf(found string, words []string) string {
	list := "one of " + strings.Join(words, ", ")
	if near := nearest(found, words); near != "" {
		return fmt.Sprintf("did you mean %q? %s", near, list)
	}
	return list
}
