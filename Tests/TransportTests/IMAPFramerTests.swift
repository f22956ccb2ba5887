import Domain
import Testing

@testable import Transport

private func responses(_ text: String, chunk: Int = 1 << 20, limits: (inout IMAPFramer) -> Void = { _ in }) throws -> [IMAPResponse] {
    var framer = IMAPFramer()
    limits(&framer)
    var found: [IMAPResponse] = []
    let bytes = Array(text.utf8)
    for start in stride(from: 0, to: bytes.count, by: chunk) {
        framer.feed(Array(bytes[start..<min(start + chunk, bytes.count)]))
        while let parts = try framer.next() { found.append(try IMAPResponse(parts)) }
    }
    #expect(!framer.isInside)
    return found
}

private func string(_ text: String) -> IMAPValue { .string(Array(text.utf8)) }

@Suite struct IMAPFramerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let bytes: String
        let means: [IMAPResponse]
        var testDescription: String { String(bytes.prefix(60)) }
    }

    static let cases: [Case] = [
        Case(bytes: "* 3 EXISTS\r\n", means: [.data(number: 3, name: "EXISTS", values: [])]),
        Case(bytes: "* SEARCH\r\n", means: [.data(number: nil, name: "SEARCH", values: [])]),
        Case(bytes: "* search 1 22\n", means: [.data(number: nil, name: "SEARCH", values: [.atom("1"), .atom("22")])]),
        Case(bytes: "+ idling\r\n+\r\n", means: [.continuation("idling"), .continuation("")]),
        Case(
            bytes: "h7 OK [READ-ONLY] EXAMINE done\r\n",
            means: [.status(tag: "h7", word: "OK", code: [.atom("READ-ONLY")], text: "EXAMINE done")]),
        Case(bytes: "* BYE too many {12}\r\n", means: [.status(tag: nil, word: "BYE", code: [], text: "too many {12}")]),
        Case(bytes: "h1 NO no such box {3}\r\n", means: [.status(tag: "h1", word: "NO", code: [], text: "no such box {3}")]),
        Case(
            bytes: "* OK [PERMANENTFLAGS (\\Seen \\*)] Limited\r\n",
            means: [
                .status(
                    tag: nil, word: "OK", code: [.atom("PERMANENTFLAGS"), .list([.atom("\\Seen"), .atom("\\*")])], text: "Limited")
            ]),
        Case(bytes: "* OK [HINT (open] x\r\n", means: [.status(tag: nil, word: "OK", code: [], text: "x")]),
        Case(
            bytes: "* LIST (\\HasNoChildren) NIL \"a \\\"b\\\\\"\r\n",
            means: [.data(number: nil, name: "LIST", values: [.list([.atom("\\HasNoChildren")]), .missing, string("a \"b\\")])]),
        Case(
            bytes: "* 1 FETCH (UID 5 BODY[] {15}\r\nh1 OK fake\r\n)\r\n FLAGS (\\Seen))\r\nh1 OK done\r\n",
            means: [
                .data(
                    number: 1, name: "FETCH",
                    values: [
                        .list([
                            .atom("UID"), .atom("5"), .atom("BODY[]"), string("h1 OK fake\r\n)\r\n"), .atom("FLAGS"),
                            .list([.atom("\\Seen")]),
                        ])
                    ]),
                .status(tag: "h1", word: "OK", code: [], text: "done"),
            ]),
        Case(
            bytes: "* 1 FETCH (BODY[HEADER.FIELDS (To Cc)]<0> {2+}\r\nhi BODY[] ~{0}\r\n X {1}\r\n{)\r\n",
            means: [
                .data(
                    number: 1, name: "FETCH",
                    values: [
                        .list([.atom("BODY[HEADER.FIELDS (To Cc)]<0>"), string("hi"), .atom("BODY[]"), string(""), .atom("X"), string("{")])
                    ])
            ]),
        Case(
            bytes: "* 2 FETCH (ENVELOPE ((NIL NIL \"a\" \"b\")(NIL)) UID 9)\r\n",
            means: [
                .data(
                    number: 2, name: "FETCH",
                    values: [
                        .list([
                            .atom("ENVELOPE"), .list([.list([.missing, .missing, string("a"), string("b")]), .list([.missing])]),
                            .atom("UID"),
                            .atom("9"),
                        ])
                    ])
            ]),
        Case(
            bytes: "* 4 FETCH (BODY[] \"gr\u{fc}\u{df}e {5}\")\r\n",
            means: [
                .data(number: 4, name: "FETCH", values: [.list([.atom("BODY[]"), string("gr\u{fc}\u{df}e {5}")])])
            ]),
    ]

    @Test("a response means the same however it is cut into pieces", arguments: cases, [1, 2, 3, 7, 1 << 20])
    func meaning(_ expected: Case, chunk: Int) throws {
        #expect(try responses(expected.bytes, chunk: chunk) == expected.means)
    }

    struct Bad: Sendable {
        let bytes: String
        let says: String
    }

    @Test(
        "what is against the grammar is named",
        arguments: [
            Bad(bytes: "\r\n", says: "an empty line"),
            Bad(bytes: "hello\r\n", says: "the line hello is cut short"),
            Bad(bytes: "HTTP/1.1 400 Bad Request\r\n", says: "it said HTTP/1.1 400"),
            Bad(bytes: "* 1 FETCH (UID 5\r\n", says: "a list is not closed"),
            Bad(bytes: "* 1 FETCH (UID 5))\r\n", says: "a closing parenthesis too many"),
            Bad(bytes: "* LIST \"INBOX\r\n", says: "a quoted string is not closed"),
            Bad(bytes: "* X " + String(repeating: "(", count: 40) + "\r\n", says: "lists are nested deeper than 32"),
            Bad(bytes: "* 1 FETCH (BODY[] {101}\r\n", says: "it sends 101 bytes where at most 100 are taken"),
            Bad(
                bytes: "* 1 FETCH (A {60}\r\n" + String(repeating: "a", count: 60) + " B {60}\r\n",
                says: "it sends 60 bytes where at most 100 are taken"),
            Bad(bytes: "* " + String(repeating: "a", count: 5000), says: "a line is longer than 4096 bytes"),
        ])
    func refusal(_ bad: Bad) {
        let error = #expect(throws: IMAPSyntaxError.self) {
            try responses(bad.bytes, chunk: 1000) { framer in
                framer.literalBytesMax = 100
                framer.lineBytesMax = 4096
            }
        }
        #expect(error?.reason == bad.says)
    }

    @Test func `a line of one megabyte is read, one byte more is not`() throws {
        let line = "* OK " + String(repeating: "x", count: (1 << 20) - 6)
        guard case .status(nil, "OK", _, let text)? = try responses(line + "\r\n", chunk: 65536).first else {
            Issue.record("no status")
            return
        }
        #expect(text.utf8.count == (1 << 20) - 6)
        #expect(throws: IMAPSyntaxError("a line is longer than 1048576 bytes")) { try responses(line + "yy\r\n", chunk: 65536) }
    }

    @Test func `cutting noise at any place never crashes the parser`() {
        let seed = Array("* 1 FETCH (UID 5 BODY[] {3}\r\nabc FLAGS (\\Seen) X \"q\\\"\" NIL)\r\nh1 OK [A (b)] c\r\n+ x\r\n".utf8)
        let noise = Array("(){}[]\"\\ \r\n~+*9a".utf8)
        var state: UInt64 = 42
        var refused = 0
        for _ in 0..<3000 {
            var bytes = seed
            for _ in 0..<3 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let place = Int(state >> 33) % bytes.count
                if state & 1 == 0 { bytes.remove(at: place) } else { bytes[place] = noise[Int(state >> 20 & 0xffff) % noise.count] }
            }
            var framer = IMAPFramer()
            framer.feed(bytes)
            do { while let parts = try framer.next() { _ = try IMAPResponse(parts) } } catch { refused += 1 }
        }
        #expect(refused > 100 && refused < 3000)
    }
}

@Suite struct IMAPTextTests {
    @Test(
        "a mailbox name is written in modified UTF-7",
        arguments: [
            ("INBOX", "\"INBOX\""), ("Tom & Jerry", "\"Tom &- Jerry\""), ("~peter/mail/台北/日本語", "\"~peter/mail/&U,BTFw-/&ZeVnLIqe-\""),
            ("a\"b\\c", "\"a\\\"b\\\\c\""), ("已发送", "\"&XfJT0ZAB-\""), ("Entwürfe", "\"Entw&APw-rfe\""),
        ])
    func mailbox(name: String, written: String) throws {
        #expect(try IMAPText.mailbox(name) == written)
    }

    @Test func `a mailbox name cannot smuggle in a command`() {
        let error = #expect(throws: TransportError.self) { try IMAPText.mailbox("INBOX\r\nh9 DELETE x") }
        #expect(error?.description == "a mailbox name is empty or holds a control character; check the account's folders.")
    }

    @Test func `UIDs are folded into ranges and cut into commands`() {
        #expect(IMAPText.sets([5, 3, 1, 2, 9, 9, 8], limit: 4) == ["1:3,5", "8:9"])
        #expect(IMAPText.sets([], limit: 4) == [])
        #expect(IMAPText.sets([UInt32.max - 1, UInt32.max], limit: 2) == ["4294967294:4294967295"])
    }

    @Test(
        "an internal date becomes an instant",
        arguments: [
            ("17-Jul-1996 02:44:25 -0700", "1996-07-17T09:44:25Z"), (" 1-Jan-2026 00:00:00 +0800", "2025-12-31T16:00:00Z"),
            ("29-Feb-2024 23:59:59 +0530", "2024-02-29T18:29:59Z"),
        ])
    func date(text: String, instant: String) {
        #expect(IMAPText.date(text)?.description == instant)
    }

    @Test("what is no date is none", arguments: ["", "17-Foo-1996 02:44:25 -0700", "17-Jul-1996 25:44:25 -0700", "17-Jul-1996 02:44:25"])
    func noDate(text: String) {
        #expect(IMAPText.date(text) == nil)
    }
}
