package campaign

import (
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
)

// aliases complains of names that would say two things: of an alias that is the name
// or an alias of another parameter or objective, or of another level of the same
// parameter, and of aliases of levels that are not there.
func (c *checker) aliases() {
	taken := map[string]string{} // what a name is of already
	for _, p := range c.doc.Space.Parameters {
		taken[folded(p.Name)] = p.Name
	}
	for _, o := range c.doc.Objectives {
		taken[folded(o.Name)] = o.Name
	}
	for i, p := range c.doc.Space.Parameters {
		path := atIndex("space.parameters", i)
		c.aliasesOf(at(path, "aliases"), p.Name, p.Aliases, taken)
		c.levelAliases(path, p)
	}
	for i, o := range c.doc.Objectives {
		c.aliasesOf(at(atIndex("objectives", i), "aliases"), o.Name, o.Aliases, taken)
	}
}

// folded is a name as it is compared: papers do not agree on capitals and dashes in
// long names, and mean something by them in short ones.
func folded(name string) string {
	if len(name) <= 4 {
		return name
	}
	return strings.ToLower(strings.ReplaceAll(name, "_", " "))
}

func (c *checker) aliasesOf(path, of string, aliases []string, taken map[string]string) {
	for i, a := range aliases {
		if other, ok := taken[folded(a)]; ok && a != "" {
			c.addf(atIndex(path, i), "%q is a name of %s already", clip(a), clip(other)).right("a name that means one thing only")
		}
		taken[folded(a)] = of
	}
}

func (c *checker) levelAliases(path string, p lab.Parameter) {
	levels := slices.Concat(p.Levels, p.Parts)
	taken := map[string]string{}
	for _, l := range levels {
		taken[folded(l)] = l
	}
	for _, l := range keysOf(p.LevelAliases) {
		here := at(at(path, "level_aliases"), l)
		if len(levels) > 0 && !slices.Contains(levels, l) {
			c.addf(here, "%s has no %q", p.Name, clip(l)).right("%s", known(l, levels, "names"))
			continue
		}
		if n := len(p.LevelAliases[l]); n > maxAliases {
			c.addf(here, "has %d names", n).right("at most %d", maxAliases)
		}
		c.aliasesOf(here, l, p.LevelAliases[l], taken)
	}
}
