package main

import (
	"fmt"
	"path/filepath"

	"github.com/athanor-lab/athanor/internal/embedded"
	"github.com/athanor-lab/athanor/lab"
)

// fleetFolder is where the accounts of a fleet are.
type fleetFolder struct {
	Fleet string `default:"${default_data}/fleet" env:"ATHANOR_FLEET" type:"path" help:"Folder of the fleet's accounts and keys."`
}

// deviceAddCmd gives a device, or a process of the laboratory, an account on the broker.
type deviceAddCmd struct {
	fleetFolder
	Name  string   `arg:"" help:"The device's name on the bus."`
	Lab   string   `name:"lab" env:"ATHANOR_LAB" default:"lab" help:"The laboratory's name in MQTT topics."`
	Role  string   `enum:"device,gateway,viewer,safety" default:"device" help:"device: its own topics; gateway: a process of the laboratory; viewer: hears all; safety: a viewer that may stop the laboratory."`
	Host  []string `help:"Names and addresses by which clients know the broker; said the first time, for its certificate."`
	Days  int      `default:"825" help:"How long the certificate is good."`
	Renew bool     `help:"Give an account that is there a new password and certificate."`
	JSON  bool     `name:"json" help:"Print one JSON object."`
}

func (c *deviceAddCmd) Run(t *terminal) error {
	k, err := embedded.AddAccount(c.Fleet, embedded.Account{Name: c.Name, Lab: c.Lab, Role: embedded.Role(c.Role), Days: c.Days}, c.Host, c.Renew)
	if err != nil {
		return lab.Errorf(lab.Invalid, "%w", err)
	}
	if c.JSON {
		return printJSON(t.out, k)
	}
	_, err = fmt.Fprintf(t.out, `account      %s (%s)
password     %s
             It is shown once; what is kept is a hash.
authority    %s
certificate  %s
key          %s
             Copy these three to the machine of %s. Its URL is mqtts://BROKER:8883.

athanor up --fleet %s --mqtts ADDRESS:8883   serves it with our own broker
mosquitto -c %s      with mosquitto: 8883 by certificate, 8884 by password
`, k.Account, k.Role, k.Password, k.CA, k.Cert, k.Key, k.Account, c.Fleet, filepath.Join(c.Fleet, "mosquitto.conf"))
	return err
}

// deviceRemoveCmd takes an account away.
type deviceRemoveCmd struct {
	fleetFolder
	Name string `arg:"" help:"The account."`
}

func (c *deviceRemoveCmd) Run(t *terminal) error {
	if err := embedded.RemoveAccount(c.Fleet, c.Name); err != nil {
		return lab.Errorf(lab.NotFound, "%w", err)
	}
	_, err := fmt.Fprintf(t.out, "%s is no account any more; our own broker knows within a second, mosquitto on SIGHUP\n", c.Name)
	return err
}

// secureListener is the way to the embedded broker for devices on other machines.
func secureListener(addr, fleet string) (*embedded.SecureListener, error) {
	if addr == "" {
		return nil, nil
	}
	accounts, err := embedded.OpenAccounts(fleet)
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "--mqtts: %w", err)
	}
	config, err := embedded.ServerTLS(fleet)
	if err != nil {
		return nil, lab.Errorf(lab.Invalid, "--mqtts: %w", err)
	}
	return &embedded.SecureListener{Addr: addr, TLS: config, Auth: accounts}, nil
}
