"""Says what a benchmark's results lack: where our program died, timed out or lost mail, and which runs have no result.

bench_verdict.py --bench FOLDER [--workloads "mail hard"] [--peers "p_rt …"] [--rounds N] FILE.jsonl…
Without --rounds one result of each is enough. Ends with 1 when our program failed or is missing; of peers it only tells.
"""
import argparse
import json
import re
import signal
import sys

OURS = "hongyan"
# A peer's script and how the name in its results begins; `p_rt` prints `rt5 sqlite`, `rt5 pg` and `rt5 sqlite mailgate`.
NAMES = {
    "p_curl": "curl", "p_helpdesk": "django-helpdesk", "p_imaplib": "imaplib", "p_mbsync": "mbsync", "p_notmuch": "notmuch",
    "p_publicinbox": "public-inbox", "p_redmine": "redmine", "p_roundup": "roundup", "p_rspamd": "rspamd", "p_rt": "rt5",
}


def read(paths):
    """-> the results, and what could not be read."""
    rows, problems = [], []
    for path in paths:
        try:
            lines = open(path, encoding="utf-8").read().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{path} cannot be read: {error}")
            continue
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                rows.append({**row, "peer": str(row["peer"]), "workload": str(row["workload"])})
            except (ValueError, KeyError, TypeError):
                problems.append(f"{path} line {number} is no result; the run was cut off there")
    return rows, problems


def planned(bench, workload):
    """How often one round of the workload runs each script, read from run_all.sh; ours is `p_ours`."""
    case = re.search(rf"(?ms)^{re.escape(workload)}\)(.*?);;", open(f"{bench}/run_all.sh", encoding="utf-8").read())
    runs = {}
    for name in re.findall(r"\b(p_\w+)\.py|\b(ours) ", case.group(1) if case else ""):
        script = name[0] or "p_ours"
        runs[script] = runs.get(script, 0) + 1
    return runs


def ends(row):
    """How the program ended otherwise than it should, in words."""
    stored = f"{row['stored']} of {row['of']} mails stored" if "stored" in row and "of" in row else "nobody counted the mails"
    words = []
    if row.get("timed_out"):
        words.append(f"timed out after {row.get('seconds')} s, {stored}")
    early = row.get("exited_early")
    if early is not None:
        how = f"signal {signal.Signals(-early).name}" if early < 0 else f"exit status {early}"
        words.append(f"died ({how}), {stored}")
    if row.get("killed"):
        words.append("did not stop when it was told to and was killed")
    # Some of the hard feeds cannot be read, by design, and `hongyan poll` says so by its status.
    is_told = row["peer"] == OURS and row["workload"] == "feed-hard" and row.get("rc") == 1
    if row.get("rc") and not is_told:
        words.append(f"ended with status {row['rc']}")
    if not words and row.get("lost"):
        words.append(f"lost mail: {stored}; lost: {row.get('lost_kinds')}")
    if row["workload"].startswith("feed") and not words:
        # Of the hard set, four entries share an id with another one of their feed; no others may be lacking.
        lack = row.get("of", 0) - row.get("entries", 0)
        shared = row["workload"] == "feed-hard" and set(row.get("missing") or {}) == {"dup_guid"}
        if lack > (4 if shared else 0):
            words.append(f"lost {lack} of {row.get('of')} entries: {row.get('missing')}")
        found, _, wanted = (row.get("changed_found") or "/").partition("/")
        if found != wanted:
            words.append(f"found {found} of the {wanted} entries that came when a tenth of the feeds changed")
        if row.get("garbled_feeds"):
            words.append(f"garbled {row['garbled_feeds']} feeds: {row.get('garbled_kinds')}")
    if row.get("late"):
        words.append(f"did not show {row['late']} of the mails that came one by one")
    return words


def missing(runs, found, rounds):
    """-> words about a script with fewer results than runs; None when all are there."""
    wanted = runs * rounds if rounds else 1
    if found >= wanted:
        return None
    return "no result" if found == 0 else f"{found} of {wanted} runs gave a result"


def judge(workload, rows, runs, asked, rounds):
    """-> (our failures, remarks about peers), each a list of sentences."""
    failures, remarks = [], []
    ours = [row for row in rows if row["peer"] == OURS]
    lack = missing(runs.get("p_ours", 1), len(ours), rounds)
    if lack:
        failures.append(f"MISSING: {OURS} in {workload}: {lack}")
    for number, row in enumerate(ours, 1):
        failures += [f"FAILED: {OURS} in {workload}, run {number} of {len(ours)}: {words}" for words in ends(row)]
    for script in [name for name in runs if name != "p_ours"] if asked is None else asked:
        if script not in runs:
            remarks.append(f"note: {script} takes no part in {workload}")
            continue
        prefix = NAMES.get(script, script.removeprefix("p_"))
        found = [row for row in rows if row["peer"].startswith(prefix)]
        lack = missing(runs[script], len(found), rounds)
        if lack:
            remarks.append(f"MISSING: {script} in {workload}: {lack}")
    for row in rows:
        if row["peer"] == OURS:
            continue
        # What a peer loses is its figure in the table; a run that ended badly is no figure.
        if row.get("timed_out") or row.get("exited_early") is not None or row.get("rc"):
            remarks.append(f"INCOMPLETE: {row['peer']} in {workload}: {'; '.join(ends(row))}")
    return failures, remarks


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True)
    parser.add_argument("--workloads", default="")
    parser.add_argument("--peers")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    rows, problems = read(options.files)
    workloads = options.workloads.split() or list(dict.fromkeys(row["workload"] for row in rows))
    asked = None if options.peers is None else [name for name in options.peers.split() if name != "p_ours"]
    failures, remarks = [], [f"MISSING: {problem}" for problem in problems]
    if not workloads:
        failures.append(f"MISSING: {OURS}: there is no result at all")
    for workload in workloads:
        mine = [row for row in rows if row["workload"] == workload]
        failed, said = judge(workload, mine, planned(options.bench, workload), asked, options.rounds)
        failures += failed
        remarks += said
    for row in rows:
        if row.get("changed_s"):
            print(f"{row['peer']}: a tenth of {row['n']} feeds changed: {row['n'] / row['changed_s']:.0f}/s, {row['changed_found']} new entries found",
                  file=sys.stderr)
    for line in remarks + failures:
        print(line, file=sys.stderr)
    if not failures:
        print(f"{OURS}: nothing failed in {', '.join(workloads)}" + ("; of the peers something is missing, see above" if remarks else ""),
              file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
