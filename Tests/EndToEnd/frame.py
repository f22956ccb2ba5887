"""What every end-to-end script needs around its story: arguments, a folder of its own, counted checks, and a look into the daemon's database."""
import argparse
import glob
import os
import re
import shutil
import sqlite3
import sys
import tempfile


class Checks:
    """Counts what held and what did not, and prints each as it comes."""

    SHOWN_MAX = 300

    def __init__(self):
        self.passed = self.failed = 0

    def true(self, what, value, detail=""):
        self.passed += bool(value)
        self.failed += not value
        shown = f": {str(detail)[-3000:]}" if detail != "" and not value else ""
        print(f"{'ok    ' if value else 'FAILED'} {what}{shown}", flush=True)
        return bool(value)

    def equal(self, what, found, expected):
        ok = found == expected
        shown = str(found)[: self.SHOWN_MAX]
        self.passed += ok
        self.failed += not ok
        print(f"{'ok    ' if ok else 'FAILED'} {what}: {shown if ok else f'{shown}, expected {str(expected)[: self.SHOWN_MAX]}'}", flush=True)
        return ok


def rows(database, sql, *arguments, write=False):
    """Reads a daemon's own database from outside; [] until it is there."""
    if not os.path.exists(database):
        return []
    connection = sqlite3.connect(f"file:{database}?mode={'rw' if write else 'ro'}", uri=True, timeout=30)
    try:
        found = connection.execute(sql, arguments).fetchall()
        connection.commit()
        return found
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []
        raise
    finally:
        connection.close()


def untold(folder, share):
    """How many different reasons the folder's databases hold, and those that the Chinese pages would show in English."""
    patterns = []
    with open(f"{share}/templates/pages/reasons.zh.txt", encoding="utf-8") as table:
        for line in table:
            if " = " in line and not line.startswith("#"):
                pieces = re.split(r"\{[a-z0-9_]+\}", line.split(" = ")[0].strip())
                patterns.append(re.compile(".+".join(map(re.escape, pieces)), re.DOTALL))
    reasons = set()
    for database in glob.glob(f"{folder}/**/*.sqlite3", recursive=True):
        reasons.update(rows(database, "SELECT DISTINCT decision, words FROM reasons"))
    return len(reasons), sorted(f"{decision}: {text}" for decision, text in reasons if not any(p.fullmatch(text) for p in patterns))


def arguments():
    """The parser with what every script takes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--hongyan", required=True, help="the program")
    parser.add_argument("--share", required=True, help="the folder that holds templates/")
    parser.add_argument("--keep", action="store_true", help="leave the folder with logs and database")
    return parser


def run(parser, name, story):
    """Calls story(options, folder), which returns its Checks, in a folder that is removed afterwards; ends with the closing line."""
    options = parser.parse_args()
    options.hongyan, options.share = os.path.abspath(options.hongyan), os.path.abspath(options.share)
    folder = tempfile.mkdtemp(prefix=f"hongyan-{name}-")
    os.chmod(folder, 0o755)
    try:
        checks = story(options, folder)
        if checks is not None:
            count, left = untold(folder, options.share)
            checks.true(f"{count} different reasons, all told in Chinese, too", not left, "\n  ".join(["", *left]))
    finally:
        if options.keep:
            print(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    if checks is None:  # skipped, as it said
        print("0 passed, 0 failed, 1 skipped")
        return
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed else 0)
