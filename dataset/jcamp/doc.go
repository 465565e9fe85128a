// Package jcamp reads JCAMP-DX files: spectra and other curves of 4.24 to 6.00.
//
// [Read] returns every block of a file with its labels and its data: XYDATA and
// XYPOINTS in AFFN, PAC, SQZ, DIF and DUP form, peak tables and assignments,
// NTUPLES with their pages, and compound files (LINK) with a block to each
// part. The forms are those of McDonald and Wilks, "JCAMP-DX: A Standard Form
// for Exchange of Infrared Spectra in Computer Readable Form", Applied
// Spectroscopy 42 (1988) 151, and Lampen et al., "JCAMP-DX. A standard form for
// the exchange of ion mobility spectrometry and mass spectrometry data", Pure
// and Applied Chemistry 73 (2001) 1765, and Applied Spectroscopy 48 (1994) 1545.
//
// What is easily taken wrong:
//
//   - Nothing is silently empty. A block either has data, or says in
//     [Block.Refused] why it has none.
//   - Every line of a DIF table repeats the last ordinate of the line before it.
//     That check and the number of points are held; a table that fails them is
//     refused and not half given.
//   - Abscissas are in the units of the file. Nothing turns hertz into ppm here.
//   - Abscissas of (X++(Y..Y)) are spread evenly from FIRSTX to LASTX, as the
//     standard has it; those at the beginnings of the lines are rounded and only
//     compared.
package jcamp
