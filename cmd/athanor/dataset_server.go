package main

import "context"

// importServer says that an import is to be made by the laboratory's workers.
type importServer struct{}

// Run imports here, or has it done by the laboratory.
func (c *importCmd) Run(_ context.Context, t *terminal) error { return c.local(t) }
