import Testing

@testable import Formats

@Suite struct FormMailTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var text = ""
        var html: String?
        var says: [String]

        init(_ name: String, text: String = "", html: String? = nil, says: [String]) {
            testDescription = name
            self.text = text
            self.html = html
            self.says = says
        }
    }

    private static let labels: [String: Bool] = {
        var labels: [String: Bool] = [:]
        for label in ["Name", "Email", "Tel", "姓名", "邮箱", "手机号", "IP", "Page URL", "Date"] { labels[FormMail.key(label)] = false }
        for label in ["Message", "Message Body", "留言内容", "Your comment"] { labels[FormMail.key(label)] = true }
        return labels
    }()

    @Test(
        "labels and values are found",
        arguments: [
            Case(
                "lines with colons, the message last, a signature behind it",
                text: """
                    You have a new entry from your site:

                    Name: Ann Lee
                    Company: Lee: & Sons
                    Email: ann@example.com

                    Message Body:
                    Hello,

                    two questions: price? colour?
                    Name: not a field any more
                    https://example.com/x

                    -- 
                    This e-mail was sent from a contact form on Shop
                    """,
                says: [
                    "Name=Ann Lee", "Company=Lee: & Sons", "Email=ann@example.com",
                    "Message Body=Hello,\n\ntwo questions: price? colour?\nName: not a field any more\nhttps://example.com/x",
                ]),
            Case(
                "headings with the value below",
                text:
                    "--- Name ---\n\nAnn Lee\n\n--- Email ---\n\nann@example.com\n\n--- Your comment ---\n\nLine one\n\nLine two\n\n---\n",
                says: ["Name=Ann Lee", "Email=ann@example.com", "Your comment=Line one\n\nLine two"]),
            Case(
                "labels alone on their line, and a short value that ends with its paragraph",
                text: "name:\nAnn Lee\n\nemail:\nann@example.com\n\nmessage:\nHi\n\nTel\n555 1234\n\nSent by your site\n",
                says: ["name=Ann Lee", "email=ann@example.com", "message=Hi", "Tel=555 1234"]),
            Case(
                "what the tool adds behind the message",
                text: "Name: Ann\nEmail: ann@example.com\nMessage: Hi\nthere\n\n---\n\nDate: 22 November\nPage URL: https://a.example\n",
                says: ["Name=Ann", "Email=ann@example.com", "Message=Hi\nthere", "Date=22 November", "Page URL=https://a.example"]),
            Case(
                "stars, numbers and bold marks around the labels",
                text: "*Name:* Ann\n**Email**: ann@example.com\n3. Tel *: 555 1234\n",
                says: ["Name=Ann", "Email=ann@example.com", "3. Tel=555 1234"]),
            Case(
                "full-width colons and Chinese labels",
                text: "您收到一条新的表单提交：\n\n1、姓名：王芳\n邮箱:fang@example.cn\n【手机号】138 0013 8000\n公司：鸿雁\n留言内容：\n你好：\n请回电\n",
                says: ["1、姓名=王芳", "邮箱=fang@example.cn", "手机号=138 0013 8000", "公司=鸿雁", "留言内容=你好：\n请回电"]),
            Case(
                "a table of two columns in a table for the layout",
                html: """
                    <style>td{}</style><table><tr><td><h1>New entry</h1><table>
                    <tr><th>Question</th><th>Answer</th></tr>
                    <tr><td>Name</td><td>Ann&nbsp;Lee</td></tr><tr><td>Email:</td><td><a href="mailto:ann@example.com">ann@example.com</a></td></tr>
                    <tr><td>Tel</td><td></td></tr>
                    <tr><td>Message</td><td>Name: Bob<br>Second <b>line</b><p>Third</p></td></tr></table></td></tr></table>
                    """,
                says: [
                    "Question=Answer", "Name=Ann Lee", "Email=ann@example.com", "Tel=", "Message=Name: Bob\nSecond line\nThird",
                ]),
            Case(
                "rows of labels and rows of values, with an empty one",
                html: """
                    <table><tr bgcolor="#EAF2FA"><td colspan=2><font><strong>Name</strong></font></td></tr>
                    <tr><td width=20>&nbsp;</td><td><font>Ann Lee</font></td></tr>
                    <tr><td colspan=2><strong>Company</strong></td></tr><tr><td>&nbsp;</td><td>Lee</td></tr>
                    <tr><td colspan=2><strong>Tel</strong></td></tr><tr><td>&nbsp;</td><td></td></tr>
                    <tr><td colspan=2><strong>Email</strong></td></tr><tr><td>&nbsp;</td><td>ann@example.com</td></tr></table>
                    """,
                says: ["Name=Ann Lee", "Company=Lee", "Tel=", "Email=ann@example.com"]),
            Case(
                "a numbered table",
                html: "<table><tr><td>1</td><td>姓名</td><td>王芳</td></tr><tr><td>2.</td><td>手机号</td><td>13800138000</td></tr></table>",
                says: ["姓名=王芳", "手机号=13800138000"]),
            Case(
                "the lines when the table is only for the looks",
                text: "Name: Ann\nEmail: ann@example.com\n", html: "<table><tr><td>Logo</td><td>Shop</td></tr></table>",
                says: ["Name=Ann", "Email=ann@example.com"]),
            Case("nothing in a letter", text: "Dear team,\n\nPlease note: my name is Ann.\nThanks: Ann\n", says: []),
            Case("nothing in an empty mail", html: "", says: []),
        ])
    func reads(_ test: Case) {
        let fields = FormMail.fields(text: test.text, html: test.html, labels: Self.labels)
        #expect(fields.map { "\($0.label)=\($0.value)" } == test.says)
    }

    @Test(
        "labels are compared by letters and digits",
        arguments: [
            ("1. Your Name *", "yourname"), ("您的姓名：", "您的姓名"), ("E-Mail", "email"), ("Ｎａｍｅ", "name"), ("(2) Tel", "tel"),
            ("Address 2", "address2"), ("2nd phone", "2ndphone"), ("3、电话", "电话"), ("***", ""), ("", ""),
        ])
    func keys(label: String, key: String) { #expect(FormMail.key(label) == key) }

    @Test func `a mail of a million rows or lines is read up to the limits`() {
        let rows = "<table>" + String(repeating: "<tr><td>Name</td><td>x</td></tr>", count: 3000)
        #expect(FormMail.fields(text: "", html: rows, labels: Self.labels).count == FormMail.fieldsMax)
        let lines = String(repeating: "Name: x\n", count: 2000)
        #expect(FormMail.fields(text: lines, html: nil, labels: Self.labels).count == FormMail.fieldsMax)
        let long = "Name: x\nMessage: " + String(repeating: String(repeating: "word ", count: 20) + "\n", count: 4000)
        let message = FormMail.fields(text: long, html: nil, labels: Self.labels).last?.value ?? ""
        #expect(message.utf8.count <= FormMail.valueBytesMax)
        #expect(message.utf8.count > FormMail.valueBytesMax / 2)
        let deep = String(repeating: "<table><tr><td>", count: 5000) + "Name"
        #expect(FormMail.fields(text: "", html: deep, labels: Self.labels).isEmpty)
    }
}
