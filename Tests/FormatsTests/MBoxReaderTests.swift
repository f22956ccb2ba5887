import Testing

@testable import Formats

@Suite struct MBoxReaderTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var file: String
        var mails: [String]
        var testDescription: String { name }
    }

    static let cases = [
        Case(
            name: "two mails with an empty line between",
            file: "From a@b Mon Jun  3 12:50:27 1996\nSubject: 1\n\none\n\nFrom a@b Mon Jun  3 12:50:28 1996\nSubject: 2\n\ntwo\n\n",
            mails: ["Subject: 1\n\none\n", "Subject: 2\n\ntwo\n"]),
        Case(
            name: "a quoted From loses one mark in the text, and an unquoted sentence stays",
            file: "From - Mon Jun  3 12:50:27 1996\nSubject: 1\n\n>From me\n>>From you\n\nFrom here on it is text\nand more\n",
            mails: ["Subject: 1\n\nFrom me\n>From you\n\nFrom here on it is text\nand more\n"]),
        Case(
            name: "a right Content-Length keeps unquoted From lines in their mail",
            file: "From a@b\nContent-Length: 39\n\nx\n\nFrom a@b Mon Jun  3 12:50:27 1996\ny\n\nFrom c@d\nSubject: 2\n\ntwo\n",
            mails: ["Content-Length: 39\n\nx\n\nFrom a@b Mon Jun  3 12:50:27 1996\ny\n", "Subject: 2\n\ntwo\n"]),
        Case(
            name: "a wrong Content-Length is not believed",
            file: "From a@b\nContent-Length: 7\n\nx\n\nFrom c@d Mon Jun  3 12:50:27 1996\nContent-Length: 99999\n\ntwo\n",
            mails: ["Content-Length: 7\n\nx\n", "Content-Length: 99999\n\ntwo\n"]),
        Case(
            name: "no empty line before the next mail",
            file: "From - \nSubject: 1\n\n--end--\nFrom - \nSubject: 2\n\ntwo\n", mails: ["Subject: 1\n\n--end--\n", "Subject: 2\n\ntwo\n"]),
        Case(
            name: "line ends of Windows",
            file: "From a@b Mon Jun  3 12:50:27 1996\r\nSubject: 1\r\n\r\none\r\n\r\nFrom 184@xxx\r\nSubject: 2\r\n\r\ntwo\r\n\r\n",
            mails: ["Subject: 1\r\n\r\none\r\n", "Subject: 2\r\n\r\ntwo\r\n"]),
        Case(name: "a lone mail without any From line", file: "\n\nSubject: 1\n\none\n", mails: ["Subject: 1\n\none\n"]),
        Case(name: "a header without an end", file: "From a@b Mon Jun  3 12:50:27 1996\nSubject: 1", mails: ["Subject: 1"]),
        Case(name: "an empty file", file: "", mails: []),
    ]

    @Test("a mailbox file is split into its mails, however it comes in", arguments: cases, [1, 7, 1 << 20])
    func splits(test: Case, piece: Int) {
        #expect(Self.split(Array(test.file.utf8), piece: piece) == test.mails)
    }

    @Test func `many mails in one file come out in order with their places`() {
        var file: [UInt8] = []
        for number in 0..<500 {
            file += "From a@b Mon Jun  3 12:50:27 1996\nSubject: \(number)\n\n\(String(repeating: "x\n", count: number))\n".utf8
        }
        var reader = MBoxReader()
        var found: [MBoxReader.Message] = []
        var i = 0
        while i < file.count {
            found += reader.messages(file[i..<min(i + 4096, file.count)])
            i += 4096
        }
        found += reader.lastMessages()
        #expect(found.count == 500)
        #expect(found.allSatisfy { Array(file[$0.begin..<$0.end]) == $0.bytes })
        #expect(found.last.map { Charset.string(Array($0.bytes.prefix(12))) } == "Subject: 499")
    }

    @Test func `one line of megabytes is read once, not again with every piece`() {
        let file =
            Array("From a@b Mon Jun  3 12:50:27 1996\nSubject: 1\n\n".utf8) + [UInt8](repeating: 0x78, count: 8 << 20) + Array("\n".utf8)
        #expect(Self.split(file, piece: 4096).map(\.utf8.count) == [file.count - 34])
    }

    private static func split(_ file: [UInt8], piece: Int) -> [String] {
        var reader = MBoxReader()
        var found: [[UInt8]] = []
        var i = 0
        while i < file.count {
            found += reader.feed(file[i..<min(i + piece, file.count)])
            i += piece
        }
        found += reader.finish()
        return found.map(Charset.string)
    }
}
