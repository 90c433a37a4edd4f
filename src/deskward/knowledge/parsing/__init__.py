"""Reading documents in a child process, which a bomb or a broken file may take down."""
