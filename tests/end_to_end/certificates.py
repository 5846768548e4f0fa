"""Certificates for the tests, made when they run by the openssl command."""

import pathlib
import ssl
import subprocess

NAMES = "DNS:localhost,IP:127.0.0.1"


class Authority:
    def __init__(self, folder, name="authority"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file = self.folder / f"{name}.pem"
        self.key = self.folder / f"{name}.key"
        self._openssl("req", "-x509", *self._new_key(self.key), "-out", self.file, "-days", 30,
                      "-subj", f"/CN={name}",
                      "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, name="server", names=NAMES, days=30):
        """(certificate, key): files, the key's mode 0600. Days below 0: expired."""
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        request, extra = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        self._openssl("req", *self._new_key(key), "-out", request, "-subj", f"/CN={name}")
        extra.write_text(f"basicConstraints=CA:FALSE\nsubjectAltName={names}\n")
        self._openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key,
                      "-CAcreateserial", "-days", days, "-extfile", extra, "-out", certificate)
        key.chmod(0o600)
        return certificate, key

    def trusting(self, certificate=None, key=None):
        """For a client: trusts this authority alone, and shows a certificate if it has one."""
        context = ssl.create_default_context(cafile=str(self.file))
        if certificate:
            context.load_cert_chain(certificate, key)
        return context

    @staticmethod
    def _new_key(file):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", file]

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
