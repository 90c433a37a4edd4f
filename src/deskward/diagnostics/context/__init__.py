"""What is known of a customer, from the desk's own records and from other systems."""
