"""GraphQL: the tools as fields of a schema, over HTTP and WebSocket (extra `graphql`).

Only `door.py`, `http.py`, `socket.py` and `forms.py` are loaded with the desk; the others, and the
library, when somebody first asks something.
"""
