"""Demo data, loaded by `deskward serve --demo`."""
