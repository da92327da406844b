{{ ad_reporting('url', ['campaign', 'ad_set', 'ad'], [
    'base_url', 'url_host', 'url_path', 'utm_source', 'utm_medium', 'utm_campaign', 'utm_content', 'utm_term'
]) }}
