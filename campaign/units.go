package campaign

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/ucum"
)

// currencies are the codes of ISO 4217 that are money one can pay with.
var currencies = strings.Fields(`
	AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP
	CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD
	JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN
	NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL
	THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG`)

// unit complains of a code that is no unit. An objective may be in money, or in
// money per something.
func (c *checker) unit(path string, u lab.Unit, money bool) {
	code := string(u)
	if code == "" {
		return
	}
	if coin, per, ok := splitMoney(code); ok {
		if !money {
			c.addf(path, "%q is money, which is no unit of UCUM", code).right("a UCUM code; only objectives can be in money")
			return
		}
		if !slices.Contains(currencies, coin) {
			c.addf(path, "%q is no currency of ISO 4217", coin).right("%s", known(coin, currencies, "usual currencies"))
		}
		if per == "" {
			return
		}
		code = per
	}
	if _, err := ucum.Parse(code); err != nil {
		coin, per, _ := strings.Cut(code, "/")
		if near := nearest(coin, currencies); money && near != "" && coin == strings.ToUpper(coin) {
			c.addf(path, "%q is neither a unit nor money", clip(code)).right("did you mean %q?", strings.TrimSuffix(near+"/"+per, "/"))
			return
		}
		c.noUnit(path, code, err)
	}
}

func (c *checker) noUnit(path, code string, err error) {
	bad, ok := errors.AsType[*ucum.ParseError](err)
	if !ok {
		c.addf(path, "%q is no unit: %v", clip(code), err).right(`a UCUM code, such as "Cel", "mol/L", "mL" or "1"`)
		return
	}
	x := c.addf(path, "%q is no unit: %s", clip(code), bad.Problem)
	switch {
	case bad.Suggestion != "" && bad.Advice != "":
		x.right("did you mean %q? %s", bad.Suggestion, bad.Advice)
	case bad.Suggestion != "":
		x.right("did you mean %q?", bad.Suggestion)
	default:
		x.right(`a UCUM code, such as "Cel", "mol/L", "mL" or "1"`)
	}
}

// splitMoney takes "EUR/mol" apart into "EUR" and "mol". Three capitals that
// UCUM knows as a unit are one.
func splitMoney(code string) (coin, per string, ok bool) {
	coin, per, _ = strings.Cut(code, "/")
	if !currency.matches(coin) {
		return "", "", false
	}
	if _, err := ucum.Parse(coin); err == nil && !slices.Contains(currencies, coin) {
		return "", "", false
	}
	return coin, per, true
}

// time complains of what is no positive time.
func (c *checker) time(path string, q *lab.Quantity) {
	if q == nil || q.Unit == "" { // a missing unit is complained of by its rule
		return
	}
	u, err := ucum.Parse(string(q.Unit))
	if err != nil {
		c.noUnit(at(path, "unit"), string(q.Unit), err)
		return
	}
	if !u.Comparable(second) {
		c.addf(at(path, "unit"), "%q measures no time", q.Unit).right(`a unit of time: "s", "min", "h" or "d"`)
		return
	}
	if q.Value <= 0 {
		c.addf(at(path, "value"), "is %s", figure(q.Value)).right("a time above 0")
	}
}

var second = func() ucum.Unit {
	u, err := ucum.Parse("s")
	if err != nil {
		panic(fmt.Sprintf("campaign: the second is no unit: %v", err))
	}
	return u
}()

// convertible says why a number in one unit cannot be had in another, or nil.
// A unit that UCUM does not know, as a device may have one, is the same as
// itself only; none is "1".
func convertible(from, to lab.Unit) error {
	_, err := convert(1, from, to)
	if err == nil {
		return nil
	}
	u, e1 := ucum.Parse(unitOr1(from))
	v, e2 := ucum.Parse(unitOr1(to))
	if e1 == nil && e2 == nil && u.Comparable(v) {
		return nil // 1 alone is not on the scale
	}
	return err
}

func convert(x float64, from, to lab.Unit) (float64, error) {
	if unitOr1(from) == unitOr1(to) {
		return x, nil
	}
	return ucum.ConvertCodes(x, unitOr1(from), unitOr1(to))
}

func unitOr1(u lab.Unit) string {
	if u == "" {
		return "1"
	}
	return string(u)
}
