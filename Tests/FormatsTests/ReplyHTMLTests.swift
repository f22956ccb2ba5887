import Testing

@testable import Formats

@Suite struct ReplyHTMLTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var html: String
        var new: String
        var quoted: String
        var signature = ""
        var testDescription: String { name }
    }

    @Test(
        "the containers of mail programs are history",
        arguments: [
            Case(
                name: "Gmail",
                html:
                    """
                    <div dir=\"ltr\">Yes.</div><br><div class=\"gmail_quote\"><div dir=\"ltr\" class=\"gmail_attr\">On Mon, Jun\
                     3, 2024 at 10:00 AM Ann &lt;<a href=\"mailto:ann@example.org\">ann@example.org</a>&gt; wrote:<br></div><bl\
                    ockquote class=\"gmail_quote\"><div>One?</div></blockquote></div>
                    """,
                new: "Yes.", quoted: "One?"),
            Case(
                name: "Gmail, answers between the lines",
                html:
                    """
                    <div class=\"gmail_quote\"><div class=\"gmail_attr\">On Mon, Jun 3, 2024 at 10:00 AM Ann wrote:<br></div><b\
                    lockquote class=\"gmail_quote\">One?</blockquote><div>Yes.</div><blockquote class=\"gmail_quote\">Two?</blo\
                    ckquote><div>No.</div></div>
                    """,
                new: "Yes. No.", quoted: "Two?"),
            Case(
                name: "Gmail, the author's own indent",
                html: "<div>They say:<blockquote class=\"gmail_quote\">lamps are forever</blockquote>Really?</div>",
                new: "They say: lamps are forever Really?", quoted: ""),
            Case(
                name: "Apple Mail",
                html:
                    """
                    <div>Yes.</div><div><blockquote type=\"cite\"><div>On 3 Jun 2024, at 10:00, Ann wrote:</div><div>One?</div>\
                    </blockquote></div>
                    """,
                new: "Yes.", quoted: "One?"),
            Case(
                name: "Thunderbird",
                html:
                    """
                    <p>Yes.</p><div class=\"moz-cite-prefix\">Am 03.06.24 um 10:00 schrieb Ann:<br></div><blockquote type=\"cit\
                    e\" cite=\"mid:1@x\"><p>One?</p></blockquote><p>And no.</p><pre class=\"moz-signature\">-- \nAnn</pre>
                    """,
                new: "Yes. And no.", quoted: "One?", signature: "-- Ann"),
            Case(
                name: "Outlook on the web",
                html:
                    """
                    <div>Yes.</div><div id=\"appendonsend\"></div><hr style=\"width:98%\"><div id=\"divRplyFwdMsg\"><b>From:</b\
                    > Ann<br><b>Sent:</b> Monday</div><div>One?</div>
                    """,
                new: "Yes.", quoted: "One?"),
            Case(
                name: "Outlook, nested answer", html: "<div>Yes.</div><div id=\"x_divRplyFwdMsg\"><b>Von:</b> Ann</div><div>One?</div>",
                new: "Yes.", quoted: "One?"),
            Case(
                name: "Outlook's line above the header",
                html:
                    """
                    <p class=MsoNormal>Yes.</p><div style='border:none;border-top:solid #E1E1E1 1.0pt'><p class=MsoNormal><b>Fr\
                    om:</b> Ann &lt;ann@example.org&gt;<br><b>Sent:</b> Monday, June 3, 2024<br><b>To:</b> Bob<br><b>Subject:</\
                    b> Lamp</p></div><p class=MsoNormal>One?</p>
                    """,
                new: "Yes.", quoted: "One?"),
            Case(
                name: "Yahoo",
                html:
                    """
                    <div>Yes.</div><div id=\"yahoo_quoted_123\" class=\"yahoo_quoted\"><div>On Monday, Ann wrote:</div><div>One\
                    ?</div></div>
                    """,
                new: "Yes.", quoted: "One?"),
            Case(
                name: "QQ",
                html:
                    """
                    <div>可以。</div><div><br></div><div style=\"font-size:12px\">------------------&nbsp;原始邮件&nbsp;--------------\
                    ----</div><div style=\"background:#efefef\"><div><b>发件人:</b> \"客服\" &lt;care@example.com&gt;;</div><div><b>\
                    发送时间:</b> 2024年6月3日</div></div><div>好吗？</div>
                    """,
                new: "可以。", quoted: "好吗？"),
            Case(
                name: "163",
                html:
                    """
                    <div>可以。</div><p>At 2024-06-03 10:00:00, \"客服\" &lt;care@example.com&gt; wrote:</p><blockquote id=\"isReply\
                    Content\" style=\"BORDER-LEFT:#ccc 1px solid\"><div>好吗？</div></blockquote>
                    """,
                new: "可以。", quoted: "好吗？"),
            Case(
                name: "Foxmail",
                html:
                    """
                    <div>可以。</div><blockquote style=\"margin-Top: 0px\"><div style=\"border:none;border-top:solid #B5C4DF 1.0pt\
                    \"><div><b>发件人：</b> 客服</div><div><b>发送时间：</b> 2024-06-03 10:00</div><div><b>收件人：</b> 安</div></div><div>好吗？<\
                    /div></blockquote>
                    """,
                new: "可以。", quoted: "好吗？"),
            Case(
                name: "Zimbra", html: "<div>Yes.<hr id=\"zwchr\"><b>From: </b>Ann<br><b>To: </b>Bob<br><br>One?</div>", new: "Yes.",
                quoted: "One?"),
            Case(
                name: "Proton",
                html:
                    """
                    <div>Yes.</div><div class=\"protonmail_signature_block\">Sent with Proton Mail</div><div class=\"protonmail\
                    _quote\">On Monday, June 3rd, 2024 at 10:00, Ann &lt;ann@example.org&gt; wrote:<br><blockquote class=\"prot\
                    onmail_quote\" type=\"cite\">One?</blockquote></div>
                    """,
                new: "Yes.", quoted: "One?", signature: "Sent with Proton Mail"),
            Case(
                name: "text only", html: "Yes.<br><br>On 3 Jun 2024, at 10:00, Ann &lt;ann@example.org&gt; wrote:<br>One?", new: "Yes.",
                quoted: "One?"),
            Case(
                name: "Gmail's signature", html: "<div>Yes.</div><div class=\"gmail_signature\"><div>Ann Lee</div><div>Lamps</div></div>",
                new: "Yes.", quoted: "", signature: "Ann Lee Lamps"),
            Case(name: "nothing new", html: "<blockquote type=\"cite\">One?</blockquote>", new: "One?", quoted: ""),
        ])
    func containers(_ one: Case) {
        let split = ReplySplitter.split(html: one.html)
        func plain(_ html: String) -> String { HTMLText.text(html).split { $0.isWhitespace || $0 == ">" }.joined(separator: " ") }
        #expect(plain(split.newWords) == one.new)
        #expect(split.text.newWords.split(whereSeparator: \.isWhitespace).joined(separator: " ") == one.new)
        #expect(plain(split.quoted).hasSuffix(one.quoted))
        #expect(split.quoted.isEmpty == one.quoted.isEmpty)
        #expect(plain(split.signature) == one.signature)
        #expect(split.isWhole == (one.quoted.isEmpty && one.signature.isEmpty))
    }

    @Test("a Gmail forward stays the message")
    func forward() {
        let html =
            """
            <div>See below.</div><div class=\"gmail_quote\"><div class=\"gmail_attr\">---------- Forwarded message ---------<br\
            >From: Ann<br></div><div>It broke.</div></div>
            """
        #expect(ReplySplitter.split(html: html).newWords == html)
    }

    @Test("the HTML tells what the text does not show")
    func fallback() {
        let html = "<div>Yes.</div><div class=\"yahoo_quoted\">Ann asks whether there is one.</div>"
        #expect(ReplySplitter.split(text: "Yes.\nAnn asks whether there is one.", html: html).newWords == "Yes.")
        #expect(ReplySplitter.split(text: "Yes.\n> One?", html: html).reasons == ["line 2: “>” marks quoted lines"])
    }

    @Test("what each part keeps of the elements around it is closed again")
    func wellFormed() {
        let html = "<table class=\"a\"><tr><td><p>Yes &amp; no.</p></td></tr></table><div class=\"yahoo_quoted\"><p>One?</p></div>"
        let split = ReplySplitter.split(html: html)
        #expect(split.newWords == "<table class=\"a\"><tr><td><p>Yes &amp; no.</p></td></tr></table>")
        #expect(split.quoted == "<div class=\"yahoo_quoted\"><p>One?</p></div>")
    }

    @Test(
        "hostile documents end",
        arguments: [
            String(repeating: "<div class=gmail_quote>", count: 2000) + "x", String(repeating: "<blockquote>a", count: 1000),
            String(repeating: "<p>a</p>", count: 10_000), String(repeating: "<b>", count: 5000),
            "<pre>" + String(repeating: "a\n", count: 10_000),
        ])
    func hostile(html: String) {
        #expect(!ReplySplitter.split(html: html).text.pieces.isEmpty)
    }
}
