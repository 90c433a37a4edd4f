"""What everything stands on: settings, errors, database, logging."""
