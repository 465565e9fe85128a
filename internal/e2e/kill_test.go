package e2e_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/athanor-lab/athanor/lab"
)

// kills is how many processes die in the middle of the campaign.
const kills = 10

// TestCampaignOutlivesKills kills single processes and the whole tree at random
// moments of a campaign and wants it to end by itself, every effect to have
// happened once by the world's own ledger, and a dataset equal to that of an
// undisturbed run. Samples change hands two-sided; whatever was killed, the ledger
// has each in one slot, and it is there.
func TestCampaignOutlivesKills(t *testing.T) {
	t.Parallel()
	seed := seedOf(t)
	random := rand.New(rand.NewPCG(seed, 1))

	calm := folder(t)
	undisturbed := run(t, nil, up(calm, "--demo", "--exit")...)
	if status := undisturbed.status(3 * time.Minute); status != 0 {
		t.Fatalf("the undisturbed run ended with status %d:\n%s", status, undisturbed.said())
	}

	data := folder(t)
	var log []string
	l := run(t, nil, up(data, "--demo")...)
	url := l.url()
	var id string
	for n := range kills {
		eventually(t, time.Minute, "the campaign", func() bool {
			var list struct{ Items []struct{ ID string } }
			if get(t, url+"/api/v1/campaigns", &list) && len(list.Items) == 1 {
				id = list.Items[0].ID
			}
			return id != ""
		})
		time.Sleep(time.Duration(200+random.IntN(1800)) * time.Millisecond)
		if p, ok := progress(t, url, id); ok && p.State.Final() {
			log = append(log, fmt.Sprintf("ended before kill %d", n+1))
			break
		}
		victim := []string{"tree", "athanor", "temporal", "postgres", "sim"}[random.IntN(5)]
		log = append(log, fmt.Sprintf("%d: %s", n+1, victim))
		kill(t, l, data, victim)
		if victim == "tree" || victim == "athanor" {
			<-l.done
			l = run(t, nil, up(data, "--demo")...)
			url = l.url()
		}
	}
	t.Logf("killed: %s", strings.Join(log, ", "))
	ended := func() bool {
		p, ok := progress(t, url, id)
		return ok && p.State.Final()
	}
	for until := time.Now().Add(3 * time.Minute); !ended(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("the campaign stands still:\n%s", standing(t, url, id))
		}
	}
	p, _ := progress(t, url, id)
	if p.State != lab.Completed || p.Done != 24 {
		t.Errorf("the campaign ended %s (%s) with %d outcomes, want completed with 24", p.State, p.Reason, p.Done)
	}
	eventually(t, 30*time.Second, "the dataset", func() bool { return strings.Contains(l.said(), "dataset written") })
	placed := placements(t, url)
	l.stop()
	wantSamplesInPlace(t, data, placed)
	export := exported(t, data)
	wantWorldInOrder(t, data, export)
	if want, got := canonical(t, exported(t, calm)), canonical(t, export); !bytes.Equal(want, got) {
		t.Errorf("the dataset is not that of an undisturbed run (-undisturbed +killed):\n%s", cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")))
	}
}

// standing tells what a campaign that stands still waits for, as far as the API
// knows.
func standing(t *testing.T, url, id string) string {
	t.Helper()
	var all strings.Builder
	for _, path := range []string{"/questions", "/devices", "/campaigns/" + id + "/experiments?limit=100"} {
		var page struct{ Items []map[string]any }
		if !get(t, url+"/api/v1"+path, &page) {
			fmt.Fprintf(&all, "%s: no answer\n", path)
			continue
		}
		for _, item := range page.Items {
			for _, long := range []string{"capabilities", "predictions", "reason", "proposal"} {
				delete(item, long)
			}
			if state, _ := item["state"].(string); state != "succeeded" {
				fmt.Fprintf(&all, "%s: %v\n", path, item)
			}
		}
	}
	return all.String()
}

// kill sends SIGKILL to a process of the laboratory, or to all of them.
func kill(t *testing.T, l *program, data, victim string) {
	t.Helper()
	var pids []int
	self := l.cmd.Process.Pid
	postmaster := func() []int {
		b, err := os.ReadFile(filepath.Join(data, "postgres", "data", "postmaster.pid"))
		if err != nil {
			return nil // it is just being started
		}
		pid, err := strconv.Atoi(strings.TrimSpace(strings.SplitN(string(b), "\n", 2)[0]))
		if err != nil {
			return nil
		}
		return []int{pid}
	}
	switch victim {
	case "athanor":
		pids = []int{self}
	case "temporal", "sim":
		pids = children(t, self, victim)
	case "postgres":
		pids = postmaster()
	case "tree":
		pids = append(append([]int{self}, children(t, self, "temporal")...), append(children(t, self, "sim"), postmaster()...)...)
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
			t.Errorf("kill %s (%d): %v", victim, pid, err)
		}
	}
}

// children returns the children of a process with a word in their command line.
func children(t *testing.T, parent int, word string) []int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", parent, parent))
	var all []string
	if err == nil {
		all = strings.Fields(string(b))
	}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
	for _, f := range tasks {
		if b, err := os.ReadFile(f); err == nil {
			all = append(all, strings.Fields(string(b))...)
		}
	}
	var found []int
	for _, s := range all {
		pid, err := strconv.Atoi(s)
		if err != nil {
			continue
		}
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err == nil && strings.Contains(strings.ReplaceAll(string(line), "\x00", " "), map[string]string{"temporal": "athanor-temporal", "sim": " sim "}[word]) {
			found = append(found, pid)
		}
	}
	return found
}
