"""The requests to Graph, and the parsers of its responses. One subpackage per source; modules beside them are what
sources share (ranges of days, sizes, restatement, forecast, stored listings, page slicing) and know no source."""
