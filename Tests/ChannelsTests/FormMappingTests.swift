import Domain
import Testing

@testable import Channels

@Suite struct FormMappingTests {
    static let now = Timestamp(seconds: 1_800_000_000)

    static func json(_ text: String, _ change: (inout FormMapping) -> Void = { _ in }) throws -> FormReading {
        var mapping = FormMapping(format: .json, records: "$.entries[*]")
        change(&mapping)
        return try mapping.interactions(Array(text.utf8), account: "contact", since: nil, receivedAt: now)
    }

    @Test func `an entry is read by the mapping's paths, and keeps every field in order`() throws {
        let reading = try Self.json(
            """
            {"entries": [{"id": 9007199254740993, "at": "2026-11-20T08:00:00Z", "who": {"full": "王芳", "mail": "Fang@Example.CN"},
              "tel": "+86 138 0013 8000", "about": "退款", "words": "订单还没到", "tags": ["a", "b"]}]}
            """
        ) {
            $0.id = "id"
            $0.occurredAt = "at"
            $0.name = "who.full"
            $0.email = "who.mail"
            $0.phone = "tel"
            $0.subject = "about"
            $0.text = "words"
        }
        #expect(reading.skipped.isEmpty)
        let form = try #require(reading.interactions.first)
        #expect(form.externalID == "9007199254740993")
        #expect(form.kind == .form)
        #expect(form.occurredAt.description == "2026-11-20T08:00:00Z")
        #expect(form.author == Interaction.Author(name: "王芳", email: "fang@example.cn", phone: "+8613800138000"))
        #expect(form.subject == "退款")
        #expect(form.body == "订单还没到")
        #expect(form.fields.map(\.name) == ["id", "at", "who.full", "who.mail", "tel", "about", "words", "tags"])
        #expect(form.fields.last?.value == "a, b")
    }

    @Test func `fields with well-known names need no mapping, in English and Chinese`() throws {
        let english = try Self.json(
            #"{"entries": [{"Your-Name": "Ann", "E-Mail*": "ann@example.com", "Phone": "020 1234567", "Message": "Hello there"}]}"#)
        #expect(english.interactions[0].author == Interaction.Author(name: "Ann", email: "ann@example.com", phone: "0201234567"))
        #expect(english.interactions[0].body == "Hello there")
        let chinese = try Self.json(#"{"entries": [{"姓名": "李雷", "电子邮箱": "li@example.cn", "手机": "13800138000", "主题": "咨询", "留言": "您好"}]}"#)
        #expect(chinese.interactions[0].author == Interaction.Author(name: "李雷", email: "li@example.cn", phone: "13800138000"))
        #expect(chinese.interactions[0].subject == "咨询")
        #expect(chinese.interactions[0].body == "您好")
    }

    @Test func `without a text field the message lists what was filled in`() throws {
        #expect(try Self.json(#"{"entries": [{"colour": "red", "size": 4}]}"#).interactions[0].body == "colour: red\nsize: 4")
    }

    @Test func `an entry without fields is skipped with a sentence, the others stay`() throws {
        let reading = try Self.json(#"{"entries": [{}, {"message": "Hi"}, {"message": ""}]}"#)
        #expect(reading.interactions.map(\.body) == ["Hi"])
        #expect(reading.skipped == ["contact: entry 1 has no fields; it was skipped", "contact: entry 3 has no fields; it was skipped"])
    }

    @Test func `entries without an id are told apart by content, and equal ones by their count`() throws {
        let first = try Self.json(#"{"entries": [{"message": "Hi"}, {"message": "Hi"}]}"#).interactions.map(\.externalID)
        let later = try Self.json(#"{"entries": [{"message": "Hi"}, {"message": "Hi"}, {"message": "Hi"}, {"message": "Ho"}]}"#)
        #expect(Set(first).count == 2)
        #expect(later.interactions.map(\.externalID).prefix(2) == first[...])
        #expect(Set(later.interactions.map(\.externalID)).count == 4)
    }

    @Test func `a spreadsheet export is read by column names`() throws {
        var mapping = FormMapping(format: .csv)
        mapping.id = "Nr"
        mapping.text = "Words"
        let csv = "Nr,Email,Words,Submitted\r\n7,ann@example.com,\"Hello,\r\nworld\",2026-11-20\r\n"
        let form = try #require(
            try mapping.interactions(Array(csv.utf8), account: "contact", since: nil, receivedAt: Self.now).interactions.first)
        #expect(form.externalID == "7")
        #expect(form.author.email == "ann@example.com")
        #expect(form.body.hasPrefix("Hello,"))
        #expect(form.fields.map(\.name) == ["Nr", "Email", "Words", "Submitted"])
    }

    @Test func `entries older than the account's start are left out`() throws {
        var mapping = FormMapping(format: .json)
        mapping.occurredAt = "at"
        let json = #"[{"at": 1700000000, "m": "old"}, {"at": 1750000000000, "m": "new"}]"#
        let reading = try mapping.interactions(
            Array(json.utf8), account: "contact", since: Timestamp(seconds: 1_720_000_000), receivedAt: Self.now)
        #expect(reading.interactions.map(\.occurredAt) == [Timestamp(seconds: 1_750_000_000)])
    }

    @Test func `an empty list is fine`() throws { #expect(try Self.json(#"{"entries": []}"#).interactions.isEmpty) }

    @Test(
        "a document that says nothing says why",
        arguments: [
            (
                "<html>Sign in",
                "contact: the form's address gave a web page instead of data; check the address, and whether it wants a login"
            ),
            (
                #"{"data": [], "total": 0}"#,
                "contact: records path $.entries[*] finds nothing in the document; its keys are data, total"
            ),
            ("[]", "contact: records path $.entries[*] finds nothing in the document; it has no keys"),
        ])
    func explains(_ document: String, _ says: String) {
        let error = #expect(throws: FormError.self) { try Self.json(document) }
        #expect(error?.description == says)
    }

    @Test func `broken JSON is an error with its place`() {
        let error = #expect(throws: FormError.self) { try Self.json(#"{"entries": [{"a": 1}"#) }
        #expect(error?.description.hasPrefix("contact: JSON, line 1, column ") == true)
    }

    @Test func `a public form's post survives the spool`() throws {
        let post = PublicFormEntry(
            form: "contact", fields: [.init(name: "邮箱", value: "A@Example.com"), .init(name: "留言", value: "第一行\n\"第二行\"")],
            at: Timestamp(microseconds: 1_700_000_000_000_001), remote: "192.0.2.7")
        let read = try PublicFormEntry(json: post.json, account: "form:contact")
        #expect(read == post)
        let form = read.interaction(account: "form:contact", externalID: "p1", receivedAt: Self.now)
        #expect(form.author.email == "a@example.com")
        #expect(form.body == "第一行\n\"第二行\"")
        #expect(form.occurredAt == post.at)
        #expect(form.fields == post.fields)
    }
}
