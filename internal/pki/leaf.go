package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"net/url"
	"slices"
)

// Server gives the certificate of a server that is reached by these hosts:
// loopback addresses and "localhost". It lies in the authority's folder.
func (a *Authority) Server(hosts ...string) (Pair, error) {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: "development server"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return a.leaf(in(a.dir, "server"), template)
}

// Client gives the certificate of a client of that role and name. Its URI is
// spiffe://TRUST-DOMAIN/role/name, which is what servers know it by. It lies in
// the authority's folder.
func (a *Authority) Client(role, name string) (Pair, error) {
	return a.client(in(a.dir, "client-"+role+"-"+name), role, name)
}

// ClientIn is [Authority.Client] with the certificate in another folder, which
// exists, as role.pem and role-key.pem.
func (a *Authority) ClientIn(dir, role, name string) (Pair, error) {
	return a.client(in(dir, role), role, name)
}

func (a *Authority) client(pair Pair, role, name string) (Pair, error) {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: role + "/" + name},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		URIs:        []*url.URL{{Scheme: "spiffe", Host: TrustDomain, Path: "/" + role + "/" + name}},
	}
	return a.leaf(pair, template)
}

// leaf gives the certificate in the files of that name if it is what the
// template asks for, and else makes it.
func (a *Authority) leaf(pair Pair, template *x509.Certificate) (Pair, error) {
	cert, _, err := pair.read()
	if err == nil && a.serves(cert, template) {
		return pair, nil
	}
	if err := fileError(err); err != nil {
		return Pair{}, fmt.Errorf("pki: %s: %w", template.Subject.CommonName, err)
	}
	if err := a.issue(pair, template); err != nil {
		return Pair{}, fmt.Errorf("pki: %s: %w", template.Subject.CommonName, err)
	}
	return pair, nil
}

func (a *Authority) issue(pair Pair, template *x509.Certificate) error {
	template.NotBefore = a.now.Add(-skew)
	template.NotAfter = a.now.Add(leafLife)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return err
	}
	return pair.write(der, key)
}

// serves says whether a certificate is of this authority, lasts for long
// enough, and says what the template does.
func (a *Authority) serves(cert, template *x509.Certificate) bool {
	return a.lasts(cert, renewBefore) &&
		cert.CheckSignatureFrom(a.cert) == nil &&
		cert.Subject.CommonName == template.Subject.CommonName &&
		slices.Equal(cert.ExtKeyUsage, template.ExtKeyUsage) &&
		slices.Equal(cert.DNSNames, template.DNSNames) &&
		slices.EqualFunc(cert.IPAddresses, template.IPAddresses, net.IP.Equal) &&
		slices.EqualFunc(cert.URIs, template.URIs, func(x, y *url.URL) bool { return *x == *y })
}
