"""Prints what was measured as Markdown tables: medians, and ratios to a reference."""

import statistics


def median(rounds):
    return {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}


def table(title, columns, rows):
    """Rows of text; the first column is left, the others right."""
    widths = [max(len(row[i]) for row in [columns, *rows]) for i in range(len(columns))]
    def line(cells):
        return "| " + " | ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                                 for i, (cell, width) in enumerate(zip(cells, widths))) + " |"
    rule = "|" + "|".join(("-" * (width + 1) + ("-" if i == 0 else ":"))
                          for i, width in enumerate(widths)) + "|"
    print(f"\n### {title}\n\n{line(columns)}\n{rule}")
    for row in rows:
        print(line(row))


def not_measured(reasons):
    for name, why in reasons.items():
        print(f"\nnot measured: {name}: {why}")


def rates(title, results, reference, reasons):
    base = median(results[reference])
    columns = ["", "requests/s", "of nginx", "per CPU-s", "of nginx", "p50 ms", "p99 ms", "cores"]
    rows = []
    for name, rounds in results.items():
        m = median(rounds)
        rows.append([name, f"{m['rate']:.0f}", f"{m['rate'] / base['rate']:.2f}",
                     f"{m['per_cpu']:.0f}", f"{m['per_cpu'] / base['per_cpu']:.2f}",
                     f"{m['p50']:.2f}", f"{m['p99']:.2f}", f"{m['cores']:.2f}"])
    table(title, columns, rows)
    not_measured(reasons)
    for name, rounds in results.items():
        if name.startswith("davy"):
            for what, key in [("throughput", "rate"), ("per CPU-second", "per_cpu")]:
                print(f"\n{name} / {reference}, {what}, round by round: " + " ".join(
                    f"{ours[key] / theirs[key]:.2f}"
                    for ours, theirs in zip(rounds, results[reference])), end="")
    print()


def added(title, results, direct, reasons, extra=()):
    """Latencies above those of `direct`, round by round, then the median."""
    columns = ["", "p50 ms", "p99 ms", "added p50 ms", "added p99 ms", *(name for name, _ in extra)]
    rows = []
    for name, rounds in results.items():
        m = median(rounds)
        more = [f"{statistics.median(a[key] - b[key] for a, b in zip(rounds, results[direct])):.3f}"
                if name != direct else "" for key in ("p50", "p99")]
        rows.append([name, f"{m['p50']:.3f}", f"{m['p99']:.3f}", *more,
                     *(show(rounds) for _, show in extra)])
    table(title, columns, rows)
    not_measured(reasons)


def memory(title, results, reasons, idle, loaded):
    columns = ["", "fresh", f"{idle} idle connections", "KB for each",
               f"{loaded} connections under load"]
    def megabytes(value):
        return "–" if value is None else f"{value / 1e6:.1f}"
    rows = [[name, megabytes(m["fresh"]), megabytes(m["after"]),
             "–" if m["after"] is None else f"{(m['after'] - m['before']) / idle / 1e3:.2f}",
             megabytes(m["loaded"])]
            for name, m in results.items()]
    table(title, columns, rows)
    not_measured(reasons)
