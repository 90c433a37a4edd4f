"""What is measured: each module is started in a process of its own."""
