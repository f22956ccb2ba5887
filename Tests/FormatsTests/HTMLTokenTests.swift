import Testing

@testable import Formats

/// HTML is cut as browsers cut it (WHATWG HTML §13.2).
@Suite struct HTMLTokenTests {
    /// Writes what arrives, so that a test can be read.
    private final class Log: HTMLSink {
        var out = ""
        override func start(_ tag: HTMLTag, _ attributes: HTMLAttributes) {
            out += "<" + (tag == .unknown ? "?" + String(decoding: attributes.tag, as: UTF8.self) : tag.name)
            attributes.forEach { out += " \($0)=[\($1)]" }
            out += ">"
        }
        override func end(_ tag: HTMLTag) { out += "</\(tag.name)>" }
        override func text(_ bytes: UnsafeBufferPointer<UInt8>) { out += String(decoding: bytes, as: UTF8.self) }
    }

    private static func log(_ html: String) -> String {
        let log = Log()
        HTMLEvents.walk(html, into: log)
        return log.out
    }

    @Test(
        "tags, comments and references",
        arguments: [
            ("<A HREF=x  Title='y' title=z>t</A>", "<a href=[x] title=[y]>t</a>"),
            ("<a/href=x/onclick=y>t", "<a href=[x/onclick=y]>t</a>"), ("<a b=\"1\"c='2'd>t", "<a b=[1] c=[2] d=[]>t</a>"),
            ("a<!-- > --b--!>c<!-->d<!--->e<!--x", "acde"), ("a<?php x ?>b<!x>c</ x>d</>e", "abcde"), ("3 < 4 <5 <", "3 < 4 <5 <"),
            ("<script>if (a<b) '</scr'+'ipt>'</script>x", "<script></script>x"),
            ("<style><b></style><title>a<b>c</title>", "<style></style><title>a<b>c</title>"),
            ("<title>never closed<p>x", "<title>never closed<p>x</p></title>"), ("<xmp><b></xmp>y", "<xmp><b></xmp>y"),
            ("&lt&amp;&notit;&noti &copy2 &#x80;&#0;&#xD800; &CounterClockwiseContourIntegral; &no", "<&¬it;¬i ©2 €\u{FFFD}\u{FFFD} ∳ &no"),
            ("<a href='?a=1&copy=2&amp;b'>", "<a href=[?a=1&copy=2&b]></a>"), ("<a href='j&Tab;a&colon;b'>", "<a href=[j\ta:b]></a>"),
            ("<x-y z=1>t</X-Y>", "<?x-y z=[1]>t</>"), ("x <never closed", "x <never closed"), ("x <b class='y", "x "),
        ])
    func cuts(html: String, gives: String) { #expect(Self.log(html) == gives) }

    @Test(
        "what closes what",
        arguments: [
            ("<p>a<p>b<div>c", "<p>a</p><p>b</p><div>c</div>"),
            ("<ul><li>a<li>b<ul><li>c</ul></ul>", "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>"),
            ("<dl><dt>a<dd>b<dt>c</dl>", "<dl><dt>a</dt><dd>b</dd><dt>c</dt></dl>"),
            ("<table><tr><td>a<td>b<tr><td>c</table>d", "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>d"),
            ("<table><tr><td><table><tr><td>x</table>y</table>z", "<table><tr><td><table><tr><td>x</td></tr></table>y</td></tr></table>z"),
            ("<a>x<a>y", "<a>x</a><a>y</a>"), ("<div><b>x</div>y</b>", "<div><b>x</b></div>y"),
            ("<table><tr><td></div>x", "<table><tr><td>x</td></tr></table>"),
            ("<br/>a</br>b", "<br></br>a<br></br>b"), ("<svg><g>x<p>y", "<svg><?g>x</></svg><p>y</p>"),
            ("<html><body class=x>a</body></html>b", "ab"),
        ])
    func closes(html: String, gives: String) { #expect(Self.log(html) == gives) }
}

/// The sanitiser's output means the same whoever reads it: nothing in it is a script, an address of one, or open.
@Suite struct SanitiserTests {
    static let attacks = [
        "<svg><style><img src=x onerror=alert(1)></style></svg>",
        "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
        "<textarea><img title=\"</textarea><img src=x onerror=alert(1)>\">",
        "<a href=\"java&#10;script:alert(1)\">x</a>", "<a href=\"\u{1}javascript:alert(1)\">x</a>", "<a href='vbscript:x'>x</a>",
        "<img src=\"data:text/html,<script>alert(1)</script>\">", "<img srcset='x 1x, javascript:y 2x' src=`javascript:z`>",
        "<div style='background:u\\72l(javascript:x)'>y</div>", "<div style=\"width:expre/**/ssion(alert(1))\">y</div>",
        "<form><input formaction=javascript:x></form><isindex action=javascript:x>", "<base href=//evil.example><link rel=import href=x>",
        "<iframe srcdoc='<script>x</script>'></iframe><object data=javascript:x>kept</object>",
        "<p id=x name=y contenteditable autofocus onfocus=z tabindex=1>t</p>",
        "<template><script>alert(1)</script></template>", "<xss onpointerover=alert(1)>x</xss>", "<a href=x ping=//evil.example>y</a>",
        "<script\u{0}>alert(1)</script>", "<<script>alert(1)//<</script>", "<scr<script>ipt>alert(1)</scr</script>ipt>",
        "<img \u{2F}/onerror=alert(1) src=x>",
    ]

    @Test(arguments: attacks)
    func `nothing that runs is left`(html: String) {
        let safe = HTMLText.sanitised(html, remoteImages: true)
        var found: [String] = []
        let check = Check { found.append($0) }
        HTMLEvents.walk(safe, into: check)
        #expect(found.isEmpty, "\(safe)")
        #expect(HTMLText.sanitised(safe, remoteImages: true) == safe)
    }

    /// Reads the output again and complains about all that is not on the list.
    private final class Check: HTMLSink {
        private let complain: (String) -> Void
        init(_ complain: @escaping (String) -> Void) { self.complain = complain }
        override func start(_ tag: HTMLTag, _ attributes: HTMLAttributes) {
            if tag == .unknown || [.script, .style, .iframe, .object, .form, .base, .link, .svg, .math].contains(tag) {
                complain(tag.name)
            }
            attributes.forEach { name, value in
                if name.hasPrefix("on") || ["srcset", "ping", "id", "name", "srcdoc", "formaction"].contains(name) { complain(name) }
                if name == "href" || name == "src", let scheme = URLText.scheme(value),
                    !["http", "https", "mailto", "tel", "cid"].contains(scheme)
                {
                    complain(value)
                }
                if name == "style", value.contains("("), !value.contains("rgb") { complain(value) }
            }
        }
    }

    @Test func `what is allowed survives`() {
        let html =
            "<h2 align=\"center\">Head</h2><p style=\"color: red\">a <em>b</em> <mark>c</mark><br>d</p><ol start=\"3\"><li>e</li></ol>"
            + "<table border=\"1\"><tr><th scope=\"col\">f</th><td colspan=\"2\">g</td></tr></table><ruby>漢<rt>kan</rt></ruby>"
        #expect(HTMLText.sanitised(html, remoteImages: false) == html)
    }

    @Test func `the words of a formula and of what a picture stood for are kept`() {
        #expect(HTMLText.sanitised("<math><mi>a</mi><mo>+</mo><annotation>a+b</annotation></math>", remoteImages: false) == "a+")
        #expect(HTMLText.sanitised("<object data=x>instead</object>", remoteImages: false) == "instead")
        #expect(HTMLText.text("<math><mi>a</mi><mo>+</mo><annotation>a+b</annotation></math>") == "a+")
    }
}
