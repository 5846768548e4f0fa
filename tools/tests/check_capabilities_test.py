import pathlib
import unittest

from house import House, TOOLS

LIST = """
sockets:
  means: opens sockets
  includes: [sys/socket.h, "boost/asio*"]
  code: ['(?<![\\w:])::socket\\s*\\(']
  allow:
    - {path: src/mechanisms/net/, why: the loop lives here}
regular_expressions:
  means: uses std::regex
  includes: [regex]
  tests: true
"""


class CheckCapabilities(House):
    TOOL = "check_capabilities.py"

    def setUp(self):
        super().setUp()
        self.write("tools/capabilities.yaml", LIST)
        self.write("src/mechanisms/net/loop.cc", "#include <boost/asio/post.hpp>\n")

    def test_a_listed_use_is_clean(self):
        self.assert_clean()

    def test_an_include_outside_the_list_is_caught(self):
        self.write("src/pillars/access/keys/key.cc", "\n#include <sys/socket.h>\n")
        self.assert_caught("src/pillars/access/keys/key.cc:2:", "`sockets`", "opens sockets")

    def test_a_call_outside_the_list_is_caught(self):
        self.write("src/pillars/access/keys/key.cc", "int f() {\n  return ::socket (1, 2, 3);\n}\n")
        self.assert_caught("src/pillars/access/keys/key.cc:2:", "::socket")

    def test_comments_and_strings_do_not_count(self):
        self.write("src/base/a.cc", '// #include <sys/socket.h> and ::socket(\n'
                   'const char* a = "::socket(";\nconst char* b = R"(\n#include <regex>\n)";\n'
                   "/* ::socket(1) */\n")
        self.assert_clean()

    def test_tests_are_exempt_unless_the_capability_says_otherwise(self):
        self.write("src/base/a_test.cc", "#include <sys/socket.h>\n")
        self.assert_clean()
        self.write("src/base/a_test.cc", "#include <regex>\n")
        self.assert_caught("src/base/a_test.cc:1:", "`regular_expressions`")

    def test_an_entry_that_nothing_needs_is_caught(self):
        self.write("src/mechanisms/net/loop.cc", "int loop();\n")
        self.assert_caught("sockets: src/mechanisms/net/ does not need it any more")

    def test_an_entry_without_a_reason_is_refused(self):
        self.write("tools/capabilities.yaml", LIST.replace(", why: the loop lives here", ""))
        status, output = self.run_tool()
        self.assertEqual(status, 2, output)
        self.assertIn("why", output)

    def test_a_mistyped_key_is_refused(self):
        self.write("tools/capabilities.yaml", LIST.replace("includes: [regex]", "include: [regex]"))
        status, output = self.run_tool()
        self.assertEqual(status, 2, output)
        self.assertIn("unknown key `include`", output)

    def test_list_shows_uses(self):
        status, output = self.run_tool("--list")
        self.assertEqual(status, 0)
        self.assertIn("src/mechanisms/net/loop.cc:1: #include <boost/asio/post.hpp>", output)


# One use of each capability of the project's own list, in a file that may not have it.
PLANTED = {
    "sockets": "int a = ::connect(1, p, 2);",
    "processes": "int a = std::system(command);",
    "threads": "std::thread worker(work);",
    "cryptography": "#include <openssl/evp.h>",
    "secrets_exposed": "auto bytes = secret.expose();",
    "reinterpret_cast": "auto p = reinterpret_cast<char*>(q);",
    "clocks": "auto t = std::chrono::steady_clock::now();",
    "sleeps": "std::this_thread::sleep_for(1s);",
    "environment": 'const char* a = std::getenv("HOME");',
    "files": 'int fd = ::open("x", 0);',
    "yaml": "#include <yaml-cpp/yaml.h>",
    "sqlite": "#include <sqlite3.h>",
    "raw_memory": "int* p = new int(1);",
    "regular_expressions": "#include <regex>",
}

# What reads alike and is none of it.
INNOCENT = """
#include <thread>
Widget(const Widget&) = delete;
void* operator new(std::size_t);
auto n = std::thread::hardware_concurrency();
server.listen(1); parser.accept(2); pool.free(x); file.open(y); clock.now();
std::unique_ptr<Sink> sink(new Sink(1)); return std::unique_ptr<Widget>(
    new Widget(2));
std::chrono::steady_clock::time_point t; int newest = 1; bool deleted = false;
auto b = std::bind_front(f); ns::open(1); queue.connect(3); runtime(0); exec_all();
"""


class OwnList(House):
    TOOL = "check_capabilities.py"

    def setUp(self):
        super().setUp()
        text = (pathlib.Path(TOOLS) / "capabilities.yaml").read_text(encoding="utf-8")
        # Without its entries: they name files of the project, which are not here.
        kept, skipping = [], False
        for line in text.splitlines():
            if line.startswith("  allow:"):
                skipping = True
            elif not line.startswith("    ") or line.startswith("  #"):
                skipping = False
            if not skipping:
                kept.append(line)
        self.write("tools/capabilities.yaml", "\n".join(kept) + "\n")

    def test_each_capability_is_caught_where_it_is_not_allowed(self):
        for name, line in PLANTED.items():
            with self.subTest(name):
                self.write("src/pillars/a.cc", line + "\n")
                self.assert_caught(f"`{name}`", "src/pillars/a.cc:1:")

    def test_each_capability_has_a_planted_use(self):
        import yaml
        named = yaml.safe_load((self.root / "tools/capabilities.yaml").read_text())
        self.assertEqual(set(PLANTED), set(named))

    def test_what_only_looks_alike_is_clean(self):
        self.write("src/pillars/a.cc", INNOCENT)
        self.assert_clean()


if __name__ == "__main__":
    unittest.main()
