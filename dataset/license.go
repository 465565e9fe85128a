package dataset

import (
	"regexp"
	"slices"

	"github.com/athanor-lab/athanor/lab"
)

// licenses are those whose combination we know, the freest first; data under
// several leaves under the last of them.
var licenses = []string{"CC0-1.0", "PDDL-1.0", "ODC-By-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "ODbL-1.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0"}

// shareAlike wants what is derived to be under itself.
var shareAlike = []string{"CC-BY-SA-4.0", "ODbL-1.0", "CC-BY-NC-SA-4.0"}

var spdx = regexp.MustCompile(`^[A-Za-z0-9.+-]{1,64}$`)

// CheckLicense reports, as [lab.Invalid], a text that cannot be an SPDX
// identifier. "" says that nobody said.
func CheckLicense(id string) error {
	if id != "" && !spdx.MatchString(id) {
		return lab.Errorf(lab.Invalid, "licence %q is no SPDX identifier, such as CC-BY-4.0", id)
	}
	return nil
}

// Combine returns the licence of data that is under several: the strictest.
// Such that cannot go together are [lab.Conflict], as is one of an unknown kind
// beside another.
func Combine(all []string) (string, error) {
	all = slices.Compact(slices.Sorted(slices.Values(all)))
	if len(all) == 0 {
		return "", nil
	}
	strictest, alike := all[0], []string{}
	for _, l := range all {
		if slices.Contains(shareAlike, l) {
			alike = append(alike, l)
		}
		if len(all) > 1 && !slices.Contains(licenses, l) {
			return "", lab.Errorf(lab.Conflict, "licence %q cannot be combined with %q; choose what goes out with --only-license", l, all)
		}
		if slices.Index(licenses, l) > slices.Index(licenses, strictest) {
			strictest = l
		}
	}
	if len(alike) > 1 || len(alike) == 1 && strictest != alike[0] {
		return "", lab.Errorf(lab.Conflict, "%q wants all of it under itself and there is %q; choose what goes out with --only-license", alike[0], all)
	}
	return strictest, nil
}
