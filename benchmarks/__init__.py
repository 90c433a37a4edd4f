"""Measures Deskward beside other servers and agent libraries, on the machine that it runs on."""
