package workflows_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"

	"github.com/athanor-lab/athanor/lab"
	"github.com/athanor-lab/athanor/workflows"
)

// parts imports a hundred rows at a time, and dies now and then after some.
type parts struct {
	rows, total int
	calls       int
	broken      error
}

func (p *parts) ImportSome(_ context.Context, _ string, onRecord func(row int)) (workflows.ImportProgress, error) {
	p.calls++
	for range 10 {
		if p.rows == p.total {
			return workflows.ImportProgress{Row: p.rows, Imported: p.rows - 1, Quarantined: 1, Done: true}, nil
		}
		p.rows += 10
		onRecord(p.rows)
		if p.calls%3 == 2 && p.rows%100 == 50 {
			return workflows.ImportProgress{}, errors.New("the worker died")
		}
	}
	if p.broken != nil {
		return workflows.ImportProgress{}, p.broken
	}
	return workflows.ImportProgress{Row: p.rows}, nil
}

func importEnv(p *parts) *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	workflows.RegisterImports(env, &workflows.ImportActivities{Importer: p})
	env.ExecuteWorkflow(workflows.Import, workflows.ImportInput{ID: "i"})
	return env
}

// TestImportGoesOn lets the part of an import die again and again, and wants it
// to end with every row once, and the query to answer that.
func TestImportGoesOn(t *testing.T) {
	t.Parallel()
	p := &parts{total: 1000}
	env := importEnv(p)
	var got workflows.ImportProgress
	if err := env.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	v, err := env.QueryWorkflow(workflows.QueryImport)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Get(&got); err != nil {
		t.Fatal(err)
	}
	if want := (workflows.ImportProgress{Row: 1000, Imported: 999, Quarantined: 1, Done: true}); got != want || p.rows != 1000 || p.calls < 11 {
		t.Errorf("%+v after %d calls, want %+v", got, p.calls, want)
	}
}

// TestImportThatCannotBe wants what can never succeed to end the workflow and
// not to be tried again.
func TestImportThatCannotBe(t *testing.T) {
	t.Parallel()
	p := &parts{total: 1000, broken: lab.Errorf(lab.Invalid, "the file is other than its mapping")}
	if err := importEnv(p).GetWorkflowError(); err == nil || p.calls != 1 {
		t.Errorf("error %v after %d calls, want one after 1", err, p.calls)
	}
}

// TestLongImportGoesOnInANewRun wants a history that does not grow for ever.
func TestLongImportGoesOnInANewRun(t *testing.T) {
	t.Parallel()
	if err := importEnv(&parts{total: 100_000_000}).GetWorkflowError(); err == nil {
		t.Error("no new run was begun")
	}
}
