"""`python -m tests.agent.mcp_server [PORT]`: an MCP server on that port of loopback, or on stdio. Needs the package `mcp`."""

import os
import sys
from typing import Any, Literal

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError


def price(article: Literal["tea", "coffee"], count: int | None = None) -> str:
    """Tell the price of an article."""
    return f"{count or 1} {article}: {2 * (count or 1)} euros."


def stock() -> dict[str, int]:
    """Tell what is there."""
    return {"tea": 3}


def order() -> str:
    """Order something."""
    raise ToolError("out of stock")


def token() -> str:
    """Tell the token that the server was given."""
    return os.environ.get("SHOP_TOKEN", "none")


def main() -> None:
    server: Any = MCPServer("shop")
    for tool in (price, stock, order, token):
        server.add_tool(tool)
    if len(sys.argv) > 1:
        server.run(transport="streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    else:
        server.run(transport="stdio")


if __name__ == "__main__":
    main()
