import Testing

@testable import Formats

@Suite struct HTMLTextTests {
    struct Case: Sendable { var html: String; var gives: String }

    @Test(
        "HTML is reduced to the text a reader sees",
        arguments: [
            Case(html: "<p>one</p><p>two\n three</p>", gives: "one\n\ntwo three"),
            Case(html: "a<br>b<br><br>c<div>d</div>e", gives: "a\nb\n\nc\nd\ne"),
            Case(html: "<ul><li>one<li>two<ol><li>x<li>y</ol></ul>", gives: "- one\n- two\n\n  1. x\n  2. y"),
            Case(
                html: "<a href='https://e.com/x'>our site</a>, <a href='http://e.com/'>e.com</a>",
                gives: "our site (https://e.com/x), e.com"),
            Case(html: "<a href='mailto:a@b.c'>a@b.c</a> <a href='javascript:x()'>y</a>", gives: "a@b.c y"),
            Case(html: "<table><tr><td>a<td>b<tr><td>c</table>", gives: "a\tb\nc"),
            Case(html: "<style>p{}</style><script>x</script><title>t</title><p style='display:none'>hidden</p>seen", gives: "seen"),
            Case(html: "&lt;b&gt; &amp; &eacute;&nbsp;&#25105; &#x1F621;", gives: "<b> & é 我 😡"),
            Case(html: "<blockquote>quoted<br>words</blockquote>mine", gives: "> quoted\n> words\n\nmine"),
            Case(html: "<pre>a\n  b</pre>", gives: "a\nb"),
            Case(html: "<img alt='a cat' src=x> <img src=y>", gives: "[a cat]"),
            Case(html: "<p>never closed <b>bold", gives: "never closed bold"),
            Case(html: "words only", gives: "words only"),
            Case(html: "中<b>文</b>字", gives: "中文字"),
            Case(html: "", gives: ""),
            Case(html: "<", gives: "<"),
        ])
    func text(_ test: Case) { #expect(HTMLText.text(test.html) == test.gives) }

    @Test(
        "HTML of strangers is made safe to show",
        arguments: [
            Case(html: "<p onclick=x() class=c>hi<script>alert(1)</script></p>", gives: "<p>hi</p>"),
            Case(html: "<a href=' java\tscript:alert(1)'>x</a>", gives: "<a target=\"_blank\" rel=\"noopener noreferrer nofollow\">x</a>"),
            Case(
                html: "<a href=https://e.com>x</a>",
                gives: "<a href=\"https://e.com\" target=\"_blank\" rel=\"noopener noreferrer nofollow\">x</a>"),
            Case(html: "<img src=https://e.com/p.gif onerror=x>", gives: "<img data-remote-src=\"https://e.com/p.gif\">"),
            Case(html: "<img src=//e.com/p.gif>", gives: "<img data-remote-src=\"https://e.com/p.gif\">"),
            Case(html: "<img src=cid:a@b alt='\"x'>", gives: "<img src=\"cid:a@b\" alt=\"&quot;x\">"),
            Case(html: "<img src='data:image/svg+xml;base64,AAAA'>", gives: "<img>"),
            Case(html: "<img src='data:image/png;base64,AAAA'>", gives: "<img src=\"data:image/png;base64,AAAA\">"),
            Case(
                html: "<p style='color:red;position:fixed;background:url(x);width:expression(1)'>x</p>",
                gives: "<p style=\"color: red\">x</p>"),
            Case(html: "<p style='color:rgb(1,2,3); color:\\72 ed; margin:-9px'>x</p>", gives: "<p style=\"color: rgb(1,2,3)\">x</p>"),
            Case(html: "<svg><a xlink:href='javascript:x'>y</a></svg><iframe src=x>z</iframe>after", gives: "after"),
            Case(html: "<form action=x><input name=a><b>kept</b></form>", gives: "<b>kept</b>"),
            Case(html: "<b>open", gives: "<b>open</b>"),
            Case(html: "a < b & c", gives: "a &lt; b &amp; c"),
        ])
    func sanitised(_ test: Case) {
        let safe = HTMLText.sanitised(test.html, remoteImages: false)
        #expect(Self.withoutFrame(safe) == Self.withoutFrame(test.gives))
    }

    @Test func `remote images show when they are allowed`() {
        #expect(HTMLText.sanitised("<img src=https://e.com/p.gif>", remoteImages: true).contains("<img src=\"https://e.com/p.gif\">"))
    }

    @Test func `text behind very deep nesting is not lost`() {
        let html =
            String(repeating: "<b><div title='a>b'>", count: 1000) + "deep" + String(repeating: "</div></b>", count: 1000) + "<p>after"
        #expect(HTMLText.text(html) == "deep\n\nafter")
        #expect(HTMLText.sanitised(html, remoteImages: false).contains("deep"))
    }

    @Test func `what is safe stays the same when made safe again`() {
        let once = HTMLText.sanitised(
            "<p style='color:red'>a<a href=https://e.com>b</a><ul><li>c</ul><table><tr><td>d</table>", remoteImages: false)
        #expect(HTMLText.sanitised(once, remoteImages: false) == once)
    }

    @Test(arguments: [
        "<div>", "<b>", "<table><tr><td>", "<ul><li>", "<blockquote>", "<a href=x>", "<p", "</p>", "<!--", "&amp", "<![CDATA[",
    ])
    func `a hundred thousand unclosed pieces end in a result`(piece: String) {
        let html = String(repeating: piece, count: 100_000) + "end"
        #expect(HTMLText.text(html).utf8.count <= html.utf8.count * 6)
        #expect(!HTMLText.sanitised(html, remoteImages: false).contains("<script"))
    }

    /// A paragraph may stand around bare text.
    private static func withoutFrame(_ html: String) -> String {
        html.hasPrefix("<p>") && html.hasSuffix("</p>") ? String(html.dropFirst(3).dropLast(4)) : html
    }

    @Test(
        "a snippet is the first words on one line",
        arguments: [
            ("  Hello\n\n  world  ", 20, "Hello world"), ("Hello world", 6, "Hello…"), ("👩‍👩‍👧👍🏽您好", 3, "👩‍👩‍👧👍🏽…"), ("您好您好", 4, "您好您好"),
            ("x", 0, ""),
        ])
    func snippet(text: String, max: Int, gives: String) { #expect(TextTrim.snippet(text, max: max) == gives) }

    @Test func `a snippet of a megabyte is short`() {
        #expect(TextTrim.snippet(String(repeating: "您", count: 1 << 20), max: 80).count == 80)
    }
}
