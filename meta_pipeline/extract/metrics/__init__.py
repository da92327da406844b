"""The metrics that Pages, posts, Instagram accounts, media and stories have or had: the record of one, the registry of
all, and the TOML file with which an operator changes it. The built-in facts are data in `extract/pages/metrics.py` and
`extract/instagram/metrics.py`."""
