package embedded

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Role is what an account is for.
type Role string

// The roles.
const (
	DeviceRole  Role = "device"  // its own topics, the beats and the lab's stop
	GatewayRole Role = "gateway" // the laboratory: hears every device, commands every device
	ViewerRole  Role = "viewer"  // hears everything, says nothing
	SafetyRole  Role = "safety"  // a viewer that may stop the laboratory
)

// Account is who is added to a fleet.
type Account struct {
	Name string // of a device, its name on the bus
	Lab  string
	Role Role
	Days int // that its certificate is good for
}

// Credentials are an account's, told once: the password is kept as a hash only.
type Credentials struct {
	Account  string `json:"account"`
	Role     Role   `json:"role"`
	Password string `json:"password"`
	CA       string `json:"ca"` // files
	Cert     string `json:"cert"`
	Key      string `json:"key"`
}

var accountName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// rulesOf returns what a role may do, as lines of an access control list.
func rulesOf(a Account) []string {
	root := "ldp/1/" + a.Lab + "/"
	said := []string{"conn", "about", "state", "ev", "recall", "tm/#", "blob/#", "alarm/#"}
	var rules []string
	add := func(access, topic string) { rules = append(rules, "topic "+access+" "+root+topic) }
	switch a.Role {
	case DeviceRole:
		for _, t := range said {
			add("write", a.Name+"/"+t)
		}
		// conn and alarms are its own: it puts right what an old process left there.
		for _, t := range []string{a.Name + "/cmd", a.Name + "/ctl", a.Name + "/conn", a.Name + "/alarm/#", "_cell/+/beat", "_lab/stop"} {
			add("read", t)
		}
	case GatewayRole:
		for _, t := range said {
			add("read", "+/"+t)
		}
		for _, t := range []string{"+/cmd", "+/ctl", "_cell/+/beat", "_lab/stop"} {
			add("write", t)
		}
	case SafetyRole:
		add("write", "_lab/stop")
		add("read", "#")
	case ViewerRole:
		add("read", "#")
	}
	return rules
}

// AddAccount makes an account in the fleet's folder dir: its password, its rules and its certificate, the fleet's authority when
// there is none yet, and a configuration for mosquitto that uses them. An account that is there is an error unless renew, which gives
// it another password and another certificate. hosts are the names and addresses by which clients know the broker.
func AddAccount(dir string, a Account, hosts []string, renew bool) (Credentials, error) {
	c := Credentials{Account: a.Name, Role: a.Role}
	switch {
	case !accountName.MatchString(a.Name) || !accountName.MatchString(a.Lab):
		return c, fmt.Errorf("account %q in laboratory %q: names are letters, digits and . _ -, at most 64", a.Name, a.Lab)
	case len(rulesOf(a)) == 0:
		return c, fmt.Errorf("role %q: it is device, gateway, viewer or safety", a.Role)
	}
	if err := os.MkdirAll(filepath.Join(dir, keysDir), 0o700); err != nil {
		return c, fmt.Errorf("add %s to the fleet: %w", a.Name, err)
	}
	release, err := LockDir(dir)
	if err != nil {
		return c, err
	}
	defer release()
	passwords, err := readLines(filepath.Join(dir, PasswordsFile))
	if err != nil {
		return c, fmt.Errorf("add %s to the fleet: %w", a.Name, err)
	}
	if i := slices.IndexFunc(passwords, func(l string) bool { return strings.HasPrefix(l, a.Name+":") }); i >= 0 {
		if !renew {
			return c, fmt.Errorf("account %s is there already; --renew gives it a new password and certificate", a.Name)
		}
		passwords = slices.Delete(passwords, i, i+1)
	}
	c.Password = rand.Text()
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails
	hash, err := hashPassword(c.Password, salt)
	if err != nil {
		return c, err
	}
	if err := errors.Join(revoke(dir, a.Name), c.certify(dir, a, hosts)); err != nil {
		return c, fmt.Errorf("add %s to the fleet: %w", a.Name, err)
	}
	rules, err := readLines(filepath.Join(dir, RulesFile))
	if err != nil {
		return c, fmt.Errorf("add %s to the fleet: %w", a.Name, err)
	}
	rules = append(without(rules, a.Name), "user "+a.Name)
	rules = append(rules, rulesOf(a)...)
	return c, errors.Join(
		writeLines(filepath.Join(dir, RulesFile), rules),
		writeLines(filepath.Join(dir, PasswordsFile), append(passwords, a.Name+":"+hash)),
		writeMosquitto(dir))
}

// RemoveAccount takes an account out of the fleet's folder and revokes its certificate, which is of no use to an account that gets the
// same name later either.
func RemoveAccount(dir, name string) error {
	release, err := LockDir(dir)
	if err != nil {
		return err
	}
	defer release()
	passwords, err := readLines(filepath.Join(dir, PasswordsFile))
	if err != nil {
		return fmt.Errorf("remove %s from the fleet: %w", name, err)
	}
	kept := slices.DeleteFunc(slices.Clone(passwords), func(l string) bool { return strings.HasPrefix(l, name+":") })
	if len(kept) == len(passwords) {
		return fmt.Errorf("remove %s from the fleet: there is no such account in %s", name, dir)
	}
	rules, err := readLines(filepath.Join(dir, RulesFile))
	if err != nil {
		return fmt.Errorf("remove %s from the fleet: %w", name, err)
	}
	// The account goes first: without one its certificate may nothing.
	err = errors.Join(writeLines(filepath.Join(dir, RulesFile), without(rules, name)), writeLines(filepath.Join(dir, PasswordsFile), kept))
	if err == nil {
		err = revoke(dir, name)
	}
	if err == nil {
		err = removeFiles(filepath.Join(dir, keysDir, name+".crt"), filepath.Join(dir, keysDir, name+".key"))
	}
	if err != nil {
		return fmt.Errorf("remove %s from the fleet: %w", name, err)
	}
	return nil
}

// removeFiles removes what is there of some files.
func removeFiles(paths ...string) error {
	var err error
	for _, p := range paths {
		if e := os.Remove(p); e != nil && !errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// without returns the rules of all accounts but one.
func without(rules []string, name string) []string {
	var kept []string
	own := false
	for _, line := range rules {
		if user, ok := strings.CutPrefix(line, "user "); ok {
			own = strings.TrimSpace(user) == name
		}
		if !own {
			kept = append(kept, line)
		}
	}
	return kept
}

func readLines(path string) ([]string, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var all []string
	for _, line := range lines(string(b)) {
		all = append(all, line)
	}
	return all, err
}

// writeLines replaces a file, all or nothing. Who may read the folder may read it: it holds no password.
func writeLines(path string, all []string) error {
	return replaceFile(path, []byte(strings.Join(all, "\n")+"\n"), 0o640)
}

func replaceFile(path string, content []byte, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// writeMosquitto writes a configuration for mosquitto 2: one port for clients with a certificate, and one for clients with a
// password, both over TLS, and nobody without.
func writeMosquitto(dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	at := func(name string) string { return filepath.Join(abs, name) }
	fmt.Fprintf(&b, "# Written by athanor device add on %s. Change it as you like: it is written once.\n", time.Now().UTC().Format(time.DateOnly))
	fmt.Fprintf(&b, "allow_anonymous false\npassword_file %s\nacl_file %s\n", at(PasswordsFile), at(RulesFile))
	fmt.Fprintf(&b, "message_size_limit %d\nmax_queued_messages 100000\n# Without this an answer waits for 40 ms.\nset_tcp_nodelay true\n", DefaultMaxMessageBytes)
	for _, l := range []struct {
		port, cert string
	}{{"8883", "require_certificate true\nuse_identity_as_username true\n"}, {"8884", ""}} {
		fmt.Fprintf(&b, "\nlistener %s\ncafile %s\ncrlfile %s\ncertfile %s\nkeyfile %s\ntls_version tlsv1.2\n# An account is one client: nobody can take another's place by its client id.\nuse_username_as_clientid true\n%s", l.port, at(caFile), at(RevokedFile), at(serverFile), at(serverKeyFile), l.cert)
	}
	path := at("mosquitto.conf")
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return replaceFile(path, b.Bytes(), 0o640)
}
