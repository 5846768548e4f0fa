"""Clients that send requests all the time, each over a connection that it keeps, and write
down every one that was not answered as it should be."""

import threading
import time

import httpx

from running import PATIENCE, chat_body


class Load:
    """`with Load(gateway) as load:` … then `load.failures` is empty and `load.answered` is not.
    `expected` are the statuses that count as answered."""

    def __init__(self, gateway, clients=8, expected=(200,), pause=0.0, body=None, keep=True):
        self.gateway, self.expected, self.pause = gateway, expected, pause
        self.body = body or chat_body("hi")
        self.keep = keep
        self.answered = 0
        self.ids = []  # of the requests that were answered
        self.failures = []
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run) for _ in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.await_answers(1)
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(PATIENCE)

    def await_answers(self, more):
        """Until so many more were answered, so that something happens under load."""
        wanted = self.answered + more
        deadline = time.monotonic() + PATIENCE
        while self.answered < wanted and time.monotonic() < deadline:
            time.sleep(0.005)
        assert self.answered >= wanted, (self.answered, wanted, self.failures[:3])

    def run(self):
        limits = httpx.Limits(max_keepalive_connections=1 if self.keep else 0)
        with httpx.Client(timeout=PATIENCE, trust_env=False, limits=limits) as client:
            while not self.stopping.is_set():
                try:
                    answer = client.post(self.gateway.url + "/chat/completions", json=self.body,
                                         headers={"Authorization": f"Bearer {self.gateway.key}"})
                    failure = None
                    if answer.status_code not in self.expected:
                        failure = (answer.status_code, answer.text[:200])
                except httpx.HTTPError as error:
                    failure = repr(error)
                with self.lock:
                    if failure is None:
                        self.answered += 1
                        self.ids.append(answer.headers.get("davy-request-id"))
                    else:
                        self.failures.append(failure)
                if self.pause:
                    time.sleep(self.pause)
