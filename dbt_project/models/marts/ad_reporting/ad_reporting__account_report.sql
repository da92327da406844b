{{ ad_reporting('account', []) }}
