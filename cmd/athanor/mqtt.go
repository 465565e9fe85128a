package main

import (
	"log/slog"
	"net/url"

	"github.com/athanor-lab/athanor/devices/mqtt"
	"github.com/athanor-lab/athanor/internal/embedded"
	"github.com/athanor-lab/athanor/lab"
)

// brokerAccount is how a process shows a broker who it is. athanor device add makes what is named here.
type brokerAccount struct {
	MQTTCA       string `name:"mqtt-ca" env:"ATHANOR_MQTT_CA" type:"path" placeholder:"FILE" help:"Authority that signed the broker's certificate, for mqtts."`
	MQTTCert     string `name:"mqtt-cert" env:"ATHANOR_MQTT_CERT" type:"path" placeholder:"FILE" help:"Certificate of this process's account."`
	MQTTKey      string `name:"mqtt-key" env:"ATHANOR_MQTT_KEY" type:"path" placeholder:"FILE" help:"Key of the certificate."`
	MQTTPassword string `name:"mqtt-password" env:"ATHANOR_MQTT_PASSWORD" placeholder:"TEXT" help:"Password of the account whose name is in the URL, as mqtts://gateway-1@host:8884."`
}

// options returns how to reach the broker at an URL.
func (a brokerAccount) options(broker string, logger *slog.Logger) (mqtt.Options, error) {
	o := mqtt.Options{URL: broker, Password: a.MQTTPassword, Logger: logger}
	if (a.MQTTCert == "") != (a.MQTTKey == "") {
		return o, lab.Errorf(lab.Invalid, "a certificate and its key go together: say both --mqtt-cert and --mqtt-key")
	}
	if u, err := url.Parse(broker); err == nil && u.User != nil {
		o.Username = u.User.Username()
		if password, ok := u.User.Password(); ok {
			o.Password = password
		}
		u.User = nil
		o.URL = u.String()
	}
	if a.MQTTCA == "" && a.MQTTCert == "" {
		return o, nil
	}
	var err error
	if o.TLS, err = embedded.ClientTLS(a.MQTTCA, a.MQTTCert, a.MQTTKey); err != nil {
		return o, lab.Errorf(lab.Invalid, "%w", err)
	}
	return o, nil
}
