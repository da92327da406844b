"""From a person's consent to links, and the life of the tokens after it."""
