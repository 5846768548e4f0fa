import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import make_man  # noqa: E402

HELP = {
    (): "Davylamp: a lamp.\nUsage: davy [OPTIONS] SUBCOMMAND\n\nSubcommands:\n"
        "  check                       Look\n  key                         Keys\n\n",
    ("check",): "Look\nUsage: davy check [OPTIONS]\n\nOptions:\n  -c,--config TEXT\n",
    ("key",): "Keys\nUsage: davy key SUBCOMMAND\n\nSubcommands:\n  make                        Make\n",
    ("key", "make"): "Make\nUsage: davy key make\n\n.hidden \\ line\n",
}


class MakeMan(unittest.TestCase):
    def test_every_command_is_a_part_and_groups_are_not(self):
        page = make_man.page(HELP.__getitem__, "davy 1.2.3", "2026-01-31")
        self.assertIn("\n.SS davy check\nLook\n", page)
        self.assertIn("\n.SS davy key make\n", page)
        self.assertNotIn(".SS davy key\n", page)
        self.assertIn('.TH DAVY 1 "2026\\-01\\-31"'.replace("\\-", "-"), page)

    def test_text_is_not_taken_for_orders(self):
        page = make_man.page(HELP.__getitem__, "davy 1.2.3", "")
        self.assertIn("\n\\&.hidden \\e line\n", page)
        self.assertIn("\\-c,\\-\\-config", page)


if __name__ == "__main__":
    unittest.main()
