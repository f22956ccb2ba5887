import Formats
import Testing

@Suite struct MarkdownTests {
    struct Case: Sendable { var md: String; var gives: String }

    @Test(
        "Markdown becomes HTML without anything dangerous",
        arguments: [
            Case(md: "Hello *you*", gives: "<p>Hello <em>you</em></p>\n"),
            Case(md: "a <b onclick=x>b</b> c", gives: "<p>a b c</p>\n"),
            Case(md: "<script>alert(1)</script>\n\nafter", gives: "<p>after</p>\n"),
            Case(md: "[x](javascript:alert(1))", gives: "<p><a href=\"\">x</a></p>\n"),
            Case(md: "[x](https://e.com)", gives: "<p><a href=\"https://e.com\">x</a></p>\n"),
            Case(md: "", gives: ""),
        ])
    func html(_ test: Case) { #expect(Markdown.html(test.md) == test.gives) }

    @Test func `an answer keeps its line breaks`() {
        #expect(Markdown.html("Hello,\nthanks", hardBreaks: true) == "<p>Hello,<br />\nthanks</p>\n")
        #expect(Markdown.html("Hello,\nthanks") == "<p>Hello,\nthanks</p>\n")
    }

    @Test(
        "Markdown becomes plain text",
        arguments: [
            Case(md: "# Title\n\nHello *you*,\n`code`", gives: "Title\n\nHello you,\ncode"),
            Case(md: "[our site](https://e.com) and <https://e.com>", gives: "our site: https://e.com and https://e.com"),
            Case(md: "- one\n- two\n  - three\n\nafter", gives: "- one\n- two\n  - three\n\nafter"),
            Case(md: "3. a\n4. b", gives: "3. a\n4. b"),
            Case(md: "> quoted\n> words\n\nmine", gives: "> quoted\n> words\n\nmine"),
            Case(md: "> a\n>\n> b", gives: "> a\n>\n> b"),
            Case(md: "    x\n    y\n\n---\n\nz", gives: "x\ny\n\n---\n\nz"),
            Case(md: "a <b>b</b> &amp; c", gives: "a b & c"),
            Case(md: "-\n- x", gives: "- \n- x"),
            Case(md: "", gives: ""),
        ])
    func text(_ test: Case) { #expect(Markdown.text(test.md) == test.gives) }
}
