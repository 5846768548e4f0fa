import unittest

from house import House


class CheckCoroutines(House):
    TOOL = "check_coroutines.py"

    def judge(self, body):
        self.write("src/base/a.cc", "Task<void> f() {\n" + body + "\n}\n")

    def test_what_is_awaited_first_is_clean(self):
        self.judge("const Io io = co_await read();\nif (io != Io::ok) co_return;")
        self.judge("if (a && b) x = co_await read();")
        self.judge("if (!done) co_return co_await cut();")
        self.judge("for (;;) {\n  const Io io = co_await read();\n  if (a || b) break;\n}")
        self.judge("run([&](Task&& t) -> Task<void> { co_await t.wait(); });\nbool x = a && b;")
        self.judge("// if (co_await read()) is wrong\nlog(\"co_await a && b\");")
        self.assert_clean()

    def test_a_lambda_in_a_condition_is_judged_by_itself(self):
        self.judge("if (run([&]() -> Task<void> { co_await read(); })) return;")
        self.assert_clean()

    def test_conditions_are_caught(self):
        for body in ["if (co_await read() != Io::ok) co_return;",
                     "if (!co_await read()) co_return;",
                     "while (co_await read() == Io::ok) {\n}",
                     "for (int i = 0; co_await read(); ++i) {\n}",
                     "if (a(co_await read())) co_return;",
                     "} else if (co_await read()) {"]:
            self.judge(body)
            self.assert_caught("src/base/a.cc:2:", "in a condition")

    def test_logic_is_caught(self):
        for body in ["x = a && co_await read();",
                     "x = co_await read() || b;",
                     "x = large() ? co_await far() : near();",
                     "co_return co_await read() && b;"]:
            self.judge(body)
            self.assert_caught("src/base/a.cc:2:", "beside")

    def test_an_empty_tree_is_told(self):
        self.assertEqual(self.run_tool()[0], 2)


if __name__ == "__main__":
    unittest.main()
