package embedded

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// The files of a fleet's folder that hold its keys. Only this user may read the private ones.
const (
	caFile        = "ca.crt"
	caKeyFile     = "ca.key"
	serverFile    = "server.crt"
	serverKeyFile = "server.key"
	keysDir       = "keys" // of the accounts
)

const (
	caYears      = 20
	serverYears  = 5
	clockSkew    = time.Hour // a machine's clock may be behind
	serialBits   = 128
	certificate  = "CERTIFICATE"
	privateKey   = "PRIVATE KEY"
	privateMode  = 0o600
	publicMode   = 0o644
	hoursOfADay  = 24 * time.Hour
	daysOfAYear  = 365
	defaultDays  = 825
	localMachine = "localhost"
)

// authority signs a fleet's certificates.
type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// certify makes the account's certificate, and before it the fleet's authority and the broker's certificate where they are missing.
func (c *Credentials) certify(dir string, a Account, hosts []string) error {
	ca, err := openAuthority(dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, serverFile)); errors.Is(err, os.ErrNotExist) {
		server := &x509.Certificate{
			Subject: pkix.Name{CommonName: "broker"}, NotAfter: time.Now().Add(serverYears * daysOfAYear * hoursOfADay),
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, DNSNames: []string{localMachine}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		}
		for _, h := range hosts {
			if ip := net.ParseIP(h); ip != nil {
				server.IPAddresses = append(server.IPAddresses, ip)
			} else {
				server.DNSNames = append(server.DNSNames, h)
			}
		}
		if err := ca.sign(server, filepath.Join(dir, serverFile), filepath.Join(dir, serverKeyFile)); err != nil {
			return err
		}
	}
	days := a.Days
	if days <= 0 {
		days = defaultDays
	}
	c.CA, c.Cert, c.Key = filepath.Join(dir, caFile), filepath.Join(dir, keysDir, a.Name+".crt"), filepath.Join(dir, keysDir, a.Name+".key")
	return ca.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: a.Name}, NotAfter: time.Now().Add(time.Duration(days) * hoursOfADay), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, c.Cert, c.Key)
}

// openAuthority reads the fleet's authority, or makes it.
func openAuthority(dir string) (*authority, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, caFile), filepath.Join(dir, caKeyFile))
	if errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, caFile)); err == nil {
			return nil, fmt.Errorf("the fleet's authority has no key here: bring %s back to sign and revoke certificates", filepath.Join(dir, caKeyFile))
		}
		ca := &authority{}
		return ca, ca.sign(&x509.Certificate{
			Subject: pkix.Name{CommonName: "Athanor fleet"}, NotAfter: time.Now().Add(caYears * daysOfAYear * hoursOfADay),
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, MaxPathLenZero: true,
		}, filepath.Join(dir, caFile), filepath.Join(dir, caKeyFile))
	}
	if err != nil {
		return nil, fmt.Errorf("read the fleet's authority: %w", err)
	}
	key, ok := pair.PrivateKey.(crypto.Signer)
	if !ok || pair.Leaf == nil || !pair.Leaf.IsCA {
		return nil, fmt.Errorf("%s is no authority that can sign", filepath.Join(dir, caFile))
	}
	return &authority{pair.Leaf, key}, nil
}

// sign makes a key, and a certificate of it; an authority without one signs its own.
func (ca *authority) sign(t *x509.Certificate, certPath, keyPath string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	if t.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), serialBits)); err != nil {
		return fmt.Errorf("make a certificate: %w", err)
	}
	t.NotBefore = time.Now().Add(-clockSkew)
	if t.KeyUsage == 0 {
		t.KeyUsage = x509.KeyUsageDigitalSignature
	}
	if ca.cert == nil {
		ca.cert, ca.key = t, key
	}
	der, err := x509.CreateCertificate(rand.Reader, t, ca.cert, key.Public(), ca.key)
	if err != nil {
		return fmt.Errorf("make a certificate: %w", err)
	}
	if ca.cert == t {
		if ca.cert, err = x509.ParseCertificate(der); err != nil {
			return fmt.Errorf("make an authority: %w", err)
		}
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("write a key: %w", err)
	}
	return errors.Join(
		replaceFile(keyPath, pem.EncodeToMemory(&pem.Block{Type: privateKey, Bytes: secret}), privateMode),
		replaceFile(certPath, pem.EncodeToMemory(&pem.Block{Type: certificate, Bytes: der}), publicMode))
}

// ServerTLS returns how the embedded broker shows who it is, and what it wants of clients: a certificate of the fleet, or none.
func ServerTLS(dir string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, serverFile), filepath.Join(dir, serverKeyFile))
	if err != nil {
		return nil, fmt.Errorf("read the broker's certificate: %w; athanor device add makes it", err)
	}
	pool, err := caPool(filepath.Join(dir, caFile))
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven, MinVersion: tls.VersionTLS12}, nil
}

// ClientTLS returns how a client recognises the broker, by the authority in the file ca, and shows who it is, when cert and key are
// not "".
func ClientTLS(ca, cert, key string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		pool, err := caPool(ca)
		if err != nil {
			return nil, err
		}
		c.RootCAs = pool
	}
	if cert == "" && key == "" {
		return c, nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("read the client's certificate: %w", err)
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}

func caPool(path string) (*x509.CertPool, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the fleet's authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("read the fleet's authority: %s holds no certificate in PEM", path)
	}
	return pool, nil
}
