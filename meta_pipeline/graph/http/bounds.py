"""Upper bounds for one call and one listing in bytes, time and pages, as data.

A broken proxy, a wrong META_PIPELINE_GRAPH_URL or a fault at Meta can return anything: no response may exhaust memory,
block a worker indefinitely or paginate forever."""

from __future__ import annotations

MIB = 1024 * 1024

# A body after decoding. The longest page (5,000 rows) fits with rows of 4.9 kB; rows with ten actions in two lists are
# 2.5 kB. With a copy of the body and its decoded values, a call stays within 256 MiB.
LARGEST_BODY = 24 * MIB
# Bytes per read: large enough for loopback and TLS records, small enough to notice the deadline.
CHUNK = 256 * 1024
# The largest JSON that is decoded as a whole (a node, a batch of 50, one record), unlike a page, whose rows stay bytes.
# Its text may take four bytes per character in Python. Also the largest body that is repaired for a strict parser.
LARGEST_DECODED = 8 * MIB
# A decoded value takes up to forty times its two bytes of JSON. In bodies smaller than COUNTED_FROM this can't matter.
COUNTED_FROM, MOST_VALUES = 2 * MIB, 500_000
# Meta's own answers are six levels deep. Python's recursion limit is 1,000, shared by every walk over the value.
DEEPEST = 64

# From the request to the last byte of the answer. Shorter than the lease of a reservation (`budget.LEASE`, 300 s), and
# longer than any response of Meta takes: Meta itself gives up after about 120 s.
CALL_DEADLINE_S = 240.0

# Pages of one listing or report, and rows requested by them together. A month of 500 ads by age and gender is 300,000
# rows: 60 pages of 5,000, or 12,000 of the shortest (25), where fewer days at once are cheaper anyway.
MOST_PAGES, MOST_ROWS = 10_000, 20_000_000
DEFAULT_PAGE = 25  # rows of a page when no limit is sent (docs/graph-api.md §2.1)
