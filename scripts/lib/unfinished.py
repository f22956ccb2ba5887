"""The tests and suites of a Swift Testing log that began and never ended, a line each."""
import re
import sys

LINE = re.compile(r'^\S+ +((?:Test case|Test|Suite) .+?)(?: with \d+ test cases?)? (started|passed|failed|skipped)\b[^"]*$')

begun = {}
with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
    for line in log:
        found = LINE.match(line.rstrip())
        if not found or found[1].startswith("Test case"):
            continue
        if found[2] == "started":
            begun[found[1]] = begun.get(found[1], 0) + 1
        else:
            begun.pop(found[1], None)
for name in begun:
    print(f"  {name}")
