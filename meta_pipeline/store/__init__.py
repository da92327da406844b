"""The control store: grants, token refs, links, onboardings, ledger of landed files, report runs, leases, audit."""
