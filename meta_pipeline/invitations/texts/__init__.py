"""The texts of the pages that customers see, by language."""
