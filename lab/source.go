package lab

// Source is what is known of a space from elsewhere: experiments that an
// earlier campaign or a table holds, or what a model predicts. It is a record
// that never changes; a brief holds the whole of it, so that its plan can be made
// again when the table or the model's server is gone.
type Source struct {
	// Name is what people know it by; a plan's notes and predictions name it.
	Name string     `json:"name"`
	Kind SourceKind `json:"kind"`
	// Version names its content: of a trained model its version, else a SHA-256.
	Version string `json:"version,omitempty"`
	// Objectives are the columns of Outcomes, in units of the brief's objectives.
	Objectives []string `json:"objectives"`
	// Points are settings, each with one value to a parameter in the order of the
	// space, and Outcomes what is known of them, one number to an objective.
	Points   [][]Value   `json:"points"`
	Outcomes [][]float64 `json:"outcomes"`
	// Fault says why it could not be asked; then it holds no points, and the plan
	// is made without it and says so.
	Fault string `json:"fault,omitempty"`
}

// SourceKind says where a source's numbers come from.
type SourceKind string

// The kinds of sources.
const (
	SourceData        SourceKind = "data"        // measured, elsewhere or earlier
	SourcePredictions SourceKind = "predictions" // a model's
)
