"""The control store: grants, token refs, links, ledger of landed files, report runs, leases, audit."""
