"""Questions about the published marts, answered for a program with a language model (`meta-pipeline mcp`).

`server` speaks the protocol, `tools` lists the tools and their arguments; `catalogue`, `metric_query`, `reach` and
`explanation` answer. Each answer says what it is based on (`basis`). Nothing here writes, opens a socket or calls
Graph."""
