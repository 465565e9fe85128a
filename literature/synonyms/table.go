package synonyms

import "strings"

// substances has a line to a substance, its names between bars.
var substances = lines(`
potassium acetate|KOAc|AcOK|CH3CO2K|CH3COOK|KCH3COO|KCH3CO2|KO2CCH3|C2H3KO2
sodium acetate|NaOAc|AcONa|CH3CO2Na|CH3COONa|NaCH3COO|NaCH3CO2|NaO2CCH3|C2H3NaO2
cesium acetate|caesium acetate|CsOAc|AcOCs|CH3CO2Cs|CH3COOCs|CsO2CCH3
lithium acetate|LiOAc|AcOLi|CH3CO2Li|CH3COOLi
silver acetate|silver(I) acetate|AgOAc|AcOAg|CH3CO2Ag|CH3COOAg
potassium pivalate|KOPiv|PivOK|KO2CtBu|potassium trimethylacetate|potassium 2,2-dimethylpropanoate|(CH3)3CCO2K|(CH3)3CCOOK
cesium pivalate|caesium pivalate|CsOPiv|PivOCs|CsO2CtBu|cesium trimethylacetate|caesium trimethylacetate|(CH3)3CCO2Cs|(CH3)3CCOOCs
sodium pivalate|NaOPiv|PivONa|(CH3)3CCO2Na|(CH3)3CCOONa
pivalic acid|PivOH|trimethylacetic acid|2,2-dimethylpropanoic acid|(CH3)3CCO2H|(CH3)3CCOOH
acetic acid|AcOH|HOAc|ethanoic acid|CH3CO2H|CH3COOH
trifluoroacetic acid|TFA|CF3CO2H|CF3COOH
formic acid|methanoic acid|HCO2H|HCOOH
potassium carbonate|K2CO3|dipotassium carbonate
sodium carbonate|Na2CO3|disodium carbonate|soda ash
cesium carbonate|caesium carbonate|Cs2CO3
lithium carbonate|Li2CO3
calcium carbonate|CaCO3
silver carbonate|Ag2CO3
sodium bicarbonate|sodium hydrogen carbonate|sodium hydrogencarbonate|NaHCO3
potassium bicarbonate|potassium hydrogen carbonate|KHCO3
potassium phosphate|tripotassium phosphate|potassium phosphate tribasic|K3PO4
sodium phosphate|trisodium phosphate|Na3PO4
dipotassium phosphate|dipotassium hydrogen phosphate|K2HPO4
sodium hydroxide|caustic soda|NaOH
potassium hydroxide|caustic potash|KOH
lithium hydroxide|LiOH
cesium hydroxide|caesium hydroxide|CsOH
calcium hydroxide|slaked lime|Ca(OH)2
barium hydroxide|Ba(OH)2
ammonium hydroxide|aqueous ammonia|ammonia water|NH4OH
potassium tert-butoxide|potassium t-butoxide|KOtBu|tBuOK|t-BuOK|KOt-Bu|(CH3)3COK
sodium tert-butoxide|sodium t-butoxide|NaOtBu|tBuONa|t-BuONa|NaOt-Bu|(CH3)3CONa
lithium tert-butoxide|LiOtBu|tBuOLi|t-BuOLi|(CH3)3COLi
sodium methoxide|NaOMe|MeONa|CH3ONa
sodium ethoxide|NaOEt|EtONa|C2H5ONa
sodium hydride|NaH
sodium borohydride|NaBH4
lithium aluminium hydride|lithium aluminum hydride|LiAlH4|LAH
lithium diisopropylamide|LDA
lithium bis(trimethylsilyl)amide|lithium hexamethyldisilazide|LiHMDS
potassium bis(trimethylsilyl)amide|potassium hexamethyldisilazide|KHMDS
n-butyllithium|butyllithium|nBuLi|n-BuLi|BuLi
triethylamine|N,N-diethylethanamine|Et3N|NEt3|N(C2H5)3|(C2H5)3N
N,N-diisopropylethylamine|diisopropylethylamine|ethyldiisopropylamine|DIPEA|iPr2NEt|i-Pr2NEt|Hünig's base|Hunig's base
1,8-diazabicyclo[5.4.0]undec-7-ene|diazabicycloundecene|DBU
1,4-diazabicyclo[2.2.2]octane|triethylenediamine|DABCO
7-methyl-1,5,7-triazabicyclo[4.4.0]dec-5-ene|MTBD
1,1,3,3-tetramethylguanidine|tetramethylguanidine|TMG
4-dimethylaminopyridine|4-(dimethylamino)pyridine|N,N-dimethylpyridin-4-amine|DMAP
pyridine|C5H5N
N,N-dimethylacetamide|dimethylacetamide|dimethyl acetamide|DMAc|DMAC|DMA|CH3CON(CH3)2|CH3C(O)N(CH3)2
N,N-dimethylformamide|dimethylformamide|dimethyl formamide|DMF|HCON(CH3)2|(CH3)2NCHO
N-methyl-2-pyrrolidone|N-methylpyrrolidone|1-methyl-2-pyrrolidone|N-methylpyrrolidinone|1-methylpyrrolidin-2-one|NMP
dimethyl sulfoxide|dimethylsulfoxide|dimethyl sulphoxide|dimethylsulphoxide|DMSO|(CH3)2SO|(CH3)2S=O
tetrahydrofuran|oxolane|THF|C4H8O
2-methyltetrahydrofuran|2-MeTHF|MeTHF|2-methyloxolane
1,4-dioxane|p-dioxane
diethyl ether|ethoxyethane|Et2O|(C2H5)2O
tert-butyl methyl ether|methyl tert-butyl ether|MTBE|TBME
cyclopentyl methyl ether|CPME
1,2-dimethoxyethane|dimethoxyethane|monoglyme|ethylene glycol dimethyl ether
acetonitrile|methyl cyanide|MeCN|CH3CN|ACN
butyronitrile|butanenitrile|n-butyronitrile|n-PrCN|C3H7CN
benzonitrile|PhCN|C6H5CN
propylene carbonate|4-methyl-1,3-dioxolan-2-one
gamma-butyrolactone|γ-butyrolactone|GBL
dichloromethane|methylene chloride|methylene dichloride|DCM|CH2Cl2
chloroform|trichloromethane|CHCl3
carbon tetrachloride|tetrachloromethane|CCl4
1,2-dichloroethane|ethylene dichloride|ClCH2CH2Cl
chlorobenzene|PhCl|C6H5Cl
toluene|methylbenzene|PhMe|PhCH3|C6H5CH3
p-xylene|para-xylene|1,4-dimethylbenzene|1,4-xylene
o-xylene|ortho-xylene|1,2-dimethylbenzene
benzene|PhH|C6H6
hexane|n-hexane|hexanes
heptane|n-heptane
cyclohexane|C6H12
ethyl acetate|EtOAc|AcOEt|CH3CO2C2H5|CH3COOC2H5
acetone|propan-2-one|propanone|(CH3)2CO|CH3COCH3
2-butanone|butan-2-one|methyl ethyl ketone|MEK
methanol|methyl alcohol|MeOH|CH3OH
ethanol|ethyl alcohol|EtOH|C2H5OH|CH3CH2OH
1-propanol|n-propanol|propan-1-ol|nPrOH|n-PrOH
2-propanol|isopropanol|isopropyl alcohol|propan-2-ol|iPrOH|i-PrOH|IPA
1-butanol|n-butanol|butan-1-ol|nBuOH|n-BuOH
tert-butanol|tert-butyl alcohol|t-butanol|2-methylpropan-2-ol|tBuOH|t-BuOH
2-methyl-2-butanol|tert-amyl alcohol|tAmOH|t-AmOH|tert-amylalcohol
ethylene glycol|ethane-1,2-diol|HOCH2CH2OH
2-methoxyethanol|ethylene glycol monomethyl ether
1,1,1,3,3,3-hexafluoro-2-propanol|hexafluoroisopropanol|HFIP
2,2,2-trifluoroethanol|trifluoroethanol|CF3CH2OH
oleylamine|OAm|OLA
water|H2O
hydrogen peroxide|H2O2
hydrochloric acid|hydrogen chloride|HCl
sulfuric acid|sulphuric acid|H2SO4
nitric acid|HNO3
phosphoric acid|H3PO4
hydrofluoric acid|hydrogen fluoride|HF
p-toluenesulfonic acid|para-toluenesulfonic acid|4-methylbenzenesulfonic acid|TsOH|p-TsOH|PTSA
ammonia|NH3
ammonium chloride|NH4Cl
ammonium fluoride|NH4F
ammonium nitrate|NH4NO3
urea|CO(NH2)2|(NH2)2CO
sodium chloride|NaCl
potassium chloride|KCl
lithium chloride|LiCl
lithium bromide|LiBr
potassium iodide|KI
potassium fluoride|KF
cesium fluoride|caesium fluoride|CsF
sodium nitrate|NaNO3
sodium sulfate|sodium sulphate|Na2SO4
magnesium sulfate|magnesium sulphate|MgSO4
potassium permanganate|KMnO4
palladium acetate|palladium(II) acetate|Pd(OAc)2|Pd(O2CCH3)2|Pd(CH3COO)2
palladium chloride|palladium(II) chloride|PdCl2
palladium trifluoroacetate|palladium(II) trifluoroacetate|Pd(TFA)2|Pd(O2CCF3)2
tris(dibenzylideneacetone)dipalladium|tris(dibenzylideneacetone)dipalladium(0)|Pd2(dba)3|Pd2dba3
tetrakis(triphenylphosphine)palladium|tetrakis(triphenylphosphine)palladium(0)|Pd(PPh3)4
bis(triphenylphosphine)palladium dichloride|bis(triphenylphosphine)palladium(II) dichloride|Pd(PPh3)2Cl2|PdCl2(PPh3)2
[1,1'-bis(diphenylphosphino)ferrocene]dichloropalladium|Pd(dppf)Cl2|PdCl2(dppf)
copper(I) iodide|copper iodide|cuprous iodide|CuI
copper(II) acetate|copper acetate|cupric acetate|Cu(OAc)2|Cu(O2CCH3)2|Cu(CH3COO)2
copper(II) sulfate|copper sulfate|cupric sulfate|CuSO4
copper(II) oxide|cupric oxide|CuO
nickel(II) chloride|nickel chloride|NiCl2
nickel(II) nitrate|nickel nitrate|Ni(NO3)2
iron(III) chloride|ferric chloride|FeCl3
iron(III) nitrate|iron nitrate|ferric nitrate|Fe(NO3)3
cobalt(II) nitrate|cobalt nitrate|Co(NO3)2
cobalt(II) acetate|cobalt acetate|Co(OAc)2|Co(CH3COO)2|Co(O2CCH3)2
zinc acetate|Zn(OAc)2|Zn(CH3COO)2|Zn(O2CCH3)2
zinc nitrate|Zn(NO3)2
aluminium nitrate|aluminum nitrate|Al(NO3)3
chloroplatinic acid|hexachloroplatinic acid|H2PtCl6
chloroauric acid|tetrachloroauric acid|HAuCl4
triphenylphosphine|triphenylphosphane|PPh3|P(C6H5)3
tricyclohexylphosphine|tricyclohexylphosphane|PCy3|P(C6H11)3
tri-tert-butylphosphine|tri-tert-butylphosphane|P(tBu)3|PtBu3|P(t-Bu)3
tri(2-furyl)phosphine|tris(2-furyl)phosphine|trifurylphosphine|P(fur)3
tri-o-tolylphosphine|tris(o-tolyl)phosphine|P(o-tol)3
dimethylphenylphosphine|dimethyl(phenyl)phosphine|PPhMe2|PMe2Ph
1,1'-bis(diphenylphosphino)ferrocene|dppf
1,2-bis(diphenylphosphino)ethane|dppe
1,3-bis(diphenylphosphino)propane|dppp
2-dicyclohexylphosphino-2',6'-dimethoxybiphenyl|SPhos
2-dicyclohexylphosphino-2',4',6'-triisopropylbiphenyl|XPhos
2-dicyclohexylphosphino-2',6'-diisopropoxybiphenyl|RuPhos
4,5-bis(diphenylphosphino)-9,9-dimethylxanthene|Xantphos|XantPhos
titanium dioxide|titania|titanium(IV) oxide|TiO2
silicon dioxide|silica|SiO2
aluminium oxide|aluminum oxide|alumina|Al2O3
zirconium dioxide|zirconia|ZrO2
cerium dioxide|ceria|cerium(IV) oxide|CeO2
magnesium oxide|magnesia|MgO
zinc oxide|ZnO
lanthanum oxide|lanthana|La2O3
manganese dioxide|manganese(IV) oxide|MnO2
polyvinylpyrrolidone|poly(vinylpyrrolidone)|PVP
polyvinylidene fluoride|poly(vinylidene fluoride)|PVDF
poly(ethylene glycol)|polyethylene glycol|PEG
cetyltrimethylammonium bromide|hexadecyltrimethylammonium bromide|CTAB
sodium dodecyl sulfate|sodium lauryl sulfate|SDS
tetrabutylammonium bromide|TBAB
ethylenediaminetetraacetic acid|EDTA
citric acid|2-hydroxypropane-1,2,3-tricarboxylic acid
dihydrogen|hydrogen gas|hydrogen|H2
dinitrogen|nitrogen gas|nitrogen|N2
dioxygen|oxygen gas|oxygen|O2
carbon monoxide|CO
carbon dioxide|CO2
methane|CH4
ethene|ethylene|C2H4
ethane|C2H6
`)

// elements has a line to an element.
var elements = lines(`
lithium|Li
boron|B
sodium|Na
magnesium|Mg
aluminium|aluminum|Al
silicon|Si
phosphorus|P
sulfur|sulphur|S
potassium|K
calcium|Ca
scandium|Sc
titanium|Ti
vanadium|V
chromium|Cr
manganese|Mn
iron|Fe
cobalt|Co
nickel|Ni
copper|Cu
zinc|Zn
gallium|Ga
germanium|Ge
selenium|Se
strontium|Sr
yttrium|Y
zirconium|Zr
niobium|Nb
molybdenum|Mo
ruthenium|Ru
rhodium|Rh
palladium|Pd
silver|Ag
cadmium|Cd
indium|In
tin|Sn
antimony|Sb
tellurium|Te
cesium|caesium|Cs
barium|Ba
lanthanum|La
cerium|Ce
praseodymium|Pr
neodymium|Nd
samarium|Sm
europium|Eu
gadolinium|Gd
terbium|Tb
dysprosium|Dy
holmium|Ho
erbium|Er
ytterbium|Yb
hafnium|Hf
tantalum|Ta
tungsten|W
rhenium|Re
osmium|Os
iridium|Ir
platinum|Pt
gold|Au
lead|Pb
bismuth|Bi
`)

// quantities has a line to a quantity: what a space calls it, what a finding does, and
// what stands before its number.
var quantities = lines(`
temperature|T|temp|reaction temperature|heating temperature|stirring temperature|bath temperature
time|t|reaction time|duration|heating time|stirring time
concentration|c|conc|molarity|substrate concentration
pressure|p|total pressure
calcination temperature|calcining temperature|firing temperature
sintering temperature|firing temperature
annealing temperature|anneal temperature
drying temperature|dry temperature
stirring speed|stirring rate|stir rate|stir speed|agitation speed|speed|rotation speed
heating rate|ramp rate|ramping rate
flow rate|flow|total flow|feed rate
pH|acidity
yield|isolated yield|reaction yield|product yield
conversion|substrate conversion
selectivity|product selectivity
enantiomeric excess|ee|e.e.|enantioselectivity
overpotential|η
faradaic efficiency|faradic efficiency|Faraday efficiency|FE
turnover number|TON
turnover frequency|TOF
current density|j
surface area|specific surface area|BET surface area
catalyst loading|loading of the catalyst|loading of catalyst|amount of catalyst
ligand loading|loading of the ligand|amount of ligand
residence time|retention time in the reactor|space time
wavelength|λ
voltage|potential|applied potential
`)

func lines(s string) [][]string {
	var out [][]string
	for l := range strings.Lines(s) {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, strings.Split(l, "|"))
		}
	}
	return out
}
