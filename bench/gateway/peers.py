"""Other gateways for model APIs, from package registries; see README.md for what was tried.

`script/bootstrap --bench` installs them into peers/. One that is not there, or does not
start, is named in the tables as not measured."""

import json
import pathlib
import shutil

from servers import Failed, Server, free_port

HERE = pathlib.Path(__file__).resolve().parent / "peers"
PORTKEY = HERE / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
LITELLM = HERE / ".venv" / "bin" / "litellm"


def portkey(folder, cores, _, upstream):
    """One process: it has no workers. The upstream is named with each request."""
    if not PORTKEY.is_file() or not shutil.which("node"):
        raise Failed("not installed")
    folder.mkdir()
    port = free_port()
    return Server("portkey", folder, port, ["node", str(PORTKEY), "--headless", f"--port={port}"],
                  cores, key="sk-bench", patience=60, exact=False,
                  environment={"NODE_ENV": "production"},
                  fields={"x-portkey-provider": "openai",
                          "x-portkey-custom-host": f"http://127.0.0.1:{upstream}/v1"})


def litellm(folder, cores, workers, upstream):
    """With a master key and no database; its map of prices comes with the package."""
    if not LITELLM.is_file():
        raise Failed("not installed")
    folder.mkdir()
    port = free_port()
    (folder / "config.yaml").write_text(json.dumps({
        "model_list": [{"model_name": "chat", "litellm_params": {
            "model": "openai/chat", "api_base": f"http://127.0.0.1:{upstream}/v1",
            "api_key": "sk-upstream"}}],
        "general_settings": {"master_key": "sk-bench"},
        "litellm_settings": {"telemetry": False, "num_retries": 0},
    }))
    return Server("litellm", folder, port,
                  [str(LITELLM), "--config", str(folder / "config.yaml"), "--host", "127.0.0.1",
                   "--port", str(port), "--num_workers", str(workers), "--telemetry", "False"],
                  cores, key="sk-bench", patience=180, exact=False,
                  environment={"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR",
                               "NO_PROXY": "127.0.0.1", "LITELLM_MODE": "PRODUCTION"})


PEERS = {"portkey": portkey, "litellm": litellm}


def reason(why):
    """Of a failure, in one line."""
    return str(why).removeprefix("bench/gateway: ").strip().splitlines()[0]


def start(name, folder, cores, workers, upstream):
    """The server, or the reason why there is none, in one line."""
    try:
        server = PEERS[name](folder, cores, workers, upstream)
    except Failed as why:
        return None, reason(why)
    try:
        server.check()
        return server, ""
    except (Failed, OSError, ValueError) as why:
        server.stop()
        return None, reason(why)
