"""Invitations to customers: their states and links, what their pages say, what is missing, what is due."""
