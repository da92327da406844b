-- The records of every report of Pages, for checks of what a cast would lose.
{{ records_as_text('raw_meta_pages') }}
