-- The records of every report of Instagram accounts, for checks of what a cast would lose.
{{ records_as_text('raw_instagram') }}
