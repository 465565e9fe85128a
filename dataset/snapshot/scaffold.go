package snapshot

import "github.com/athanor-lab/athanor/dataset/smiles"

// ringSystem returns a name of the scaffold of a molecule, and whether label is a
// SMILES at all. A molecule without rings is a scaffold of its own, by its graph,
// however it is written.
func ringSystem(label string) (string, bool) {
	m, err := smiles.Parse(label)
	if err != nil {
		return "", false
	}
	if s := m.Scaffold(); s != "" {
		return s, true
	}
	return m.Key(), true
}

// molecule returns the name of a molecule, the same however its SMILES is
// written, and whether label is a SMILES.
func molecule(label string) (string, bool) {
	m, err := smiles.Parse(label)
	if err != nil {
		return "", false
	}
	return m.Key(), true
}
