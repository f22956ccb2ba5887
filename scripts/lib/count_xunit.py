"""Adds up the test cases of xUnit files: N passed, N failed, N skipped. What is no XML, because its writer died, is one failure."""
import sys
import xml.etree.ElementTree as tree

passed = failed = skipped = 0
for path in sys.argv[1:]:
    try:
        cases = list(tree.parse(path).iter("testcase"))
    except tree.ParseError as error:
        print(f"{path}: {error}", file=sys.stderr)
        failed += 1
        continue
    for case in cases:
        if case.find("skipped") is not None:
            skipped += 1
        elif case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        else:
            passed += 1
print(f"{passed} passed, {failed} failed, {skipped} skipped")
