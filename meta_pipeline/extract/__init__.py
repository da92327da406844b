"""The requests to Graph, and the parsers of its responses. One subpackage per source; the modules that sources share
(planning of days and sizes, snapshots, metrics, stored listings, page slicing) are beside them and depend on none."""
