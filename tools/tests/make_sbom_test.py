import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import make_sbom  # noqa: E402


class MakeSbom(unittest.TestCase):
    def test_how_a_file_is_used(self):
        self.assertEqual(make_sbom.how("/usr/lib/x/libz.a"), "static")
        self.assertEqual(make_sbom.how("/usr/lib/x/libz.so.1.2.13"), "shared")
        self.assertEqual(make_sbom.how("/usr/include/zlib.h"), "headers")

    def test_a_file_of_no_package_is_trouble(self):
        with self.assertRaisesRegex(make_sbom.Trouble, "/usr/include/of-nobody.h"):
            make_sbom.packages_of(["/usr/include/of-nobody.h"])

    def test_components_are_source_packages_with_their_version(self):
        [one] = make_sbom.described({"libc6": {"shared"}, "libc6-dev": {"headers"}})
        self.assertEqual(one["name"], "glibc")
        self.assertTrue(one["purl"].startswith("pkg:deb/debian/glibc@2."))
        self.assertEqual([p["value"] for p in one["properties"]],
                         ["headers", "shared", "libc6", "libc6-dev"])

    def test_the_same_contents_are_the_same_document(self):
        first, second = (json.dumps(make_sbom.document([], "1.0", 0, "davy")) for _ in range(2))
        self.assertEqual(first, second)
        self.assertIn("1970-01-01T00:00:00Z", first)
        self.assertNotEqual(first, json.dumps(make_sbom.document([], "1.1", 0, "davy")))


if __name__ == "__main__":
    unittest.main()
