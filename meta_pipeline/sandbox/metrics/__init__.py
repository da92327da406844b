"""The rules of insights that Pages and Instagram share: Pacific days, windows, lives of metrics, growth with age.

Nothing here names a metric or a node of either.
"""
