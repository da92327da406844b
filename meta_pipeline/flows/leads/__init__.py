"""Reading leads: of forms by poll, and one by one when a webhook reports them."""
