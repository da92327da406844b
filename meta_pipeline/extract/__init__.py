"""The requests to Graph, and the parsers of its responses. One subpackage per source; what sources share (planning of
days and sizes, snapshots, metrics, stored listings, page slicing) is beside them and knows no source."""
