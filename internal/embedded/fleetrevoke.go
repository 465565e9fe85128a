package embedded

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// RevokedFile is the fleet's certificate revocation list (RFC 5280, section 5), in
// PEM, signed by its authority: certificates of accounts that were removed or renewed.
// Both our broker and mosquitto read it.
const RevokedFile = "revoked.crl"

const revocationList = "X509 CRL"

// revoke puts the certificate of an account on the list, so that it is of no use
// from now on, under an account of the same name too. One that has no certificate
// leaves the list as it is, but there.
func revoke(dir, name string) error {
	ca, err := openAuthority(dir)
	if err != nil {
		return err
	}
	list, err := readRevoked(dir)
	if err != nil {
		return err
	}
	next := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now().Add(-clockSkew), NextUpdate: time.Now().Add(caYears * daysOfAYear * hoursOfADay)}
	if list != nil {
		next.Number, next.RevokedCertificateEntries = new(big.Int).Add(list.Number, big.NewInt(1)), list.RevokedCertificateEntries
	}
	cert, err := readCertificate(filepath.Join(dir, keysDir, name+".crt"))
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return err
	default:
		next.RevokedCertificateEntries = append(next.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: cert.SerialNumber, RevocationTime: time.Now().UTC()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, next, ca.cert, ca.key)
	if err != nil {
		return fmt.Errorf("revoke the certificate of %s: %w", name, err)
	}
	return replaceFile(filepath.Join(dir, RevokedFile), pem.EncodeToMemory(&pem.Block{Type: revocationList, Bytes: der}), publicMode)
}

func readCertificate(path string) (*x509.Certificate, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("%s holds no certificate in PEM", path)
	}
	return x509.ParseCertificate(block.Bytes)
}

// readRevoked reads the list of a fleet and checks that its authority signed it;
// nil is a fleet that has none yet.
func readRevoked(dir string) (*x509.RevocationList, error) {
	path := filepath.Join(dir, RevokedFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the fleet's revocation list: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != revocationList {
		return nil, fmt.Errorf("%s holds no revocation list in PEM; remove the file to begin another, and certificates that were revoked are good again", path)
	}
	list, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	ca, err := readCertificate(filepath.Join(dir, caFile))
	if err != nil {
		return nil, fmt.Errorf("read the fleet's authority: %w", err)
	}
	if err := list.CheckSignatureFrom(ca); err != nil {
		return nil, fmt.Errorf("%s is not signed by the fleet's authority: %w", path, err)
	}
	return list, nil
}

// revokedSerials returns the serial numbers on the list of a fleet.
func revokedSerials(dir string) (map[string]bool, error) {
	list, err := readRevoked(dir)
	serials := map[string]bool{}
	if list != nil {
		for _, e := range list.RevokedCertificateEntries {
			serials[e.SerialNumber.String()] = true
		}
	}
	return serials, err
}

// Good reports whether a client that is connected may stay: its account is there, and
// its certificate has not been revoked.
func (a *Accounts) Good(c BrokerClient) bool {
	a.refresh()
	a.mu.RLock()
	defer a.mu.RUnlock()
	_, known := a.hashes[c.Account()]
	return known && !a.revoked[c.Serial]
}
