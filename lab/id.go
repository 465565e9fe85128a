package lab

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"
)

// Kind says what an [ID] identifies. Its methods are called on the zero value.
type Kind interface{ Prefix() string }

// ID is a UUID whose type remembers what it identifies, so that a campaign
// cannot be looked up by the name of an experiment.
//
// Its text form is the prefix of its kind and the canonical UUID, as in
// "exp_0199c0de-…"; the database and the device wire carry the bare UUID.
type ID[K Kind] [16]byte

type (
	campaignKind   struct{}
	planKind       struct{}
	experimentKind struct{}
	commandKind    struct{}
)

func (campaignKind) Prefix() string   { return "cmp" }
func (planKind) Prefix() string       { return "pln" }
func (experimentKind) Prefix() string { return "exp" }
func (commandKind) Prefix() string    { return "cmd" }

type (
	// CampaignID names a campaign, and its workflow.
	CampaignID = ID[campaignKind]
	// PlanID names the plan for one round of a campaign.
	PlanID = ID[planKind]
	// ExperimentID names an experiment of a campaign, and its workflow.
	ExperimentID = ID[experimentKind]
	// CommandID names a command of an experiment, and its activity.
	CommandID = ID[commandKind]
)

// MintCampaignID returns a new version 7 UUID, ordered by now. The clock and
// the randomness are arguments so that a simulated lab mints the same ID twice.
//
// It is the only ID minted. The IDs of plans, experiments and commands derive
// from it, so workflow code stays deterministic and a retry finds its own work.
func MintCampaignID(now time.Time, rand io.Reader) (CampaignID, error) {
	var id CampaignID
	if _, err := io.ReadFull(rand, id[6:]); err != nil {
		return id, fmt.Errorf("mint campaign id: %w", err)
	}
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli()))
	copy(id[:6], ms[2:])
	return id.stamped(7), nil
}

// PlanIDOf returns the ID of the campaign's plan for a round, the first being 1.
func PlanIDOf(c CampaignID, round int) PlanID {
	return derive[planKind](c, fmt.Sprintf("plan/%d", round))
}

// ExperimentIDOf returns the ID of the campaign's experiment of a number, the
// first being 1.
func ExperimentIDOf(c CampaignID, number int) ExperimentID {
	return derive[experimentKind](c, fmt.Sprintf("experiment/%d", number))
}

// CommandIDOf returns the ID of a part of a step of an experiment. A technical
// retry has the same intent and so the same ID; a deliberate repetition has the
// next intent and a new one.
func CommandIDOf(e ExperimentID, step string, intent, part int) CommandID {
	return derive[commandKind](e, fmt.Sprintf("command/%s/%d/%d", step, intent, part))
}

// derive returns the version 8 UUID that parent and name always lead to.
func derive[K, P Kind](parent ID[P], name string) ID[K] {
	sum := sha256.Sum256(append(parent[:], "/"+name...))
	return ID[K](sum[:16]).stamped(8)
}

// ParseID is the inverse of [ID.String].
func ParseID[K Kind](s string) (ID[K], error) {
	var id ID[K]
	rest, ok := strings.CutPrefix(s, id.prefix()+"_")
	if !ok {
		return id, Errorf(Invalid, "id %q does not start with %s_", s, id.prefix())
	}
	return parseUUID[K](rest, s)
}

// ParseCampaignID reads a campaign's ID from text.
func ParseCampaignID(s string) (CampaignID, error) { return ParseID[campaignKind](s) }

// ParseExperimentID reads an experiment's ID from text.
func ParseExperimentID(s string) (ExperimentID, error) { return ParseID[experimentKind](s) }

// ParseCommandUUID reads a command's ID from its bare form on the device wire.
func ParseCommandUUID(s string) (CommandID, error) { return parseUUID[commandKind](s, s) }

func parseUUID[K Kind](uuid, whole string) (ID[K], error) {
	var id ID[K]
	b, err := hex.DecodeString(strings.ReplaceAll(uuid, "-", ""))
	if err != nil || len(b) != len(id) {
		return id, Errorf(Invalid, "id %q does not end with a UUID", whole)
	}
	id = ID[K](b)
	if id.UUID() != strings.ToLower(uuid) {
		return id, Errorf(Invalid, "id %q is not in the canonical form of a UUID", whole)
	}
	return id, nil
}

// IsZero reports whether id is unset.
func (id ID[K]) IsZero() bool { return id == ID[K]{} }

// UUID returns the bare canonical UUID: what the device wire, the activity and
// the database carry.
func (id ID[K]) UUID() string {
	h := hex.EncodeToString(id[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func (id ID[K]) String() string { return id.prefix() + "_" + id.UUID() }

// MarshalText implements [encoding.TextMarshaler].
func (id ID[K]) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *ID[K]) UnmarshalText(b []byte) (err error) {
	*id, err = ParseID[K](string(b))
	return err
}

func (ID[K]) prefix() string {
	var k K
	return k.Prefix()
}

// stamped sets the version and variant bits of RFC 9562.
func (id ID[K]) stamped(version byte) ID[K] {
	id[6] = id[6]&0x0f | version<<4
	id[8] = id[8]&0x3f | 0x80
	return id
}
