package xrd

// The generators of space groups, as International Tables for Crystallography,
// volume A (5th ed., 2002), list them.
var (
	faceCentred = []string{"x,y+1/2,z+1/2", "x+1/2,y,z+1/2"}
	fm3m        = append([]string{"-x,-y,z", "-x,y,-z", "z,x,y", "y,x,-z", "-x,-y,-z"}, faceCentred...)
	fd3m        = append([]string{"-x+3/4,-y+1/4,z+1/2", "-x+1/4,y+1/2,-z+3/4", "z,x,y", "y+3/4,x+1/4,-z+1/2", "-x,-y,-z"}, faceCentred...) // origin 2
	r3c         = []string{"-y,x-y,z", "y,x,-z+1/2", "-x,-y,-z", "x+2/3,y+1/3,z+1/3"}                                                       // hexagonal axes
	r3m         = []string{"-y,x-y,z", "y,x,-z", "-x,-y,-z", "x+2/3,y+1/3,z+1/3"}
	p42mnm      = []string{"-x,-y,z", "-y+1/2,x+1/2,z+1/2", "-x+1/2,y+1/2,-z+1/2", "-x,-y,-z"}
	c2c         = []string{"-x,y,-z+1/2", "-x,-y,-z", "x+1/2,y+1/2,z"}
)

// Library is the shipped structures, by formula.
var Library = map[string]Structure{
	"Si": cubic("Si", 5.43102, 8, fd3m, "a: NIST standard reference material 640c, at 22.5 °C, to 1e-4 Å",
		Site{"Si", 1. / 8, 1. / 8, 1. / 8}),
	"NaCl": cubic("NaCl", 5.6402, 4, fm3m, "Swanson & Fuyat, NBS Circular 539 vol. 2, 1953",
		Site{"Na", 0, 0, 0}, Site{"Cl", 1. / 2, 1. / 2, 1. / 2}),
	"MgO": cubic("MgO", 4.2112, 4, fm3m, "Hazen, Am. Mineral. 61, 266, 1976",
		Site{"Mg", 0, 0, 0}, Site{"O", 1. / 2, 1. / 2, 1. / 2}),
	"CaF2": cubic("CaF2", 5.4630, 4, fm3m, "Swanson & Tatge, NBS Circular 539 vol. 1, 1953",
		Site{"Ca", 0, 0, 0}, Site{"F", 1. / 4, 1. / 4, 1. / 4}),
	"Al2O3": hexagonal("Al2O3", 4.7587, 12.9929, 6, r3c, "Newnham & de Haan, Z. Kristallogr. 117, 235, 1962",
		Site{"Al", 0, 0, 0.3522}, Site{"O", 0.3063, 0, 1. / 4}),
	"TiO2": {
		Name: "TiO2", A: 4.5937, B: 4.5937, C: 2.9587, Alpha: 90, Beta: 90, Gamma: 90, Generators: p42mnm, Units: 2,
		Sites: []Site{{"Ti", 0, 0, 0}, {"O", 0.3048, 0.3048, 0}}, Source: "rutile; Swope, Smyth & Larson, Am. Mineral. 80, 448, 1995",
	},
	"Co3O4": cubic("Co3O4", 8.0840, 8, fd3m, "Picard, Baffier & Gasperin, Acta Cryst. B 36, 1980, and later refinements",
		Site{"Co", 1. / 8, 1. / 8, 1. / 8}, Site{"Co", 1. / 2, 1. / 2, 1. / 2}, Site{"O", 0.2631, 0.2631, 0.2631}),
	"LiCoO2": hexagonal("LiCoO2", 2.8156, 14.0542, 3, r3m, "Orman & Wiseman, Acta Cryst. C 40, 12, 1984",
		Site{"Li", 0, 0, 1. / 2}, Site{"Co", 0, 0, 0}, Site{"O", 0, 0, 0.2605}),
	"Li2CO3": {
		Name: "Li2CO3", A: 8.359, B: 4.9725, C: 6.1975, Alpha: 90, Beta: 114.83, Gamma: 90, Generators: c2c, Units: 4,
		Sites:  []Site{{"Li", 0.1965, 0.4488, 0.8344}, {"C", 0, 0.0657, 1. / 4}, {"O", 0, 0.3217, 1. / 4}, {"O", 0.1459, -0.0660, 0.3128}},
		Source: "Effenberger & Zemann, Z. Kristallogr. 150, 133, 1979",
	},
}

func cubic(name string, a float64, units int, group []string, source string, sites ...Site) Structure {
	return Structure{Name: name, A: a, B: a, C: a, Alpha: 90, Beta: 90, Gamma: 90, Generators: group, Sites: sites, Units: units, Source: source}
}

func hexagonal(name string, a, c float64, units int, group []string, source string, sites ...Site) Structure {
	return Structure{Name: name, A: a, B: a, C: c, Alpha: 90, Beta: 90, Gamma: 120, Generators: group, Sites: sites, Units: units, Source: source}
}
