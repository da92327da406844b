{{ ad_reporting('ad_set', ['campaign', 'ad_set']) }}
