{{ ad_reporting('ad', ['campaign', 'ad_set', 'ad']) }}
