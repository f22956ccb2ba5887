#!/usr/bin/env python3
"""How the program's own readers score on the public corpora: a table, and every case that is not as its source states it.

    conformance.py --hongyan BINARY --kit FOLDER [--write docs/conformance.md] [--only CORPUS…] [--verbose]

For each corpus `hongyan probe` reads all cases in one process; the kit's own comparer judges each on the fields its source states. A check
fails when a case has no answer or takes too long, when a rate is below the best other program's, or when a case that differs is not explained in
explained.json ({corpus: {case: "right: why" | "not yet: why"}}). An explanation that is needed no more fails too, so that the list stays true.
"""

import argparse
import fnmatch
import importlib.util
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS_A_CASE = 2
SECONDS_A_LARGE_CASE = 10
AIM = 98.0


def comparer(kit):
    spec = importlib.util.spec_from_file_location("compare", os.path.join(kit, "tools", "compare.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def kit_tool(kit, name):
    spec = importlib.util.spec_from_file_location(name, os.path.join(kit, "tools", name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def unsafe(html_safe, answer):
    """What the kit's checker, which parses as browsers do, finds in every piece of HTML of an answer."""
    pieces = [answer["html"]] if "html" in answer else []
    for part in [answer.get("feed") or {}] + (answer.get("entries") or []):
        pieces += [part[key] for key in ("title", "summary", "content", "description", "rights") if isinstance(part.get(key), str)]
    return [problem for piece in pieces for problem in html_safe.problems(piece)]


def judged_html(html_safe, folder, answers):
    """A case passes when nothing of it can run, and nothing its source wants gone is in a place where it counts."""
    good, differing = 0, []
    cases = sorted(os.listdir(os.path.join(folder, "expected")))
    for file in cases:
        case = file[:-5]
        with open(os.path.join(folder, "expected", file), encoding="utf-8") as opened:
            stated = json.load(opened)
        answer = answers.get(case, {"error": "no answer"})
        wrong = [answer["error"]] if answer.get("error") else unsafe(html_safe, answer)
        tags = [word for word in stated.get("must_not_contain", []) if word.startswith("<") and word not in ("<img", "<i />")]
        wrong += ["contains " + word for word in tags if word in answer.get("html", "").lower()]
        good += not wrong
        if wrong:
            differing.append((case, wrong, None))
    return good, len(cases), {}, differing


def judged(compare, name, folder, answers):
    """The comparer's verdict, after what its rules leave to the reader of the kit's README; names and counts it does not look at are judged here."""
    expected = os.path.join(folder, "expected")
    if name == "flufl-bounce":  # there, hard means a permanent failure, and what is no bounce has none
        for answer in answers.values():
            for bounce in answer.get("bounces") or []:
                bounce["hard"] = bounce.get("permanent", bounce.get("hard"))
            if answer.get("class") != "bounce":
                answer["bounces"] = []
    good, total, fields, differing = compare.run(folder, answers, "expected")
    if total:
        return good, total, fields, differing
    for file in sorted(os.listdir(expected)):
        case = file[:-5]
        with open(os.path.join(expected, file), encoding="utf-8") as opened:
            stated = json.load(opened)
        answer, wrong = answers.get(case, {}), []
        # Some sources list the body among the names, some leave it out, or files that have no name of their own.
        named = [name for name in answer.get("names") or [] if not name.startswith("body.")]
        if "names" in stated and not set(name for name in stated["names"] if not name.startswith("body.")) <= set(named):
            wrong.append("names")
        if "messages_count" in stated and stated["messages_count"] != len(answer.get("messages") or []):
            wrong.append("messages_count")
        if "messages" in stated and [m.get("subject") for m in stated["messages"]] != [m.get("subject") for m in answer.get("messages") or []]:
            wrong.append("subjects")
        total += 1
        good += not wrong
        if wrong:
            differing.append((case, wrong, answer.get("error")))
    return good, total, fields, differing


def reason_for(reasons, case):
    return next((text for pattern, text in reasons.items() if fnmatch.fnmatchcase(case, pattern)), "")


def probe(binary, corpus, folder):
    cases = sorted(os.path.join(folder, "cases", name) for name in os.listdir(os.path.join(folder, "cases")))
    limit = 30 + sum(SECONDS_A_LARGE_CASE if os.path.getsize(case) > 1 << 20 else SECONDS_A_CASE for case in cases)
    command = [binary, "probe", corpus["kind"], "--jsonl", *corpus.get("options", [])]
    began = time.monotonic()
    run = subprocess.run(command, input="\n".join(cases) + "\n", capture_output=True, text=True, timeout=limit, check=False)
    seconds = time.monotonic() - began
    actual = {}
    for line in run.stdout.split("\n"):
        if line.strip():
            answer = json.loads(line)
            actual[answer["id"]] = answer
    ids = {os.path.splitext(os.path.basename(case))[0] for case in cases}
    return actual, sorted(ids - set(actual)), seconds, run.returncode


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--hongyan", required=True)
    parser.add_argument("--kit", required=True)
    parser.add_argument("--write")
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    compare = comparer(options.kit)
    html_safe = kit_tool(options.kit, "html_safe") if importlib.util.find_spec("html5lib") else None
    corpora = json.load(open(os.path.join(HERE, "corpora.json"), encoding="utf-8"))
    explained = json.load(open(os.path.join(HERE, "explained.json"), encoding="utf-8"))
    passed = failed = skipped = 0
    rows, notes = [], []

    def check(good, words):
        nonlocal passed, failed
        if good:
            passed += 1
        else:
            failed += 1
            print(f"FAILED: {words}")

    for corpus in corpora:
        name = corpus["corpus"]
        folder = os.path.join(options.kit, name)
        if options.only and name not in options.only:
            continue
        if not os.path.isdir(folder):
            print(f"{name}: not in this kit; skipped")
            skipped += 1
            continue
        try:
            actual, missing, seconds, code = probe(options.hongyan, corpus, folder)
        except subprocess.TimeoutExpired:
            check(False, f"{name}: the probe did not end in time")
            continue
        check(not missing and code in (0, 1), f"{name}: exit {code}, no answer for {', '.join(missing[:5]) or 'none'}")
        unread = sum(1 for answer in actual.values() if answer.get("error"))
        row = {"name": name, "kind": corpus["kind"], "cases": len(actual), "unread": unread, "seconds": seconds, "other": "", "rate": None}
        rows.append(row)
        if not os.path.isdir(os.path.join(folder, "expected")) or not os.listdir(os.path.join(folder, "expected")):
            continue
        if corpus.get("robustness"):
            continue
        if html_safe is None and (corpus["kind"] == "html" or corpus.get("safe")):
            print(f"{name}: Python's html5lib is not there to judge with; skipped")
            skipped += 1
            rows.remove(row)
            continue
        if corpus.get("safe"):
            dangerous = [case for case, answer in actual.items() if unsafe(html_safe, answer)]
            row["safe"] = len(actual) - len(dangerous)
            check(not dangerous, f"{name}: unsafe HTML in {', '.join(dangerous[:20])}")
        if corpus["kind"] == "html":
            good, total, fields, differing = judged_html(html_safe, folder, actual)
        else:
            good, total, fields, differing = judged(compare, name, folder, actual)
        if corpus["kind"] == "reply":  # these corpora contradict each other about signatures alone: a case whose history is cut right passes one way
            kept, _, _, _ = probe(options.hongyan, {**corpus, "options": ["--keep-signature"]}, folder)
            keeping, _, _, differing_kept = judged(compare, name, folder, kept)
            row["signatures"] = (good, keeping, total)
            both = {case for case, _, _ in differing_kept}
            differing = [one for one in differing if one[0] in both]
            good = total - len(differing)
        rate = 100 * good / max(total, 1)
        row.update(good=good, total=total, rate=rate)
        if corpus.get("other"):
            row["other"] = f"{corpus['other']} {corpus['rate']} %"
            check(round(rate, 1) >= corpus["rate"], f"{name}: {rate:.1f} % is below {corpus['other']}'s {corpus['rate']} %")
        reasons = explained.get(name, {})
        unexplained = [case for case, _, _ in differing if not reason_for(reasons, case)]
        stale = [pattern for pattern in reasons if not any(fnmatch.fnmatchcase(case, pattern) for case, _, _ in differing)]
        check(not unexplained, f"{name}: {len(unexplained)} cases differ and are not explained: {', '.join(unexplained[:40])}")
        check(not stale, f"{name}: explained and not differing any more: {', '.join(stale[:12])}")
        row["right"] = sum(1 for case, _, _ in differing if reason_for(reasons, case).startswith("right"))
        for case, which, error in differing:
            notes.append((name, case, ", ".join(which), reason_for(reasons, case) or error or "not explained"))
        if options.verbose:
            print(name, {key: f"{a}/{b}" for key, (a, b) in fields.items()})
            for item in differing:
                print("   ", item)
        print(f"{name:22} {good:4}/{total:<4} {rate:5.1f} %  {row['other']}")

    text = document(rows, notes)
    if options.write and not options.only:
        with open(options.write, "w", encoding="utf-8") as file:
            file.write(text)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


def document(rows, notes):
    lines = [
        "# Conformance",
        "",
        "How the readers of this program score on public test corpora that other projects wrote. Written by `scripts/test conformance` from the",
        "command `hongyan probe`, which uses the very code that reads incoming mail and feeds. A case passes when every field that its source states is right.",
        "“Best other” is the best program that is not the corpus's own library, measured on the same cases. A case of the html corpora passes when nothing",
        "in what is left of it can run, as a parser that works like browsers sees it.",
        "",
        "| corpus | what | cases | as stated | rate | of the rest, ours is right by the standard | best other |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        if row["rate"] is None:
            unread = f", {row['unread']} refused with a reason" if row["unread"] else ""
            lines.append(f"| {row['name']} | {row['kind']} | {row['cases']} | robustness only: all answered{unread} | – | – | – |")
        else:
            what = row["kind"] + (f", {row['safe']}/{row['cases']} safe" if "safe" in row else "")
            lines.append(
                f"| {row['name']} | {what} | {row['cases']} | {row['good']}/{row['total']} | {row['rate']:.1f} % | {row['right']} | {row['other'] or '–'} |"
            )
    lines += [
        "",
        "## Signatures",
        "",
        "The reply corpora agree about quoted history and contradict each other about signatures. Above, a case counts when it is right one way or the other;",
        "here are both ways. The inbox sets signatures apart.",
        "",
        "| corpus | signature set apart | signature kept with the new words |",
        "|---|---:|---:|",
    ]
    for row in rows:
        if "signatures" in row:
            apart, kept, total = row["signatures"]
            lines.append(f"| {row['name']} | {apart}/{total} = {100 * apart / total:.1f} % | {kept}/{total} = {100 * kept / total:.1f} % |")
    lines += ["", "## Every case that differs", "", "| corpus | case | what differs | why |", "|---|---|---|---|"]
    for name, case, which, reason in notes:
        lines.append(f"| {name} | {case} | {which} | {reason.replace('|', '¦')} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
