"""People who open links and sign in: sessions, sign-in links, reconnect links, invitations."""
