// Package tasks makes training rows of experiments: ten templates of prompts
// with their completions, preference pairs, labelled proposals, steps with their
// success, rewards for reinforcement learning from experiments, and forecasts
// with what came of them.
//
// [Maker.Add] takes experiments by campaign and number and yields what each
// gives. It is deterministic, and what can be taken wrong is held by tests:
//
//   - A prompt tells only what was on record when the decision was made (the
//     as-of guard): a fact that came later changes no byte of it.
//   - The context of a row of train has experiments of train only, so that what
//     is asked in test is answered nowhere in train.
//   - What failed for our own reasons is never a target of "predict"; it is
//     explained. What nature refused is a target like any other.
package tasks
