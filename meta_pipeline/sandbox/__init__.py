"""A Graph API that runs on your own machine, faithful enough for Meta's official SDK; it imports no other package.

This package implements what Meta documents, read independently of `meta_pipeline.graph`; code of a client does not
belong here. `protocol/` is HTTP, errors, paging, batches and limits; `world/` is what exists in the simulated business;
`metrics/` is what Page and Instagram insights share; `identity/`, `ads/`, `pages/`, `instagram/` and `business/` answer
the paths of one subject each; `control.py` serves `/_sandbox`.
"""
