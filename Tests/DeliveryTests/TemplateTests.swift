import Formats
import Testing

@testable import Delivery

@Suite struct TemplateTests {
    @Test(
        "a value in a text never becomes markup",
        arguments: [
            "*bold* _em_ `code`", "[x](https://evil.example)", "![x](https://evil.example/p.png)", "<script>alert(1)</script>", "<b>x</b>",
            "# Title", "- item", "1. one", "> quote", "a\n\n# b", "a\n---", "a\n===", "    code", "\tcode", "&lt;b&gt; &amp;", "~~~\nx",
            "***", "https://evil.example", "]: https://evil.example", "\\*", "a\r\n\r\n- b", "+ x", "12) x",
        ])
    func escapes(value: String) throws {
        let html = Markdown.html(try TextTemplate("{{v}}", for: .markdown).render(["v": value]))
        let tags = html.split(separator: "<").dropFirst(html.hasPrefix("<") ? 0 : 1).map { $0.prefix { $0 != ">" && $0 != " " } }
        #expect(Set(tags).isSubset(of: ["p", "/p", "br"]), "\(html)")
    }

    @Test(
        "a value in a text arrives as it was",
        arguments: [
            "Ana-María O'Neil", "HY-2026_11*22", "50% off (today) [really] & more!", "李雷", "1. one", "#1042", "a\\b", "C:\\dir", "<3",
            "x@example.com", "12.50", "~", "a \"quoted\" word",
        ])
    func keeps(value: String) throws {
        let text = Markdown.text(try TextTemplate("So: {{v}}", for: .markdown).render(["v": value]))
        #expect(text.split(separator: "\n").first == "So: \(value)")
    }

    @Test func `a value with lines keeps its lines`() throws {
        let text = try TextTemplate("{{v}}", for: .markdown).render(["v": "one\ntwo\n\nthree\n"])
        #expect(text == "one\\\ntwo\\\nthree")
    }

    @Test func `a value can stand in a link's address`() throws {
        let text = try TextTemplate("[see]({{url}})", for: .markdown).render(["url": "https://shop.example/a_b(c)?x=1&y=2"])
        #expect(Markdown.html(text).contains("href=\"https://shop.example/a_b(c)?x=1&amp;y=2\""))
    }

    @Test(
        "a value in a header stays on its line",
        arguments: ["x\r\nBcc: all@example.com", "x\nBcc: all@example.com", "x\rBcc: all@example.com", "x\u{2028}Bcc: all@example.com"])
    func header(value: String) throws {
        #expect(try TextTemplate("Hi {{v}}", for: .header).render(["v": value]) == "Hi x Bcc: all@example.com")
    }

    struct Case: Sendable {
        let text: String
        let gives: String
    }
    @Test(
        "names, sections and dots find their values",
        arguments: [
            Case(text: "{{name}}", gives: "Ana"), Case(text: "{{customer.city}}", gives: "Lyon"), Case(text: "{{ name }}", gives: "Ana"),
            Case(text: "{{#nick}}Hi {{nick}}{{/nick}}{{^nick}}Hello{{/nick}}", gives: "Hello"),
            Case(text: "{{#name}}Hi {{name}}, {{.}}{{/name}}", gives: "Hi Ana, Ana"), Case(text: "{{#gold}}gold{{/gold}}", gives: ""),
            Case(text: "{{^gold}}plain{{/gold}}", gives: "plain"), Case(text: "{{#customer}}{{city}}{{/customer}}", gives: "Lyon"),
            Case(text: "{{uppercased(name)}}", gives: "ANA"), Case(text: "{{! not shown }}x", gives: "x"), Case(text: "", gives: ""),
            Case(text: "{ {{name}} }", gives: "{ Ana }"),
            Case(text: "line one\n{{#name}}\nline two\n{{/name}}\n", gives: "line one\nline two\n"),
        ])
    func finds(_ item: Case) throws {
        let values = ["name": "Ana", "customer.city": "Lyon", "gold": "false", "empty": " "]
        #expect(try TextTemplate(item.text, for: .markdown).render(values) == item.gives)
    }

    struct Wrong: Sendable {
        let text: String
        let says: String
    }
    @Test(
        "what cannot be sent says why",
        arguments: [
            Wrong(text: "Hello {{first_name}}", says: "`first_name` has no value"), Wrong(text: "{{empty}}", says: "`empty` has no value"),
            Wrong(text: "{{a}} {{b}} {{a}}", says: "`a`, `b` have no value"),
            Wrong(text: "{{customer.first_name}}", says: "`customer.first_name` has no value"),
            Wrong(text: "{{customer}}", says: "`customer` has no value"),
            Wrong(text: "{{lowercased(nick)}}", says: "`nick` has no value"),
            Wrong(text: "{{shouted(name)}}", says: "`shouted(…)` has no value"),
            Wrong(
                text: "one\n{{{name}}}",
                says: "line 2 uses {{{, which a message's text may not; write {{name}}, and every value is made safe for its place"),
            Wrong(
                text: "{{&name}}",
                says: "line 1 uses {{&, which a message's text may not; write {{name}}, and every value is made safe for its place"),
            Wrong(
                text: "{{% CONTENT_TYPE: TEXT}}",
                says: "line 1 uses {{%, which a message's text may not; write {{name}}, and every value is made safe for its place"),
            Wrong(
                text: "{{=<% %>=}}<%name%>",
                says: "line 1 uses {{=, which a message's text may not; write {{name}}, and every value is made safe for its place"),
            Wrong(
                text: "{{> other}}",
                says: "line 1 uses {{>, which a message's text may not; write {{name}}, and every value is made safe for its place"),
            Wrong(text: "a\nb {{#x}} c", says: "line 2: a section {{#…}} is not closed by {{/…}}"),
            Wrong(text: "{{#x}}{{/y}}", says: "line 1: a section is closed by another name than it was opened with"),
            Wrong(
                text: "{{first name}}",
                says: "line 1: a {{…}} is not finished or holds a name with other characters than letters, digits, _ - and dots"),
        ])
    func says(_ item: Wrong) {
        let error = #expect(throws: TemplateError.self) {
            try TextTemplate(item.text, for: .markdown).render(["name": "Ana", "customer.city": "Lyon", "empty": " \n"])
        }
        #expect(error?.description == item.says)
    }

    @Test(
        "an address a mail can be sent to",
        arguments: [
            ("ana@example.com", true), ("a.b+c@x-y.example", true), ("a@b", true), ("", false), ("ana", false), ("a@@b", false),
            ("a b@c.example", false), ("a@b c.example", false), ("<a@b.example>", false), ("a@b.example\r\nRCPT TO:<x@y.example>", false),
            (".a@b.example", false), ("a..b@c.example", false), ("a@-b.example", false), ("a@b..c", false), ("\"a b\"@c.example", false),
            ("ü@b.example", false), (String(repeating: "a", count: 65) + "@b.example", false),
        ])
    func address(text: String, isGood: Bool) { #expect((EmailAddress(text) != nil) == isGood) }

    @Test(
        "only a dead address is told apart from the rest",
        arguments: [
            ("550 5.1.1 no such user", true), ("550-5.1.1 no such user", true), ("553 5.1.10 null MX", true), ("550 5.2.1 disabled", true),
            ("550 5.1.2 no such host", true), ("550 5.7.1 blocked", false), ("550 5.7.26 not signed", false), ("552 5.2.2 full", false),
            ("550 5.1.8 bad sender", false), ("550 5.1.7 bad sender", false), ("550 no such user", false), ("451 4.1.1 later", false),
            ("550 see 10.5.1.1", false), ("", false),
        ])
    func dead(reply: String, isDead: Bool) { #expect((EnhancedStatus(in: reply)?.meansDeadAddress ?? false) == isDead) }
}
