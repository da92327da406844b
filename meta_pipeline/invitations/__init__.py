"""Invitations to customers: states, links, the texts of their pages, what is missing, and due alerts and checks."""
