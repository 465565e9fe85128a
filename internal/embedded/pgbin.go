package embedded

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// oldestPostgres is the oldest major version that is accepted.
const oldestPostgres = 14

const postgresInstall = "install it (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql@18), name the directory of initdb and postgres in ATHANOR_PG_BIN, or use a server that runs already by its URL"

// postgresBin is a directory with initdb and postgres.
type postgresBin struct {
	dir   string
	major int
}

// program returns the path of one of its programs.
func (b postgresBin) program(name string) string { return filepath.Join(b.dir, name) }

// choosePostgres picks the binaries for a data directory of the given major version, 0 for one that is still to be made. A directory
// that was given wins; else it is the newest on the machine that fits, since a data directory belongs to one major version for ever.
func choosePostgres(given string, major int) (postgresBin, error) {
	var found []postgresBin
	if given != "" {
		b, err := inspectPostgres(given)
		if err != nil {
			return postgresBin{}, fmt.Errorf("PostgreSQL binaries in %s (ATHANOR_PG_BIN): %w", given, err)
		}
		found = []postgresBin{b}
	} else {
		found = findPostgres()
	}
	if len(found) == 0 {
		return postgresBin{}, errors.New("no PostgreSQL on this machine: " + postgresInstall)
	}
	have := make([]string, len(found))
	for i, b := range found {
		if b.major == major || major == 0 && b.major >= oldestPostgres {
			return b, nil
		}
		have[i] = fmt.Sprintf("%d (%s)", b.major, b.dir)
	}
	if major == 0 {
		return postgresBin{}, fmt.Errorf("PostgreSQL %s is too old, want %d or newer: %s", strings.Join(have, ", "), oldestPostgres, postgresInstall)
	}
	return postgresBin{}, fmt.Errorf("the data was written by PostgreSQL %d, and here is only PostgreSQL %s: install version %d beside it (Debian, Ubuntu: apt-get install postgresql-%d), or name its binaries in ATHANOR_PG_BIN; nothing was changed",
		major, strings.Join(have, ", "), major, major)
}

// findPostgres lists what is installed in the usual places, newest first.
func findPostgres() []postgresBin {
	var dirs []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
		"/usr/pgsql-*/bin",                                   // PostgreSQL's own RPMs
		"/opt/homebrew/opt/postgresql@*/bin",                 // Homebrew on Apple silicon
		"/usr/local/opt/postgresql@*/bin",                    // Homebrew on Intel
		"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
		"/usr/local/pgsql/bin",                               // built from source
	} {
		matches, _ := filepath.Glob(pattern) // the patterns are well formed
		dirs = append(dirs, matches...)
	}
	if initdb, err := exec.LookPath("initdb"); err == nil {
		if target, err := filepath.EvalSymlinks(initdb); err == nil {
			dirs = append(dirs, filepath.Dir(target))
		}
	}
	var found []postgresBin
	for _, dir := range dirs {
		if b, err := inspectPostgres(dir); err == nil {
			found = append(found, b)
		}
	}
	slices.SortStableFunc(found, func(a, b postgresBin) int { return b.major - a.major })
	return found
}

var postgresVersion = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// inspectPostgres asks the server for its version, which also shows that it can be run here.
func inspectPostgres(dir string) (postgresBin, error) {
	b := postgresBin{dir: dir}
	if _, err := os.Stat(b.program("initdb")); err != nil {
		return postgresBin{}, err
	}
	out, err := exec.Command(b.program("postgres"), "--version").Output()
	if err != nil {
		return postgresBin{}, fmt.Errorf("ask postgres for its version: %w", err)
	}
	m := postgresVersion.FindSubmatch(out)
	if m == nil {
		return postgresBin{}, fmt.Errorf("postgres --version says %q, want \"postgres (PostgreSQL) 15.4\" or the like", strings.TrimSpace(string(out)))
	}
	b.major, err = strconv.Atoi(string(m[1]))
	return b, err
}
