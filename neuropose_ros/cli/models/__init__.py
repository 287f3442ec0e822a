"""List, fetch, verify, build and look at the networks that config/models.yaml names."""
