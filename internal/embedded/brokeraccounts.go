package embedded

import (
	"bufio"
	"crypto/pbkdf2"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The files of a fleet's folder that say who may do what, in the formats of mosquitto: password_file and acl_file.
const (
	PasswordsFile = "passwords"
	RulesFile     = "acl"
)

// Accounts are the accounts of a fleet's folder. A client proves who it is by a certificate of the fleet, whose common name is the
// account, or by the account's password; what it calls itself besides, its client id included, proves nothing. The files are read
// again when they change, so that a device that is added or removed needs no restart.
type Accounts struct {
	dir string

	mu      sync.RWMutex
	hashes  map[string]string // account → hash; "" has none and needs a certificate
	rules   map[string][]rule
	revoked map[string]bool // serial numbers of certificates
	changed time.Time       // of the files
	looked  time.Time
}

// rule is a line of the access control list.
type rule struct {
	pattern     string
	read, write bool
}

// OpenAccounts reads the accounts in dir.
func OpenAccounts(dir string) (*Accounts, error) {
	a := &Accounts{dir: dir}
	if err := a.load(); err != nil {
		return nil, fmt.Errorf("open the accounts of the fleet: %w", err)
	}
	return a, nil
}

func (a *Accounts) load() error {
	changed := a.newest() // before they are read: what comes after is news
	passwords, err := os.ReadFile(filepath.Join(a.dir, PasswordsFile))
	if err != nil {
		return fmt.Errorf("%w; athanor device add makes it", err)
	}
	list, err := os.ReadFile(filepath.Join(a.dir, RulesFile))
	if err != nil {
		return fmt.Errorf("%w; athanor device add makes it", err)
	}
	hashes, err := parsePasswords(string(passwords))
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(a.dir, PasswordsFile), err)
	}
	rules, err := parseRules(string(list))
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(a.dir, RulesFile), err)
	}
	revoked, err := revokedSerials(a.dir)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hashes, a.rules, a.revoked, a.changed, a.looked = hashes, rules, revoked, changed, time.Now()
	return nil
}

// newest returns when the files were changed last.
func (a *Accounts) newest() time.Time {
	var last time.Time
	for _, name := range []string{PasswordsFile, RulesFile, RevokedFile} {
		if info, err := os.Stat(filepath.Join(a.dir, name)); err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	return last
}

// refresh reads the files again when they have changed, and looks at most once a second. A file that is not as it should be changes
// nothing.
func (a *Accounts) refresh() {
	a.mu.Lock()
	if time.Since(a.looked) < time.Second {
		a.mu.Unlock()
		return
	}
	a.looked = time.Now()
	news := a.newest().After(a.changed)
	a.mu.Unlock()
	if news {
		_ = a.load() // what is known stays true
	}
}

// Connect implements [BrokerAuth].
func (a *Accounts) Connect(c BrokerClient, password []byte) bool {
	a.refresh()
	a.mu.RLock()
	hash, known := a.hashes[c.Account()]
	revoked := a.revoked[c.Serial]
	_, other := a.hashes[c.ID[strings.LastIndexByte(c.ID, '.')+1:]]
	a.mu.RUnlock()
	if own := c.Account(); other && c.ID != own && !strings.HasSuffix(c.ID, "."+own) {
		return false // a client id throws out who had it before
	}
	if c.Certificate != "" { // signed by the fleet's authority
		return known && !revoked && (c.Username == "" || c.Username == c.Certificate)
	}
	if !known || hash == "" {
		hash = noAccount // as slow as for one that is known
	}
	return checkPassword(hash, string(password)) && known
}

// noAccount is a hash that no password has.
var noAccount = fmt.Sprintf("$7$%d$%s$%s", iterations, base64.StdEncoding.EncodeToString(make([]byte, saltBytes)), base64.StdEncoding.EncodeToString(make([]byte, sha512.Size)))

// Publish implements [BrokerAuth].
func (a *Accounts) Publish(c BrokerClient, topic string) bool {
	return a.may(c, topic, func(r rule) bool { return r.write })
}

// Subscribe implements [BrokerAuth].
func (a *Accounts) Subscribe(c BrokerClient, filter string) bool {
	a.refresh()
	if rest, shared := strings.CutPrefix(filter, "$share/"); shared {
		_, filter, _ = strings.Cut(rest, "/")
	}
	return a.may(c, filter, func(r rule) bool { return r.read })
}

func (a *Accounts) may(c BrokerClient, filter string, kind func(rule) bool) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	for _, r := range a.rules[c.Account()] {
		if kind(r) && covers(r.pattern, filter) {
			return true
		}
	}
	return false
}

// covers reports whether every topic that filter stands for is of pattern.
func covers(pattern, filter string) bool {
	for {
		p, prest, pmore := strings.Cut(pattern, "/")
		f, frest, fmore := strings.Cut(filter, "/")
		switch {
		case p == "#":
			return true
		case f == "#" || p != "+" && p != f:
			return false
		case !pmore || !fmore:
			return pmore == fmore || pmore && prest == "#"
		}
		pattern, filter = prest, frest
	}
}

const (
	iterations = 101 // mosquitto's own; the passwords that are made here are random, and cannot be guessed however fast it is
	saltBytes  = 12
)

// hashPassword returns what mosquitto keeps of a password: "$7$", the number of iterations, the salt and the PBKDF2 of the password
// with HMAC-SHA-512 (RFC 8018), both in base64.
func hashPassword(password string, salt []byte) (string, error) {
	key, err := pbkdf2.Key(sha512.New, password, salt, iterations, sha512.Size)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	b := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("$7$%d$%s$%s", iterations, b(salt), b(key)), nil
}

// checkPassword reports whether a hash is of a password.
func checkPassword(hash, password string) bool {
	n, salt, want, err := splitHash(hash)
	if err != nil {
		return false
	}
	got, err := pbkdf2.Key(sha512.New, password, salt, n, len(want))
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1
}

// iterationsMax bounds the work that a line of the password file can ask for.
const iterationsMax = 1_000_000

func splitHash(hash string) (n int, salt, key []byte, err error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 5 || parts[0] != "" || parts[1] != "7" {
		return 0, nil, nil, errors.New("it is no hash of PBKDF2, which begins with $7$; mosquitto_passwd -H sha512-pbkdf2 makes one")
	}
	if n, err = strconv.Atoi(parts[2]); err != nil || n < 1 || n > iterationsMax {
		return 0, nil, nil, fmt.Errorf("its number of iterations is %q, want 1 to %d", parts[2], iterationsMax)
	}
	if salt, err = base64.StdEncoding.DecodeString(parts[3]); err != nil {
		return 0, nil, nil, fmt.Errorf("its salt: %w", err)
	}
	if key, err = base64.StdEncoding.DecodeString(parts[4]); err != nil || len(key) == 0 {
		return 0, nil, nil, fmt.Errorf("its hash %q is not base64", parts[4])
	}
	return n, salt, key, nil
}

// parsePasswords reads lines "account:hash".
func parsePasswords(text string) (map[string]string, error) {
	hashes := map[string]string{}
	for n, line := range lines(text) {
		account, hash, ok := strings.Cut(line, ":")
		if !ok || account == "" {
			return nil, fmt.Errorf("line %d is not account:hash", n)
		}
		if _, _, _, err := splitHash(hash); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		hashes[account] = hash
	}
	return hashes, nil
}

// parseRules reads an access control list: "user NAME", then lines "topic [read|write|readwrite] PATTERN". Patterns with %u and %c
// are mosquitto's as well, and not ours.
func parseRules(text string) (map[string][]rule, error) {
	rules, user := map[string][]rule{}, ""
	for n, line := range lines(text) {
		word, rest, _ := strings.Cut(line, " ")
		rest = strings.TrimSpace(rest)
		switch {
		case word == "user" && rest != "":
			user = rest
		case word == "topic" && user != "" && rest != "":
			r := rule{pattern: rest, read: true, write: true}
			if kind, pattern, ok := strings.Cut(rest, " "); ok {
				switch kind {
				case "read", "write", "readwrite":
					r = rule{strings.TrimSpace(pattern), kind != "write", kind != "read"}
				default:
					return nil, fmt.Errorf("line %d: access is %q, want read, write or readwrite", n, kind)
				}
			}
			rules[user] = append(rules[user], r)
		default:
			return nil, fmt.Errorf("line %d is %q, want a user, or a topic below one", n, line)
		}
	}
	return rules, nil
}

// lines yields the lines that are not empty and no comment, with their numbers from 1.
func lines(text string) func(func(int, string) bool) {
	return func(yield func(int, string) bool) {
		s := bufio.NewScanner(strings.NewReader(text))
		for n := 1; s.Scan(); n++ {
			if line := strings.TrimSpace(s.Text()); line != "" && line[0] != '#' && !yield(n, line) {
				return
			}
		}
	}
}
