"""The words of every page, one TOML catalogue for each language."""
