import unittest

from house import House


class CheckLayers(House):
    TOOL = "check_layers.py"

    def setUp(self):
        super().setUp()
        for header in ["base/result.h", "core/stage.h", "mechanisms/text/normal.h",
                       "mechanisms/net/loop.h", "mechanisms/net/http1/parser.h",
                       "pillars/access/keys/key.h", "pillars/access/limits/bucket.h",
                       "pillars/data/pii/find.h", "surfaces/gateway/serve.h",
                       "surfaces/cli/run.h", "app/builtins.h"]:
            self.write(f"src/{header}", "#pragma once\n")

    def test_arrows_down_are_clean(self):
        self.write("src/base/result.cc", '#include "base/result.h"\n#include <vector>\n')
        self.write("src/core/stage.cc", '#include "base/result.h"\n#include "generated/rules.h"\n')
        self.write("src/mechanisms/net/loop.cc", '#include "mechanisms/text/normal.h"\n')
        self.write("src/pillars/access/limits/bucket.cc",
                   '#include "mechanisms/net/loop.h"\n#include "pillars/access/keys/key.h"\n')
        self.write("src/surfaces/gateway/serve.cc",
                   '#include "core/stage.h"\n#include "mechanisms/net/http1/parser.h"\n')
        self.write("src/app/main.cc", '#include "pillars/data/pii/find.h"\n'
                   '#include "surfaces/gateway/serve.h"\n#include "surfaces/cli/run.h"\n')
        self.write("src/app/CMakeLists.txt", "davy_module(SOURCES main.cc\n"
                   "  USES surfaces/gateway surfaces/cli pillars/access/keys fmt::fmt)\n")
        for module in ["surfaces/gateway", "surfaces/cli", "pillars/access/keys"]:
            self.write(f"src/{module}/CMakeLists.txt", "davy_module(USES core TESTS key_test.cc)\n")
        self.assert_clean()

    def test_an_arrow_up_is_caught(self):
        self.write("src/base/result.cc", '#include "base/result.h"\n\n#include "core/stage.h"\n')
        self.assert_caught("src/base/result.cc:3:", "arrows point down")

    def test_generated_rules_are_above_base(self):
        self.write("src/base/result.cc", '#include "generated/rules.h"\n')
        self.assert_caught("src/base/result.cc:1:")

    def test_a_mechanism_may_not_use_a_later_one(self):
        self.write("src/mechanisms/text/normal.cc", '#include "mechanisms/net/loop.h"\n')
        self.assert_caught("mechanisms/text may not use mechanisms/net")

    def test_a_pillar_may_not_use_another(self):
        self.write("src/pillars/data/pii/find.cc", '#include "pillars/access/keys/key.h"\n')
        self.assert_caught("pillars never use each other")

    def test_a_surface_may_not_use_another(self):
        self.write("src/surfaces/cli/run.cc", '#include "surfaces/gateway/serve.h"\n')
        self.assert_caught("surfaces never use each other")

    def test_a_surface_may_not_use_a_pillar(self):
        self.write("src/surfaces/cli/run.cc", "#include <pillars/access/keys/key.h>\n")
        self.assert_caught("interfaces in core")

    def test_tests_obey_the_floors_too(self):
        self.write("src/base/result_test.cc", '#include "app/builtins.h"\n')
        self.assert_caught("src/base/result_test.cc:1:")

    def test_the_product_may_not_use_what_is_made_for_tests(self):
        self.write("src/core/contract/stage_contract.h", "#pragma once\n")
        self.write("src/core/stage_test.cc", '#include "core/contract/stage_contract.h"\n')
        self.assert_clean()
        self.write("src/core/stage.cc", '#include "core/contract/stage_contract.h"\n')
        self.assert_caught("src/core/stage.cc:1:", "made for tests")

    def test_a_header_named_beside_itself_is_caught(self):
        self.write("src/core/stage.cc", '#include "stage.h"\n')
        self.assert_caught("by their path below src/")

    def test_a_header_that_is_not_there_is_caught(self):
        self.write("src/core/stage.cc", '#include "base/gone.h"\n')
        self.assert_caught("does not exist")

    def test_an_unknown_folder_is_caught(self):
        self.write("src/mechanisms/misc/all.cc", '#include "base/result.h"\n')
        self.assert_caught("mechanisms/misc")

    def test_cmake_is_held_too(self):
        self.write("src/pillars/access/keys/CMakeLists.txt", "davy_module(USES core)\n")
        self.write("src/core/CMakeLists.txt", "davy_module(\n  SOURCES stage.cc\n"
                   "  USES base pillars/access/keys\n  TESTS stage_test.cc)\n")
        self.assert_caught("src/core/CMakeLists.txt:3:", "arrows point down")

    def test_cmake_targets_by_their_full_name_are_held_too(self):
        self.write("src/pillars/access/keys/CMakeLists.txt", "davy_module(USES core)\n")
        self.write("src/surfaces/cli/CMakeLists.txt",
                   "davy_module()\ntarget_link_libraries(davy_surfaces_cli INTERFACE\n"
                   "  davy_pillars_access_keys)\n")
        self.assert_caught("src/surfaces/cli/CMakeLists.txt:3:", "interfaces in core")

    def test_comments_and_strings_are_no_includes(self):
        self.write("src/base/result.cc", "\n".join([
            '// #include "core/stage.h"',
            '/*',
            '#include "core/stage.h"',
            '*/',
            'const char* a = R"x(',
            '#include "core/stage.h"',
            ')x";',
            "const int thousand = 1'000; const char quote = '\"';",
            'const char* b = "// \\" #include <core/stage.h>";',
            '#include "base/result.h" // not "core/stage.h"',
            ""]))
        self.write("src/base/CMakeLists.txt", "davy_module(USES fmt::fmt)  # USES core/stage\n")
        self.assert_clean()

    def test_an_include_after_a_tricky_literal_is_still_seen(self):
        self.write("src/base/result.cc",
                   "const char quote = '\"';\nconst char* a = R\"(\")\";\n#include \"core/stage.h\"\n")
        self.assert_caught("src/base/result.cc:3:")

    def test_an_empty_tree_is_not_clean(self):
        for file in self.root.rglob("*.h"):
            file.unlink()
        self.assertEqual(self.run_tool()[0], 2)


if __name__ == "__main__":
    unittest.main()
