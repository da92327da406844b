"""The rules that hold for every Graph path: requests, responses, errors, paging, batches, versions, limits, faults.

Nothing here knows what the sandbox's world contains or what a particular path returns.
"""
