"""Outside systems that tests run against."""
