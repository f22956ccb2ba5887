"""Turns the bench's templates and people into a letter and a list for `hongyan send`.

send_letter.py TEMPLATES PEOPLE.csv INTO   TEMPLATES holds en_s.txt, en_t.txt, zh_… in Jinja's syntax; items are name;count;price|…
A list of things becomes the columns item_1, item_2, …: the letter prints those that are there.
"""
import csv
import pathlib
import re
import sys

ITEMS_MAX = 5


def letter(subject, text):
    """A Jinja template as Mustache in Markdown."""
    items = "".join("{{#item_%d}}\n- {{item_%d}}\n{{/item_%d}}\n" % (n, n, n) for n in range(1, ITEMS_MAX + 1))
    text = re.sub(r"(?s)\{% for i in items %\}.*?\{% endfor %\}\n?", lambda _: items, text)
    plain = [re.sub(r"\{\{ (\w+) \}\}", r"{{\1}}", part) for part in (subject.strip(), text)]
    return '---\nsubject: "%s"\n---\n%s' % tuple(plain)


def main():
    templates, people, into = (pathlib.Path(argument) for argument in sys.argv[1:4])
    (into / "letter").mkdir(parents=True, exist_ok=True)
    for language, name in (("en", "10-shipped.md"), ("zh", "10-shipped.zh.md")):
        subject, text = ((templates / f"{language}_{kind}.txt").read_text(encoding="utf-8") for kind in "st")
        (into / "letter" / name).write_text(letter(subject, text), encoding="utf-8")
    with open(people, newline="", encoding="utf-8") as source, open(into / "list.csv", "w", newline="", encoding="utf-8") as target:
        rows = csv.DictReader(source)
        kept = [name for name in rows.fieldnames if name != "items"]
        out = csv.writer(target)
        out.writerow(kept + [f"item_{n}" for n in range(1, ITEMS_MAX + 1)])
        for row in rows:
            items = [item.split(";") for item in row["items"].split("|")]
            shown = [f"{count} x {name}  {price}" for name, count, price in items][:ITEMS_MAX]
            out.writerow([row[name] for name in kept] + shown + [""] * (ITEMS_MAX - len(shown)))


main()
