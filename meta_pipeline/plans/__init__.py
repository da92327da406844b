"""Plans: changes at Meta that are listed first, applied afterwards, and can be undone (decision 0079).

Interface, in the order of use:

`step.Step` is one change: its kind (`WriteKind`), path and body, what it creates and costs in words, and
- `read_back`: how to find what it created, so that a call with an unknown outcome is never sent blindly again. None for
  a step that is safe to send twice;
- `wait`: what to poll until the object is ready; its `outputs` become values that later steps can refer to;
- `undo`: the kind of DELETE that removes it; None for an object that stays;
- `performer`: the name of a function that sends the step when one call is not enough (a resumable upload). After a
  kill, it receives the progress that it saved. It returns a `Created`.
A body refers to what an earlier step created with `step.ref("campaign")` or `step.ref("video", "picture")`, a path with
`{campaign}`.

`plan.new_plan(kind=…, steps=…)` makes a `Plan`; `stored.keep(engine, plan)` stores it; `stored.load(engine, id)`
reads it.
`applying.Run` holds what a run needs (the gateway, the token, clock, sleep, performers, a progress callback):
`applying.apply(plan_id, run=…)` creates what is missing and returns the plan. A second call creates nothing. It raises
PlanFailedError, which says what exists. `rollback.roll_back(plan_id, run=…)` removes it, in reverse, and reads back
that nothing is left. Both can be repeated after any failure or kill.

`decide.next_action` is the pure core: it chooses the next action from the steps' statuses.
"""
