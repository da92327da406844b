"""The metrics that Pages, posts, Instagram accounts, media and stories have or had: the record of a metric, how values
are read, and which of them Meta answers. The facts are data in `extract/pages/metrics.py` and
`extract/instagram/metrics.py`; `extract/registry/` puts them together."""
