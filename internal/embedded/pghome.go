package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// defaultFallback is where root keeps databases whose own directory lies out of the reach of the server's account.
const defaultFallback = "/var/lib/athanor"

// account is whom the server runs as; nil is whoever we are. PostgreSQL refuses to run as root.
type account struct {
	name     string
	uid, gid int
}

// serverAccount is nil for an ordinary user. For root it is the owner of data that exists, else postgres, else nobody.
func serverAccount(data string) (*account, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	if st, err := os.Stat(data); err == nil {
		if sys := st.Sys().(*syscall.Stat_t); sys.Uid != 0 {
			return &account{name: "user " + strconv.Itoa(int(sys.Uid)), uid: int(sys.Uid), gid: int(sys.Gid)}, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("read account %s: %w", name, err)
		}
		return &account{name: name, uid: uid, gid: gid}, nil
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and this machine has neither an account postgres nor nobody: add one, or start as an ordinary user")
}

// credential makes a child run as the account.
func (a *account) credential() *syscall.SysProcAttr {
	if a == nil {
		return &syscall.SysProcAttr{}
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}}
}

// give hands a file or directory to the account.
func (a *account) give(name string) error {
	if a == nil {
		return nil
	}
	return os.Chown(name, a.uid, a.gid)
}

// shutDoor returns the first directory on the way to dir that the account may not pass; "" when the way is free.
func (a *account) shutDoor(dir string) string {
	if a == nil {
		return ""
	}
	for p := dir; ; p = filepath.Dir(p) {
		if st, err := os.Stat(p); err == nil {
			sys, mode := st.Sys().(*syscall.Stat_t), st.Mode().Perm()
			var may bool
			switch {
			case int(sys.Uid) == a.uid:
				may = mode&0o100 != 0
			case int(sys.Gid) == a.gid:
				may = mode&0o010 != 0
			default:
				may = mode&0o001 != 0
			}
			if !may {
				return p
			}
		}
		if p == filepath.Dir(p) {
			return ""
		}
	}
}

// Files of a PostgreSQL home, and of the directory that points at one.
const (
	locationFile = "location" // in the directory we were given: where the home is
	originFile   = "origin"   // in a home elsewhere: whose it is
	dataDir      = "data"
	passwordFile = "password"
	portName     = "postgres"
	postgresLog  = "postgres.log"
)

// postgresHome returns the directory that holds data, password, port and log: dir itself, or, for root and a dir that the server's
// account cannot reach (such as below /root, which is closed to others), one of its own below fallback, which dir/location names.
func postgresHome(dir, fallback string) (home, reason string, err error) {
	location := filepath.Join(dir, locationFile)
	body, err := os.ReadFile(location)
	if err == nil {
		home = strings.TrimSpace(string(body))
		return home, "", checkOrigin(dir, location, home)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", "", err
	}
	data := filepath.Join(dir, dataDir)
	acc, err := serverAccount(data)
	if err != nil {
		return "", "", err
	}
	door := acc.shutDoor(dir)
	if door == "" {
		return dir, "", nil
	}
	if _, err := os.Stat(data); err == nil {
		return "", "", fmt.Errorf("account %s, which the server runs as, may not pass %s any more: allow it (chmod o+x %s) or move the whole data directory", acc.name, door, door)
	}
	if err := os.MkdirAll(fallback, 0o755); err != nil {
		return "", "", err
	}
	if door := acc.shutDoor(fallback); door != "" {
		return "", "", fmt.Errorf("account %s, which the server runs as, may pass neither %s nor %s: choose a data directory that others may pass through (chmod o+x)", acc.name, dir, door)
	}
	home, err = os.MkdirTemp(fallback, "postgres-*")
	if err != nil {
		return "", "", err
	}
	if err := errors.Join(os.Chmod(home, 0o711), writeFile(filepath.Join(home, originFile), dir+"\n", 0o644), writeFile(location, home+"\n", 0o644)); err != nil {
		return "", "", err
	}
	return home, fmt.Sprintf("account %s may not pass %s", acc.name, door), nil
}

// checkOrigin makes sure that a home elsewhere is there and belongs to dir, not to a directory that dir was copied from.
func checkOrigin(dir, location, home string) error {
	body, err := os.ReadFile(filepath.Join(home, originFile))
	if err != nil {
		return fmt.Errorf("%s says that the database is in %s, but that cannot be read: %w: bring it back, or remove %s to start with an empty database", location, home, err, location)
	}
	if origin := strings.TrimSpace(string(body)); origin != dir {
		return fmt.Errorf("the database in %s belongs to %s, not to %s: if you moved the directory, write its new path into %s", home, origin, dir, filepath.Join(home, originFile))
	}
	return nil
}
