"""Complaints, from their registration to the archive. Stands alone: knows no other slice."""
