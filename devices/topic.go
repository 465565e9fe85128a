package devices

import (
	"regexp"
	"strings"
)

// root is what every topic of this major version begins with.
const root = "ldp/1/"

// Leaf is the last part of a device's topic: which conversation it is.
type Leaf string

// The topics below ldp/1/{lab}/{device}/.
const (
	LeafConn   Leaf = "conn"   // device or its last will, retained: [Conn]
	LeafAbout  Leaf = "about"  // device, retained: [About] as a Thing Description
	LeafState  Leaf = "state"  // device, retained: [State]
	LeafEv     Leaf = "ev"     // device: [Event]
	LeafCmd    Leaf = "cmd"    // laboratory, never retained: [Cmd]
	LeafCtl    Leaf = "ctl"    // laboratory, never retained: [Ctl]
	LeafRecall Leaf = "recall" // device, in answer to a ctl: [Recall]
	LeafAlarm  Leaf = "alarm"  // device, retained, below it the code: [Alarm], or nothing when it is cleared
	LeafTm     Leaf = "tm"     // device, below it the stream: [Batch]
	LeafBlob   Leaf = "blob"   // device, below it the SHA-256 of raw data: [Chunk]
)

var ident = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$`)

// ValidID reports whether s can be the id of a message or the name of a lab, a
// device, a cell or a command: a letter or digit, then up to 127 letters,
// digits and any of ". _ : -".
func ValidID(s string) bool { return ident.MatchString(s) }

// Topic returns the topic of a device. Device "+" stands for every device.
func Topic(lab, device string, leaf Leaf) string {
	return root + lab + "/" + device + "/" + string(leaf)
}

// SubTopic returns a topic below a device's: the code of an alarm, the name of
// a stream, the SHA-256 of a blob. "+" stands for every device, and for everything below.
func SubTopic(lab, device string, leaf Leaf, name string) string {
	return Topic(lab, device, leaf) + "/" + name
}

// ParseSubTopic splits a topic of [SubTopic].
func ParseSubTopic(topic string) (device string, leaf Leaf, name string, ok bool) {
	parent, name, ok := cutLast(topic)
	if !ok || !ValidID(name) {
		return "", "", "", false
	}
	_, device, leaf, ok = ParseTopic(parent)
	return device, leaf, name, ok && (leaf == LeafAlarm || leaf == LeafTm || leaf == LeafBlob && ValidSHA256(name))
}

func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, '/')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// BeatTopic returns the topic of a cell's [Beat].
func BeatTopic(lab, cell string) string { return root + lab + "/_cell/" + cell + "/beat" }

// StopTopic returns the topic of the lab's [LabStop], which is retained.
func StopTopic(lab string) string { return root + lab + "/_lab/stop" }

// Shared returns the filter by which several subscribers of one group divide
// the messages of a filter between them.
func Shared(group, filter string) string { return "$share/" + group + "/" + filter }

// ParseTopic splits a device's topic. It reports false for any other topic,
// those of the lab and its cells included.
func ParseTopic(topic string) (lab, device string, leaf Leaf, ok bool) {
	rest, ok := strings.CutPrefix(topic, root)
	if !ok {
		return "", "", "", false
	}
	parts := strings.Split(rest, "/")
	if len(parts) != 3 || !ValidID(parts[0]) || !ValidID(parts[1]) {
		return "", "", "", false
	}
	return parts[0], parts[1], Leaf(parts[2]), true
}
