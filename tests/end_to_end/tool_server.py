"""An MCP server, made with the protocol's own SDK, with tools to try a gateway on."""

import contextlib
import threading

import uvicorn
from mcp.server.mcpserver import Context, MCPServer

from running import free_port, wait_for


def tools(reviewed):
    server = MCPServer("office", instructions="Ask before you send a letter.")

    @server.tool()
    def add(a: int, b: int) -> int:
        """Adds two numbers."""
        return a + b

    @server.tool()
    async def count(to: int, ctx: Context) -> str:
        """Counts, and says how far it is."""
        for i in range(1, to + 1):
            await ctx.report_progress(i, to, f"at {i}")
        return f"counted to {to}"

    @server.tool()
    async def announce(ctx: Context) -> str:
        """Tells every client that its list of tools is old."""
        await ctx.session.send_tool_list_changed()
        return "announced"

    @server.tool()
    def letters(of: str, many: int) -> str:
        """A long text."""
        return of * many

    @server.prompt()
    def review(text: str) -> str:
        """Asks for a review."""
        reviewed.append(text)
        return f"Review this: {text}"

    @server.resource("note://plan")
    def plan() -> str:
        """What is to be done."""
        return "first things first"

    return server


class ToolServer:
    """Listens on a port of its own until stop(). `requests` has (method, fields in lower case)
    of each request in their order, `reviewed` the texts that the prompt was asked for with."""

    def __init__(self, **options):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self.requests = []
        self.reviewed = []
        app = tools(self.reviewed).streamable_http_app(**options)

        async def recorded(scope, receive, send):
            if scope["type"] == "http":
                fields = {name.decode(): value.decode() for name, value in scope["headers"]}
                self.requests.append((scope["method"], fields))
            await app(scope, receive, send)

        self.server = uvicorn.Server(uvicorn.Config(
            recorded, host="127.0.0.1", port=self.port, log_level="error", lifespan="on",
            timeout_graceful_shutdown=1))
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        wait_for("the MCP server has started", lambda: self.server.started)

    def stop(self):
        self.server.should_exit = True
        with contextlib.suppress(RuntimeError):
            self.thread.join(10)

    def fields(self, name):
        return [fields[name] for _, fields in self.requests if name in fields]
