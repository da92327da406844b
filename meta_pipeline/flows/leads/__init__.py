"""Reading leads: by polling forms, and one by one when a webhook reports them."""
