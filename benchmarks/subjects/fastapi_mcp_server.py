"""FastAPI-MCP over the bare FastAPI route. Runs in an environment of its own: it needs mcp < 2.

The route itself is served by the same process, so that the two can be told apart.

Usage: python -m benchmarks.subjects.fastapi_mcp_server PORT
"""

from __future__ import annotations

import sys

import uvicorn
from fastapi_mcp import FastApiMCP

from benchmarks.subjects.fastapi_route import app

if __name__ == "__main__":
    FastApiMCP(app).mount_http()
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning")
