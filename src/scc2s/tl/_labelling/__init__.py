"""Labels without a language model: markers, and cells that have labels."""
