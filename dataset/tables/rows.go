package tables

// The tags of the fields say what a column is: "parquet" its name and
// encoding, "says" its meaning, "unit" its unit where there is only one.

type experimentRow struct {
	ID            string   `parquet:"experiment_id" says:"names the experiment"`
	Campaign      string   `parquet:"campaign_id,dict" says:"names its campaign"`
	Title         string   `parquet:"campaign,dict" says:"the campaign's title"`
	Number        int64    `parquet:"number,delta" says:"of the experiment in the campaign, from 1"`
	State         string   `parquet:"state,dict" says:"succeeded, failed or cancelled"`
	Class         string   `parquet:"outcome_class,dict" says:"success and negative are nature's answers, failure is ours, invalidated is not to be believed"`
	Card          string   `parquet:"card" says:"the experiment in a few lines that parse back"`
	Reason        string   `parquet:"reason" says:"why the experiment was made"`
	Acquisition   string   `parquet:"acquisition,dict" says:"the rule that weighed the candidates, empty before there was a model"`
	Worth         *float64 `parquet:"acquisition_value,optional" says:"what the chosen candidate was worth by it"`
	Planner       string   `parquet:"planner,dict" says:"name and version of what decided"`
	Round         int64    `parquet:"round" says:"of the plan"`
	Brief         string   `parquet:"brief_sha256,dict" says:"hash of all that the planner knew"`
	Leaf          string   `parquet:"commitment_sha256" says:"hash of what was predicted, empty where nothing was committed to"`
	Link          string   `parquet:"commitment_hash,dict" says:"link of the campaign's chain that holds it"`
	Standing      string   `parquet:"commitment,dict" says:"before_the_run, late or none"`
	Committed     *int64   `parquet:"committed_at,optional,timestamp(microsecond)" says:"when the prediction was committed to"`
	FailureStep   string   `parquet:"failure_step,dict" says:"where it went wrong, empty when nothing did"`
	FailureCode   string   `parquet:"failure_code,dict" says:"what went wrong"`
	FailureCause  string   `parquet:"failure_cause,dict" says:"device, material, protocol, plan, environment, data or human"`
	License       string   `parquet:"license,dict" says:"SPDX identifier, empty where nobody said"`
	Access        string   `parquet:"access,dict" says:"open, internal or restricted"`
	Condition     string   `parquet:"condition" says:"the same for equal settings in any units"`
	Material      string   `parquet:"material,dict" says:"the same for equal labels and parts, whatever the numbers"`
	SplitRandom   string   `parquet:"split_random_grouped,dict" says:"part: equal conditions and samples stay together"`
	SplitCond     string   `parquet:"split_condition,dict" says:"part: equal conditions stay together"`
	SplitCampaign string   `parquet:"split_campaign,dict" says:"part: whole campaigns stay together"`
	SplitMaterial string   `parquet:"split_material,dict" says:"part: equal labels and parts of compositions stay together"`
	SplitScaffold string   `parquet:"split_scaffold,dict" says:"part: equal ring systems stay together"`
	SplitTime     string   `parquet:"split_time,dict" says:"part: train is earlier than test"`
	Steps         int64    `parquet:"steps" says:"how many steps were begun"`
	Started       int64    `parquet:"started_at,timestamp(microsecond)" says:"when the experiment began"`
	Finished      int64    `parquet:"finished_at,timestamp(microsecond)" says:"when it ended"`
	Recorded      int64    `parquet:"recorded_at,timestamp(microsecond)" says:"when it was recorded"`
	Settings      []named  `parquet:"settings,list" says:"what was chosen"`
	Observed      []named  `parquet:"observed,list" says:"what was seen"`
}

type named struct {
	Name  string   `parquet:"name,dict"`
	Value *float64 `parquet:"value,optional"`
	Sigma *float64 `parquet:"sigma,optional"`
	Label string   `parquet:"label,dict"`
	Unit  string   `parquet:"unit,dict"`
}

type conditionRow struct {
	ID        string   `parquet:"experiment_id" says:"names the experiment"`
	Campaign  string   `parquet:"campaign_id,dict" says:"names its campaign"`
	Name      string   `parquet:"name,dict" says:"the parameter, of a composition with a point and the part's place"`
	Value     *float64 `parquet:"value,optional" says:"the number chosen"`
	Label     string   `parquet:"label,dict" says:"the level chosen, empty for a number"`
	Unit      string   `parquet:"unit,dict" says:"UCUM code of value"`
	Base      *float64 `parquet:"value_base,optional" says:"value in base units"`
	BaseUnit  string   `parquet:"unit_base,dict" says:"UCUM code of value_base"`
	Dimension string   `parquet:"dimension,dict" says:"of the unit, in UCUM's letters: L length, T time, M mass, C temperature, Q charge"`
}

type predictionRow struct {
	ID        string  `parquet:"experiment_id" says:"names the experiment"`
	Campaign  string  `parquet:"campaign_id,dict" says:"names its campaign"`
	Objective string  `parquet:"objective,dict" says:"what was predicted"`
	Mean      float64 `parquet:"mean" says:"expected before the run"`
	Sigma     float64 `parquet:"sigma" says:"standard deviation of the latent function"`
	Low       float64 `parquet:"low" says:"lower end of the 95 % interval of an observation"`
	High      float64 `parquet:"high" says:"upper end of it"`
	Unit      string  `parquet:"unit,dict" says:"UCUM code of the four"`
	Leaf      string  `parquet:"commitment_sha256" says:"hash of what was predicted"`
	Standing  string  `parquet:"commitment,dict" says:"before_the_run, late or none"`
}

type measurementRow struct {
	ID        string   `parquet:"experiment_id" says:"names the experiment"`
	Campaign  string   `parquet:"campaign_id,dict" says:"names its campaign"`
	Objective string   `parquet:"objective,dict" says:"what was measured"`
	Value     float64  `parquet:"value" says:"what was seen"`
	Sigma     *float64 `parquet:"sigma,optional" says:"its standard deviation, where the instrument knows it"`
	Unit      string   `parquet:"unit,dict" says:"UCUM code of value and sigma"`
	Base      *float64 `parquet:"value_base,optional" says:"value in base units"`
	BaseUnit  string   `parquet:"unit_base,dict" says:"UCUM code of value_base"`
	Dimension string   `parquet:"dimension,dict" says:"of the unit, in UCUM's letters"`
	Class     string   `parquet:"outcome_class,dict" says:"of the experiment"`
	Corrected bool     `parquet:"corrected" says:"a person corrected it; see corrections"`
}

type candidateRow struct {
	ID        string   `parquet:"experiment_id" says:"names the experiment that was decided on"`
	Campaign  string   `parquet:"campaign_id,dict" says:"names its campaign"`
	Rank      int64    `parquet:"rank" says:"0 for the one that was chosen, then the best that lost"`
	Chosen    bool     `parquet:"chosen" says:"whether it was chosen"`
	Worth     *float64 `parquet:"acquisition_value,optional" says:"what it was worth"`
	Settings  string   `parquet:"settings" says:"as in a card"`
	Predicted string   `parquet:"predicted" says:"JSON: mean, sigma, low, high and unit by objective"`
}

type stepRow struct {
	ID        string `parquet:"experiment_id" says:"names the experiment"`
	Seq       int64  `parquet:"seq" says:"order in the experiment, from 1"`
	Step      string `parquet:"step,dict" says:"of the protocol"`
	Intent    int64  `parquet:"intent" says:"1 for the first deliberate try"`
	Command   string `parquet:"command,dict" says:"what was asked"`
	CommandID string `parquet:"command_id" says:"names the command"`
	Device    string `parquet:"device,dict" says:"who did it"`
	State     string `parquet:"state,dict" says:"how it ended"`
	Effect    string `parquet:"effect,dict" says:"what happened physically: none, partial, complete or unknown"`
	Code      string `parquet:"code,dict" says:"what went wrong, empty when nothing did"`
	Error     string `parquet:"error" says:"in the device's words"`
	SHA256    string `parquet:"command_sha256" says:"hash of the bytes that were sent"`
	Bytes     int64  `parquet:"command_bytes" says:"how many" unit:"By"`
	Started   int64  `parquet:"started_at,timestamp(microsecond)" says:"when it began"`
	Finished  int64  `parquet:"finished_at,timestamp(microsecond)" says:"when it ended"`
	Params    []cell `parquet:"params,list" says:"as they were sent, with units"`
	Values    []cell `parquet:"values,list" says:"as they were measured, with units"`
}

type cell struct {
	Name   string   `parquet:"name,dict"`
	Number *float64 `parquet:"number,optional"`
	Text   string   `parquet:"text"`
	JSON   string   `parquet:"json"`
	Unit   string   `parquet:"unit,dict"`
}

type eventRow struct {
	ID        string `parquet:"experiment_id" says:"names the experiment"`
	CommandID string `parquet:"command_id" says:"names the command that it answers"`
	Seq       int64  `parquet:"seq" says:"order of taking, from 1"`
	Source    string `parquet:"source,dict" says:"device, or laboratory for its own word"`
	State     string `parquet:"state,dict" says:"of the command after it"`
	SHA256    string `parquet:"sha256" says:"hash of its bytes"`
	Bytes     int64  `parquet:"bytes" says:"how many" unit:"By"`
	At        int64  `parquet:"at,timestamp(microsecond)" says:"when it was taken"`
}

type sampleRow struct {
	ID        string `parquet:"experiment_id" says:"names the experiment"`
	Sample    string `parquet:"sample_id" says:"names the sample"`
	Name      string `parquet:"name,dict" says:"in the protocol"`
	Seq       int64  `parquet:"seq" says:"order of what was done with it, from 1"`
	Relation  string `parquet:"relation,dict" says:"worked, or moved for a transfer"`
	Step      string `parquet:"step,dict" says:"in which"`
	CommandID string `parquet:"command_id" says:"by which command"`
	Device    string `parquet:"device,dict" says:"by whom"`
	Slot      string `parquet:"slot,dict" says:"where it was, empty where nobody said"`
}

type rawRow struct {
	ID        string `parquet:"experiment_id" says:"names the experiment"`
	CommandID string `parquet:"command_id" says:"names the command that made it"`
	Name      string `parquet:"name" says:"of the file"`
	MediaType string `parquet:"media_type,dict" says:"of the file"`
	SHA256    string `parquet:"sha256" says:"hash of the file, its name in the archive"`
	Bytes     int64  `parquet:"bytes" says:"how many" unit:"By"`
}

type failureRow struct {
	ID      string `parquet:"experiment_id" says:"names the experiment"`
	Step    string `parquet:"step,dict" says:"where, empty for all of it"`
	Device  string `parquet:"device,dict" says:"which device"`
	Code    string `parquet:"code,dict" says:"what went wrong"`
	Cause   string `parquet:"cause,dict" says:"device, material, protocol, plan, environment, data or human"`
	Message string `parquet:"message" says:"in words"`
}

type evidenceRow struct {
	ID    string  `parquet:"experiment_id" says:"names the experiment"`
	Paper string  `parquet:"paper,dict" says:"names the paper"`
	Title string  `parquet:"title,dict" says:"of the paper"`
	DOI   string  `parquet:"doi,dict" says:"of the paper, empty where it has none"`
	Share float64 `parquet:"share" says:"of all that papers moved the decision, from 0 to 1"`
	Shift float64 `parquet:"shift" says:"of what was expected of the first objective, in its unit"`
	Claim string  `parquet:"claim" says:"where the paper found a good place, as in a card"`
	Quote string  `parquet:"quote" says:"the sentence that says so"`
}

type correctionRow struct {
	ID        string   `parquet:"experiment_id" says:"names the experiment"`
	Kind      string   `parquet:"kind,dict" says:"observed or invalidate"`
	Objective string   `parquet:"objective,dict" says:"what was corrected, empty when all of it was invalidated"`
	Value     *float64 `parquet:"value,optional" says:"what is right"`
	Was       *float64 `parquet:"was,optional" says:"what stood there before"`
	By        string   `parquet:"by,dict" says:"who said so"`
	Why       string   `parquet:"why" says:"the reason"`
	At        int64    `parquet:"recorded_at,timestamp(microsecond)" says:"since when it is known"`
}
