"""Systems that know customers."""
