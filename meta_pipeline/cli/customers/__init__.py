"""Commands about customers and people: the intake, invitations, sign-in links."""
