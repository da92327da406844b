"""The files of the landing and of the publication: opened, written, listed and removed through this package only."""
