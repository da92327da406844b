"""What is requested of Graph, and how its answers are read. One subpackage per source; modules beside them are what
sources share (ranges of days, sizes, restatement, forecast, stored listings, page slicing) and know no source."""
