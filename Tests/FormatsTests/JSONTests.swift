import Testing

@testable import Formats

@Suite struct JSONTests {
    @Test(
        "JSON comes back as it was, numbers and order too",
        arguments: [
            "null", "true", "[]", "{}", "\"\"", "-0.10", "12345678901234567890", "1E400", "[1,2.50,\"a\\nb\"]",
            "{\"b\":1,\"a\":{\"x\":[null]},\"b\":2}",
            "\"您好 😡 \\\"\\\\\"",
        ])
    func roundTrip(text: String) throws { #expect(try JSONValue.parse(Array(text.utf8)).json == text) }

    @Test func `escapes, pairs of surrogates and a byte order mark are understood`() throws {
        let text = #" {"a\u0062": "\ud83d\ude21 \u60a8 \/ \b", "lone": "\ud83dx"} "#
        let value = try JSONValue.parse([0xEF, 0xBB, 0xBF] + Array(text.utf8))
        #expect(value["ab"] == .string("😡 您 / \u{8}"))
        #expect(value["lone"] == .string("\u{FFFD}x"))
    }

    struct Bad: Sendable { var text: String; var says: String }

    @Test(
        "broken JSON is an error with its place",
        arguments: [
            Bad(text: "", says: "JSON, line 1, column 1: there is no value, only white space"),
            Bad(text: "{\"a\": [1, 2", says: "JSON, line 1, column 12: the document ends in the middle; fetch it again"),
            Bad(text: "{\"a\": \"half", says: "JSON, line 1, column 12: the document ends in the middle; fetch it again"),
            Bad(text: "{\n  \"a\" 1}", says: "JSON, line 2, column 7: a colon is missing after the name \"a\": 1}"),
            Bad(text: "[1 2]", says: "JSON, line 1, column 4: a comma or ] is missing here: 2]"),
            Bad(text: "{a: 1}", says: "JSON, line 1, column 2: a member's name in double quotes is missing here: a: 1}"),
            Bad(text: "<html>", says: "JSON, line 1, column 1: a value is missing here: <html>"),
            Bad(text: "[01]", says: "JSON, line 1, column 2: a number begins with 0: 01]"),
            Bad(text: "[1.]", says: "JSON, line 1, column 4: a digit is missing after the point: ]"),
            Bad(text: "nul", says: "JSON, line 1, column 1: the document ends in the middle; fetch it again"),
            Bad(text: "\"a\nb\"", says: "JSON, line 1, column 3: a string holds a bare control character; write \\n or \\u00XX"),
            Bad(text: "\"\\x\"", says: "JSON, line 1, column 3: a backslash may not stand before x\""),
            Bad(text: "1 2", says: "JSON, line 1, column 3: something follows the end of the document: 2"),
            Bad(text: String(repeating: "[", count: 100_000), says: "JSON, line 1, column 201: values are nested more than 200 deep"),
        ])
    func rejects(_ bad: Bad) {
        let error = #expect(throws: JSONError.self) { try JSONValue.parse(Array(bad.text.utf8)) }
        #expect(error?.description == bad.says)
    }

    static let document = """
        {"form": {"name": "care"}, "answers": [
          {"field": {"type": "email", "ref": "e"}, "email": "a@b.c", "n": 1},
          {"field": {"type": "text", "ref": "t"}, "text": "您好", "n": 2, "ok": true},
          {"field": {"type": "choice"}, "choice": {"label": "Red"}, "n": 10}
        ], "odd key": [[1, 2], [3]]}
        """

    struct Path: Sendable { var path: String; var gives: String }

    @Test(
        "a path finds its values",
        arguments: [
            Path(path: "form.name", gives: "care"), Path(path: "$.form.name", gives: "care"), Path(path: "@.form.name", gives: "care"),
            Path(path: "answers[0].email", gives: "a@b.c"), Path(path: "answers[-1].n", gives: "10"), Path(path: "answers[9]", gives: ""),
            Path(path: "answers[*].n", gives: "1 2 10"), Path(path: "$['odd key'][*][0]", gives: "1 3"),
            Path(path: "form.*", gives: "care"),
            Path(path: "answers[?@.field.type=='email'].email", gives: "a@b.c"), Path(path: "answers[?@.ok].text", gives: "您好"),
            Path(path: "answers[?!@.field.ref].n", gives: "10"), Path(path: "answers[?@.n>1 && @.n<=2 || @.email].n", gives: "1 2"),
            Path(path: "answers[? (@.n == 1.0 || @.ok == true) && @.field.type != 'text' ].n", gives: "1"),
            Path(path: "answers[?@.field.ref==$.form.name].n", gives: "error"), Path(path: ".", gives: "record"),
            Path(path: "missing.deeper", gives: ""),
        ])
    func path(_ test: Path) throws {
        let document = try JSONValue.parse(Array(Self.document.utf8))
        if test.gives == "error" {
            #expect(throws: JSONPathError.self) { try JSONPath(test.path) }
            return
        }
        let found = try JSONPath(test.path).values(in: document)
        #expect(test.gives == "record" ? found == [document] : found.map(\.plain).joined(separator: " ") == test.gives)
    }

    @Test func `a path with a dollar starts at the whole document, any other at the record`() throws {
        let document = try JSONValue.parse(Array(Self.document.utf8))
        let record = try #require(try JSONPath("answers[1]").first(in: document))
        #expect(try JSONPath("text").first(in: record, root: document) == .string("您好"))
        #expect(try JSONPath("$.form.name").first(in: record, root: document) == .string("care"))
    }

    @Test(
        "a path that cannot be read says where",
        arguments: [
            Bad(text: "", says: "path , column 1: the path is empty; write . for the record itself"),
            Bad(text: "$..a", says: "path $..a, column 3: .. is not supported; name every step"),
            Bad(text: "a[1:2]", says: "path a[1:2], column 4: slices are not supported; write one index or *"),
            Bad(text: "a['b]", says: "path a['b], column 3: the quote is never closed"),
            Bad(text: "a[b]", says: "path a[b], column 3: in brackets stands a number, '…', * or ?; not b]"),
            Bad(text: "a[?@.b=1]", says: "path a[?@.b=1], column 7: write == to compare"),
            Bad(text: "a[?b==1]", says: "path a[?b==1], column 4: a path in a filter begins with @ or $"),
            Bad(text: "a[0", says: "path a[0, column 4: ] is missing"),
            Bad(text: "a b", says: "path a b, column 3: b does not belong here"),
            Bad(text: "a.", says: "path a., column 3: a name is missing after the dot"),
        ])
    func rejectsPath(_ bad: Bad) {
        let error = #expect(throws: JSONPathError.self) { try JSONPath(bad.text) }
        #expect(error?.description == bad.says)
    }

    @Test(
        "any value has a plain text",
        arguments: [
            Path(path: "{\"label\":\"Red\",\"id\":1}", gives: "Red"), Path(path: "[\"a\",{\"text\":\"b\"},null]", gives: "a, b"),
            Path(path: "true", gives: "yes"),
            Path(path: "1.50", gives: "1.50"), Path(path: "{\"x\":1,\"y\":\"z\"}", gives: "x: 1, y: z"),
            Path(path: "{\"labels\":[\"A\",\"B\"]}", gives: "A, B"),
        ])
    func plain(_ test: Path) throws { #expect(try JSONValue.parse(Array(test.path.utf8)).plain == test.gives) }
}
