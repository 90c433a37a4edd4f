"""FastMCP over the bare FastAPI route, made by `FastMCP.from_fastapi`: stateless, JSON answers.

Usage: python -m benchmarks.subjects.fastmcp_over_route PORT
"""

from __future__ import annotations

import sys

import uvicorn
from fastmcp import FastMCP

from benchmarks.subjects.fastapi_route import app as route

if __name__ == "__main__":
    app = FastMCP.from_fastapi(route).http_app(stateless_http=True, json_response=True)
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning")
