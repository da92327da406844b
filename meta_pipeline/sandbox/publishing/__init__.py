"""Publishing on Pages and on Instagram: uploads, containers, quotas, and the published objects."""
