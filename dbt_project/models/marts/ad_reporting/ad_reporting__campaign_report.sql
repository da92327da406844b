{{ ad_reporting('campaign', ['campaign']) }}
