"""Publishing on Pages and on Instagram: uploads, containers, quotas, and what becomes of them."""
