import os
import signal

import openai
import pytest

from running import Gateway, Practice, configuration
from upstream import Upstream

# Clients here speak to loopback, whatever proxy the machine uses.
for name in ("http_proxy", "https_proxy", "all_proxy"):
    os.environ.pop(name, None)
    os.environ.pop(name.upper(), None)


@pytest.fixture(scope="session")
def practice(tmp_path_factory):
    server = Practice(tmp_path_factory.mktemp("practice"))
    yield server
    server.process.stop()


@pytest.fixture
def upstream():
    server = Upstream()
    yield server
    server.close()


@pytest.fixture
def make_gateway(tmp_path):
    """Gateways that are stopped at the end of the test; each must end cleanly."""
    made = []

    def make(config, **options):
        gateway = Gateway(tmp_path / f"gateway{len(made)}", config, **options)
        made.append(gateway)
        return gateway

    yield make
    for gateway in made:
        if gateway.process is not None and gateway.process.popen.poll() not in (None, 0, 2):
            # A test that kills says so; a crash is nobody's wish.
            assert gateway.process.popen.returncode == -signal.SIGKILL, gateway.process.said()
        if gateway.process is not None and gateway.process.popen.poll() is None:
            assert gateway.process.stop() == 0, gateway.process.said()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, practice):
    """In front of davy practice, with the phrase list enforced; shared by a module's tests."""
    server = Gateway(tmp_path_factory.mktemp("gateway"), configuration(practice.url + "/v1"))
    yield server
    assert server.process.stop() == 0, server.process.said()


@pytest.fixture
def recording(make_gateway, upstream):
    """In front of an upstream that records what it is sent."""
    return make_gateway(configuration(upstream.url))


@pytest.fixture
def client_of():
    """An OpenAI client, as its users make it: base URL and key, nothing else changed but
    the retries, which would repeat what a test wants to see once."""
    clients = []

    def make(gateway, key=None, **options):
        client = openai.OpenAI(base_url=gateway.url, api_key=key or gateway.key, max_retries=0,
                               timeout=30, **options)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()
