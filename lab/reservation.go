package lab

// Hold is a device that an experiment has, and the fencing token of having it.
// Its role is the step whose station the device is, so that the furnace that a
// sample is carried to is the furnace that heats it.
type Hold struct {
	Role   string `json:"role"`
	Device string `json:"device"`
	Epoch  int64  `json:"epoch"`
}
