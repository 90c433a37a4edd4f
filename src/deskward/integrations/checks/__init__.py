"""What tests of suites look at outside: HTTP, TLS, names, ports, mail servers, databases."""
