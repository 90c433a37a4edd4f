"""What an answer claims, and whether this turn's tools bear it out."""
